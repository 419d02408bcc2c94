"""One bot with live money, its tables in memory and its exchange in one process, on a clock that stands still."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any

import boto3
import requests

from heisenbug.bot import Bot, Remembered, Report
from heisenbug.configuration import Configurations
from heisenbug.credential import Credential
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.ledger import Ledger, Watched
from heisenbug.domain.live import Consent, Deployment, digest, to_type
from heisenbug.exchange.paper import Paper
from heisenbug.exchange.patience import Patience
from heisenbug.exchange.port import Exchange
from heisenbug.looking import Look, Looking, Memory
from heisenbug.settling import Book
from heisenbug.store.bot_state import Ledgers, States
from heisenbug.store.paper_fills import PaperFills
from heisenbug.store.price_snapshot import PriceSnapshots
from heisenbug.store.trade_book import TradeBook
from heisenbug.store.trade_history import TradeHistory
from heisenbug.tick import run_tick
from local.replay import Replay
from local.trouble import CALM, Plan
from tests.bots import EAGER, proven
from tests.crash.market import SPACING
from tests.crash.tape import Tape, name_of, taped_aws
from tests.crash.venues import AT_UPHOLD, FEE_BPS, CrashVenue
from tests.fakes import Clock, FakeQueue
from tests.in_process_exchange import InProcess
from tests.markets import MONDAY
from tests.tables import cloud, forget_items

URL = "http://exchange.test"
AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
OPENING = {"USD": Decimal(1000)}
TOLD: Mapping[str, Any] = {**EAGER, "cost_bps": FEE_BPS, "mode": "live"}
LIFETIME_SECONDS = 20.0
MOST_STEPS = 200
_worlds = count(1)
_tokens = count(1)


class Wire(InProcess):
    """The way to the exchange, over the tape."""

    def __init__(self, world: "World") -> None:
        super().__init__(world.exchange, world.seconds, world.clock.sleep)
        self._tape = world.tape

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """One request."""
        plain = super().send
        answer: requests.Response = self._tape.call(name_of(request), lambda: plain(request, *args, **options))
        return answer


@dataclass
class World:
    """A bot of its own in tables that all worlds share; `book` makes the books, for a world without some step."""

    tape: Tape
    ssm: Callable[[], Any]
    plan: Plan = CALM
    book: type[TradeBook] = TradeBook
    venue: CrashVenue = AT_UPHOLD
    clock: Clock = field(default_factory=lambda: Clock(MONDAY + 10 * SPACING))

    def __post_init__(self) -> None:
        self.bot_id = f"world-{next(_worlds)}"
        replay = Replay(0.0, None, self.clock.at, self.clock.at, 1.0)
        self.exchange = self.venue.exchange(replay, OPENING, self.plan)
        self.trouble = self.exchange.trouble
        self.ticks = 0
        self.rearmed = 0
        # Whether the bot was stopped, by itself or by hand, so that somebody knows of what it holds.
        self.was_told = False
        self._give()

    def seconds(self) -> float:
        """The clock, in epoch seconds."""
        return self.clock.at

    def process(self) -> "Process":
        """A new process, that remembers nothing."""
        return Process(self)

    def next_due(self) -> int:
        """The next tick's due time."""
        last = States(self.bot_id).read().last_tick
        return max(last + SPACING, int(self.clock.at) // SPACING * SPACING)

    def tick(self, process: "Process", due: int | None = None) -> Report:
        """One tick at its due time, or late where the clock has gone on."""
        due = self.next_due() if due is None else due
        self.clock.at = max(self.clock.at, float(due))
        self.ticks += 1
        return run_tick(process.bot(), due)

    def run_on(self, most: int = 400) -> int:
        """Let a new process tick until no trade is open, and two ticks more; returns how many it took."""
        process = self.process()
        self._armed_tick(process)
        needed = 1
        while self.state().open_trade is not None and needed < most:
            self._armed_tick(process)
            needed += 1
        for _ in range(2):
            self._armed_tick(process)
        self.end(process)
        return needed

    def watch_out(self) -> None:
        """Let a day pass in long steps, so that every failed trade is asked for to its end; nothing new is begun."""
        for _ in range(MOST_STEPS):
            watched = self._watched()
            if not watched:
                return
            self.clock.at = max(self.clock.at, min(one.ask_at for one in watched))
            self._armed_tick(self.process())
        raise AssertionError("a failed trade is watched for ever")

    def kill(self) -> None:
        """A person stops the bot."""
        self.was_told = True
        States(self.bot_id).kill(self.clock(), "a person", "the proof")

    def end(self, process: "Process", stride: int = SPACING) -> None:
        """Begin nothing more, and end what is open, a tick every `stride` seconds."""
        Configurations(self.bot_id).change({"is_active": False}, "the proof", self.clock())
        for _ in range(MOST_STEPS):
            if self.state().open_trade is None:
                return
            self.clock.at += stride - SPACING
            self._armed_tick(process)

    def give_again(self) -> None:
        """Tell the bot to trade live, with the consent that it had."""
        Configurations(self.bot_id).change({"mode": "live"}, "the proof", self.clock())
        state = self.state()
        if state.open_trade is None and state.mode != "live":
            States(self.bot_id).stand("live", "", self.consent)
        elif state.consent is None:
            States(self.bot_id).consent(self.consent)

    def _armed_tick(self, process: "Process") -> Report:
        """A tick, with the bot armed again where it was killed: a person has looked."""
        if self.state().killed_at is not None:
            self.rearmed += 1
            self.was_told = True
            States(self.bot_id).rearm(self.clock())
        return self.tick(process)

    def _watched(self) -> Sequence[Watched]:
        stored = Ledgers(self.bot_id).read("live")
        return stored[0].watched if stored else ()

    def state(self) -> Any:
        """The tick item."""
        return States(self.bot_id).read()

    def _give(self) -> None:
        """The three acts, done by hand."""
        told = {**TOLD, "pairs": list(self.venue.market.pairs), **self.venue.told}
        accepted = Configurations(self.bot_id).change(
            {**told, **proven(told), "budget": dict(self.venue.budget)}, "the proof", self.clock()
        )
        Ledgers(self.bot_id).open_anew("live", Ledger(dict(OPENING)), 0)
        self.consent = Consent(
            to_type(accepted.settings.budget or {}), digest(accepted.settings), "the proof", "2026-01-05"
        )
        States(self.bot_id).stand("live", "", self.consent)


class Process:
    """One process over its lifetime: what it remembers is lost with it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.memory = Memory()
        self.remembered = Remembered()
        self.patience = Patience()
        self.configurations = Configurations(world.bot_id)
        self.credential = Credential(credential_of(world.venue), world.ssm, world.clock, world.venue.domain.has_books)
        self.live = world.venue.open(URL, world.clock, self.patience, self.credential, Wire(world))

    def bot(self) -> Bot:
        """The bot of one invocation."""
        world, bot_id = self.world, self.world.bot_id
        token = f"attempt-{next(_tokens)}"
        snapshots = PriceSnapshots(bot_id)
        deadline = world.clock.at + LIFETIME_SECONDS
        domain = world.venue.domain

        def exchange(told: Configuration, look: Look, holdings: Mapping[str, Decimal]) -> Exchange:
            if told.settings.mode == "paper":
                return Paper(PaperFills(bot_id), look.market.quotes, holdings, told.settings, domain, world.clock)
            return self.live.account(told.settings.cards or {}, [trading.pair for trading in told.pairs], deadline)

        def book(mode: str) -> Book:
            return world.book(bot_id, mode, token)

        return Bot(
            bot_id=bot_id,
            venue=domain,
            clock=world.clock,
            wait=world.clock.sleep,
            deadline=deadline,
            token=token,
            configurations=self.configurations,
            states=States(bot_id),
            ledgers=Ledgers(bot_id),
            history=lambda mode: TradeHistory(bot_id, mode),
            book=book,
            snapshots=snapshots,
            looking=Looking(self.live.tickers, world.venue.market, snapshots, world.clock, self.memory),
            exchange=exchange,
            queue=FakeQueue(),
            remembered=self.remembered,
            deployment=Deployment(True),
            missing_credential=self.credential.missing,
            patience=self.patience,
        )


@dataclass(frozen=True, slots=True)
class Laboratory:
    """Tables and secrets in memory, every call of every client on the tape; one world at a time."""

    tape: Tape
    ssm: Callable[[], Any]
    venue: CrashVenue = AT_UPHOLD

    def world(self, plan: Plan = CALM, book: type[TradeBook] = TradeBook) -> World:
        """A new world in empty tables: the emulation copies all of them for every transaction."""
        forget_items()
        return World(self.tape, self.ssm, plan, book, self.venue)


def credential_of(venue: CrashVenue) -> str:
    """Where what opens a venue is stored."""
    return f"/heisenbug/{venue.domain.name}"


@contextmanager
def laboratory(venue: CrashVenue = AT_UPHOLD) -> Iterator[Laboratory]:
    """The laboratory, open, for worlds at one venue."""
    os.environ.update(AWS)
    os.environ.pop("AWS_ENDPOINT_URL", None)
    tape = Tape()
    with cloud(), taped_aws(tape):
        ssm = boto3.client("ssm", region_name=AWS["AWS_DEFAULT_REGION"])
        ssm.put_parameter(Name=credential_of(venue), Value=venue.secret, Type="SecureString")
        yield Laboratory(tape, lambda: ssm, venue)
