"""A moving-average cross as a forecaster: what other backtesters are compared on, and what trades very often."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any
from unittest.mock import patch

import numpy as np

from heisenbug.domain.prices import Floats
from heisenbug.domain.window import Window

# What a cross promises, as a log return, and how far apart the averages must be for the whole of it.
PROMISE = 0.05
WHOLE = 1e-9
BLOCK = 64
# Settings that let it trade whenever the averages cross.
CROSS: Mapping[str, Any] = {
    "window": 600,
    "horizon": 1,
    "cost_bps": 0,
    "paper_start": {"USD": "1000000"},  # so much that rounding to cents, which the others do not do, hardly shows
    "cooldown_seconds": 0,
    "trade_size_percentage": 1,
    "max_drawdown": 1,
    "min_confidence": 0.55,
    "risk_tolerance": 1,
    "min_expected_return": 0,
}


@dataclass(frozen=True)
class Crossing:
    """The asset rises while the fast exponential average of its log price is above the slow one, and else falls.

    Averages over spans of samples, each over the window alone and scaled to weights that sum to one.
    """

    fast: int = 10
    slow: int = 50
    variance_ratio: float = 1.0

    def expected(self, window: Window, horizon: int) -> Floats:
        """The promise of the window that is at hand."""
        logs = window.log_prices - window.log_prices[-1]
        return _promise(_weights(self.fast, self.slow, len(logs)) @ logs)

    def expected_over(self, log_prices: Floats, window: int, horizon: int) -> Floats:
        """The same at each sample of a history: each average is recursive, less what fell out of the window."""
        apart = np.zeros_like(log_prices)
        for column, numbers in enumerate(log_prices.T):
            if numbers.any():  # the base currency has no price of its own
                apart[:, column] = self._apart(numbers - numbers[0], window)
        apart[: window - 1] = np.nan
        return _promise(apart)

    def _apart(self, numbers: Floats, window: int) -> Floats:
        fast, slow = (_average(numbers, 1 - 2 / (span + 1), window) for span in (self.fast, self.slow))
        fast -= slow
        return fast


@cache
def _weights(one: int, other: int, count: int) -> Floats:
    ages = np.arange(count)[::-1]
    fast, slow = ((1 - 2 / (span + 1)) ** ages for span in (one, other))
    return fast / fast.sum() - slow / slow.sum()


def _promise(apart: Floats) -> Floats:
    apart = apart / WHOLE
    np.clip(apart, -1, 1, out=apart)
    apart *= PROMISE
    return apart


def _average(numbers: Floats, kept: float, window: int) -> Floats:
    """sum(kept^k x_(t-k)) / sum(kept^k) over k < window, by blocks: a triangular matrix, and what a block hands on."""
    blocks = np.append(numbers, np.zeros(-len(numbers) % BLOCK)).reshape(-1, BLOCK)
    ages = np.arange(BLOCK)[:, None] - np.arange(BLOCK)[None, :]
    weights = np.where(ages >= 0, kept ** np.maximum(ages, 0), 0).T * (1 - kept) / (1 - kept**window)
    sums = blocks @ weights
    carried = list(accumulate(sums[:, -1].tolist(), lambda carry, last: last + kept**BLOCK * carry))
    sums[1:] += np.array(carried)[:-1, None] * kept ** np.arange(1, BLOCK + 1)
    whole: Floats = sums.ravel()[: len(numbers)]
    if kept**window:
        whole[window:] -= kept**window * whole[:-window]
    return whole


@contextmanager
def believing(forecaster: Crossing) -> Iterator[None]:
    """Decisions and backtests believe this forecaster, whichever the settings name."""
    with (
        patch("heisenbug.domain.decide.forecaster_of", lambda settings: forecaster),
        patch("heisenbug.backtest.fast.forecaster_of", lambda settings: forecaster),
    ):
        yield
