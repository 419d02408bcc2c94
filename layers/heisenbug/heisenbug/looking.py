"""Looking at the market: ask for prices, believe what can be believed, keep one sample a slot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from math import sqrt
from typing import Protocol

from heisenbug.domain.assets import Pair
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.errors import MarketUnavailable
from heisenbug.domain.guards import Moment, Watch, believe
from heisenbug.domain.market import Market, Sample
from heisenbug.domain.portfolio import Portfolio
from heisenbug.domain.quotes import Quote, Ticker, understand
from heisenbug.domain.settings import Settings
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.window_slots import earlier_slots, oldest_sample, sample_of
from heisenbug.exchange.port import Past, PastQuotes, Tickers

# As finely as a snapshot keeps it, so that a decision can be computed again to the same gate.
AGE_DIGITS = 3


class Samples(Protocol):
    """The kept snapshots of ticks before."""

    def samples(self, sample_seconds: int, count: int, before: int, after: int = 0) -> Sequence[Snapshot]:
        """The samples of the newest `count` slots of one spacing, oldest first."""

    def newest(self, sample_seconds: int, count: int, before: int = ..., after: int = ...) -> Sequence[Snapshot]:
        """The newest snapshots, newest first."""

    def fill(self, snapshots: Sequence[Snapshot]) -> None:
        """Keep a market's past."""


@dataclass(slots=True)
class Memory:
    """What a warm function remembers between ticks; all of it can be read again from the store.

    Empty where `tick` is not the tick before this one.
    """

    tick: int = 0
    sample_seconds: int = 0
    samples: list[Sample] = field(default_factory=list)
    watches: dict[Pair, Watch] = field(default_factory=dict)
    peak: Decimal = Decimal(0)
    mode: str = ""
    ticker: Ticker | None = None
    asked_past: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What one look gave: the market to decide on, what to remember of each pair, and whether the tick is a sample."""

    market: Market
    watches: dict[Pair, Watch]
    is_sample: bool
    failure: str | None


class Looking:
    """Looks at one market, tick after tick."""

    def __init__(
        self, tickers: Tickers, past: Past | None, store: Samples, clock: Callable[[], datetime], memory: Memory
    ) -> None:
        self._tickers = tickers
        self._past = past
        self._store = store
        self._clock = clock
        self._memory = memory

    def look(self, due: int, previous_tick: int, told: Configuration, timeout_seconds: float) -> Look:
        """The market at the tick due at `due` (epoch seconds); never fails for a venue's sake: then all is guarded."""
        self._remember(due, previous_tick, told.settings)
        memory, settings = self._memory, told.settings
        ticker = self._ticker(told, timeout_seconds)
        self._fill_from_past(due, told, ticker)
        moment = Moment(due, ticker.failure is None and self._is_sample(due, settings))
        pairs = tuple(trading.pair for trading in told.pairs)
        watches, quotes = believe(ticker, pairs, memory.watches, moment, self._volatility)
        age = round((self._clock() - ticker.received_at).total_seconds(), AGE_DIGITS)
        guarded = {pair: watch.guarded for pair, watch in watches.items() if watch.guarded}
        market = Market(due, max(age, 0.0), told.pairs, quotes, guarded, self._earlier(due, settings))
        return Look(market, watches, moment.is_sample, ticker.failure)

    def peak_of(self, mode: str) -> Decimal:
        """The highest equity that the tick before knew of, where it traded the same money."""
        return self._memory.peak if self._memory.mode == mode else Decimal(0)

    def keep(self, due: int, look: Look, snapshot: Snapshot) -> None:
        """Remember the tick for the next one."""
        memory = self._memory
        memory.peak, memory.mode = snapshot.peak, snapshot.mode
        memory.tick = due
        memory.watches = look.watches
        if look.is_sample:
            memory.samples.append(sample_of(due, look.market.quotes))

    def _remember(self, due: int, previous_tick: int, settings: Settings) -> None:
        memory = self._memory
        if memory.tick and memory.tick == previous_tick and memory.sample_seconds == settings.sample_seconds:
            self._trim(due, settings)
            return
        last = next(iter(self._store.newest(settings.sample_seconds, 1, before=due)), None)
        kept = self._store.samples(settings.sample_seconds, settings.window, due, oldest_sample(due, settings))
        memory.samples = [sample_of(snapshot.at, snapshot.quotes) for snapshot in kept]
        memory.watches = dict(last.watches) if last else {}
        memory.peak, memory.mode = (last.peak, last.mode) if last else (Decimal(0), "")
        memory.asked_past = memory.asked_past and memory.sample_seconds == settings.sample_seconds
        memory.sample_seconds = settings.sample_seconds

    def _trim(self, due: int, settings: Settings) -> None:
        oldest = oldest_sample(due, settings)
        young = [sample for sample in self._memory.samples if sample.at > oldest]
        self._memory.samples = young[-settings.window :]

    def _ticker(self, told: Configuration, timeout_seconds: float) -> Ticker:
        known, now = self._memory.ticker, self._clock()
        pairs = tuple(trading.pair for trading in told.pairs)
        fresh = known is not None and 0 <= (now - known.received_at).total_seconds() <= told.settings.cache_ttl_seconds
        if known is not None and fresh and set(pairs) <= set(known.quotes):
            return known
        try:
            self._memory.ticker = self._tickers.tickers(pairs, timeout_seconds)
        except MarketUnavailable as error:
            self._memory.ticker = None
            return Ticker(now, failure=str(error))
        return self._memory.ticker

    def _is_sample(self, due: int, settings: Settings) -> bool:
        """Whether the tick is the first one of its slot that the venue answered."""
        samples, spacing = self._memory.samples, settings.sample_seconds
        return not samples or samples[-1].at // spacing < due // spacing

    def _earlier(self, due: int, settings: Settings) -> tuple[Sample, ...]:
        return earlier_slots(self._memory.samples, due, settings)

    def _fill_from_past(self, due: int, told: Configuration, ticker: Ticker) -> None:
        memory, settings = self._memory, told.settings
        if self._past is None or memory.asked_past or ticker.failure:
            return
        if len(self._earlier(due, settings)) >= settings.window - 1:
            return
        try:
            past = self._past.samples(settings.sample_seconds, settings.window, _slot_start(due, settings))
        except MarketUnavailable:
            return
        memory.asked_past = True
        snapshots = [_past_snapshot(quotes, told) for quotes in past]
        first = min((sample.at for sample in memory.samples), default=due)
        older = [snapshot for snapshot in snapshots if snapshot.at < first and snapshot.quotes]
        self._store.fill(older)
        memory.samples = [*(sample_of(snapshot.at, snapshot.quotes) for snapshot in older), *memory.samples]

    def _volatility(self, pair: Pair) -> float:
        name = str(pair)
        logs = [sample.log_mids[name] for sample in self._memory.samples if name in sample.log_mids]
        moves = [after - before for before, after in pairwise(logs)]
        if len(moves) < 2:
            return 0.0
        mean = sum(moves) / len(moves)
        return sqrt(sum((move - mean) ** 2 for move in moves) / (len(moves) - 1))


def _slot_start(due: int, settings: Settings) -> int:
    return due // settings.sample_seconds * settings.sample_seconds


def _past_snapshot(past: PastQuotes, told: Configuration) -> Snapshot:
    quotes = {trading.pair: _believable(trading.pair, past) for trading in told.pairs}
    believed = {pair: quote for pair, quote in quotes.items() if quote is not None}
    return Snapshot(
        past.at, 0.0, told.settings.sample_seconds, told.version, believed, {}, Portfolio({}), None, Decimal(0)
    )


def _believable(pair: Pair, past: PastQuotes) -> Quote | None:
    try:
        return understand(pair, past.quotes[pair])
    except (KeyError, ValueError):
        return None
