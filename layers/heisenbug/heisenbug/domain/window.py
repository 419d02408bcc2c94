"""The stretch of past prices a decision looks back on, and its moments."""

from dataclasses import dataclass

import numpy as np

from heisenbug.domain.prices import Floats


@dataclass(frozen=True, slots=True)
class Window:
    """Log prices (samples x assets) with each asset's mean return, and the volatility of every conversion (N x N).

    Both in log return a sample. Where an asset was not priced, its next price makes one return with its last one: a gap
    is bridged, never a zero.
    """

    log_prices: Floats
    mean: Floats
    volatility: Floats

    @classmethod
    def of(cls, log_prices: Floats) -> "Window":
        """The window of at least 3 prices an asset, NaN where there was none; a constant asset has volatility zero."""
        if np.isfinite(log_prices).all():
            mean = (log_prices[-1] - log_prices[0]) / (len(log_prices) - 1)
            centred = log_prices[1:] - log_prices[:-1]
            centred -= mean
            return cls(log_prices, mean, _volatility(centred))
        returns = _returns(log_prices)
        known = np.isfinite(returns)
        mean = np.where(known, returns, 0).sum(axis=0) / known.sum(axis=0)
        centred = np.where(known, returns - mean, 0)
        return cls(log_prices, mean, np.sqrt(_variance(centred, known.astype(float))))

    @property
    def drift(self) -> Floats:
        """Mean return of j less that of i for every conversion i -> j, in log return a sample."""
        return self.mean[None, :] - self.mean[:, None]


def _returns(log_prices: Floats) -> Floats:
    known = np.isfinite(log_prices)
    last_known = np.maximum.accumulate(np.where(known, np.arange(len(log_prices))[:, None], 0), axis=0)
    carried = np.take_along_axis(log_prices, last_known, axis=0)
    return np.where(known[1:], log_prices[1:] - carried[:-1], np.nan)


def _volatility(centred: Floats) -> Floats:
    """sqrt(C_ii + C_jj - 2 C_ij) where no sample is missing."""
    products = centred.T @ centred
    squares = products.diagonal()
    spread = squares[:, None] + squares
    products *= 2
    spread -= products
    np.maximum(spread, 0, out=spread)
    spread /= len(centred) - 1
    return np.sqrt(spread, out=spread)


def _variance(centred: Floats, known: Floats) -> Floats:
    """Variance of r_j - r_i over the samples both have: C_ii + C_jj - 2 C_ij where none is missing."""
    squares = (centred**2).T @ known
    spread = squares + squares.T - 2 * (centred.T @ centred)
    variance: Floats = np.maximum(spread, 0) / (known.T @ known - 1)
    return variance
