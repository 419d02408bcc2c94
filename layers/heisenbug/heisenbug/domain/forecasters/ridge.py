"""Lagged returns, each weighed by what it was worth in the past."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from heisenbug.domain.prices import Floats
from heisenbug.domain.window import Window


@dataclass(frozen=True, slots=True)
class Ridge:
    """Expected = sqrt(H) x sum over lags k of weight_k x (return of the last k samples) / sqrt(k).

    The weights are of z-scores: with z_k = R_k / (s sqrt(k)) and S = s sqrt(H), mu = S x sum(weight_k x z_k), and the
    volatility s falls out.
    """

    lags: Sequence[int]
    weights: Sequence[float]
    variance_ratio: float = 1.0

    def expected(self, window: Window, horizon: int) -> Floats:
        """Each asset's expected log return over the next `horizon` samples."""
        prices = carried(window.log_prices)
        total = np.zeros(prices.shape[1])
        for lag, weight in zip(self.lags, self.weights, strict=True):
            total += weight / sqrt(lag) * (prices[-1] - prices[-1 - min(lag, len(prices) - 1)])
        return sqrt(horizon) * total

    def expected_over(self, log_prices: Floats, window: int, horizon: int) -> Floats:
        """The same at each sample of a history."""
        total = np.zeros_like(log_prices)
        for lag, weight in zip(self.lags, self.weights, strict=True):
            back = min(lag, window - 1)
            total[back:] += weight / sqrt(lag) * (log_prices[back:] - log_prices[: len(log_prices) - back])
        total[: window - 1] = np.nan
        return sqrt(horizon) * total


def carried(log_prices: Floats) -> Floats:
    """The prices with each gap filled by the last price before it, a gap at the beginning by the first one after."""
    known = np.isfinite(log_prices)
    if known.all():
        return log_prices
    rows = np.arange(len(log_prices))[:, None]
    last = np.maximum.accumulate(np.where(known, rows, -1), axis=0)
    first = known.argmax(axis=0)[None, :]
    return np.take_along_axis(log_prices, np.where(last < 0, first, last), axis=0)
