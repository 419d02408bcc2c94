"""What the windows of a history saw of every conversion, in standard deviations, and what came after."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from heisenbug.domain.forecasters.ridge import carried
from heisenbug.domain.prices import Floats
from heisenbug.domain.view import COVERAGE

Rows = NDArray[np.int64]

MOST_CELLS = 500_000
_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Per window (ending at grid rows `rows`) and conversion i -> j with i < j (the reverse is its negative).

    `deviation` is s sqrt(H) with the window's own volatility s, `came` the log return over H samples, `lagged`
    (rows x conversions x lags) the z-scores R_k / (s sqrt(k)); `known` is False, and all are 0, where a window was not
    fit to decide on or the price H samples later is not known.
    """

    rows: Rows
    known: NDArray[np.bool_]
    deviation: Floats
    came: Floats
    lagged: Floats

    def between(self, first: float, last: float) -> "Seen":
        """The windows that end at row `first` or later, and before row `last`."""
        some = slice(*np.searchsorted(self.rows, (first, last)))
        return Seen(self.rows[some], self.known[some], self.deviation[some], self.came[some], self.lagged[some])


def look(prices: Floats, window: int, horizon: int, lags: Sequence[int]) -> Seen:
    """What windows of the grid of log prices (T x N, NaN where missing) saw; every window, or evenly spaced ones."""
    sources, targets = np.triu_indices(prices.shape[1], 1)
    ends = len(prices) - horizon
    rows = np.arange(window - 1, ends, max(-(-ends * len(sources) // MOST_CELLS), 1))
    filled = carried(prices)
    volatility = volatilities(prices, rows, window)[:, sources, targets]
    known = _fit_to_decide(prices, rows, window, horizon)
    known = known[:, sources] & known[:, targets] & (volatility > 0)
    moves = [(filled[rows] - filled[rows - lag], lag) for lag in lags]
    moves.append((filled[rows + horizon] - filled[rows], horizon))
    deviation = np.where(known, volatility, 0)
    scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=known)
    lagged = [(move[:, targets] - move[:, sources]) * scale / sqrt(lag) for move, lag in moves[:-1]]
    came = np.where(known, moves[-1][0][:, targets] - moves[-1][0][:, sources], 0)
    return Seen(rows, known, deviation * sqrt(horizon), came, np.stack(lagged, axis=-1))


def volatilities(prices: Floats, rows: Rows, window: int) -> Floats:
    """The volatility of every conversion (rows x N x N) in the windows that end at `rows`, as `Window.of` says it."""
    windows = np.lib.stride_tricks.sliding_window_view(bridged(prices), window - 1, axis=0)
    at_once = max(_CELLS_AT_ONCE // (window * prices.shape[1]), 1)
    parts = [_volatility(windows[some - window + 1]) for some in _pieces(rows, at_once)]
    return np.concatenate(parts)


def bridged(prices: Floats) -> Floats:
    """Returns (T - 1 x N); where a price was missing, the next one makes one return with the last one before it."""
    known = np.isfinite(prices)
    filled = carried(prices)
    returns: Floats = np.where(known[1:], np.diff(filled, axis=0), np.nan)
    return returns


def _volatility(returns: Floats) -> Floats:
    """Windows x N x N, from windows x N x samples."""
    known = np.isfinite(returns)
    counts = np.maximum(known.sum(axis=2, keepdims=True), 1)
    mean = np.where(known, returns, 0).sum(axis=2, keepdims=True) / counts
    centred = np.where(known, returns - mean, 0)
    ones = known.astype(np.float64)
    squares = (centred**2) @ ones.swapaxes(1, 2)
    spread = squares + squares.swapaxes(1, 2) - 2 * (centred @ centred.swapaxes(1, 2))
    both = np.maximum(ones @ ones.swapaxes(1, 2) - 1, 1)
    volatility: Floats = np.sqrt(np.maximum(spread, 0) / both)
    return volatility


def _fit_to_decide(prices: Floats, rows: Rows, window: int, horizon: int) -> NDArray[np.bool_]:
    """Per row and asset: priced now and at the horizon, and in enough of the window, as a decision demands."""
    priced = np.isfinite(prices)
    counted = np.concatenate([np.zeros((1, prices.shape[1]), np.int64), np.cumsum(priced, axis=0)])
    enough = counted[rows + 1] - counted[rows + 1 - window] >= COVERAGE * window
    fit: NDArray[np.bool_] = enough & priced[rows] & priced[rows + horizon]
    return fit


def _pieces(rows: Rows, at_once: int) -> Iterator[Rows]:
    return (rows[begin : begin + at_once] for begin in range(0, len(rows), at_once))
