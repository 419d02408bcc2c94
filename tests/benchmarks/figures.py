"""One measured figure."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """What was measured, the median, and the goal it is held against."""

    what: str
    value: float
    goal: str
    unit: str


def cpu_milliseconds(action: Callable[[], object], times: int) -> float:
    """The median CPU time of one call, in milliseconds."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        action()
        taken.append((time.process_time() - began) * 1000)
    return median(taken)
