"""What may be believed about the next `horizon` samples; one file a forecaster, all behind one interface."""

from dataclasses import dataclass
from math import sqrt
from typing import Protocol

from heisenbug.domain.prices import Floats
from heisenbug.domain.window import Window


@dataclass(frozen=True, slots=True)
class Forecast:
    """For every conversion i -> j the expected log return over the horizon and its standard deviation (N x N)."""

    expected: Floats
    deviation: Floats


class Forecaster(Protocol):
    """Answers for all assets at once, from the window alone; a conversion i -> j earns what j does less what i does.

    `variance_ratio` is Var(return over the horizon) / (horizon x Var(return over a sample)): below 1 on bouncing
    markets, fitted, and never estimated inside a window.
    """

    @property
    def variance_ratio(self) -> float:
        """How much of a walk's variance the horizon has."""

    def expected(self, window: Window, horizon: int) -> Floats:
        """Each asset's expected log return over the next `horizon` samples (N,)."""

    def expected_over(self, log_prices: Floats, window: int, horizon: int) -> Floats:
        """What `expected` says at each sample of a history without gaps (T x N); NaN while the window fills."""


def forecast(forecaster: Forecaster, window: Window, horizon: int) -> Forecast:
    """What `forecaster` says of every conversion: mu_ij = e_j - e_i, S_ij = s_ij sqrt(H VR)."""
    each = forecaster.expected(window, horizon)
    deviation = window.volatility * sqrt(horizon * forecaster.variance_ratio)
    return Forecast(each[None, :] - each[:, None], deviation)
