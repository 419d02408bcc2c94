"""The baseline: prices go nowhere on average, as far as volatility says."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from heisenbug.domain.forecasters import Forecast
from heisenbug.domain.window import Window


@dataclass(frozen=True, slots=True)
class ZeroDrift:
    """No drift; deviation = volatility x sqrt(horizon x variance ratio)."""

    variance_ratio: float = 1.0

    def forecast(self, window: Window, horizon: int) -> Forecast:
        """What the window says about the next `horizon` samples."""
        volatility = window.volatility
        return Forecast(np.zeros_like(volatility), volatility * sqrt(horizon * self.variance_ratio))
