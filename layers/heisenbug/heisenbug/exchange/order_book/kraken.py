"""Kraken: what it honours of an order, where it keeps orders, and how it complains (docs/venues.md)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from heisenbug.domain.assets import Pair
from heisenbug.domain.quotes import RawQuote
from heisenbug.exchange.order_book.dialect import LEVELS, Book, Execution, Library, Raw, Sought, listed, number, ours
from heisenbug.exchange.words import several

OVER = ("closed", "canceled", "expired")


class Kraken:
    """Spot. A client order id is unique among open orders only; a deadline ends what is late on the way."""

    name = "kraken"
    title = "Kraken"
    rights = "Query Funds, Query open orders & trades, Query closed orders & trades, Create & modify orders"
    options: Mapping[str, Any] = {}
    errors: Mapping[str, str] = {
        "EAPI:Invalid signature": "AuthenticationError",
        "EAPI:Feature disabled": "PermissionDenied",
        "EService:Deadline elapsed": "InvalidOrder",
        "EOrder:Cost minimum not met": "InvalidOrder",
        "EOrder:Orders limit exceeded": "InvalidOrder",
        "EOrder:Tick size check failed": "InvalidOrder",
        "EAccount:Invalid permissions": "PermissionDenied",
    }
    fee_in_received = False
    taker = Decimal("0.004")
    counts_nonces = True

    def markets(self, library: Library, pairs: Sequence[Pair]) -> Sequence[Raw]:
        """All of them: one answer of about a megabyte."""
        markets: Sequence[Raw] = library.fetch_markets()
        return markets

    def cost_step(self, market: Raw) -> Decimal | None:
        """Its `cost_decimals`."""
        decimals = market.get("cost_decimals")
        return Decimal(1).scaleb(-decimals) if isinstance(decimals, int) else None

    def tickers(self, library: Library, symbols: Sequence[str]) -> Mapping[str, RawQuote]:
        """One request for all symbols."""
        found = library.fetch_tickers(list(symbols))
        return {symbol: RawQuote(one.get("bid"), one.get("ask")) for symbol, one in found.items()}

    def book(self, library: Library, symbol: str) -> Book:
        """Rows of price, volume and time."""
        answer = library.publicGetDepth({"pair": library.market(symbol)["id"], "count": LEVELS})
        found = next(iter(listed(answer, "result").values()), None)
        return Book(*([(row[0], row[1]) for row in listed(found, side)] for side in ("bids", "asks")))

    def order(self, client_id: str, expires_at: int, now: float) -> Mapping[str, Any]:
        """With the fee in the quote, so that what is bought arrives whole."""
        deadline = datetime.fromtimestamp(expires_at, UTC).isoformat().replace("+00:00", "Z")
        return {"clientOrderId": client_id, "timeInForce": "IOC", "oflags": "fciq", "deadline": deadline}

    def rehearsal(self) -> Mapping[str, Any]:
        """Checked, and not placed."""
        return {"timeInForce": "IOC", "oflags": "fciq", "validate": "true"}

    def find(self, library: Library, sought: Sought) -> Sequence[Raw]:
        """Among open orders first: one that ends meanwhile is then among the closed ones."""
        asked = {"cl_ord_id": sought.client_id}
        still_open = listed(library.privatePostOpenOrders(asked), "result", "open")
        closed = listed(library.privatePostClosedOrders(asked), "result", "closed")
        return ours({**still_open, **closed}.values(), "cl_ord_id", sought.client_id)

    def execution(self, order: Raw, base: str, quote: str) -> Execution:
        """Cost and fee as the order states them; a price times a volume would not be exact."""
        return Execution(
            str(order.get("cl_ord_id")),
            order.get("status") in OVER,
            listed(order, "descr", "type") == "buy",
            number(order, "vol_exec"),
            number(order, "cost"),
            number(order, "fee"),
            base if "fcib" in str(order.get("oflags")) else quote,
        )

    def kind_of(self, body: Any) -> str:
        """ccxt knows them all, or is told of them above."""
        return ""

    def complaint(self, body: Any) -> str:
        """The list of its errors."""
        return several(body.get("error")) if isinstance(body, Mapping) else ""
