"""Long lines with fewer points that look the same: the lowest and the highest of each stretch of time."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from heisenbug.markets.history import Floats, Ints

MOST_POINTS = 2000
# Points of a stretch lie at its quarters, and times are whole seconds.
SHORTEST_STRETCH = 4


@dataclass(frozen=True, slots=True, eq=False)
class Thinned:
    """Lines over the same evenly spaced times `at`, NaN where nothing is known: gaps take the place that they took.

    Each stretch of `stretch_seconds` has two points, its lowest and its highest in the order that they came, besides
    the first and the last sample; 0 where nothing had to be left out.
    """

    at: Ints
    lines: Mapping[str, Floats]
    stretch_seconds: int


def thinned(at: Ints, lines: Mapping[str, Floats], sample_seconds: int, most: int = MOST_POINTS) -> Thinned:
    """`lines` (T,) over the samples `at` in at most about `most` points; every line keeps its own extremes."""
    slots = at // sample_seconds - at[0] // sample_seconds
    if slots[-1] < most:
        times = at[0] // sample_seconds * sample_seconds + np.arange(slots[-1] + 1) * sample_seconds
        times[slots] = at
        return Thinned(times, {name: _on_slots(line, slots) for name, line in lines.items()}, 0)
    stretch = max(-(-int(at[-1] - at[0]) * 2 // most), SHORTEST_STRETCH)
    count = int(at[-1] - at[0]) // stretch
    edges = [*np.searchsorted(at, at[0] + np.arange(count) * stretch).tolist(), len(at)]
    quarters = np.add.outer(np.arange(count) * stretch, [stretch // 4, stretch - stretch // 4]).ravel()
    times = np.concatenate(([at[0]], at[0] + quarters, [at[-1]]))
    return Thinned(times, {name: _extremes(line, edges) for name, line in lines.items()}, stretch)


def _on_slots(line: Floats, slots: Ints) -> Floats:
    spread = np.full(int(slots[-1]) + 1, np.nan)
    spread[slots] = line
    return spread


def _extremes(line: Floats, edges: list[int]) -> Floats:
    """The first of a line, two of each stretch, the last."""
    kept = [line[0]]
    for begin, end in pairwise(edges):
        known = line[begin:end][np.isfinite(line[begin:end])]
        kept += known[sorted((known.argmin(), known.argmax()))].tolist() if len(known) else [np.nan, np.nan]
    return np.array([*kept, line[-1]])
