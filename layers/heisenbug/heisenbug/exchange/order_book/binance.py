"""Binance: what it honours of an order, where it keeps orders, and how it complains (docs/venues.md)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import MarketUnavailable
from heisenbug.domain.quotes import RawQuote
from heisenbug.exchange.order_book.dialect import LEVELS, Book, Execution, Library, Raw, Sought, listed, number, ours
from heisenbug.exchange.words import several

OVER = ("FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH")
MOST_WINDOW_MILLISECONDS = 60_000


class Binance:
    """Spot. A client order id is unique among open orders only; a window of time ends what is late on the way."""

    name = "binance"
    title = "Binance"
    rights = "Enable Reading, Enable Spot & Margin Trading"
    options: Mapping[str, Any] = {
        "defaultType": "spot",
        "fetchMarkets": {"types": ["spot"]},
        "crossMarginPairsData": [],
        "isolatedMarginPairsData": [],
        "warnOnFetchOpenOrdersWithoutSymbol": False,
    }
    errors: Mapping[str, str] = {}
    fee_in_received = True
    taker = Decimal("0.001")
    counts_nonces = False

    def markets(self, library: Library, pairs: Sequence[Pair]) -> Sequence[Raw]:
        """Those of the pairs alone: all of them would be twenty megabytes."""
        names = [f"{pair.base}{pair.quote}" for pair in pairs]
        try:
            found = _described(library, names)
        except library.errors.BadSymbol:
            found = [market for pair in pairs for market in _either(library, pair)]
        return [library.parse_market(market) for market in found]

    def cost_step(self, market: Raw) -> Decimal | None:
        """The precision of the quote."""
        decimals = market.get("quotePrecision")
        return Decimal(1).scaleb(-decimals) if isinstance(decimals, int) else None

    def tickers(self, library: Library, symbols: Sequence[str]) -> Mapping[str, RawQuote]:
        """One request for all symbols."""
        found = library.fetch_bids_asks(list(symbols))
        return {symbol: RawQuote(one.get("bid"), one.get("ask")) for symbol, one in found.items()}

    def book(self, library: Library, symbol: str) -> Book:
        """Rows of price and volume."""
        answer = library.publicGetDepth({"symbol": library.market(symbol)["id"], "limit": LEVELS})
        return Book(*([(row[0], row[1]) for row in listed(answer, side)] for side in ("bids", "asks")))

    def order(self, client_id: str, expires_at: int, now: float) -> Mapping[str, Any]:
        """Taken until the quote expires, and not later."""
        window = max(min(int((expires_at - now) * 1000), MOST_WINDOW_MILLISECONDS), 1)
        return {"newClientOrderId": client_id, "timeInForce": "IOC", "recvWindow": window}

    def rehearsal(self) -> Mapping[str, Any]:
        """The address that tests an order."""
        return {"timeInForce": "IOC", "test": True}

    def find(self, library: Library, sought: Sought) -> Sequence[Raw]:
        """The order by its id, open or over, with its trades: only they name what the fee was taken from."""
        symbol = library.market(sought.symbol)["id"]
        try:
            order = library.privateGetOrder({"symbol": symbol, "origClientOrderId": sought.client_id})
        except library.errors.OrderNotFound:
            return []
        trades = []
        if number(order, "executedQty") > 0:
            trades = library.privateGetMyTrades({"symbol": symbol, "orderId": order.get("orderId")})
        return ours([{**order, "trades": trades}], "clientOrderId", sought.client_id)

    def execution(self, order: Raw, base: str, quote: str) -> Execution:
        """Amounts as the order states them; a fee in a third asset is no part of them."""
        filled, is_buy = number(order, "executedQty"), order.get("side") == "BUY"
        received = base if is_buy else quote
        return Execution(
            str(order.get("clientOrderId")),
            order.get("status") in OVER,
            is_buy,
            filled,
            number(order, "cummulativeQuoteQty"),
            _fees(order, received, filled),
            received,
        )

    def kind_of(self, body: Any) -> str:
        """ccxt knows them all."""
        return ""

    def complaint(self, body: Any) -> str:
        """Its message with its number."""
        return several([f"{body.get('msg')} ({body.get('code')})"]) if isinstance(body, Mapping) else ""


def _described(library: Library, names: Sequence[str]) -> list[Raw]:
    found: list[Raw] = listed(library.publicGetExchangeInfo({"symbols": library.json(list(names))}), "symbols")
    return found


def _either(library: Library, pair: Pair) -> Iterator[Raw]:
    """A pair's market, either way round; nothing where there is none."""
    for name in (f"{pair.base}{pair.quote}", f"{pair.quote}{pair.base}"):
        with suppress(library.errors.BadSymbol):
            yield from _described(library, [name])


def _fees(order: Raw, received: str, filled: Decimal) -> Decimal:
    """What was kept of the asset that was received; raises MarketUnavailable where not all trades are listed yet."""
    trades: list[Raw] = listed(order, "trades")
    if sum((number(trade, "qty") for trade in trades), Decimal(0)) != filled:
        raise MarketUnavailable("the exchange does not list all trades of the order yet")
    kept = (number(trade, "commission") for trade in trades if trade.get("commissionAsset") == received)
    return sum(kept, Decimal(0))
