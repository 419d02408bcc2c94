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
    """The bill for `usage`, and for what stands in this `share` of a month (0..1)."""
    amounts = {name: usage.get(name, 0.0) + STANDING.get(name, 0.0) * share for name in PRICES}
    return Bill(tuple(_line(name, amount) for name, amount in amounts.items()))


def forecast_of(usage: Usage, counted: float, left: float) -> Bill:
    """The bill at the month's end: `usage` came in a share `counted` of a month, and goes on for the share `left`.

    Raises ValueError where nothing was counted yet.
    """
    if not counted > 0 or left < 0:
        raise ValueError(f"Nothing can be foretold from {counted} of a month for {left} of it.")
    return bill_of({name: amount * (1 + left / counted) for name, amount in usage.items()}, counted + left)


def _line(name: str, amount: float) -> Line:
    price = PRICES[name]
    return Line(name, amount, amount * price.dollars, max(amount - price.free, 0.0) * price.dollars)
