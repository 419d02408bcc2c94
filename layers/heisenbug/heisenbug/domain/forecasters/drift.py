"""The window's own drift, shrunk by how much of it is known to survive."""

from dataclasses import dataclass
from math import sqrt

from heisenbug.domain.forecasters import Forecast
from heisenbug.domain.window import Window


@dataclass(frozen=True, slots=True)
class Drift:
    """Expected = weight x mean return x horizon; weight 1 is the naive plug-in and overconfident on real markets."""

    weight: float
    variance_ratio: float = 1.0

    def forecast(self, window: Window, horizon: int) -> Forecast:
        """What the window says about the next `horizon` samples."""
        expected = self.weight * horizon * window.drift
        return Forecast(expected, window.volatility * sqrt(horizon * self.variance_ratio))
