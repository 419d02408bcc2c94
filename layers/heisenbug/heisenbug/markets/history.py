"""A market's past as arrays on a grid of samples: what is fitted on and tested back over."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from heisenbug.domain.assets import Pair
from heisenbug.domain.prices import logs_of
from heisenbug.domain.quotes import RawQuote
from heisenbug.markets.recorded import RecordedMarket

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class OutOfRange(ValueError):
    """A time that the market does not have; the text says which it has."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The prices that were published at the first moment of each slot of `sample_seconds`, oldest first.

    `at` (T,) in epoch seconds; `bids` and `asks` (T x pairs) as they were, NaN where a pair had none.
    """

    name: str
    pairs: tuple[Pair, ...]
    sample_seconds: int
    at: Ints
    bids: Floats
    asks: Floats

    def __len__(self) -> int:
        return len(self.at)

    def between(self, begin: float, end: float) -> "History":
        """The part from `begin` to `end` (epoch seconds, both included); raises OutOfRange where there is none."""
        inside = slice(int(np.searchsorted(self.at, begin)), int(np.searchsorted(self.at, end, side="right")))
        if inside.start >= inside.stop:
            raise OutOfRange(
                f"{self.name} has no prices then: it goes from {_text(self.at[0])} to {_text(self.at[-1])}."
            )
        return self._part(inside)

    def parted(self, row: int) -> "tuple[History, History]":
        """The samples before `row`, and the others."""
        return self._part(slice(row)), self._part(slice(row, None))

    def _part(self, rows: slice) -> "History":
        return History(self.name, self.pairs, self.sample_seconds, self.at[rows], self.bids[rows], self.asks[rows])

    def raw(self, row: int) -> dict[Pair, RawQuote]:
        """The quotes of one sample as a venue would send them; a pair without one is left out."""
        bids, asks = self.bids[row].tolist(), self.asks[row].tolist()
        sides = zip(self.pairs, bids, asks, strict=True)
        return {pair: RawQuote(exact(bid), exact(ask)) for pair, bid, ask in sides if bid == bid and ask == ask}

    @property
    def log_mids(self) -> Floats:
        """The logarithm of each mid (T x pairs), to the last bit as a tick computes it."""
        mids = (self.bids + self.asks) / 2
        with np.errstate(invalid="ignore"):
            return logs_of(np.where(mids > 0, mids, np.nan))


def exact(price: float) -> Decimal:
    """A price as the shortest decimal that is this float: what the text of up to 15 digits said."""
    return Decimal(repr(price))


def history_of(market: RecordedMarket, sample_seconds: int) -> History:
    """The recording on the grid of `sample_seconds`: of each slot the rows of its first moment."""
    slots = np.floor(market.times).astype(np.int64) // sample_seconds
    first = np.flatnonzero(np.diff(slots, prepend=slots[0] - 1))
    rows = market.newest[first]
    published = (rows >= 0) & (market.row_times[rows] == market.times[first, None])
    bids, asks = (texts.floats[rows] for texts in (market.bids, market.asks))
    return History(
        market.name,
        tuple(map(Pair.parse, market.pairs)),
        sample_seconds,
        market.times[first].astype(np.int64),
        np.where(published, bids, np.nan),
        np.where(published, asks, np.nan),
    )


def _text(at: float) -> str:
    return str(np.datetime64(int(at), "s")) + "Z"
