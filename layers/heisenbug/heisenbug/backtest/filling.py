"""What conversions would be filled at, in whole units and mostly by floats."""

from collections.abc import Callable
from decimal import Decimal

from heisenbug.backtest.rules import Fill
from heisenbug.backtest.seen import Seen
from heisenbug.backtest.units import Units
from heisenbug.domain.assets import precision
from heisenbug.domain.decide import amount_of
from heisenbug.domain.prices import paths_to_base
from heisenbug.exchange.paper import legs_of, receives_of
from heisenbug.markets.history import exact

# A few products and quotients of floats are good to this part of themselves.
ERR = 4e-15
Price = Callable[[int, int], float]


class Filling:
    """The amounts that are paid and received, to the digit those of the live code.

    Floats say them wherever they are far enough from the next whole number to be sure of it; elsewhere the live code's
    decimals do.
    """

    def __init__(self, seen: Seen, units: Units) -> None:
        wish, assets = seen.wish, range(len(seen.assets))
        self._assets, self._settings, self._units = seen.assets, wish.told.settings, units
        self._sides = memoryview(wish.history.asks), memoryview(wish.history.bids)
        self._later = rows_later(wish.fill)
        paths = paths_to_base(wish.history.pairs, self._settings.base_currency)
        both = [(one, other) for one in assets for other in assets if one != other]
        self._legs = {
            (one, other): legs_of(*(paths.get(seen.assets[each], ()) for each in (one, other))) for one, other in both
        }
        self._kept = {
            (one, other): 1 - exact(wish.venue.fee(seen.assets[one], seen.assets[other], self._settings.cost_bps))
            for one, other in both
        }
        self._steps: list[int] = [
            int(scale) // 10 ** precision(asset) for scale, asset in zip(units.scales, seen.assets, strict=True)
        ]
        # What of the least that is received one unit of the source makes at a price of one.
        self._factors = {
            (one, other): float(kept) * 10.0 ** (precision(seen.assets[other]) - units.digits[one])
            for (one, other), kept in self._kept.items()
        }
        self._is_all = self._settings.trade_size_amount is None and self._settings.trade_size_percentage == 1

    def amounts(self, row: int, source: int, target: int, held: int, price: Price) -> tuple[int, int]:
        """How much of what is `held` one trade converts that is decided about at a sample, and what it becomes."""
        amount = held - held % self._steps[source] if self._is_all else self._part(row, source, held, price)
        received: float = amount * self._factors[source, target]
        for is_sold, column in self._legs[source, target]:
            rate = self._sides[is_sold][row + self._later, column]
            received = received * rate if is_sold else received / rate
        whole, doubt = int(received), received * ERR
        if whole + doubt < received < whole + 1 - doubt:
            return amount, whole * self._steps[target]
        return amount, self._units.count(target, self._exactly(row, source, target, amount))

    def _part(self, row: int, place: int, held: int, price: Price) -> int:
        asset, worth = self._assets[place], price(row, place)
        return self._units.count(place, amount_of(asset, self._units.exact(place, held), worth, self._settings))

    def _exactly(self, row: int, source: int, target: int, amount: int) -> Decimal:
        fill = row + self._later
        rates = [(is_sold, exact(self._sides[is_sold][fill, column])) for is_sold, column in self._legs[source, target]]
        amounts = self._units.exact(source, amount), rates, self._kept[source, target]
        return receives_of(*amounts, self._assets[target])


def rows_later(fill: Fill) -> int:
    """How many samples after its decision a conversion is filled."""
    return 0 if fill is Fill.SAME_QUOTE else 1
