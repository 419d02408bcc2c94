"""The window's own drift, shrunk by how much of it is known to survive."""

from dataclasses import dataclass

import numpy as np

from heisenbug.domain.prices import Floats
from heisenbug.domain.window import Window


@dataclass(frozen=True, slots=True)
class Drift:
    """Expected = weight x mean return x horizon; weight 1 is the naive plug-in and overconfident on real markets."""

    weight: float
    variance_ratio: float = 1.0

    def expected(self, window: Window, horizon: int) -> Floats:
        """Each asset's expected log return over the next `horizon` samples."""
        return self.weight * horizon * window.mean

    def expected_over(self, log_prices: Floats, window: int, horizon: int) -> Floats:
        """The same at each sample of a history: the mean return is the window's last price less its first."""
        expected = np.full_like(log_prices, np.nan)
        whole = log_prices[window - 1 :] - log_prices[: len(log_prices) - window + 1]
        expected[window - 1 :] = self.weight * horizon / (window - 1) * whole
        return expected
