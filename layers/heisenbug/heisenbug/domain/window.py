"""The stretch of past prices a decision looks back on, and its moments."""

from dataclasses import dataclass

import numpy as np

from heisenbug.domain.prices import Floats


@dataclass(frozen=True, slots=True)
class Window:
    """Log prices (samples x assets), no gaps, with the mean and covariance of their returns per sample."""

    log_prices: Floats
    mean: Floats
    covariance: Floats

    @classmethod
    def of(cls, log_prices: Floats) -> "Window":
        """The window of at least 3 samples; a constant asset has mean and variance zero."""
        returns = np.diff(log_prices, axis=0)
        mean = returns.mean(axis=0)
        centred = returns - mean
        return cls(log_prices, mean, centred.T @ centred / (len(returns) - 1))

    @property
    def drift(self) -> Floats:
        """Mean return of j less that of i for every conversion i -> j, in log return a sample."""
        return self.mean[None, :] - self.mean[:, None]

    @property
    def volatility(self) -> Floats:
        """Standard deviation of the return of every conversion i -> j, in log return a sample."""
        variance = np.diag(self.covariance)
        spread = variance[:, None] + variance[None, :] - 2 * self.covariance
        return np.sqrt(np.maximum(spread, 0))
