"""How fast a history is walked: a moving-average cross that trades thousands of times, beside other backtesters.

The others run in an environment of their own that is made for the measurement: `backtesting` and `vectorbt` from the
package index. All decide by the same averages of the logarithm of the price and fill at the next sample without a fee.
"""

import json
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from cli.environments import uv
from cli.paths import ROOT, Home
from heisenbug.backtest.fast import run_fast
from heisenbug.backtest.rules import Fill, Wish
from heisenbug.backtest.run import Run
from heisenbug.backtest.summary import summary_of
from heisenbug.domain.assets import Pair
from heisenbug.markets.history import History
from tests.benchmarks.figures import Figure
from tests.crossing import Crossing, believing
from tests.histories import wish

SAMPLES, RUNS, WINDOW = 1_000_000, 3, 600
CROSS: dict[str, Any] = {
    "window": WINDOW,
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


def backtests(home: Home) -> Iterator[Figure]:
    """Seconds of CPU, of reading nothing: prices are in memory."""
    month = wish(walk(43_200, 8), Fill.NEXT_SAMPLE)
    seconds, _ = _timed(month)
    yield Figure("43,200 samples x 72 conversions, default settings", seconds, "<= 0.3", "s CPU")
    prices = walk(SAMPLES, 1)
    with believing(Crossing()):
        seconds, run = _timed(wish(prices, Fill.NEXT_SAMPLE, **CROSS))
    what = f"{SAMPLES:,} samples of an EMA 10/50 cross"
    yield Figure(f"{what}: run and summary", seconds, "<= 1", "s CPU")
    yield Figure("  samples a second", SAMPLES / seconds / 1e6, ">= 5", "million")
    yield Figure("  conversions, final equity " + f"{run.equity[-1]:.2f}", len(run.moves), "-", "")
    yield Figure("  most memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "<= 300", "MB")
    yield from _others(home, prices)


def walk(samples: int, pairs: int) -> History:
    """A random walk by the minute, bid and ask alike."""
    steps = np.random.default_rng(1).normal(0, 0.0007, (samples, pairs))
    prices = np.round(20_000 * np.exp(steps.cumsum(axis=0)), 2)
    names = tuple(Pair(f"A{number}", "USD") for number in range(10, 10 + pairs))
    return History("walk", names, 60, np.arange(samples) * 60 + 1_600_000_020, prices, prices)


def _timed(asked: Wish) -> tuple[float, Run]:
    taken = []
    for _ in range(RUNS):
        began = time.process_time()
        run = run_fast(asked)
        summary_of(run)
        taken.append(time.process_time() - began)
    return median(taken), run


def _others(home: Home, prices: History) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "venv" / "bin" / "python"
        subprocess.run([uv(home), "venv", "-q", str(python.parent.parent)], check=True)
        install = [uv(home), "pip", "install", "-q", "--python", str(python), "backtesting", "vectorbt"]
        subprocess.run(install, check=True, capture_output=True)
        np.save(Path(folder) / "prices.npy", prices.bids[:, 0])
        script = ROOT / "tests" / "benchmarks" / "others.py"
        command = [str(python), str(script), str(Path(folder) / "prices.npy"), str(WINDOW)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for line in answer.splitlines():
        one = json.loads(line)
        yield Figure(f"  {one['what']}: {one['trades']} conversions, {one['equity']:.2f}", one["seconds"], "-", "s CPU")
