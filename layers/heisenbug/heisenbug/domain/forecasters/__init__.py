"""What may be believed about the next `horizon` samples; one file a forecaster, all behind one interface."""

from dataclasses import dataclass
from typing import Protocol

from heisenbug.domain.prices import Floats
from heisenbug.domain.window import Window


@dataclass(frozen=True, slots=True)
class Forecast:
    """For every conversion i -> j the expected log return over the horizon and its standard deviation (N x N)."""

    expected: Floats
    deviation: Floats


class Forecaster(Protocol):
    """Answers for all conversions at once, from the window alone."""

    def forecast(self, window: Window, horizon: int) -> Forecast:
        """What the window says about the next `horizon` samples."""
