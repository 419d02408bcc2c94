"""A walk that counts no gates, and so passes over the samples at which surely nothing can be converted.

Most samples at which a conversion could pass by its scores are stopped later: what is held of its source is worth less
than the venue's least. Its trades and its equity are those of the patient walk, which a test holds.
"""

from collections import Counter

import numpy as np

from heisenbug.backtest.fast import Leap, Walk
from heisenbug.domain.gates import Gate
from heisenbug.domain.prices import Floats

# What is within this part of the venue's least is asked exactly.
NEAR = 1e-6


class HurriedWalk(Walk):
    """The walk without its gates."""

    _known: dict[int, tuple[int, int, int]]

    def _walk(self, begin: int, end: int) -> Leap:
        self._known = {}
        if self._killed or not self._settings.is_active:
            return self._begun(begin).ended(end, self._units)
        return super()._walk(begin, end)

    def _row_of(self, place: int, count: int, begin: int) -> int:
        """The first sample from `begin` on at which enough is held of what could be converted."""
        known, looked, row = self._known.get(place, (None, 0, 0))
        if known != count or not looked <= begin <= row:
            row = self._look(place, float(count / self._units.scales[place]), begin)
            self._known[place] = count, begin, row
        return row

    def _look(self, place: int, amount: float, begin: int) -> int:
        enough = self._worth_of_a_trade(amount * self._prices[begin:, place]) >= self._least
        found = np.flatnonzero(self._wanted[begin:, place] & enough)
        return begin + int(found[0]) if len(found) else len(self._wanted)

    @property
    def _least(self) -> float:
        return float(self._seen.wish.venue.least_value) * (1 - NEAR)

    def _worth_of_a_trade(self, held: Floats) -> Floats:
        amount = self._settings.trade_size_amount
        worth: Floats = held * self._settings.trade_size_percentage
        return worth if amount is None else np.minimum(held, float(amount))

    def _stopped(self, leap: Leap, begin: int, end: int) -> Counter[Gate]:
        """Nothing is counted."""
        return Counter()
