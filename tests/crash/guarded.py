"""Random lives of a bot with protections: whatever is done to it in whatever order, none of them is got round.

Every entry that begins is shown to the oracle with the history before it; exits, and the end of what is open, must
come whatever protections say.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from heisenbug.bot import Bot
from heisenbug.configuration import Configurations
from heisenbug.converting import Converting
from heisenbug.domain import gates, leaving, protections
from heisenbug.domain.assets import Pair
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.errors import InvalidSettings, MarketUnavailable, Rejected, Unresolved
from heisenbug.domain.gates import Asked, Gate, Situation
from heisenbug.domain.ledger import Ledger, Newest
from heisenbug.domain.live import Consent, Deployment, digest, to_type
from heisenbug.domain.protections import Protection
from heisenbug.domain.quotes import Ticker
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.state import State
from heisenbug.domain.tally import Count, Tally
from heisenbug.domain.trade import Filled, Settlement, Trade, TradeState, VenueQuote
from heisenbug.exchange.port import Request
from heisenbug.looking import Look, Looking
from heisenbug.store import bot_state
from heisenbug.store.bot_state import Ledgers, States
from heisenbug.store.price_snapshot import PriceSnapshots
from heisenbug.store.trade_archive import TradeArchiveItem
from heisenbug.store.trade_book import TradeBook
from heisenbug.store.trade_history import book as book_of
from heisenbug.tick import run_tick
from tests.bots import BOT, EAGER, EndlessPast, Process, proven
from tests.crash.matrix import ALLOWED
from tests.crash.oracle import Oracle
from tests.crash.tape import (
    Tape,
    answer_lost,
    dies_after,
    dies_before,
    meanwhile_after,
    meanwhile_before,
    taped_aws,
    throttled,
)
from tests.fakes import Answer, Clock, FakeExchange, FakeTickers, completed, failed, raising
from tests.markets import MONDAY
from tests.tables import Cloud, cloud, forget_items

SPACING = 5
STEPS = 12
MOST_CALLS = 24
WIDE: Mapping[str, Any] = {"USD": "5000", "BTC": "1000"}
TOLD: Mapping[str, Any] = {
    **EAGER,
    "mode": "live",
    "min_confidence": 0,
    "trade_size_percentage": 0.5,
    "budget": WIDE,
    "max_venue_errors": None,
    "max_cost_excess_bps": None,
}
# What each setting may be told to be, in any order and mixture.
CHOICES: Mapping[str, tuple[Any, ...]] = {
    "max_drawdown": (1, 0.02, 0.05),
    "drawdown_resume": (None, 0.01, 0.0),
    "daily_loss": (None, 0.01, 0.03),
    "losing_streak": (None, 2, 3),
    "losing_streak_seconds": (60, 600, 3600),
    "max_trades_per_hour": (None, 1, 3),
    "max_trades_per_day": (None, 3, 6),
    "max_venue_errors": (None, 1, 2),
    "max_cost_excess_bps": (None, 0, 25),
    "max_price_age_seconds": (30, 3),
    "cache_ttl_seconds": (1, 30),
    "reserve": (None, {"USD": "400"}, {"BTC": "2"}),
    "budget": (WIDE, {"USD": "1200", "BTC": "6"}, {"USD": "600", "BTC": "8"}),
    "stop_loss": (None, 0.02),
    "take_profit": (None, 0.02),
    "is_active": (True, True, True, False),
    "mode": ("live", "live", "paper"),
    "trade_size_percentage": (0.3, 1),
}
SOME = st.lists(st.sampled_from([(name, value) for name, values in CHOICES.items() for value in values]), max_size=3)


@dataclass(frozen=True, slots=True)
class Meeting:
    """How a life begins in which a protection is met with: what it is told, and how venue and price turn then."""

    told: Mapping[str, Any]
    mood: str = "well"
    drift: float = 0.005


FALLS = -0.02
MEETINGS: Mapping[str, Meeting] = {
    "max_drawdown": Meeting({"max_drawdown": 0.02}, drift=FALLS),
    "daily_loss": Meeting({"daily_loss": 0.01}, drift=FALLS),
    "losing_streak": Meeting({"losing_streak": 2}, drift=FALLS),
    "max_trades_per_hour": Meeting({"max_trades_per_hour": 1}),
    "max_trades_per_day": Meeting({"max_trades_per_day": 3}),
    "max_price_age_seconds": Meeting({"max_price_age_seconds": 3, "cache_ttl_seconds": 30}),
    "max_venue_errors": Meeting({"max_venue_errors": 1}, "refuses"),
    "max_cost_excess_bps": Meeting({"max_cost_excess_bps": 0}, "short"),
    "reserve": Meeting({"reserve": {"USD": "400"}}),
    "budget": Meeting({"budget": {"USD": "600", "BTC": "6"}}),
    "exits": Meeting({"max_drawdown": 0.02, "stop_loss": 0.02}, drift=FALLS),
}
WRONG: tuple[Mapping[str, Any], ...] = (
    {"max_drawdown": 0},
    {"daily_loss": "much"},
    {"losing_streak": 1},
    {"max_trades_per_hour": 9, "max_trades_per_day": 2},
    {"reserve": {"USD": "-1"}},
    {"drawdown_resume": 0.5, "max_drawdown": 0.02},
    {"max_drawdwn": 1},
)
DEATHS = (dies_before, dies_after)
AT_A_CALL = (*DEATHS, answer_lost, throttled)
WRITTEN = "TransactWriteItems"
PLACES = (WRITTEN, f"{WRITTEN} #2", f"{WRITTEN} #3", "POST commit", "PutItem", "UpdateItem #2")


def short(quote: VenueQuote) -> Filled:
    """The venue pays a hundredth less than it quoted."""
    return Filled(Settlement.COMPLETED, quote.amount, quote.receives * Decimal("0.99"))


@dataclass
class Venue(FakeExchange):
    """A venue over the tape, in one of its moods."""

    tape: Tape = field(default_factory=Tape)

    def balances(self) -> Mapping[str, Decimal]:
        answer: Mapping[str, Decimal] = self.tape.call("GET balances", super().balances)
        return answer

    def quote(self, request: Request) -> VenueQuote:
        plain = super().quote
        answer: VenueQuote = self.tape.call("POST quote", lambda: plain(request))
        return answer

    def commit(self, quote: VenueQuote) -> Filled:
        plain = super().commit
        answer: Filled = self.tape.call("POST commit", lambda: plain(quote))
        return answer

    def find(self, quote: VenueQuote) -> Filled | None:
        plain = super().find
        answer: Filled | None = self.tape.call("GET find", lambda: plain(quote))
        return answer


def unheard(venue: Venue) -> Answer:
    """It is done, and nobody hears of it."""

    def answer(quote: VenueQuote) -> Filled:
        venue.land(quote, completed(quote))
        raise Unresolved("The answer was lost.")

    return answer


MOODS: Mapping[str, Callable[[Venue], Answer]] = {
    "well": lambda venue: completed,
    "short": lambda venue: short,
    "refuses": lambda venue: raising(Rejected("The venue says no.")),
    "fails": lambda venue: failed,
    "unheard": unheard,
    "lost": lambda venue: raising(Unresolved("Nobody knows.")),
}
QUOTES: Mapping[str, Callable[[], Any]] = {
    "quotes": lambda: None,
    "does not quote": raising(Rejected("Not now.")),
    "is silent": raising(MarketUnavailable("It took too long.")),
}


@dataclass
class World:
    """A bot, its market and venue, and beside it the oracle of each mode's money with what it found."""

    tape: Tape
    tables: Cloud
    told: Mapping[str, Any]
    clock: Clock = field(default_factory=lambda: Clock(MONDAY + 10 * SPACING))
    price: float = 100.0
    broken: list[str] = field(default_factory=list)
    began: list[Trade] = field(default_factory=list)
    known: set[tuple[str, ...]] = field(default_factory=set)
    in_force: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.oracles = {"paper": Oracle(), "live": Oracle()}
        self.feed = FakeTickers(self.clock)
        self.venue = Venue({}, {"USD": Decimal(1000)}, self.clock, tape=self.tape)
        self.feed.set(BTC=self.price)
        told = {**TOLD, **self.told}
        Configurations(BOT).change({**told, **proven(told)}, "the proof", self.clock())
        Ledgers(BOT).open_anew("live", Ledger({"USD": Decimal(1000)}), 0)
        self.consents()

    def consents(self) -> None:
        """A person types what may be risked."""
        told = Configurations(BOT).now().settings
        States(BOT).consent(Consent(to_type(told.budget or {}), digest(told), "a person", "2025-05-05"))

    def process(self) -> "Guarded":
        """A new process."""
        return Guarded(self.clock, FakeTickers(self.clock), world=self)

    def next_due(self) -> int:
        """The next tick's due time."""
        return max(self.state().last_tick + SPACING, int(self.clock.at) // SPACING * SPACING)

    def state(self) -> State:
        """The tick item, read past the tape."""
        with self.tape.aside():
            return States(BOT).read()

    def begins(self, process: "Guarded", mode: str, trade: Trade) -> None:
        """An intent was written: of an entry the oracle must have nothing against it."""
        if not self._is_new("begun", trade.id):
            return
        self.began.append(trade)
        if trade.exit:
            return
        told = replace(process.told.settings, mode=mode)
        oracle, state = self.oracles[mode], States(BOT).read()
        bars = [*oracle.bars(trade.due, self.clock.at, process.age, told), *oracle.bars_amount(trade, told)]
        bars += [] if told.is_active else ["is_active"]
        bars += ["killed"] if state.killed_at else []
        self.broken += [f"{name} did not stop {trade}" for name in bars]

    def commits(self, process: "Guarded", mode: str, trade: Trade) -> None:
        """A quoted entry is about to be sent."""
        if not trade.exit:
            told = replace(process.told.settings, mode=mode)
            bars = self.oracles[mode].bars_amount(trade, told)
            self.broken += [f"{name} did not stop the commit of {trade}" for name in bars]

    def ends(self, mode: str, trade: Trade) -> None:
        """A trade's end was written."""
        if self._is_new("ended", trade.id, trade.state):
            self.oracles[mode].ended(trade, int(self.clock.at))

    def _is_new(self, *what: str) -> bool:
        is_new = what not in self.known
        self.known.add(what)
        return is_new


class Noted(TradeBook):
    """A book whose steps are shown to the oracle once they are written, also where their process does not live on."""

    def __init__(self, process: "Guarded", mode: str, token: str) -> None:
        super().__init__(BOT, mode, token)
        self._process, self._world = process, process.world

    def intend(self, trade: Trade, version: int, record: bytes) -> None:
        """Noted where it is the open one now."""
        try:
            super().intend(trade, version, record)
        finally:
            with self._world.tape.aside():
                if States(BOT).read().open_trade == trade.id:
                    self._world.begins(self._process, self._mode, trade)

    def committing(self, trade: Trade) -> None:
        """Noted before."""
        self._world.commits(self._process, self._mode, trade)
        super().committing(trade)

    def finish(self, trade: Trade, *args: Any, **told: Any) -> Trade:
        """Noted where the archive has it."""
        try:
            return super().finish(trade, *args, **told)
        finally:
            self._end(trade)

    def drop(self, trade: Trade, *args: Any, **told: Any) -> None:
        """Noted where it is open no more."""
        try:
            super().drop(trade, *args, **told)
        finally:
            with self._world.tape.aside():
                if States(BOT).read().open_trade != trade.id and not self._states_of(trade):
                    self._world.ends(self._mode, trade)

    def correct(self, trade: Trade, ledger: Ledger, newest: Newest, halt: str) -> None:
        """Noted where the archive has it."""
        try:
            super().correct(trade, ledger, newest, halt)
        finally:
            self._end(trade)

    def _end(self, trade: Trade) -> None:
        with self._world.tape.aside():
            if trade.state in self._states_of(trade):
                self._world.ends(self._mode, trade)

    def _states_of(self, trade: Trade) -> list[TradeState]:
        items = TradeArchiveItem.query(book_of(BOT, self._mode), consistent_read=True)
        return [TradeState(item.state) for item in items if item.trade_id == trade.id]


class Seen(PriceSnapshots):
    """Snapshots that are shown to the oracle once they are saved, but for those of a tick that another overtook."""

    def __init__(self, process: "Guarded") -> None:
        super().__init__(BOT)
        self._process = process

    def save(self, snapshot: Snapshot) -> None:
        """Saved, then shown."""
        super().save(snapshot)
        process, oracle = self._process, self._process.world.oracles[snapshot.mode]
        with process.world.tape.aside():
            if States(BOT).read().last_tick == snapshot.at:
                oracle.looked(price_in(snapshot.quotes), process.told.settings)


class Eyes(Looking):
    """What a process sees, shown to the oracle at once."""

    process: "Guarded"

    def look(self, due: int, previous_tick: int, told: Configuration, timeout_seconds: float) -> Look:
        """Seen, then shown."""
        look = super().look(due, previous_tick, told, timeout_seconds)
        process = self.process
        process.price = price_in(look.market.quotes)
        process.age = process.clock.at - process.answered_at
        process.world.oracles[told.settings.mode].looks(due, process.price)
        return look


def price_in(quotes: Mapping[Pair, Any]) -> float | None:
    """The mid of BTC, where there is one."""
    quote = quotes.get(Pair("BTC", "USD"))
    return None if quote is None else float(quote.mid)


class Told(Configurations):
    """What the bot is told, as this process read it."""

    newest: Configuration

    def begin(self, at: Any) -> Configuration:
        """Read, and remembered."""
        self.newest = super().begin(at)
        return self.newest


@dataclass
class Guarded(Process):
    """One process of the world's bot."""

    world: World = None  # type: ignore[assignment]
    answered_at: float = 0.0
    age: float = 0.0
    price: float | None = None

    def __post_init__(self) -> None:
        self.past, self.live = EndlessPast(), self.world.venue
        self.deployment = Deployment(enabled=True)
        self.configurations: Told = Told(BOT)
        plain = self.world.feed

        def asked(pairs: Any, timeout_seconds: float) -> Ticker:
            ticker = plain.tickers(pairs, timeout_seconds)
            self.answered_at = self.clock.at
            return ticker

        self.tickers.tickers = asked  # type: ignore[method-assign]

    @property
    def told(self) -> Configuration:
        """What it was told at its newest tick."""
        return self.configurations.newest

    def bot(self) -> Bot:
        """The bot of one invocation, whose book, eyes and snapshots are noted."""
        plain = super().bot()
        eyes = Eyes(self.tickers, self.past, PriceSnapshots(BOT), self.clock, self.memory)
        eyes.process = self
        return replace(plain, book=lambda mode: Noted(self, mode, plain.token), snapshots=Seen(self), looking=eyes)


class Life(RuleBasedStateMachine):
    """One bot over its life; `place`, `meeting` and `ended` are set for the run."""

    place: "Place"
    meeting: Meeting
    ended: Callable[[World], None]

    @initialize(told=SOME)
    def begins(self, told: list[tuple[str, Any]]) -> None:
        """Whatever it is told beside; prices rise, and then turn as they must."""
        met = self.meeting
        forget_items()
        try:
            self.world = World(self.place.tape, self.place.tables, {**dict(told), **met.told})
        except InvalidSettings:
            forget_items()
            self.world = World(self.place.tape, self.place.tables, met.told)
        self.process = self.world.process()
        self.ticks(3, 0.005, SPACING, 0, new=False)
        self.meets(met.mood, "quotes")
        self.ticks(4, met.drift, SPACING, 0, new=False)

    @rule(
        times=st.integers(1, 6),
        drift=st.sampled_from((-0.02, -0.005, 0.001, 0.005, 0.02)),
        gap=st.sampled_from((SPACING, SPACING, 300, 1200)),
        late=st.sampled_from((0, 0, 2, 10)),
        new=st.booleans(),
    )
    def ticks(self, times: int, drift: float, gap: int, late: int, new: bool) -> None:
        """Some ticks while the price moves, on time or each one late, by a process that is warm or new."""
        self.process = self.world.process() if new else self.process
        for _ in range(times):
            self._moves(drift)
            due = States(BOT).read().last_tick + SPACING if late else self.world.next_due()
            self._tick(self.process, due, late)
            self.world.clock.at += gap - SPACING

    @rule(
        before=st.sampled_from((12, 7)),
        span=st.sampled_from((3600, 86_400)),
        drift=st.sampled_from((-0.005, 0.005)),
        late=st.sampled_from((0, 10)),
    )
    def comes_to_the_turn(self, before: int, span: int, drift: float, late: int) -> None:
        """Time passes until shortly before an hour, or a day, is over; ticks go on over its end."""
        clock = self.world.clock
        clock.at = (clock.at // span + 1) * span - before
        self._tick(self.process, self.world.next_due(), late)
        self.ticks(3, drift, SPACING, late, new=False)

    @rule(
        place=st.sampled_from(PLACES) | st.integers(0, MOST_CALLS),
        mishap=st.sampled_from(AT_A_CALL),
        drift=st.sampled_from((-0.02, 0.02)),
    )
    def has_an_accident(self, place: str | int, mishap: Any, drift: float) -> None:
        """A tick with a mishap at one of its calls; the process is another one then."""
        self._moves(drift)
        with self.world.tape.record({place: _fitting(self.world.tape, mishap)}):
            self._tick(self.process, self.world.next_due())
        self.process = self.world.process()

    @rule(number=st.integers(0, MOST_CALLS), hangs=st.sampled_from((0, SPACING, 25, 200)), after=st.booleans())
    def is_doubled(self, number: int, hangs: int, after: bool) -> None:
        """A tick that is delivered to a second process while the first one hangs at one of its calls."""
        due, other = self.world.next_due(), self.world.process()

        def meanwhile() -> None:
            with self.world.tape.aside():
                self.world.clock.at += hangs
                self._moves(0.01)
                self._tick(other, due)
                if hangs:
                    self._tick(other, self.world.next_due())

        wrap = meanwhile_after if after else meanwhile_before
        with self.world.tape.record({number: wrap(meanwhile)}):
            self._tick(self.process, due)

    @rule(back=st.integers(1, 4))
    def is_told_of_the_past(self, back: int) -> None:
        """An old tick, once more: it begins nothing."""
        begun = len(self.world.began)
        self._tick(self.process, States(BOT).read().last_tick - (back - 1) * SPACING)
        assert len(self.world.began) == begun

    @rule(changes=SOME)
    def is_told(self, changes: list[tuple[str, Any]]) -> None:
        """A person changes settings, tighter or looser; what is refused changes nothing."""
        self._told(dict(changes))

    @rule(changes=st.sampled_from(WRONG))
    def is_told_nonsense(self, changes: Mapping[str, Any]) -> None:
        """What is refused changes nothing."""
        before = Configurations(BOT).now()
        with suppress(InvalidSettings):
            Configurations(BOT).change(changes, "a person", self.world.clock())
            raise AssertionError(f"{changes} was taken")
        assert Configurations(BOT).now() == before

    @rule(
        wrong=st.sampled_from(("max_drawdown", "max_trades_per_hour", "daily_loss")),
        drift=st.sampled_from((-0.02, 0.02)),
    )
    def is_garbled(self, wrong: str, drift: float) -> None:
        """Somebody writes nonsense into the table: nothing is begun until it is mended."""
        kept = getattr(Configurations(BOT).now().settings, wrong)
        self.world.tables.edit("BotConfig", {"bot_id": {"S": BOT}}, **{wrong: {"S": "much"}})
        begun = len(self.world.began)
        for _ in range(2):
            self._moves(drift)
            self._tick(self.process, self.world.next_due())
        assert len(self.world.began) == begun
        Configurations(BOT).change({wrong: kept}, "a person", self.world.clock())

    @rule(seconds=st.sampled_from((3, 60, 700, 4000, 90_000)))
    def waits(self, seconds: int) -> None:
        """Time passes without a tick."""
        self.world.clock.at += seconds
        self.process = self.world.process()

    @rule(mood=st.sampled_from(sorted(MOODS)), quotes=st.sampled_from(("quotes", "quotes", *QUOTES)))
    def meets(self, mood: str, quotes: str) -> None:
        """The venue is in another mood."""
        self.world.venue.answer = MOODS[mood](self.world.venue)
        self.world.venue.on_quote = QUOTES[quotes]

    @rule(failure=st.sampled_from((None, "The venue was silent.")))
    def hears(self, failure: str | None) -> None:
        """Prices stay away, or come again."""
        self.world.feed.failure = failure

    @rule(number=st.integers(0, MOST_CALLS), armed=st.sampled_from((True, True, False)))
    def is_killed(self, number: int, armed: bool) -> None:
        """A person stops it amid a tick, and may look soon."""

        def kill() -> None:
            with self.world.tape.aside():
                States(BOT).kill(self.world.clock(), "a person", "the proof")

        with self.world.tape.record({number: meanwhile_before(kill)}):
            self._tick(self.process, self.world.next_due())
        if armed:
            self.is_armed()

    @rule()
    def is_armed(self) -> None:
        """A person lets it go on."""
        before = States(BOT).read()
        States(BOT).rearm(self.world.clock())
        if before.killed_at or before.halts:
            for oracle in self.world.oracles.values():
                oracle.rearmed()

    def teardown(self) -> None:
        """The venue is well again: what is open comes to its end, whatever stops entries."""
        if not hasattr(self, "world"):
            return
        self._told({"max_trades_per_hour": 1, "max_trades_per_day": 3, "is_active": False})
        self.world.feed.failure = None
        self.meets("well", "quotes")
        self.process = self.world.process()
        for _ in range(12):
            self.world.clock.at += 60
            self._tick(self.process, self.world.next_due())
        type(self).ended(self.world)
        assert States(BOT).read().open_trade is None

    def _told(self, changes: Mapping[str, Any]) -> None:
        before = Configurations(BOT).now()
        try:
            Configurations(BOT).change(changes, "a person", self.world.clock())
        except InvalidSettings:
            assert Configurations(BOT).now() == before
        self.world.consents()

    def _moves(self, drift: float) -> None:
        self.world.price = round(self.world.price * (1 + drift), 4)
        self.world.feed.set(BTC=self.world.price)

    def _tick(self, process: Guarded, due: int, late: int = 0) -> None:
        world, before = self.world, self.world.state()
        world.clock.at = max(world.clock.at, float(due + late))
        begun = len(world.began)
        with suppress(*ALLOWED):
            report = run_tick(process.bot(), due)
            if report.decision is not None and before.open_trade is None and before.killed_at is None:
                self._leaves(process, begun)
        assert not world.broken, world.broken[0]

    def _leaves(self, process: Guarded, begun: int) -> None:
        """A tick that came to its end has begun the exit that was due; and what was in force is counted."""
        state = self.world.state()
        mode, oracle = state.mode, self.world.oracles[state.mode]
        told = replace(process.told.settings, mode=mode)
        bars = list(oracle.bars(state.last_tick, self.world.clock.at, process.age, told))
        self.world.in_force.update(bars)
        begins = self.world.began[begun:]
        if not begins and state.killed_at is None:
            assert not oracle.must_leave(process.price, process.age, told), f"an exit was stopped, by {bars}"


def _fitting(tape: Tape, mishap: Any) -> Any:
    """What cannot happen to a call of the venue's does not."""

    def fitted(call: Any) -> Any:
        return call() if " " in tape.names[-1] and mishap not in DEATHS else mishap(call)

    return fitted


@dataclass(frozen=True)
class Place:
    """Tables in memory, every call to them on the tape."""

    tape: Tape
    tables: Cloud


@contextmanager
def place() -> Iterator[Place]:
    """The place, open, for one life after the other."""
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")
    os.environ.pop("AWS_ENDPOINT_URL", None)
    tape = Tape()
    with cloud() as tables, taped_aws(tape):
        yield Place(tape, tables)


@dataclass
class Lived:
    """What many lives came to: how many, their entries and exits, and how often each protection was in force."""

    lives: int = 0
    entries: int = 0
    exits: int = 0
    in_force: Counter[str] = field(default_factory=Counter)

    def ended(self, world: World) -> None:
        """One more."""
        self.lives += 1
        self.entries += sum(not trade.exit for trade in world.began)
        self.exits += sum(bool(trade.exit) for trade in world.began)
        self.in_force += world.in_force

    def __add__(self, other: "Lived") -> "Lived":
        return Lived(
            self.lives + other.lives,
            self.entries + other.entries,
            self.exits + other.exits,
            self.in_force + other.in_force,
        )

    def lines(self) -> Iterator[str]:
        """For a person."""
        yield f"lives                         {self.lives}"
        yield f"entries begun, exits          {self.entries}, {self.exits}"
        yield from (f"  ticks under {name:<24}{count}" for name, count in sorted(self.in_force.items()))


def guarded_lives(here: Place, name: str, examples: int, number: int, shrink: bool = True) -> Lived:
    """Let that many bots live that meet with one protection, drawn by the seed `number`.

    Raises AssertionError with what was let through.
    """
    lived = Lived()
    machine = type(
        "GuardedLife", (Life,), {"place": here, "meeting": MEETINGS[name], "ended": staticmethod(lived.ended)}
    )
    steady = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
    )
    run_state_machine_as_test(seed(number)(machine), settings=steady)  # type: ignore[no-untyped-call]
    return lived


# ------------------------------------------------------------------ without one

Undoing = Callable[[], AbstractContextManager[object]]


def _no(protection: Protection) -> Undoing:
    nothing = {protection: lambda asked: None}
    return lambda: patch.dict(protections._PROTECTIONS, nothing)


def _gate(gate: Gate, otherwise: Callable[[Situation], Asked]) -> Undoing:
    return lambda: patch.dict(gates._GATES, {gate: otherwise})  # type: ignore[arg-type]


def _open(s: Situation) -> Asked:
    return Asked(np.bool_(False), 0, 0)


def _however_old(s: Situation) -> Asked:
    missing = ~np.isfinite(s.seen.log_prices[-1])
    return Asked(missing[:, None] | missing[None, :], 0, 0)


def _no_halt_is_kept() -> AbstractContextManager[object]:
    return patch.object(States, "halt", lambda *_: True)


def _no_tally_is_read() -> AbstractContextManager[object]:
    return patch.object(bot_state, "_tally", lambda kept: Tally())


def _other_hours_forgotten() -> AbstractContextManager[object]:
    return patch.object(Count, "within", lambda count, span: count.count if span == count.span else 0)


def _exits_halted() -> AbstractContextManager[object]:
    return patch.object(leaving, "BIND_EXITS", (*gates.BIND_EXITS, Gate.HALTED))


def _no_budget_is_quoted() -> AbstractContextManager[object]:
    return patch.object(Converting, "_over_budget", lambda *_: None)


# What is taken away from the bot, by its name: what lives meet with to find that out, and the ways to undo it.
MUTANTS: Mapping[str, tuple[str, tuple[Undoing, ...]]] = {
    **{str(one): (str(one), (_no(one),)) for one in Protection if one != Protection.MAX_PRICE_AGE_SECONDS},
    "max_price_age_seconds": (
        "max_price_age_seconds",
        (_no(Protection.MAX_PRICE_AGE_SECONDS), _gate(Gate.PRICE, _however_old)),
    ),
    "reserve": ("reserve", (_gate(Gate.RESERVE, _open),)),
    "budget": ("budget", (_gate(Gate.BUDGET, _open), _no_budget_is_quoted)),
    "the halt that outlasts its cause": ("max_drawdown", (_no_halt_is_kept,)),
    "the tally that outlasts a process": ("max_trades_per_hour", (_no_tally_is_read,)),
    "the hour in which a late tick's trade ends": ("max_trades_per_hour", (_other_hours_forgotten,)),
    "the way out of exits": ("exits", (_exits_halted,)),
}


@contextmanager
def without(mutant: str) -> Iterator[None]:
    """The bot without one thing that guards it: the oracle must find that out."""
    with ExitStack() as undone:
        for undoing in MUTANTS[mutant][1]:
            undone.enter_context(undoing())
        yield
