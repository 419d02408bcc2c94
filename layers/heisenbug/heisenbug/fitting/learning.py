"""Weights of lagged returns by ridge regression, shrunk so far that noise teaches nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import numpy as np

from heisenbug.domain.prices import Floats
from heisenbug.fitting.seen import Seen

FOLDS = 8
FEWEST_FOLDS = 4
FOLD_HORIZONS = 2
PENALTIES = np.array([0.003, 0.03, 0.3, 1.0, 3.0])
# Weights must have been worth this many standard errors on folds they were not fitted on, else they are zero.
SIGNIFICANCE = 3.0
# Beyond this many deviations a return counts as just so many: one crash is not to teach a rule.
MOST_DEVIATIONS = 4.0
# The part of all returns that S is fitted to hold, and how many deviations hold it in a normal distribution.
HELD, HELD_DEVIATIONS = 0.6, 0.8416212
LEAST_RATIO, MOST_RATIO = 0.05, 10.0


@dataclass(frozen=True, slots=True)
class Learned:
    """What is believed of z-scores: with S0 = s sqrt(H), mu = S0 x sum(weight_k x z_k) and S = S0 sqrt(VR)."""

    weights: Floats
    variance_ratio: float


@dataclass(frozen=True, slots=True)
class _Sums:
    """The normal equations of each fold: (folds x lags x lags), (folds x lags), and how many returns they are of."""

    squares: Floats
    products: Floats
    counts: Floats


def learn(seen: Seen, horizon: int, largest: float = np.inf) -> Learned:
    """The weights, of at most `largest` each, and the variance ratio that windows and what came after them teach."""
    weights = _believable(_sums(seen, horizon), seen.lagged.shape[-1])
    return Learned(np.clip(weights, -largest, largest), variance_ratio(seen))


def variance_ratio(seen: Seen) -> float:
    """Var(return over H) / (H s^2), so that S holds six in ten of the returns, as it does in a normal distribution.

    A quantile, because the variance itself belongs to the few wildest returns, and what is claimed is probabilities.
    """
    if not seen.known.any():
        return 1.0
    ratio = float(np.quantile(np.abs(seen.came[seen.known] / seen.deviation[seen.known]), HELD)) / HELD_DEVIATIONS
    return min(max(ratio**2, LEAST_RATIO), MOST_RATIO)


def _believable(sums: _Sums, lags: int) -> Floats:
    """Ridge weights with the penalty that did best on folds left out; none where that is no better than chance."""
    if len(sums.counts) < FEWEST_FOLDS:
        return np.zeros(lags)
    without = _Sums(*(total.sum(axis=0) - total for total in (sums.squares, sums.products, sums.counts)))
    weights = _ridge(without)
    fitted = np.einsum("pfk,fkl,pfl->pf", weights, sums.squares, weights)
    gains = (2 * np.einsum("pfk,fk->pf", weights, sums.products) - fitted) / sums.counts
    best = int(np.argmax(gains.mean(axis=1)))
    error = gains[best].std(ddof=1) / sqrt(len(sums.counts))
    if gains[best].mean() <= SIGNIFICANCE * error:
        return np.zeros(lags)
    whole = _Sums(*(total.sum(axis=0, keepdims=True) for total in (sums.squares, sums.products, sums.counts)))
    chosen: Floats = _ridge(whole)[best, 0]
    return chosen


def _ridge(sums: _Sums) -> Floats:
    """Weights (penalties x folds x lags); a penalty is in variances of the z-scores, which are near 1."""
    penalty = PENALTIES[:, None, None, None] * sums.counts[:, None, None] * np.eye(sums.products.shape[-1])
    return np.linalg.solve(sums.squares + penalty, sums.products[..., None])[..., 0].astype(np.float64)


def _sums(seen: Seen, horizon: int) -> _Sums:
    folds = [_normal_equations(fold) for fold in _folds(seen, horizon)]
    squares, products, counts = zip(*folds, strict=True) if folds else ((), (), ())
    return _Sums(np.array(squares), np.array(products), np.array(counts, dtype=np.float64))


def _folds(seen: Seen, horizon: int) -> Iterator[Seen]:
    """Stretches of time one after the other, none of which sees an outcome of the next."""
    if not len(seen.rows):
        return
    begin, end = int(seen.rows[0]), int(seen.rows[-1]) + 1
    edges = np.linspace(begin, end, min(FOLDS, (end - begin) // (FOLD_HORIZONS * horizon)) + 1)
    for first, last in pairwise(edges):
        fold = seen.between(first, last - horizon)
        if fold.known.any():
            yield fold


def _normal_equations(seen: Seen) -> tuple[Floats, Floats, int]:
    scale = np.divide(1, seen.deviation, out=np.zeros_like(seen.deviation), where=seen.known)
    came = np.clip(seen.came * scale, -MOST_DEVIATIONS, MOST_DEVIATIONS).ravel()
    lagged = np.clip(seen.lagged, -MOST_DEVIATIONS, MOST_DEVIATIONS).reshape(len(came), -1)
    return lagged.T @ lagged, came @ lagged, int(seen.known.sum())
