"""One bot at one decision, 1000 USD and BTC that climbs, and every way its trade can be left behind."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from heisenbug.converting import Converting
from heisenbug.domain.decide import Decision, decide
from heisenbug.domain.errors import Rejected, Unresolved
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.settings import Settings
from heisenbug.domain.trade import TradeState, VenueQuote
from heisenbug.reconciling import GRACE_SECONDS, Reconciling
from heisenbug.settling import Ended, Position, Settling
from tests.fakes import Clock, Died, FakeBook, FakeExchange, completed, failed, processing, raising
from tests.markets import FREE, climbing, eager, holding, market

LEFT_SECONDS = 20
QUOTE_LASTS_SECONDS = 18
LEASE_SECONDS = LEFT_SECONDS + 1
# The last second at which a commit that the venue does not know may still turn up.
LAST_SECOND = QUOTE_LASTS_SECONDS + GRACE_SECONDS
DAY = 86400
DOUBT = Unresolved("The answer was lost.")
REFUSED = Rejected("The venue says no.")


@dataclass
class Desk:
    """The bot, the venue and the book it writes in; 41 trades were made before."""

    settings: Settings = field(default_factory=lambda: eager(cooldown_seconds=300))
    clock: Clock = field(default_factory=Clock)
    book: FakeBook = field(default_factory=FakeBook)

    def __post_init__(self) -> None:
        self.ledger = Ledger({"USD": Decimal("1000.00")})
        self.position = Position(self.ledger, 41, self.book.version)
        self.decision: Decision = decide(market({"BTC-USD": climbing()}), holding(USD="1000"), self.settings, FREE)
        prices = dict(zip(self.decision.assets, self.decision.prices.tolist(), strict=True))
        self.exchange = FakeExchange(prices, self.ledger.holdings, self.clock)

    def settling(self) -> Settling:
        return Settling(self.book, self.settings, self.clock)

    def convert(self, left_seconds: float = LEFT_SECONDS) -> Ended:
        deadline = self.clock.at + left_seconds
        converting = Converting("default", self.exchange, self.settling(), deadline)
        return self._went_on(converting.convert(self.decision, self.position, b"record"))

    def later(self, seconds: float) -> Ended:
        """A later invocation that finds the trade open."""
        self.clock.at += seconds
        assert self.book.running is not None
        return self._went_on(self.reconciling().reconcile(self.book.running, self._now()))

    def watch(self, seconds: float = 0) -> Ended | None:
        """A later invocation that finds no trade open."""
        self.clock.at += seconds
        ended = self.reconciling().watch(self._now())
        return None if ended is None else self._went_on(ended)

    def reconciling(self) -> Reconciling:
        return Reconciling(self.exchange, self.settling())

    def left_behind(self, state: TradeState) -> VenueQuote:
        """Let an invocation leave its trade behind in this state; its quote."""
        if state is TradeState.INTENDED:
            self._die_after("intend")
            return VenueQuote("", "", "", Decimal(0), Decimal(0), 0)
        self.exchange.answer = raising(DOUBT) if state is TradeState.UNRESOLVED else processing
        self.convert()
        return self.quote

    def has_failed(self) -> VenueQuote:
        """Let the venue fail the trade; its quote."""
        self.exchange.answer = failed
        quote = self.convert().trade.quote
        assert quote is not None
        return quote

    def lands(self, quote: VenueQuote) -> None:
        """The commit turns up at the venue after all."""
        self.exchange.land(quote, completed(quote))

    @property
    def quote(self) -> VenueQuote:
        """The quote of the trade that is open."""
        assert self.book.running is not None
        assert self.book.running.quote is not None
        return self.book.running.quote

    def assert_nothing_moved(self) -> None:
        moved = self.book.ledger or self.ledger
        assert moved.holdings == self.ledger.holdings
        assert self.book.open_trade is None

    def assert_rests(self) -> None:
        assert self.book.ledger is not None
        assert set(self.book.ledger.resting) == {("USD", "BTC"), ("BTC", "USD")}

    def assert_holds_what_the_venue_holds(self) -> None:
        ledger = self.book.ledger or self.ledger
        assert ledger.holdings == {asset: held for asset, held in self.exchange.holdings.items() if held}

    def _now(self) -> Position:
        return replace(self.position, version=self.book.version)

    def _went_on(self, ended: Ended) -> Ended:
        if ended.trade.finished_at is not None:
            self.position = ended.position
        return ended

    def _die_after(self, step: str) -> None:
        self.book.die_after = step
        with pytest.raises(Died):
            self.convert()
        self.book.die_after = ""
