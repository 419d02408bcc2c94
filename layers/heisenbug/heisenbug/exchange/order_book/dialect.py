"""What differs from one venue with order books to the next, beside what ccxt knows of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import MarketUnavailable
from heisenbug.domain.quotes import RawQuote
from heisenbug.domain.trade import Settlement
from heisenbug.exchange.words import decimal

# ccxt's own objects have no types that would be worth checking; its errors are in `errors` (library.py).
Library = Any
Raw = Mapping[str, Any]
LEVELS = 50


@dataclass(frozen=True, slots=True)
class Sought:
    """An order that may have been placed: by the id we gave it, for a market, not before `since` (epoch seconds)."""

    client_id: str
    symbol: str
    since: float


@dataclass(frozen=True, slots=True)
class Execution:
    """What a venue says of an order: how far it is, what it got of the base for how much of the quote, and the fee."""

    client_id: str
    is_over: bool
    is_buy: bool
    filled: Decimal
    cost: Decimal
    fee: Decimal
    fee_asset: str

    @property
    def settlement(self) -> Settlement:
        """An order that is over has converted what it got, or nothing."""
        if not self.is_over:
            return Settlement.PROCESSING
        return Settlement.COMPLETED if self.filled > 0 else Settlement.FAILED


# Prices and volumes as a venue writes them.
Rows = Sequence[tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Book:
    """Bids, the highest first, and asks, the lowest first."""

    bids: Rows
    asks: Rows


class Dialect(Protocol):
    """One venue. Its requests raise ccxt's errors, and MarketUnavailable where an answer is not understood."""

    name: str
    title: str
    rights: str
    # What ccxt is told, and errors of the venue that it does not know: ccxt's name for each.
    options: Mapping[str, Any]
    errors: Mapping[str, str]
    # What a purchase pays its fee in: the quote, or what it gets.
    fee_in_received: bool
    taker: Decimal
    # Whether private requests are numbered by a nonce that must grow, rather than by the time.
    counts_nonces: bool

    def markets(self, library: Library, pairs: Sequence[Pair]) -> Sequence[Raw]:
        """The venue's markets as ccxt describes them, at least those of `pairs`."""

    def cost_step(self, market: Raw) -> Decimal | None:
        """What costs and fees of a market are rounded to, from the venue's own description of it."""

    def tickers(self, library: Library, symbols: Sequence[str]) -> Mapping[str, RawQuote]:
        """Bid and ask of each symbol, all at once where the venue can."""

    def book(self, library: Library, symbol: str) -> Book:
        """What is wanted and offered, the best first, from the answer itself: ccxt makes some numbers binary."""

    def order(self, client_id: str, expires_at: int, now: float) -> Mapping[str, Any]:
        """What makes an order immediate or cancelled, ours by its id, and void after `expires_at`."""

    def rehearsal(self) -> Mapping[str, Any]:
        """What lets an order be checked and not placed."""

    def find(self, library: Library, sought: Sought) -> Sequence[Raw]:
        """Every order with this id, open or over; none only where both were looked through."""

    def execution(self, order: Raw, base: str, quote: str) -> Execution:
        """What an order says of itself."""

    def kind_of(self, body: Any) -> str:
        """ccxt's name for a refusal that it does not know by itself, or nothing."""

    def complaint(self, body: Any) -> str:
        """The venue's own words where it refuses."""


def number(order: Raw, field: str) -> Decimal:
    """An amount that an order states; raises MarketUnavailable."""
    return decimal(order.get(field), field)


def ours(orders: Iterable[Any], name: str, client_id: str) -> list[Raw]:
    """The orders whose field `name` is our id; raises MarketUnavailable where one has none, for it could be ours."""
    found = list(orders)
    if not all(isinstance(order, Mapping) and order.get(name) for order in found):
        raise MarketUnavailable("the exchange names an order without our id")
    return [order for order in found if order[name] == client_id]


def listed(body: Any, *path: str) -> Any:
    """What lies at `path` in an answer; raises MarketUnavailable where there is no such thing."""
    for name in path:
        body = body.get(name) if isinstance(body, Mapping) else None
    if body is None:
        raise MarketUnavailable(f"the exchange's answer has no {'.'.join(path)}")
    return body
