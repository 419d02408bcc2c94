"""The proof on real parts: real servers, real clients, and worker processes that are killed with SIGKILL at a call.

Tables and secrets are the embedded AWS's, the exchange answers over HTTP, and the bot is wired as in its function.
"""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from typing import Any

from cli import emulator, processes
from cli.paths import Home
from heisenbug.bot import Bot
from heisenbug.store.all import bind_all
from heisenbug.store.trade_book import TradeBook
from heisenbug.wiring import Wiring
from local.server import LOOPBACK, ExchangeServer, running
from local.trouble import CALM, Plan
from tests.crash.matrix import Case, Outcome, Scenario, concluded, scenarios_at
from tests.crash.proving import Figures, Tell
from tests.crash.tape import Tape, taped_aws, taped_http
from tests.crash.venues import AT_UPHOLD, CRASH_VENUES, CrashVenue
from tests.crash.world import LIFETIME_SECONDS, World, credential_of
from tests.fakes import Clock
from tests.tables import PREFIX, table_definitions

DEATHS = ("before", "after")
WORKER_SECONDS = 60
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Wish:
    """One tick for a worker: `number` is the call that it dies at, None where it lives and tells its calls."""

    environment: Mapping[str, str]
    at: float
    due: int
    number: int | None = None
    death: str = ""


class RealWorld(World):
    """A world whose exchange and tables are servers; only its clock is not real."""

    url = ""

    def process(self) -> "RealProcess":  # type: ignore[override]
        """A process of the function's own wiring, within this one."""
        return RealProcess(self)

    def environment(self) -> dict[str, str]:
        """What the function finds around it."""
        return {
            "BOT_ID": self.bot_id,
            "TABLE_PREFIX": PREFIX,
            "VENUE": self.venue.domain.name,
            "EXCHANGE_URL": self.url,
            "HISTORY_URL": f"{self.url}/local/samples",
            "LIVE_TRADING": "enabled",
            "CREDENTIAL_PARAMETER": credential_of(self.venue),
            "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
        }


class RealProcess:
    """One process over its lifetime, wired as the function is."""

    def __init__(self, world: RealWorld) -> None:
        self._wiring = Wiring(world.environment(), world.clock, world.clock.sleep)
        self._attempts = 0

    def bot(self) -> Bot:
        """The bot of one invocation."""
        self._attempts += 1
        return self._wiring.bot(f"{id(self)}-{self._attempts}", int(LIFETIME_SECONDS * 1000))


@dataclass(frozen=True, slots=True)
class Yard:
    """The servers, open; one world at a time has its exchange on a port."""

    tape: Tape
    workers: ForkServerContext
    venue: CrashVenue = AT_UPHOLD

    @contextmanager
    def world(self, plan: Plan = CALM) -> Iterator[RealWorld]:
        """A new bot with an exchange of its own."""
        world = RealWorld(self.tape, lambda: None, plan, TradeBook, self.venue)
        with running(ExchangeServer(world.exchange, (LOOPBACK, 0), world.seconds, None)) as server:
            world.url = server.url
            yield world

    def calls_of(self, scenario: Scenario) -> list[str]:
        """Every call of the scenario's tick, as a worker that lives makes them."""
        with self.world(scenario.plan) as world:
            scenario.begin(world)
            told, tell = self.workers.Pipe(duplex=False)
            self._work(Wish(world.environment(), world.clock.at, world.next_due()), tell)
            names: list[str] = told.recv()
            return names

    def run(self, case: Case) -> Outcome:
        """One case: the tick is a worker's, which dies at its call; then the bot runs on."""
        with self.world(case.scenario.plan) as world:
            case.scenario.begin(world)
            due = world.next_due()
            world.clock.at = max(world.clock.at, float(due))
            wish = Wish(world.environment(), world.clock.at, due, case.number, case.mishap.removeprefix("dies "))
            died = self._work(wish, None) == -signal.SIGKILL
            return concluded(world, case, due, died)

    def _work(self, wish: Wish, tell: Any) -> int | None:
        worker = self.workers.Process(target=work, args=(wish, tell), daemon=True)
        worker.start()
        if tell is not None:
            tell.close()
        worker.join(WORKER_SECONDS)
        if worker.exitcode is None:
            worker.kill()
        return worker.exitcode


def work(wish: Wish, tell: Any) -> None:
    """One tick in a process of its own, which is killed at the call that the wish names."""
    from heisenbug.tick import run_tick

    os.environ.update(wish.environment)
    clock, tape = Clock(wish.at), Tape()
    with taped_aws(tape), taped_http(tape):
        bot = Wiring(wish.environment, clock, clock.sleep).bot(f"worker-{os.getpid()}", int(LIFETIME_SECONDS * 1000))
        with tape.record({} if wish.number is None else {wish.number: partial(_die, wish.death)}):
            run_tick(bot, wish.due)
    if tell is not None:
        tell.send(tape.names)


def _die(death: str, call: Callable[[], Any]) -> Any:
    try:
        if death == "after":
            call()
    finally:
        # After is after an answer that is a failure, too.
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def yard(home: Home, port: int, venue: CrashVenue = AT_UPHOLD) -> Iterator[Yard]:
    """The yard, with an embedded AWS of its own in `home`; `port` is where that listens."""
    before, tape = dict(os.environ), Tape()
    with ExitStack() as closing:
        closing.callback(_restore, before)
        os.environ.update(emulator.aws_environment(port))
        emulator.start_emulator(home, port)
        closing.callback(processes.stop, home, emulator.NAME)
        emulator.wait_until_ready(home, port)
        _furnish(port)
        closing.enter_context(taped_aws(tape))
        closing.enter_context(taped_http(tape))
        workers = get_context("forkserver")
        workers.set_forkserver_preload(["tests.crash.yard"])
        yield Yard(tape, workers, venue)


def _furnish(port: int) -> None:
    """The tables of the template, and the token."""
    tables = emulator.client("dynamodb", port)
    for name, properties in table_definitions().items():
        tables.create_table(
            TableName=PREFIX + name,
            BillingMode=properties["BillingMode"],
            KeySchema=properties["KeySchema"],
            AttributeDefinitions=properties["AttributeDefinitions"],
        )
    for venue in CRASH_VENUES.values():
        name = credential_of(venue)
        emulator.client("ssm", port).put_parameter(Name=name, Value=venue.secret, Type="SecureString", Overwrite=True)
    bind_all(PREFIX)


def _restore(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


def _surely(here: Yard, case: Case) -> Outcome:
    """The case, again where it was not hit: on a busy machine a reading asked twice moves the calls after it."""
    for _ in range(ATTEMPTS - 1):
        outcome = here.run(case)
        if outcome.happened:
            return outcome
    return here.run(case)


def every_kill(here: Yard, tell: Tell, scenarios: tuple[Scenario, ...] = ()) -> Figures:
    """A worker killed before and after every call of every scenario's tick."""
    figures = Figures()
    for scenario in scenarios or scenarios_at(here.venue):
        for number, call in enumerate(here.calls_of(scenario)):
            for death in DEATHS:
                figures.add(_surely(here, Case(scenario, number, call, f"dies {death}")))
        tell(f"{figures.runs} workers killed, {figures.conversions} conversions, {len(figures.broken)} broken")
    return figures
