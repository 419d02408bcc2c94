"""Coinbase Advanced: what it honours of an order, where it keeps orders, and how it complains (docs/venues.md)."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import MarketUnavailable
from heisenbug.domain.quotes import RawQuote
from heisenbug.exchange.order_book.dialect import LEVELS, Book, Execution, Library, Raw, Sought, listed, number, ours
from heisenbug.exchange.words import several

OVER = ("FILLED", "CANCELLED", "EXPIRED", "FAILED")
UNKNOWN = ("", "UNKNOWN_FAILURE_REASON")
PAGE = 100
MOST_PAGES = 10


class Coinbase:
    """Spot. A client order id is honoured for ever: an order under one that was used before is the one of before."""

    name = "coinbase"
    title = "Coinbase"
    rights = "View, Trade"
    options: Mapping[str, Any] = {}
    errors: Mapping[str, str] = {}
    fee_in_received = False
    taker = Decimal("0.012")
    counts_nonces = False

    def markets(self, library: Library, pairs: Sequence[Pair]) -> Sequence[Raw]:
        """All of them, without what has nothing to do with spot."""
        products = library.v3PublicGetBrokerageMarketProducts({"product_type": "SPOT"})
        return [library.parse_spot_market(product, {}) for product in listed(products, "products")]

    def cost_step(self, market: Raw) -> Decimal | None:
        """Its values have more digits than its prices."""
        return None

    def tickers(self, library: Library, symbols: Sequence[str]) -> Mapping[str, RawQuote]:
        """One request a symbol: without a key there is no other way to a bid and an ask."""
        return {symbol: _best(_book(library, symbol, 1)) for symbol in symbols}

    def book(self, library: Library, symbol: str) -> Book:
        """Rows of price and size, by name."""
        return _book(library, symbol, LEVELS)

    def order(self, client_id: str, expires_at: int, now: float) -> Mapping[str, Any]:
        """By its own name of the id: the common one is dropped by ccxt, which then makes up another."""
        return {"client_order_id": client_id, "timeInForce": "IOC"}

    def rehearsal(self) -> Mapping[str, Any]:
        """A preview."""
        return {"timeInForce": "IOC", "preview": True}

    def find(self, library: Library, sought: Sought) -> Sequence[Raw]:
        """Among all orders of the market since then, open and over, page by page."""
        return ours(_orders(library, sought), "client_order_id", sought.client_id)

    def execution(self, order: Raw, base: str, quote: str) -> Execution:
        """Value and fees as the order states them."""
        return Execution(
            str(order.get("client_order_id")),
            order.get("status") in OVER,
            order.get("side") == "BUY",
            number(order, "filled_size"),
            number(order, "filled_value"),
            number(order, "total_fees"),
            quote,
        )

    def kind_of(self, body: Any) -> str:
        """An order that was not taken comes in a 200, its reason under one of several names."""
        reasons = _reasons(body)
        if not reasons:
            return ""
        if all(reason in UNKNOWN for reason in reasons):
            return "ExchangeError"
        return "InsufficientFunds" if any("INSUFFICIENT_FUND" in reason for reason in reasons) else "InvalidOrder"

    def complaint(self, body: Any) -> str:
        """Its reasons, else its message."""
        if not isinstance(body, Mapping):
            return ""
        told = [body.get("message"), body.get("error_details"), body.get("error")]
        return several(_reasons(body)) or several([text for text in told if isinstance(text, str) and text][:1])


def _reasons(body: Any) -> list[str]:
    if not isinstance(body, Mapping):
        return []
    error, errs = body.get("error_response"), body.get("errs")
    if isinstance(errs, list) and errs:
        return [str(reason) for reason in errs]
    if body.get("success") is not False or not isinstance(error, Mapping):
        return []
    names = ("error", "new_order_failure_reason", "preview_failure_reason")
    told = dict.fromkeys(str(error[name]) for name in names if isinstance(error.get(name), str))
    return [reason for reason in told if reason not in UNKNOWN] or ["UNKNOWN_FAILURE_REASON"]


def _book(library: Library, symbol: str, levels: int) -> Book:
    asked = {"product_id": library.market(symbol)["id"], "limit": levels}
    found = listed(library.v3PublicGetBrokerageMarketProductBook(asked), "pricebook")
    return Book(*([(row["price"], row["size"]) for row in listed(found, side)] for side in ("bids", "asks")))


def _best(book: Book) -> RawQuote:
    return RawQuote(*(rows[0][0] if rows else None for rows in (book.bids, book.asks)))


def _orders(library: Library, sought: Sought) -> Iterator[Any]:
    asked = {
        "product_id": library.market(sought.symbol)["id"],
        "start_date": library.iso8601(int(sought.since * 1000)),
        "limit": PAGE,
    }
    for _ in range(MOST_PAGES):
        answer = library.v3PrivateGetBrokerageOrdersHistoricalBatch(asked)
        yield from listed(answer, "orders")
        if not answer.get("has_next"):
            return
        asked = {**asked, "cursor": listed(answer, "cursor")}
    raise MarketUnavailable("the exchange lists more orders since then than are looked through")
