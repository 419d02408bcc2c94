"""Whether luck alone could have made a forecaster look better than the baseline."""

from itertools import pairwise
from math import atan, cos, pi, sin, sqrt

import numpy as np

from heisenbug.domain.prices import Floats
from heisenbug.fitting.seen import Rows

# Up to 14 groups the test holds its 5 %, one-sided.
MOST_GROUPS = 10
GROUP_HORIZONS = 2


def p_value(gains: Floats, rows: Rows, horizon: int) -> float:
    """How often luck alone gains as much, where the truth is no gain: near 0 is no luck, 1 no gain at all.

    `gains` (baseline's loss less the forecaster's) are of forecasts made at grid rows `rows`. The rows are cut into
    stretches of equal time, a horizon apart so that no outcome is in two, and the means of those are held against 0
    by Student's t, one-sided: a Diebold-Mariano test that needs no estimate of how forecasts depend on each other
    within a stretch (Ibragimov & Mueller 2010, Journal of Business & Economic Statistics 28).
    """
    begin, end = int(rows.min()), int(rows.max()) + 1
    edges = np.linspace(begin, end, min(MOST_GROUPS, (end - begin) // (GROUP_HORIZONS * horizon)) + 1)
    groups = [gains[(rows >= first) & (rows < last - horizon)] for first, last in pairwise(edges)]
    means = np.array([group.mean() for group in groups if group.size])
    error = means.std(ddof=1) / sqrt(len(means)) if len(means) > 1 else 0.0
    return t_tail(float(means.mean() / error), len(means) - 1) if error > 0 else 1.0


def t_tail(t: float, freedom: int) -> float:
    """P(Student's t of `freedom` degrees > t): Abramowitz & Stegun 26.7.3 and 26.7.4."""
    angle = atan(t / sqrt(freedom))
    odd = freedom % 2
    term, total = (cos(angle) if odd else 1.0), 0.0
    for step in range(1 + odd, freedom, 2):
        total += term
        term *= step / (step + 1) * cos(angle) ** 2
    inside = 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
    return (1 - inside) / 2
