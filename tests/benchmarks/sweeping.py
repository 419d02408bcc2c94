"""How long a hundred configurations take over a month of eight pairs, and where trades happen."""

import resource
import time
from collections.abc import Iterator
from typing import Any

from cli.paths import Home
from cli.sharing import rows_of
from heisenbug.backtest.grid import grid_of
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.sweep import Sweep
from heisenbug.backtest.table import table_of
from heisenbug.domain.venue import UPHOLD
from heisenbug.markets.history import History, history_of
from heisenbug.markets.recorded import read_market
from tests.benchmarks.figures import Figure
from tests.histories import DATA, generated, wish

JOBS = 2
HUNDRED = "min_confidence=0.5:0.95:0.05,horizon=15,30,60,120,240,window=60,120"
FEW = "min_confidence=0.6,0.7,0.8,0.9,0.95,horizon=60,120"
KEEN: dict[str, Any] = {"forecaster": "drift", "drift_weight": 1, "cost_bps": 10}


def sweeping(_: Home) -> Iterator[Figure]:
    """Sweeps in two processes: all processes' CPU time, and the time on the clock."""
    file = DATA / "crypto8_1m_2025-05.csv.gz"
    if file.exists():
        yield from _swept("100 configurations, 30 days, 8 pairs", history_of(read_market(file), 60), HUNDRED, {})
    planted = generated(3 * 1440, drift=0.006, pairs=8)
    yield from _swept("10 configurations, 3 days of planted drift, 8 pairs", planted, FEW, KEEN)


def _swept(what: str, history: History, grid: str, changes: dict[str, Any]) -> Iterator[Figure]:
    settings = wish(history, **changes).told.settings
    began, used = time.monotonic(), _cpu()
    sweep = Sweep(history, settings, UPHOLD, Fill.NEXT_SAMPLE, grid_of(grid, settings), 0.7)
    table = table_of(rows_of(sweep, JOBS))
    taken = time.monotonic() - began
    goal = "<= 60" if table.tried == 100 else "-"
    trades = sum(part.trades for row in table.rows for part in (row.in_sample, row.out_of_sample) if part)
    yield Figure(f"sweep: {what}, {trades} trades", taken, goal, "s on the clock")
    yield Figure(f"sweep: {what}, both processes", _cpu() - used, "-", "s CPU")


def _cpu() -> float:
    """What this process and those that it waited for have used."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
