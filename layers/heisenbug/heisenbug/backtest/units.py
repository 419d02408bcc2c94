"""Amounts as whole numbers of the least that each asset is counted in, which are quicker than decimals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from heisenbug.domain.assets import precision
from heisenbug.domain.prices import Floats

Whole = dict[int, int]
"""What is held of each asset, by its place."""


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Of each of `assets` how many decimal places are kept, and how many such units (N,) make one of it."""

    assets: tuple[str, ...]
    digits: tuple[int, ...]
    scales: Floats

    @classmethod
    def of(cls, assets: tuple[str, ...], begin: Mapping[str, Decimal]) -> "Units":
        """Units in which all can be counted that comes of what is held at the `begin`."""
        digits = tuple(max(precision(asset), _places(begin.get(asset, Decimal(0)))) for asset in assets)
        return cls(assets, digits, 10.0 ** np.array(digits))

    def whole(self, holdings: Mapping[str, Decimal]) -> Whole:
        """The holdings in units; what is none of the assets is left out."""
        places = {asset: place for place, asset in enumerate(self.assets)}
        return {places[asset]: self.count(places[asset], held) for asset, held in holdings.items() if asset in places}

    def count(self, place: int, amount: Decimal) -> int:
        """How many units an amount is."""
        return int(amount.scaleb(self.digits[place]))

    def exact(self, place: int, count: int) -> Decimal:
        """The amount that so many units are."""
        return Decimal(count).scaleb(-self.digits[place])

    def holdings(self, whole: Whole) -> dict[str, Decimal]:
        """The amounts that are held."""
        return {self.assets[place]: self.exact(place, count) for place, count in whole.items()}

    def floats(self, places: NDArray[np.intp], counts: Iterable[int]) -> Floats:
        """Amounts of one asset each."""
        amounts: Floats = np.array(counts, float) / self.scales[places]
        return amounts

    def columns(self, held: Sequence[Whole]) -> list[Floats]:
        """Amounts of each of the assets, one after another."""
        each = ([whole.get(place, 0) for whole in held] for place in range(len(self.assets)))
        return [np.array(counts, float) / scale for counts, scale in zip(each, self.scales, strict=True)]


def _places(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
