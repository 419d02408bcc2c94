"""What fitted forecasters believe: of planted drift as much as is true, of luck nothing."""

from collections.abc import Iterator
from statistics import median

from cli.paths import Home
from heisenbug.fitting.fit import fit
from tests.benchmarks.figures import Figure
from tests.planted import generated, passing

KINDS = ("drift", "ridge")
MONTH, FORTNIGHT, WEEK = 43_200, 20_160, 10_080
# window, horizon and sample_seconds as the settings have them, 10 bp a conversion
_AS_SET = (120, 60, 60, 10.0, "USD")
GOALS = {0.0: "0", 0.001: "0", 0.003: "0.5 - 3", 0.006: "-"}


def believing(_: Home) -> Iterator[Figure]:
    """The positive control, on five pairs of markets; luck, on forty markets without drift; power, on twenty with."""
    for kind in KINDS:
        for drift, goal in GOALS.items():
            yield from _control(kind, drift, goal)
        yield _found(kind, 0.0, WEEK, 40, "<= 5")
        yield _found(kind, 0.003, WEEK, 20, "-")
        yield _found(kind, 0.003, FORTNIGHT, 20, ">= 80")


def _control(kind: str, drift: float, goal: str) -> Iterator[Figure]:
    """Fitted on a month of one market and held against a month of another: median part that passes, and how truly."""
    each = [
        passing(generated(500 + seed, drift, MONTH), fit(generated(100 + seed, drift, MONTH), kind, *_AS_SET), 10)
        for seed in range(5)
    ]
    parts, claimed, came = zip(*each, strict=True)
    what = f"{kind} on {drift:.1%}/h planted:"
    yield Figure(f"{what} conversions that pass at 10 bp", 100 * median(parts), goal, "%")
    if any(parts):
        yield Figure(f"{what} they claim", median(claimed), "-", "")
        yield Figure(f"{what} they win", median(came), "claim +-0.05", "")


def _found(kind: str, drift: float, samples: int, markets: int, goal: str) -> Figure:
    """How many of so many markets it is said to beat zero-drift on."""
    found = sum(fit(generated(1000 + seed, drift, samples), kind, *_AS_SET).beats_baseline for seed in range(markets))
    days = samples // 1440
    return Figure(f"{kind} said to beat zero_drift, {days} days of {drift:.1%}/h", 100 * found / markets, goal, "%")
