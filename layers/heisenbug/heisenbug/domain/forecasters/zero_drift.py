"""The baseline: prices go nowhere on average, as far as volatility says."""

from dataclasses import dataclass

import numpy as np

from heisenbug.domain.prices import Floats
from heisenbug.domain.window import Window


@dataclass(frozen=True, slots=True)
class ZeroDrift:
    """No drift at all."""

    variance_ratio: float = 1.0

    def expected(self, window: Window, horizon: int) -> Floats:
        """Each asset's expected log return over the next `horizon` samples."""
        return np.zeros_like(window.mean)

    def expected_over(self, log_prices: Floats, window: int, horizon: int) -> Floats:
        """The same at each sample of a history."""
        none = np.zeros_like(log_prices)
        none[: window - 1] = np.nan
        return none
