"""The scores of all conversions at all samples at once, as far as it takes to know where a gate could open.

Blocks of samples are scored by array operations: the moments of each pair's difference by cumulative sums, centred by
their global mean first. What is within SLACK of a limit counts as open: whoever asks further decides exactly there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from heisenbug.domain.costs import HIGHEST
from heisenbug.domain.forecasters import Forecaster
from heisenbug.domain.prices import Floats
from heisenbug.domain.score import normal_cdf, risk_of
from heisenbug.domain.settings import Settings

Bools = NDArray[np.bool_]
BLOCK = 4096
# Moments by cumulative sums are good to about 1e-10, the series for the normal distribution to 1.5e-7.
SLACK = 1e-6
# So many deviations away nothing is left of a normal distribution.
FARTHEST = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Prospects:
    """Per sample and source asset (T x N): how many conversions each gate stops first, and whether any could pass.

    The counts leave out conversions that could pass, and mean nothing where the window was not full (`full`, T).
    """

    could_pass: Bools
    confidence: NDArray[np.int16]
    risk: NDArray[np.int16]
    expected_return: NDArray[np.int16]
    full: Bools

    def until(self, end: int) -> "Prospects":
        """The same of the samples before `end` alone."""
        return Prospects(
            self.could_pass[:end], self.confidence[:end], self.risk[:end], self.expected_return[:end], self.full[:end]
        )


def prospects(
    logs: Floats, full: Bools, fees: Floats, half_spreads: Floats, forecaster: Forecaster, settings: Settings
) -> Prospects:
    """Score `logs` (T x assets, without gaps where `full`); `fees` (N x N) and `half_spreads` (T x N) are fractions."""
    size = logs.shape
    out = Prospects(
        np.zeros(size, bool), np.zeros(size, np.int16), np.zeros(size, np.int16), np.zeros(size, np.int16), full
    )
    expected = forecaster.expected_over(logs, settings.window, settings.horizon)
    deviation_a_volatility = sqrt(settings.horizon * forecaster.variance_ratio)
    for rows, volatility in _volatilities(logs, settings.window):
        wanted = full[rows]
        if wanted.any():
            _score(out, rows, volatility, expected[rows], deviation_a_volatility, fees, half_spreads[rows], settings)
    return out


def _volatilities(logs: Floats, window: int) -> Iterator[tuple[slice, Floats]]:
    """For each block of samples the volatility of every conversion (rows x N x N)."""
    count = len(logs)
    for begin in range(window - 1, count, BLOCK):
        end = min(begin + BLOCK, count)
        yield slice(begin, end), _rolled(np.diff(logs[begin - window + 1 : end], axis=0), window - 1)


def _rolled(returns: Floats, width: int) -> Floats:
    assets = returns.shape[1]
    one, other = np.triu_indices(assets, 1)
    differences = returns[:, other] - returns[:, one]
    centred = differences - differences.mean(axis=0)
    sums, squares = _sums(centred, width), _sums(centred**2, width)
    variance = np.maximum(squares - sums**2 / width, 0) / (width - 1)
    volatility = np.zeros((len(variance), assets, assets))
    volatility[:, one, other] = volatility[:, other, one] = np.sqrt(variance)
    return volatility


def _sums(numbers: Floats, width: int) -> Floats:
    """The sum of each `width` rows in a row."""
    running = np.concatenate((np.zeros((1, numbers.shape[1])), numbers.cumsum(axis=0)))
    sums: Floats = running[width:] - running[:-width]
    return sums


def _score(
    out: Prospects,
    rows: slice,
    volatility: Floats,
    each: Floats,
    deviation_a_volatility: float,
    fees: Floats,
    spreads: Floats,
    settings: Settings,
) -> None:
    cost = np.minimum(fees + (spreads[:, :, None] + spreads[:, None, :]), HIGHEST)
    expected = each[:, None, :] - each[:, :, None]
    net = expected + np.log1p(-cost)
    deviation = volatility * deviation_a_volatility
    itself = np.eye(each.shape[1], dtype=bool)
    sure = (net >= _quantile(settings.min_confidence - SLACK) * deviation - SLACK**2) & ~itself
    out.confidence[rows] = (~sure & ~itself).sum(axis=2)
    cells = np.nonzero(sure)
    gate = _later_gate(net[cells], deviation[cells], expected[cells], cost[cells], volatility[cells], settings)
    row, source = cells[0] + rows.start, cells[1]
    for counts, number in ((out.confidence, 1), (out.risk, 2), (out.expected_return, 3)):
        np.add.at(counts, (row[gate == number], source[gate == number]), 1)
    out.could_pass[row[gate == 0], source[gate == 0]] = True


def _quantile(probability: float) -> float:
    return NormalDist().inv_cdf(probability) if probability > 0 else -FARTHEST


def _later_gate(
    net: Floats, deviation: Floats, expected: Floats, cost: Floats, volatility: Floats, settings: Settings
) -> NDArray[np.int8]:
    """The gate that surely stops each: 1 confidence, 2 risk, 3 return; 0 where each may be open."""
    certain = deviation <= 0
    z = net / np.where(certain, 1, deviation)
    confidence = np.where(certain, np.where(net > 0, 1.0, 0.0), normal_cdf(z))
    gain = np.expm1(expected) * (1 - cost) - cost
    risk = risk_of(volatility, confidence, gain)
    gate = np.where(gain > settings.min_expected_return - SLACK**2, 0, 3)
    gate = np.where(risk > settings.risk_tolerance * (1 + SLACK) + SLACK, 2, gate)
    return np.where(confidence < settings.min_confidence - SLACK, 1, gate).astype(np.int8)
