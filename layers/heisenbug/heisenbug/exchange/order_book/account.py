"""Conversions at a venue with order books: an order that is filled at once or cancelled, known by an id of our own.

A quote is the book at its worst price; nothing is sent before the commit, which is one order, sent once. Its id comes
from the trade's, so that whoever finds the trade can ask for the order.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import MarketUnavailable, Rejected, Unresolved
from heisenbug.domain.trade import Filled, Settlement, VenueQuote
from heisenbug.exchange.order_book.dialect import Execution, Library, Raw, Rows, Sought
from heisenbug.exchange.order_book.library import Opened
from heisenbug.exchange.order_book.markets import Markets
from heisenbug.exchange.order_book.sizing import Level, Market, Sized, purchase, sale
from heisenbug.exchange.port import Request
from heisenbug.exchange.words import decimal

ASK_SECONDS = 4.0
COMMIT_SECONDS = 5.0
# What a commit leaves of the invocation for writing down what came of it.
KEPT_SECONDS = 1.0
LASTS_SECONDS = 15
# An order is looked for from so long before its quote was made: clocks differ.
SKEW_SECONDS = 60
UNMET = "The order found nobody at its price, and was cancelled; nothing moved."


class OrderBookAccount:
    """One account, for one invocation that ends at `deadline` (epoch seconds), trading `pairs`."""

    def __init__(
        self,
        opened: Opened,
        markets: Markets,
        pairs: Sequence[Pair],
        clock: Callable[[], datetime],
        deadline: float,
    ) -> None:
        self._opened = opened
        self._markets = markets
        self._pairs = pairs
        self._clock = clock
        self._deadline = deadline
        self._sized: dict[str, Sized] = {}

    def balances(self) -> Mapping[str, Decimal]:
        """What may be spent of each asset."""
        self._learn()
        free = self._ask_as_customer(lambda library: library.fetch_balance())["free"]
        return {asset: decimal(amount, f"{asset} balance") for asset, amount in free.items() if amount is not None}

    def quote(self, request: Request) -> VenueQuote:
        """What an order for at most the amount pays at most and receives at least; nothing moves."""
        self._learn(request.source, request.target)
        asked_at = self._now()
        sized = self.sized(request.source, request.target, request.amount)
        client_id = client_id_of(request.trade_id)
        self._sized[client_id] = sized
        expires_at = int(asked_at) + LASTS_SECONDS
        return VenueQuote(client_id, request.source, request.target, sized.pays, sized.receives, expires_at)

    def sized(self, source: str, target: str, amount: Decimal) -> Sized:
        """The order that converts at most `amount`, from the book as it is now; raises Rejected."""
        market, dialect = self._markets.between(source, target), self._opened.dialect
        book = self._ask(lambda library: dialect.book(library, market.symbol))
        if market.base == source:
            return sale(market, amount, _levels(book.bids), dialect.title)
        return purchase(market, amount, _levels(book.asks), dialect.fee_in_received, dialect.title)

    def commit(self, quote: VenueQuote) -> Filled:
        """Place the order, once; raises Rejected only where the venue surely moved nothing."""
        sized, deadline = self._sized[quote.id], min(self._until(COMMIT_SECONDS), self._deadline - KEPT_SECONDS)
        told = self._opened.dialect.order(quote.id, quote.expires_at, self._now())
        try:
            self._opened.check(deadline)
        except MarketUnavailable as barred:
            raise Rejected(f"The order was not sent: {barred}.") from barred
        try:
            self._opened.order(deadline, lambda library: place(library, sized, told))
        except MarketUnavailable as silent:
            raise Unresolved(f"The order was sent, but {silent}.") from silent
        except self._opened.refusals.any as error:
            raise self._refused(error) from error
        return self._became_of(quote)

    def find(self, quote: VenueQuote) -> Filled | None:
        """What became of an order; None where neither open nor past orders know it, so far."""
        self._learn(quote.source, quote.target)
        market = self._markets.between(quote.source, quote.target)
        sought = Sought(quote.id, market.symbol, quote.expires_at - LASTS_SECONDS - SKEW_SECONDS)
        orders = self._ask_as_customer(lambda library: self._opened.dialect.find(library, sought))
        if len(orders) > 1:
            raise MarketUnavailable(f"{self._opened.dialect.title} knows {len(orders)} orders under the id {quote.id}")
        return self._filled(orders[0], market, quote) if orders else None

    def rehearse(self, source: str, target: str, amount: Decimal) -> None:
        """Let the venue check an order for at most the amount, which is not placed; raises as a quote does."""
        self._learn(source, target)
        sized, told = self.sized(source, target, amount), self._opened.dialect.rehearsal()
        self._ask_as_customer(lambda library: place(library, sized, told))

    def trades(self, pair: Pair) -> bool:
        """Whether the venue has this market."""
        self._learn()
        return bool(self._markets.symbols([pair]))

    def _became_of(self, quote: VenueQuote) -> Filled:
        """What became of an order that was taken; where that is not seen yet, a later tick asks."""
        try:
            found = self.find(quote)
        except (MarketUnavailable, Rejected):
            found = None
        return found or Filled(Settlement.PROCESSING, quote.amount, quote.amount * 0)

    def _refused(self, error: Exception) -> Exception:
        refusal = self._opened.refusal(error)
        if not self._opened.refusals.is_definite(error):
            return Unresolved(f"The order was sent, but {refusal}.")
        return refusal if isinstance(refusal, Rejected) else Rejected(f"The order was refused: {refusal}.")

    def _filled(self, order: Raw, market: Market, quote: VenueQuote) -> Filled:
        found = self._opened.dialect.execution(order, market.base, market.quote)
        if found.is_buy != (market.base == quote.target):
            raise MarketUnavailable("the exchange's answer is about an order in the other direction")
        if found.settlement is not Settlement.COMPLETED:
            return Filled(found.settlement, quote.amount, quote.amount * 0, UNMET)
        paid, received = _moved(found, market)
        if paid <= 0 or received <= 0:
            raise MarketUnavailable("the exchange's answer states an amount that is not above zero")
        return Filled(Settlement.COMPLETED, paid, received)

    def _learn(self, *assets: str) -> None:
        pairs = [*self._pairs, *([_pair(assets)] if assets and not self._knows(*assets) else [])]
        self._markets.learn(pairs, self._until(ASK_SECONDS))

    def _knows(self, source: str, target: str) -> bool:
        return any({pair.base, pair.quote} == {source, target} for pair in self._pairs)

    def _ask(self, ask: Callable[[Library], Any]) -> Any:
        return self._opened.ask(self._until(ASK_SECONDS), ask)

    def _ask_as_customer(self, ask: Callable[[Library], Any]) -> Any:
        return self._opened.ask(self._until(ASK_SECONDS), ask, as_customer=True)

    def _until(self, seconds: float) -> float:
        return min(self._now() + seconds, self._deadline)

    def _now(self) -> float:
        return self._clock().timestamp()


def client_id_of(trade_id: str) -> str:
    """The id of a trade's one order, in the form that every venue takes: always the same for the same trade."""
    return str(UUID(bytes=hashlib.sha256(trade_id.encode()).digest()[:16]))


def place(library: Library, sized: Sized, told: Mapping[str, Any]) -> Any:
    """Send an order at its worst price."""
    side = "buy" if sized.is_buy else "sell"
    volume, price = f"{sized.volume:f}", f"{sized.price:f}"
    return library.create_order(sized.market.symbol, "limit", side, volume, price, dict(told))


def _moved(found: Execution, market: Market) -> tuple[Decimal, Decimal]:
    """What was paid and what was received; a fee in another asset than these two is no part of either."""
    in_quote = found.fee if found.fee_asset == market.quote else Decimal(0)
    in_base = found.fee if found.fee_asset == market.base else Decimal(0)
    if found.is_buy:
        return found.cost + in_quote, found.filled - in_base
    return found.filled + in_base, found.cost - in_quote


def _levels(rows: Rows) -> list[Level]:
    return [Level(decimal(price, "price"), decimal(volume, "volume")) for price, volume in rows]


def _pair(assets: Sequence[str]) -> Pair:
    return Pair(assets[0], assets[1])
