"""How fast a history is walked: a moving-average cross that trades thousands of times, beside other backtesters.

The others run in an environment of their own that is made for the measurement: `backtesting` and `vectorbt` from the
package index. All decide by the same averages of the logarithm of the price and fill at the next sample without a fee.
"""

import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np

from cli.environments import uv
from cli.paths import ROOT, Home
from heisenbug.backtest.fast import run_fast
from heisenbug.backtest.rules import Fill, Wish
from heisenbug.backtest.run import Run
from heisenbug.backtest.summary import summary_of
from heisenbug.domain.assets import Pair
from heisenbug.markets.history import History
from heisenbug.markets.rows import HEADER
from tests.benchmarks.figures import Figure
from tests.benchmarks.whole import save
from tests.crossing import CROSS, Crossing, believing
from tests.histories import wish

SAMPLES, RUNS, WHOLE_RUNS = 1_000_000, 3, 5


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
    yield from _whole(prices)
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


def _whole(prices: History) -> Iterator[Figure]:
    """The same as a process of its own, its start and the reading of its market included."""
    with tempfile.TemporaryDirectory() as folder:
        recording, arrays = Path(folder) / "walk.csv.gz", Path(folder) / "walk.npz"
        _record(prices, recording)
        save(prices, arrays)
        yield Figure("  a process of its own, from the CSV.gz", _process_seconds(recording), "<= 1.5", "s CPU")
        yield Figure("  a process of its own, from arrays", _process_seconds(arrays), "<= 1", "s CPU")


def _record(prices: History, file: Path) -> None:
    ats = np.datetime_as_string(prices.at.astype("datetime64[s]")).tolist()
    sides = zip(ats, prices.bids[:, 0].tolist(), prices.asks[:, 0].tolist(), strict=True)
    rows = "".join(f"{at}Z,{prices.pairs[0]},{bid},{ask}\n" for at, bid, ask in sides)
    file.write_bytes(gzip.compress(f"{HEADER}\n{rows}".encode(), 6))


def _process_seconds(file: Path) -> float:
    command, taken = [sys.executable, "-m", "tests.benchmarks.whole", str(file)], []
    for _ in range(WHOLE_RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return median(taken)


def _others(home: Home, prices: History) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "venv" / "bin" / "python"
        subprocess.run([uv(home), "venv", "-q", str(python.parent.parent)], check=True)
        install = [uv(home), "pip", "install", "-q", "--python", str(python), "backtesting", "vectorbt"]
        subprocess.run(install, check=True, capture_output=True)
        np.save(Path(folder) / "prices.npy", prices.bids[:, 0])
        script = ROOT / "tests" / "benchmarks" / "others.py"
        command = [str(python), str(script), str(Path(folder) / "prices.npy"), str(CROSS["window"])]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for line in answer.splitlines():
        one = json.loads(line)
        yield Figure(f"  {one['what']}: {one['trades']} conversions, {one['equity']:.2f}", one["seconds"], "-", "s CPU")
