"""Stand-ins that behave: a clock that stands still, a venue and a book that keep the promises of the real ones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from heisenbug.domain.assets import Pair, round_received
from heisenbug.domain.errors import FenceLost, MarketUnavailable
from heisenbug.domain.ledger import Ledger, Newest
from heisenbug.domain.quotes import RawQuote, Ticker
from heisenbug.domain.trade import Filled, Settlement, Trade, TradeState, VenueQuote
from heisenbug.exchange.port import Request
from tests.markets import MONDAY


@dataclass
class Clock:
    """A clock that stands still until it is moved; epoch seconds."""

    at: float = MONDAY

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def sleep(self, seconds: float) -> None:
        self.at += seconds


Answer = Callable[[VenueQuote], Filled]


def completed(quote: VenueQuote) -> Filled:
    """The venue carried the quote out."""
    return Filled(Settlement.COMPLETED, quote.amount, quote.receives)


def processing(quote: VenueQuote) -> Filled:
    """The venue is at it."""
    return Filled(Settlement.PROCESSING, quote.amount, quote.receives)


def failed(quote: VenueQuote) -> Filled:
    """The venue says that it came to nothing."""
    return Filled(Settlement.FAILED, quote.amount, Decimal(0))


def raising(error: Exception) -> Callable[..., Filled]:
    """An answer that never comes."""

    def answer(*_: object) -> Filled:
        raise error

    return answer


@dataclass
class FakeExchange:
    """A venue at fixed prices whose every answer can be told beforehand; it counts what was asked of it."""

    prices: Mapping[str, float]
    holdings: Mapping[str, Decimal]
    clock: Clock
    cost: Decimal = Decimal(0)
    lasts_seconds: int = 18
    answer: Answer = completed
    found: Callable[[str], Filled | None] | None = None
    twist: Callable[[VenueQuote], VenueQuote] = field(default=lambda quote: quote)
    on_quote: Callable[[], None] = field(default=lambda: None)
    asked: list[str] = field(default_factory=list)
    landed: dict[str, Filled] = field(default_factory=dict)

    def balances(self) -> Mapping[str, Decimal]:
        self.asked.append("balances")
        return self.holdings

    def quote(self, request: Request) -> VenueQuote:
        self.asked.append("quote")
        self.on_quote()
        rate = Decimal(repr(self.prices[request.source] / self.prices[request.target]))
        receives = round_received(request.amount * rate * (1 - self.cost), request.target)
        expires_at = int(self.clock.at) + self.lasts_seconds
        name = f"q-{request.trade_id}"
        return self.twist(VenueQuote(name, request.source, request.target, request.amount, receives, expires_at))

    def commit(self, quote: VenueQuote) -> Filled:
        self.asked.append("commit")
        filled = self.answer(quote)
        self.land(quote, filled)
        return filled

    def land(self, quote: VenueQuote, filled: Filled) -> None:
        """What became of a commit, whoever heard of it; what is completed moves the holdings."""
        self.landed[quote.id] = filled
        if filled.settlement is Settlement.COMPLETED:
            held, got = (self.holdings.get(asset, Decimal(0)) for asset in (quote.source, quote.target))
            moved = {quote.source: held - filled.amount, quote.target: got + filled.received}
            self.holdings = {**self.holdings, **moved}

    def find(self, quote: VenueQuote) -> Filled | None:
        self.asked.append("find")
        return self.found(quote.id) if self.found else self.landed.get(quote.id)

    @property
    def commits(self) -> int:
        return self.asked.count("commit")


@dataclass
class FakeBook:
    """The book in memory, with the fences of the real one."""

    version: int = 0
    open_trade: str | None = None
    killed: bool = False
    running: Trade | None = None
    ledger: Ledger | None = None
    finished: list[Trade] = field(default_factory=list)
    dropped: list[Trade] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)
    die_after: str = ""

    def intend(self, trade: Trade, version: int, record: bytes) -> None:
        self._fence(self.version == version and self.open_trade is None and not self.killed)
        self.version, self.open_trade, self.running = version + 1, trade.id, trade
        self._did("intend")

    def committing(self, trade: Trade) -> None:
        same = self.running is not None and self.running.id == trade.id == self.open_trade
        self._fence(same and self.running.state is TradeState.INTENDED and not self.killed)  # type: ignore[union-attr]
        self.running = replace(trade, state=TradeState.COMMITTING)
        self._did("committing")

    def unresolved(self, trade: Trade) -> None:
        self._fence(self.open_trade == trade.id)
        self.running = trade
        self._did("unresolved")

    def waits(self, trade: Trade) -> None:
        self._fence(self.open_trade == trade.id)
        self.running = trade
        self._did("waits")

    def finish(
        self, trade: Trade, ledger: Ledger, record: bytes | None, history_limit: int, following: Trade | None = None
    ) -> Trade:
        self._end(trade, ledger, following)
        self.finished.append(trade)
        self.limits.append(history_limit)
        self._did("finish")
        return trade

    def drop(self, trade: Trade, ledger: Ledger, sequence: int, following: Trade | None = None) -> None:
        self._end(trade, ledger, following)
        self.dropped.append(trade)
        self._did("drop")

    def watched(self, sequence: int) -> Trade:
        return next(trade for trade in reversed(self.finished) if trade.sequence == sequence)

    def keep(self, ledger: Ledger, sequence: int, version: int) -> None:
        self._fence(self.version == version and self.open_trade is None)
        self.version, self.ledger = version + 1, ledger
        self._did("keep")

    def correct(self, trade: Trade, ledger: Ledger, newest: Newest, halt: str) -> None:
        self._fence(self.version == newest.version and self.open_trade is None)
        self.version, self.ledger, self.killed = newest.version + 1, ledger, True
        self.finished.append(trade)
        self._did("correct")

    def _end(self, trade: Trade, ledger: Ledger, following: Trade | None) -> None:
        self._fence(self.open_trade == trade.id)
        self.version += 1
        self.open_trade, self.running, self.ledger = following.id if following else None, following, ledger

    def _fence(self, holds: bool) -> None:
        if not holds:
            raise FenceLost("Another process moved the bot's state on first.")

    def _did(self, step: str) -> None:
        self.steps.append(step)
        if step == self.die_after:
            raise Died(step)


class Died(BaseException):
    """The process ended here."""


@dataclass
class FakeTickers:
    """Prices as told; `failure` is what the venue does instead of answering."""

    clock: Clock
    raw: dict[str, tuple[object, object]] = field(default_factory=dict)
    failure: str | None = None
    calls: int = 0

    def tickers(self, pairs: Sequence[Pair], timeout_seconds: float) -> Ticker:
        self.calls += 1
        if self.failure is not None:
            raise MarketUnavailable(self.failure)
        told = {Pair.parse(name): RawQuote(*sides) for name, sides in self.raw.items()}
        return Ticker(self.clock(), {pair: told[pair] for pair in pairs if pair in told})

    def set(self, **prices: float) -> None:
        """Quote these assets in USD, bid = ask."""
        self.raw = {f"{asset}-USD": (repr(price), repr(price)) for asset, price in prices.items()}


@dataclass
class FakeQueue:
    """Keeps what was sent: (due, seconds of delay, interval)."""

    sent: list[tuple[int, int, int]] = field(default_factory=list)

    def send(self, ticks: Mapping[int, int], interval: int) -> None:
        self.sent += [(due, delay, interval) for due, delay in ticks.items()]
