"""A walk that counts no gates, and so passes over the samples at which surely nothing can be converted.

Most samples at which a conversion could pass by its scores are stopped later: what is held of its source is worth less
than the venue's least. Its trades and its equity are those of the patient walk, which a test holds.
"""

import numpy as np
from numpy.typing import NDArray

from heisenbug.backtest.fast import Walk
from heisenbug.domain.decide import Decision
from heisenbug.domain.prices import Floats

# What is within this part of the venue's least is asked exactly.
NEAR = 1e-6
# So many samples ahead are looked at at once, then twice as many.
AHEAD = 64


class HurriedWalk(Walk):
    """The walk without its gates."""

    def _next(self, begin: int) -> int | None:
        """The first sample from `begin` on at which enough is held of what could be converted."""
        if self._killed_at <= begin or not self._settings.is_active:
            return None
        found = (self._first_worth(place, begin) for place in self._held())
        return min((row for row in found if row is not None), default=None)

    def _first_worth(self, place: int, begin: int) -> int | None:
        rows, least = self._rows_of[place], float(self._wish.venue.least_value) * (1 - NEAR)
        start, count = int(np.searchsorted(rows, begin)), AHEAD
        while start < len(rows):
            some = rows[start : start + count]
            enough = self._worth_of_a_trade(place, some) >= least
            if enough.any():
                return int(some[enough.argmax()])
            start, count = start + count, count * 2
        return None

    def _worth_of_a_trade(self, place: int, rows: NDArray[np.int64]) -> Floats:
        held = float(self._position.ledger.holdings[self._seen.assets[place]]) * np.exp(self._seen.logs[rows, place])
        amount = self._settings.trade_size_amount
        worth: Floats = held * self._settings.trade_size_percentage
        return worth if amount is None else np.minimum(held, float(amount))

    def _count(self, begin: int, end: int) -> None:
        """Nothing is counted."""

    def _count_decision(self, decision: Decision) -> None:
        """Nothing is counted."""
