"""What was used, as money: so far this month, and at this pace at its end."""

from collections.abc import Mapping
from dataclasses import dataclass

from heisenbug.usage.prices import PRICES, STANDING

Usage = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is paid for: how much of it, and what it costs at list price and beyond what is always free."""

    name: str
    amount: float
    listed: float
    charged: float


@dataclass(frozen=True, slots=True)
class Bill:
    """All of them, in dollars."""

    lines: tuple[Line, ...]

    @property
    def listed(self) -> float:
        """What it costs where nothing is free."""
        return sum(line.listed for line in self.lines)

    @property
    def charged(self) -> float:
        """What it costs beyond what is always free."""
        return sum(line.charged for line in self.lines)


def bill_of(usage: Usage, share: float) -> Bill:
    """The bill for `usage` in this `share` of a month (0..1), and for that share of what stands."""
    amounts = {name: usage.get(name, 0.0) + STANDING.get(name, 0.0) * share for name in PRICES}
    return Bill(tuple(_line(name, amount) for name, amount in amounts.items()))


def forecast_of(usage: Usage, share: float) -> Bill:
    """The bill of a whole month that goes on as this `share` of it did; raises ValueError where that is nothing."""
    if not 0 < share <= 1:
        raise ValueError(f"A share of a month is above 0 and at most 1, not {share}.")
    return bill_of({name: amount / share for name, amount in usage.items()}, 1.0)


def _line(name: str, amount: float) -> Line:
    price = PRICES[name]
    return Line(name, amount, amount * price.dollars, max(amount - price.free, 0.0) * price.dollars)
