"""The market as arrays over assets in the base currency: what a decision is computed on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heisenbug.domain.market import Market
from heisenbug.domain.prices import Floats, assets_of_pairs, half_spreads, log_prices, paths_to_base
from heisenbug.domain.window_slots import sample_of

# Part of a window an asset must have been seen in; the missing rest is bridged by the samples around it.
COVERAGE = 0.9
# A price that went through its logarithm is good to this many digits.
DIGITS = 14


@dataclass(frozen=True, slots=True)
class View:
    """One look as arrays.

    `log_prices` (samples x assets) ends with the newest price and has NaN where an asset was not priced;
    `seen` counts each asset's prices, `included` marks those a decision can be made on.
    """

    assets: tuple[str, ...]
    log_prices: Floats
    half_spreads: Floats
    seen: Floats
    included: npt.NDArray[np.bool_]

    @property
    def prices(self) -> Floats:
        """The newest price of each asset in the base currency; NaN where there is none."""
        return np.array([price_of(price) for price in np.exp(self.log_prices[-1]).tolist()])

    @property
    def rows(self) -> int:
        """How many samples there are, the newest price included."""
        return len(self.log_prices)


def price_of(price: float) -> float:
    """A price that went through its logarithm, to the digits that are good."""
    return float(f"{price:.{DIGITS}g}")


def view(market: Market, base: str, window: int) -> View:
    """`market` as arrays of at most `window` samples over all assets of its pairs."""
    pairs = tuple(trading.pair for trading in market.pairs)
    assets, paths = assets_of_pairs(pairs, base), paths_to_base(pairs, base)
    newest = sample_of(market.at, market.quotes)
    rows = (*market.samples[-(window - 1) :], newest)
    names = [str(pair) for pair in pairs]
    mids = np.array([[row.log_mids.get(name, np.nan) for name in names] for row in rows], dtype=float)
    spreads = np.array([market.quotes[pair].half_spread if pair in market.quotes else np.nan for pair in pairs])
    priced = log_prices(mids.reshape(len(rows), len(pairs)), paths, assets)
    known = np.isfinite(priced)
    seen = known.sum(axis=0)
    included = known[-1] & (seen >= COVERAGE * window)
    return View(assets, priced, half_spreads(spreads, paths, assets), seen, included)
