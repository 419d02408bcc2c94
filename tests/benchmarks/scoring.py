"""How long all numbers of all conversions take: window, forecast and scores, without gates and choice."""

from collections.abc import Iterator

import numpy as np

from cli.paths import Home
from heisenbug.domain.forecasters import forecast
from heisenbug.domain.forecasters.drift import Drift
from heisenbug.domain.score import Scores, score
from heisenbug.domain.window import Window
from tests.benchmarks.figures import Figure, cpu_milliseconds

GOALS = {10: "<= 0.08", 100: "<= 0.25", 300: "<= 2.5"}
# Once a process has held an array of this many bytes, freed memory stays with it instead of being asked for anew.
HELD_ONCE = (1 << 25) - 8192


def scoring(_: Home) -> Iterator[Figure]:
    """N x N numbers from 120 samples, at first and in a process that keeps its memory."""
    for kept in ("", ", memory kept"):
        if kept:
            np.empty(HELD_ONCE, np.uint8).fill(0)
        for assets, goal in GOALS.items():
            logs = np.random.default_rng(7).normal(0, 0.0007, (120, assets)).cumsum(axis=0)
            cost = np.full((assets, assets), 0.003)

            def all_scores(logs: np.ndarray = logs, cost: np.ndarray = cost) -> Scores:
                window = Window.of(logs)
                return score(forecast(Drift(1.0), window, 60), window.volatility, cost)

            taken = cpu_milliseconds(all_scores, 200)
            yield Figure(f"all scores of {assets} assets{kept}", taken, goal, "ms CPU")
