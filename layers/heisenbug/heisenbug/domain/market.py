"""What the bot sees at one tick: the newest accepted quotes, what is guarded and why, and the samples before."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

import numpy as np

from heisenbug.domain.assets import Pair, TradingPair
from heisenbug.domain.prices import Floats, assets_of_pairs, half_spreads, log_prices, paths_to_base
from heisenbug.domain.quotes import Quote

# Part of a window an asset must have been seen in; the missing rest is bridged by the samples around it.
COVERAGE = 0.9


@dataclass(frozen=True, slots=True)
class Guarded:
    """Why a pair is left out of the tick, and since when (epoch seconds)."""

    reason: str
    since: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The log mids kept of one slot of time; `at` is the due time of its tick in epoch seconds."""

    at: int
    log_mids: Mapping[Pair, float]

    @classmethod
    def of(cls, at: int, quotes: Mapping[Pair, Quote]) -> "Sample":
        """The sample that `quotes` make at `at`."""
        return cls(at, {pair: log(quote.mid) for pair, quote in quotes.items()})


@dataclass(frozen=True, slots=True)
class Market:
    """One look at the market; `at` is its due time (epoch seconds), `samples` are of earlier slots, oldest first."""

    at: int
    price_age_seconds: float
    pairs: tuple[TradingPair, ...]
    quotes: Mapping[Pair, Quote]
    guarded: Mapping[Pair, Guarded]
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class View:
    """The market as arrays over assets in the base currency: what `decide` works on.

    `log_prices` (samples x assets) ends with the newest price and has NaN where an asset was not priced;
    `seen` counts each asset's prices, `included` marks those a decision can be made on.
    """

    assets: tuple[str, ...]
    log_prices: Floats
    half_spreads: Floats
    seen: Floats
    included: np.ndarray

    @property
    def prices(self) -> Floats:
        """The newest price of each asset in the base currency; NaN where there is none."""
        prices: Floats = np.exp(self.log_prices[-1])
        return prices

    @property
    def rows(self) -> int:
        """How many samples there are, the newest price included."""
        return len(self.log_prices)


def view(market: Market, base: str, window: int) -> View:
    """`market` as arrays of at most `window` samples over all assets of its pairs."""
    pairs = tuple(trading.pair for trading in market.pairs)
    assets, paths = assets_of_pairs(pairs, base), paths_to_base(pairs, base)
    newest = Sample.of(market.at, market.quotes)
    rows = (*market.samples[-(window - 1) :], newest)
    mids = np.array([[row.log_mids.get(pair, np.nan) for pair in pairs] for row in rows], dtype=float)
    spreads = np.array([market.quotes[pair].half_spread if pair in market.quotes else np.nan for pair in pairs])
    priced = log_prices(mids.reshape(len(rows), len(pairs)), paths, assets)
    known = np.isfinite(priced)
    seen = known.sum(axis=0)
    included = known[-1] & (seen >= COVERAGE * window)
    return View(assets, priced, half_spreads(spreads, paths, assets), seen, included)
