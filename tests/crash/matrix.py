"""The crash matrix: every mishap at every call of every kind of tick; the calls are found by making the tick once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from botocore.exceptions import ClientError
from pynamodb.exceptions import PynamoDBException

from heisenbug.domain.bridging import MOST_ATTEMPTS, PATIENCE_SECONDS
from heisenbug.domain.errors import HeisenbugError
from heisenbug.store.trade_book import TradeBook
from local.trouble import Mishap as Failure
from local.trouble import Order, Plan, Step, Trouble
from tests.crash.tape import (
    Killed,
    Mishap,
    answer_lost,
    dies_after,
    dies_before,
    meanwhile_after,
    meanwhile_before,
    no_answer,
    no_connection,
    throttled,
)
from tests.crash.venues import CrashVenue, Kind
from tests.crash.verdict import Verdict, judge
from tests.crash.world import SPACING, Laboratory, Process, World

WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem")
LEASE_OVER_SECONDS = 25
GRACE_OVER_SECONDS = 200
BRIDGE_OVER_SECONDS = PATIENCE_SECONDS + 20
# After how many ticks the next one makes the trade that is worth dying in.
TICKS_BEFORE: Mapping[Kind, int] = {Kind.ENTRIES: 0, Kind.BRIDGES: 11, Kind.EXITS: 3, Kind.EXITS_OVER_BRIDGE: 2}
# What may end a tick here; anything else is a defect of the bot's own.
ALLOWED = (Killed, HeisenbugError, ClientError, PynamoDBException)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A tick worth dying in: how the world comes to stand before it, and the process that will make it."""

    name: str
    begin: Callable[[World], Process]
    plan: Plan = field(default_factory=Plan)


@dataclass(frozen=True, slots=True)
class Case:
    """One run: what happens to which call of a scenario's tick."""

    scenario: Scenario
    number: int
    call: str
    mishap: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run; `ticks` is how many it took until no trade was open, `happened` whether its mishap did."""

    case: Case
    verdict: Verdict
    ticks: int
    happened: bool


def _new(world: World) -> Process:
    return world.process()


def _warm(world: World) -> Process:
    process = world.process()
    for _ in range(2):
        world.tick(process)
    return process


Call = Callable[[CrashVenue], str]


def _commit(venue: CrashVenue) -> str:
    return venue.commit


def _quote(venue: CrashVenue) -> str:
    return venue.quote


def begin_at(world: World) -> Process:
    """A process whose next tick makes what is worth dying in there."""
    process = world.process()
    for _ in range(TICKS_BEFORE[world.venue.kind]):
        world.tick(process)
    return process


def _begin_amid(*orders: Order, halted: tuple[str, ...] = ()) -> Callable[[World], Process]:
    """The same, with trouble for its orders and quotes from then on."""

    def begin(world: World) -> Process:
        process = begin_at(world)
        world.trouble.order(Plan(orders, halted=halted))
        return process

    return begin


def _left_open(call: Call, mishap: Mishap, seconds: float, *orders: Order) -> Callable[[World], Process]:
    """A trade whose process died at its first `call`, found by a new process `seconds` later."""

    def begin(world: World) -> Process:
        process = _begin_amid(*orders)(world) if orders else begin_at(world)
        with world.tape.record({call(world.venue): mishap}):
            try:
                world.tick(process)
            except Killed:
                world.clock.at += seconds
        return world.process()

    return begin


def _failed(seconds: float) -> Callable[[World], Process]:
    """A trade that was taken for failed, `seconds` after that."""

    def begin(world: World) -> Process:
        process = world.process()
        world.tick(process)
        world.clock.at += GRACE_OVER_SECONDS
        world.tick(process)
        world.clock.at += seconds
        return world.process()

    return begin


def _lands(seconds: float) -> Plan:
    return Plan((Order(Trouble(Failure.LANDS_LATE, seconds=seconds), Step.COMMIT),))


OF_THE_PLAIN = (
    Scenario("a new process trades", _new),
    Scenario("a warm process trades", _warm),
    Scenario("an intent of a dead process", _left_open(_quote, dies_before, LEASE_OVER_SECONDS)),
    Scenario("a commit that was never sent", _left_open(_commit, dies_before, GRACE_OVER_SECONDS)),
    Scenario("a commit that landed unheard", _left_open(_commit, dies_after, LEASE_OVER_SECONDS)),
    Scenario("a commit that lands within the grace", _failed(0), _lands(60)),
    Scenario("a commit that is not known yet", _left_open(_commit, dies_after, LEASE_OVER_SECONDS), _lands(60)),
    Scenario("a failed trade that landed after all", _failed(100), _lands(280)),
    Scenario(
        "a commit that is processed",
        _warm,
        Plan((Order(Trouble(Failure.PROCESSING, reads=2), Step.COMMIT, count=3),)),
    ),
)


def _left_between(*orders: Order, ticks: int = 1, seconds: float = 0) -> Callable[[World], Process]:
    """A conversion that came as far as its bridge, found by a new process after some ticks."""

    def begin(world: World) -> Process:
        process = _begin_amid(*orders)(world)
        for _ in range(ticks):
            world.tick(process)
        world.clock.at += seconds
        return world.process()

    return begin


def _left_at_second(mishap: Mishap, seconds: float) -> Callable[[World], Process]:
    """A process that died as it sent the second leg's order, found by a new one `seconds` later."""

    def begin(world: World) -> Process:
        process = begin_at(world)
        with world.tape.record({f"{world.venue.commit} #2": mishap}), suppress(Killed):
            world.tick(process)
        world.clock.at += seconds
        return world.process()

    return begin


def _unmet(nth: int, count: int | None = 1) -> Order:
    return Order(Trouble(Failure.UNFILLED), Step.COMMIT, nth, count)


THIN = Order(Trouble(Failure.THIN_BOOK), Step.QUOTE, nth=3)
OF_A_BRIDGE = (
    Scenario("a conversion over a bridge", begin_at),
    Scenario("a first leg in part", _begin_amid(Order(Trouble(Failure.PARTIAL), Step.COMMIT))),
    Scenario("a second leg in part", _begin_amid(Order(Trouble(Failure.PARTIAL), Step.COMMIT, nth=2))),
    Scenario("a second leg that waits", _left_between(THIN)),
    Scenario("a second leg that nobody met", _left_between(_unmet(2))),
    Scenario("a second leg that never was sent", _left_at_second(dies_before, GRACE_OVER_SECONDS)),
    Scenario("a second leg that landed unheard", _left_at_second(dies_after, LEASE_OVER_SECONDS)),
    Scenario("a second leg whose time is over", _left_between(THIN, seconds=BRIDGE_OVER_SECONDS)),
    Scenario("a way back", _left_between(_unmet(2, count=MOST_ATTEMPTS), ticks=MOST_ATTEMPTS)),
    Scenario("no way on and none back", _left_between(_unmet(2, count=None), ticks=2 * MOST_ATTEMPTS - 1)),
)
_LANDS_LATE = Order(Trouble(Failure.LANDS_LATE, seconds=60), Step.COMMIT)
_PROCESSED = Order(Trouble(Failure.PROCESSING, reads=2), Step.COMMIT, count=3)
OF_AN_EXIT = (
    Scenario("an exit", begin_at),
    Scenario("an exit of a dead process", _left_open(_quote, dies_before, LEASE_OVER_SECONDS)),
    Scenario("an exit that was never sent", _left_open(_commit, dies_before, GRACE_OVER_SECONDS)),
    Scenario("an exit that landed unheard", _left_open(_commit, dies_after, LEASE_OVER_SECONDS)),
    Scenario("an exit that is not known yet", _left_open(_commit, dies_after, LEASE_OVER_SECONDS, _LANDS_LATE)),
    Scenario("an exit that is processed", _begin_amid(_PROCESSED)),
)
OF_AN_EXIT_OVER_A_BRIDGE = (
    Scenario("an exit over a bridge", begin_at),
    Scenario("an exit's second leg that waits", _left_between(THIN)),
    Scenario("an exit's second leg that nobody met", _left_between(_unmet(2))),
    Scenario("an exit's second leg that never was sent", _left_at_second(dies_before, GRACE_OVER_SECONDS)),
    Scenario("an exit's second leg that landed unheard", _left_at_second(dies_after, LEASE_OVER_SECONDS)),
    Scenario("an exit's way back", _left_between(_unmet(2, count=MOST_ATTEMPTS), ticks=MOST_ATTEMPTS)),
)
OF_KIND: Mapping[Kind, tuple[Scenario, ...]] = {
    Kind.ENTRIES: OF_THE_PLAIN,
    Kind.BRIDGES: OF_A_BRIDGE,
    Kind.EXITS: OF_AN_EXIT,
    Kind.EXITS_OVER_BRIDGE: OF_AN_EXIT_OVER_A_BRIDGE,
}
SCENARIOS = tuple(scenario for some in OF_KIND.values() for scenario in some)


def scenarios_at(venue: CrashVenue) -> tuple[Scenario, ...]:
    """What is worth trying there."""
    return OF_KIND[venue.kind]


def calls_of(laboratory: Laboratory, scenario: Scenario, book: type[TradeBook] = TradeBook) -> list[str]:
    """Every call of the scenario's tick, by making it once."""
    world = laboratory.world(scenario.plan, book)
    process = scenario.begin(world)
    due = world.next_due()
    with laboratory.tape.record() as made:
        world.tick(process, due)
    return list(made.names)


def cases(
    laboratory: Laboratory, scenarios: Sequence[Scenario] = (), book: type[TradeBook] = TradeBook
) -> Iterator[Case]:
    """Every mishap at every call of every scenario, of all at this venue where none is named."""
    for scenario in scenarios or scenarios_at(laboratory.venue):
        for number, call in enumerate(calls_of(laboratory, scenario, book)):
            for mishap in _mishaps_of(call):
                yield Case(scenario, number, call, mishap)


def run(laboratory: Laboratory, case: Case, book: type[TradeBook] = TradeBook) -> Outcome:
    """One case from its beginning until no trade is open any more, and the oldest ticks delivered once more."""
    world = laboratory.world(case.scenario.plan, book)
    process = case.scenario.begin(world)
    due = world.next_due()
    mishaps = {case.number: _mishap(case.mishap, world, due)}
    # The process dies, or the function fails: nobody runs it again.
    with laboratory.tape.record(mishaps) as made, suppress(*ALLOWED):
        world.tick(process, due)
    return concluded(world, case, due, made.happened > 0)


def concluded(world: World, case: Case, due: int, happened: bool) -> Outcome:
    """Let the bot run on until nothing is open or under watch, deliver old ticks again, and compare."""
    needed = world.run_on()
    world.watch_out()
    _deliver_again(world, due)
    return Outcome(case, judge(world), needed, happened)


def _mishaps_of(call: str) -> tuple[str, ...]:
    always = ("dies before", "dies after", *_MEANWHILE)
    if call in WRITES:
        return (*always, "answer lost", "throttled")
    return (*always, "no connection", "no answer") if " " in call else (*always, "throttled")


def _mishap(name: str, world: World, due: int) -> Mishap:
    if name in _PLAIN:
        return _PLAIN[name]
    what, _, when = name.rpartition(" ")
    return (meanwhile_before if when == "before" else meanwhile_after)(_MEANWHILE_ACTS[what](world, due))


_PLAIN: Mapping[str, Mishap] = {
    "dies before": dies_before,
    "dies after": dies_after,
    "answer lost": answer_lost,
    "throttled": throttled,
    "no connection": no_connection,
    "no answer": no_answer,
}


def _twice(world: World, due: int) -> Callable[[], None]:
    """The same tick, delivered a second time to another process."""

    def act() -> None:
        with world.tape.aside():
            world.tick(world.process(), due)

    return act


def _overtaken(seconds: float) -> Callable[[World, int], Callable[[], None]]:
    """Later ticks in another process, while this one hangs for `seconds`; then it wakes up."""

    def acts(world: World, due: int) -> Callable[[], None]:
        def act() -> None:
            with world.tape.aside():
                other = world.process()
                world.clock.at += seconds
                for _ in range(3):
                    world.tick(other)

        return act

    return acts


def _overtaken_by_one_that_dies(world: World, due: int) -> Callable[[], None]:
    """Later ticks in another process, the last of which dies as it sends a commit, while this one hangs."""

    def act() -> None:
        with world.tape.aside():
            other = world.process()
            world.clock.at += SPACING
            world.tick(other)
            world.tick(other)
        with world.tape.elsewhere({world.venue.commit: dies_after}), suppress(Killed):
            world.tick(world.process())

    return act


def _killed(world: World, due: int) -> Callable[[], None]:
    """A person kills the bot, and arms it again once the tick is over."""

    def act() -> None:
        with world.tape.aside():
            world.kill()

    return act


_MEANWHILE_ACTS: Mapping[str, Callable[[World, int], Callable[[], None]]] = {
    "delivered twice": _twice,
    "overtaken": _overtaken(SPACING),
    "overtaken by one that dies": _overtaken_by_one_that_dies,
    "hangs past its lease": _overtaken(LEASE_OVER_SECONDS),
    "hangs past the grace": _overtaken(GRACE_OVER_SECONDS),
    "killed by hand": _killed,
}
_MEANWHILE = tuple(f"{what} {when}" for what in _MEANWHILE_ACTS for when in ("before", "after"))


def _deliver_again(world: World, due: int) -> None:
    """The tick and its neighbours once more, late and out of order."""
    process = world.process()
    for again in (due, due - SPACING, due + SPACING, due):
        world.tick(process, again)
