"""How well probabilities were claimed: Brier score, log-loss, and claims held against what came."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heisenbug.domain.model import Worth
from heisenbug.domain.prices import Floats

Outcomes = NDArray[np.bool_]

BINS = 10
# The normal distribution is computed to 1.5e-7: nothing is claimed to be surer than this.
LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Bin:
    """Of `count` probabilities from `low` to below `high`: their mean (claimed), and how many came true (realised)."""

    low: float
    high: float
    count: int
    claimed: float
    realised: float


def brier(probabilities: Floats, outcomes: Outcomes) -> float:
    """Mean squared distance of the probabilities from what came: 0 is perfect, 0.25 what saying 0.5 earns."""
    return float(np.mean((probabilities - outcomes) ** 2))


def log_loss(probabilities: Floats, outcomes: Outcomes) -> float:
    """Mean of `losses`: 0 is perfect, 0.693 what saying 0.5 earns."""
    return float(np.mean(losses(probabilities, outcomes)))


def losses(probabilities: Floats, outcomes: Outcomes) -> Floats:
    """-log(probability of what came) of each, none of them below 1e-6."""
    of_what_came = np.where(outcomes, probabilities, 1 - probabilities)
    each: Floats = -np.log(np.maximum(of_what_came, LEAST))
    return each


def worth(probabilities: Floats, outcomes: Outcomes) -> Worth:
    """Both scores of at least one probability."""
    return Worth(brier(probabilities, outcomes), log_loss(probabilities, outcomes), probabilities.size)


def reliability(probabilities: Floats, outcomes: Outcomes, bins: int = BINS) -> tuple[Bin, ...]:
    """The probabilities in `bins` of equal width, those without any left out; a probability of 1 is in the last."""
    claimed, came = np.ravel(probabilities), np.ravel(outcomes)
    place = np.minimum((claimed * bins).astype(np.int64), bins - 1)
    counts = np.bincount(place, minlength=bins)
    sums = (np.bincount(place, weights=values, minlength=bins).tolist() for values in (claimed, came))
    rows = zip(counts.tolist(), *sums, strict=True)
    return tuple(
        Bin(number / bins, (number + 1) / bins, count, claims / count, hits / count)
        for number, (count, claims, hits) in enumerate(rows)
        if count
    )


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Mean distance of claimed from realised over the bins, each weighed by its count; 0 where there is none."""
    total = sum(bin.count for bin in bins)
    return sum(bin.count * abs(bin.claimed - bin.realised) for bin in bins) / total if total else 0.0
