"""The scores of all conversions at all samples at once, as far as it takes to know where a gate could open.

Blocks of samples are scored by array operations, each pair of assets once for both ways: the moments of its difference
by cumulative sums, centred by their global mean first. What is within SLACK of a limit counts as open: whoever asks
further decides exactly there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from heisenbug.domain.costs import HIGHEST
from heisenbug.domain.forecasters import Forecast, Forecaster
from heisenbug.domain.prices import Floats
from heisenbug.domain.score import confidence_of, expected_return_of, risk_of
from heisenbug.domain.settings import Settings

Bools = NDArray[np.bool_]
Counts = NDArray[np.int16]
# So many numbers of a block stay in the processor's cache.
CELLS = 1 << 15
# Moments by cumulative sums are good to about 1e-10, the series for the normal distribution to 1.5e-7.
SLACK = 1e-6
# So many deviations away nothing is left of a normal distribution.
FARTHEST = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Prospects:
    """Per sample and source asset (T x N): how many conversions each gate stops first, and whether any could pass.

    The counts leave out conversions that could pass. Where it is exactly one, `target` is its asset's place and
    `expected` and `volatility` (log returns over the horizon, and a sample) are its own; elsewhere `target` is -1.
    Nothing means anything where the window was not full (`full`, T).
    """

    full: Bools
    could_pass: Bools
    confidence: Counts
    risk: Counts
    expected_return: Counts
    target: Counts
    expected: Floats
    volatility: Floats

    @classmethod
    def none(cls, full: Bools, assets: int) -> "Prospects":
        """Of no sample is anything known yet."""
        size = len(full), assets
        could_pass, target = np.zeros(size, bool), np.full(size, -1, np.int16)
        confidence, risk, expected_return = (np.zeros(size, np.int16) for _ in range(3))
        return cls(full, could_pass, confidence, risk, expected_return, target, np.zeros(size), np.zeros(size))

    def until(self, end: int) -> "Prospects":
        """The same of the samples before `end` alone."""
        return Prospects(**{each.name: getattr(self, each.name)[:end] for each in fields(self)})


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Single conversions of a block: sample, source, target, expected log return, volatility and cost, side by side."""

    row: NDArray[np.intp]
    source: NDArray[np.intp]
    target: NDArray[np.intp]
    expected: Floats
    volatility: Floats
    cost: Floats

    def where(self, chosen: NDArray[np.intp]) -> "Cells":
        """Some of them, by their places."""
        return Cells(
            self.row[chosen],
            self.source[chosen],
            self.target[chosen],
            self.expected[chosen],
            self.volatility[chosen],
            self.cost[chosen],
        )


def prospects(
    logs: Floats, full: Bools, fees: Floats, half_spreads: Floats, forecaster: Forecaster, settings: Settings
) -> Prospects:
    """Score `logs` (T x assets, without gaps where `full`); `fees` (N x N) and `half_spreads` (T x N) are fractions."""
    out = Prospects.none(full, logs.shape[1])
    expected = forecaster.expected_over(logs, settings.window, settings.horizon)
    deviation_a_volatility = sqrt(settings.horizon * forecaster.variance_ratio)
    one, other = np.triu_indices(logs.shape[1], 1)
    for rows, volatility in _volatilities(logs, settings.window, one, other):
        if full[rows].any():
            spreads = half_spreads[rows]
            cost = np.minimum(fees[one, other] + (spreads[:, one] + spreads[:, other]), HIGHEST)
            rise = expected[rows][:, other] - expected[rows][:, one]
            bound = volatility * (_quantile(settings.min_confidence - SLACK) * deviation_a_volatility)
            bound -= np.log1p(-cost) + SLACK**2
            cells = _confident(rise, bound, volatility, cost, (one, other))
            _note(out, rows, cells, _gate(cells, deviation_a_volatility, settings))
    out.target[~full] = -1
    return out


def _volatilities(
    logs: Floats, window: int, one: NDArray[np.intp], other: NDArray[np.intp]
) -> Iterator[tuple[slice, Floats]]:
    """For each block of samples the volatility between two assets (rows x pairs of assets)."""
    count, step = len(logs), max(CELLS // max(len(one), 1), window)
    for begin in range(window - 1, count, step):
        end = min(begin + step, count)
        part = logs[begin - window + 1 : end]
        differences = np.diff(part[:, other] - part[:, one], axis=0)
        yield slice(begin, end), _rolled(differences - differences.mean(axis=0), window - 1)


def _rolled(centred: Floats, width: int) -> Floats:
    sums, variance = _sums(centred, width), _sums(centred**2, width)
    variance -= sums**2 / width
    np.maximum(variance, 0, out=variance)
    variance /= width - 1
    return np.sqrt(variance, out=variance)


def _sums(numbers: Floats, width: int) -> Floats:
    """The sum of each `width` rows in a row."""
    running = np.zeros((len(numbers) + 1, numbers.shape[1]))
    numbers.cumsum(axis=0, out=running[1:])
    sums: Floats = running[width:] - running[:-width]
    return sums


def _confident(
    rise: Floats, bound: Floats, volatility: Floats, cost: Floats, pairs: tuple[NDArray[np.intp], NDArray[np.intp]]
) -> Cells:
    """The conversions, forth and back, that may be confident enough."""
    forth, back = np.flatnonzero(rise >= bound), np.flatnonzero(-rise >= bound)
    places, ways = np.concatenate((forth, back)), (len(forth), len(back))
    row, pair = np.divmod(places, len(pairs[0])) if len(pairs[0]) > 1 else (places, np.zeros_like(places))
    is_forth = np.repeat((True, False), ways)
    one, other = pairs[0][pair], pairs[1][pair]
    source, target = np.where(is_forth, one, other), np.where(is_forth, other, one)
    expected = np.concatenate((rise.reshape(-1)[forth], -rise.reshape(-1)[back]))
    return Cells(row, source, target, expected, volatility.reshape(-1)[places], cost.reshape(-1)[places])


def _quantile(probability: float) -> float:
    return NormalDist().inv_cdf(probability) if probability > 0 else -FARTHEST


def _gate(cells: Cells, deviation_a_volatility: float, settings: Settings) -> NDArray[np.int8]:
    """The gate that surely stops each: 1 confidence, 2 risk, 3 return; 0 where each may be open."""
    gain = expected_return_of(cells.expected, cells.cost)
    gate = np.zeros(len(cells.row), np.int8)
    gate[~(gain > settings.min_expected_return - SLACK**2)] = 3
    # Confident enough they all are, nearly; only where the risk depends on how much is that computed.
    near = np.flatnonzero(~(cells.volatility < settings.risk_tolerance * settings.min_confidence * gain))
    some = cells.where(near)
    confidence = confidence_of(Forecast(some.expected, some.volatility * deviation_a_volatility), some.cost)
    risk = risk_of(some.volatility, confidence, gain[near])
    gate[near[risk > settings.risk_tolerance * (1 + SLACK) + SLACK]] = 2
    gate[near[confidence < settings.min_confidence - SLACK]] = 1
    return gate


def _note(out: Prospects, rows: slice, cells: Cells, gate: NDArray[np.int8]) -> None:
    assets, stopped = out.could_pass.shape[1], np.flatnonzero(gate)
    places, size = cells.row * assets + cells.source, (rows.stop - rows.start) * assets
    passing = np.bincount(places, minlength=size)
    if len(stopped):
        risk, gain, unsure = (np.bincount(places[gate == number], minlength=size) for number in (2, 3, 1))
        passing -= risk + gain + unsure
        out.risk[rows], out.expected_return[rows] = risk.reshape(-1, assets), gain.reshape(-1, assets)
        lone = np.flatnonzero((gate == 0) & (passing[places] == 1))
    else:
        risk = gain = np.zeros(1, np.int64)
        lone = np.flatnonzero(passing[places] == 1)
    out.could_pass[rows] = (passing > 0).reshape(-1, assets)
    out.confidence[rows] = (assets - 1 - risk - gain - passing).reshape(-1, assets)
    at = places[lone]
    out.target[rows].reshape(-1)[at] = cells.target[lone]
    out.expected[rows].reshape(-1)[at] = cells.expected[lone]
    out.volatility[rows].reshape(-1)[at] = cells.volatility[lone]
