"""What a venue says a thing costs, as sent and as understood."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from heisenbug.domain.assets import Pair

LEAST_PRICE, HIGHEST_PRICE = Decimal("1e-15"), Decimal("1e15")


class BadQuote(ValueError):
    """A price that cannot be one; the text is the reason a person reads."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a venue pays (bid) and asks for one unit of `pair.base`, in `pair.quote`."""

    pair: Pair
    bid: Decimal
    ask: Decimal

    def __post_init__(self) -> None:
        for name, price in (("bid", self.bid), ("ask", self.ask)):
            if not price.is_finite():
                raise BadQuote(f"{name} is {price}")
            if price <= 0:
                raise BadQuote(f"{name} {price} is not above zero")
            if not LEAST_PRICE <= price <= HIGHEST_PRICE:
                raise BadQuote(f"{name} {price:.3e} is beyond any reason")
        if self.bid > self.ask:
            raise CrossedQuote(f"bid {self.bid} is above ask {self.ask}")

    @property
    def mid(self) -> float:
        """The price half-way between bid and ask, for statistics only."""
        return (float(self.bid) + float(self.ask)) / 2

    @property
    def half_spread(self) -> float:
        """Half of ask less bid, as a fraction of the mid."""
        return (float(self.ask) - float(self.bid)) / 2 / self.mid


class CrossedQuote(BadQuote):
    """Bid above ask: seen on real feeds, never tradeable."""


@dataclass(frozen=True, slots=True)
class RawQuote:
    """Bid and ask exactly as the venue sent them, whatever they are."""

    bid: Any
    ask: Any


@dataclass(frozen=True, slots=True)
class Ticker:
    """One answer of a venue for all pairs at once, stamped when it came; `failure` says why there is none."""

    received_at: datetime
    quotes: Mapping[Pair, RawQuote] = field(default_factory=dict)
    failure: str | None = None


def understand(pair: Pair, raw: RawQuote) -> Quote:
    """The quote that `raw` states; raises BadQuote with the reason where it states none."""
    return Quote(pair, _price("bid", raw.bid), _price("ask", raw.ask))


def _price(name: str, value: Any) -> Decimal:
    if value is None or isinstance(value, bool):
        raise BadQuote(f"{name} is missing")
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise BadQuote(f"{name} {str(value)[:20]!r} is not a number") from None
