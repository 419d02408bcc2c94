"""Worth over time: the bot's, against equal parts of all assets held and against doing nothing."""

from dataclasses import dataclass
from math import inf

import numpy as np

from heisenbug.backtest.run import Run
from heisenbug.domain.costs import conversion_costs
from heisenbug.domain.forecasters.ridge import carried
from heisenbug.markets.history import Floats, Ints

BLOCK = 1 << 14


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Worth in the base currency at each sample (T,), at mids: nothing is sold in the end.

    `equity` is the bot's, NaN where a held asset had no price. `holding` buys equal parts of the `held` assets that
    were priced at the first sample, pays for that what the bot would pay, and never trades. `nothing` keeps the start.
    """

    at: Ints
    equity: Floats
    holding: Floats
    nothing: Floats
    held: int

    @property
    def start(self) -> float:
        """The worth before anything was done."""
        return float(self.nothing[0])

    def drawdown(self, worth: Floats) -> Floats:
        """How far under its peak so far, the start included, as a fraction (T,); NaN where the worth is not known."""
        peaks = np.fmax.accumulate(np.fmax(worth, self.start))
        fall: Floats = np.divide(worth, peaks, out=peaks)
        return np.subtract(1, fall, out=fall)

    def deepest(self, worth: Floats) -> float:
        """The deepest of those falls, by blocks that stay in the processor's cache."""
        deepest, peak = -inf, self.start
        for begin in range(0, len(worth), BLOCK):
            block = worth[begin : begin + BLOCK]
            peaks = np.fmax.accumulate(np.fmax(block, peak))
            peak = float(peaks[-1])
            deepest = float(np.fmax(deepest, 1 - np.fmin.reduce(np.divide(block, peaks, out=peaks))))
        return deepest


def curves_of(run: Run, assets: tuple[str, ...], logs: Floats) -> Curves:
    """The three ways to have spent the time of a run, by the log prices (T x N) of all assets in the base currency."""
    settings, history = run.wish.told.settings, run.wish.history
    prices = np.exp(carried(logs))
    start = {assets.index(asset): float(amount) for asset, amount in settings.paper_start.items() if asset in assets}
    nothing = prices[:, list(start)] @ np.array(list(start.values()))
    priced = np.flatnonzero(np.isfinite(logs[0]))
    bought = _bought(run)[priced] / prices[0, priced] * (nothing[0] / len(priced))
    return Curves(history.at, run.equity, prices[:, priced] @ bought, nothing, len(priced))


def _bought(run: Run) -> Floats:
    """What is left of one unit of the base currency after it was converted into each asset at the first sample (N,)."""
    seen, settings, at = run.seen, run.wish.told.settings, int(run.wish.history.at[0])
    spreads = np.nan_to_num(seen.half_spreads[0])
    left: Floats = 1 - conversion_costs(seen.assets, spreads, {}, at, settings, run.wish.venue)[0]
    left[0] = 1
    return left
