"""Sweeps: every row is an ordinary backtest of its configuration, and the table says no more than the rows do."""

import json
from dataclasses import replace
from math import log
from typing import Any

import numpy as np
import pytest

from heisenbug.backtest.fast import Walk, prospects_of, run_fast
from heisenbug.backtest.grid import grid_of
from heisenbug.backtest.memory import Memory
from heisenbug.backtest.plain import ticks
from heisenbug.backtest.rules import Fill, Wish
from heisenbug.backtest.run import Run
from heisenbug.backtest.seen import seen
from heisenbug.backtest.sweep import BadSplit, Part, Row, Sweep, row_from
from heisenbug.backtest.table import table_of
from heisenbug.domain.settings import change
from heisenbug.domain.trade import Trade
from heisenbug.domain.venue import UPHOLD
from heisenbug.markets.history import History
from tests.histories import KEEN, generated, wish
from tests.unit.test_backtest import gappy


def sweep(grid: str, history: History | None = None, split: float = 0.6, fill: Fill = Fill.NEXT_SAMPLE) -> Sweep:
    past = generated(300) if history is None else history
    settings = wish(past, **KEEN).told.settings
    return Sweep(past, settings, UPHOLD, fill, grid_of(grid, settings), split)


def plainly_after(asked: Wish, cut: int) -> tuple[list[Trade], list[float]]:
    """The plain loop with a bot that looks from the beginning and is started at the cut."""
    stopped = replace(asked.told, settings=replace(asked.told.settings, is_active=False))
    memory = Memory(stopped)
    for row, _ in enumerate(ticks(asked.history, stopped, asked.venue, asked.fill, memory)):
        memory.told = asked.told if row + 1 >= cut else stopped
    return memory.finished, [float(kept.equity or "nan") for kept in memory.snapshots][cut:]


def assert_same(one: Run, other: Run) -> None:
    assert (one.trades, one.dropped, one.holdings) == (other.trades, other.dropped, other.holdings)
    assert one.killed == other.killed
    assert np.array_equal(one.equity, other.equity, equal_nan=True)


GRIDS: dict[str, str] = {
    "gates": "min_confidence=0.55,0.7,horizon=15,30",
    "what changes no prospect": "cooldown_seconds=0,600,trade_size_percentage=0.1,0.5",
    "windows": "window=30,60,20,max_drawdown=0.2,0.01",
    "sizes": "trade_size_amount=5,0.5,cooldown_seconds=0,120",
    "forecasters": "forecaster=drift,zero_drift,is_active=true,false",
}


@pytest.mark.parametrize("fill", Fill)
@pytest.mark.parametrize("past", [generated(300), gappy()], ids=["whole", "gappy"])
@pytest.mark.parametrize("grid", GRIDS)
def test_a_row_is_the_ordinary_backtest_of_its_configuration(grid: str, past: History, fill: Fill) -> None:
    swept = sweep(GRIDS[grid], past, fill=fill)
    before, _ = past.parted(swept.cut)
    for number in range(len(swept.grid)):
        changes: dict[str, Any] = {**KEEN, **swept.grid.point(number)}
        in_sample, out_of_sample = swept.runs(change(swept.settings, swept.grid.point(number)))
        alone = run_fast(wish(before, fill, **changes))
        assert_same(in_sample, alone)
        looked = seen(wish(past, fill, **changes))
        assert_same(out_of_sample, Walk(looked, prospects_of(looked)).run(begin=swept.cut))
        row = swept.row(number)
        assert row.in_sample is not None
        assert row.in_sample.trades == len(alone.trades)


@pytest.mark.parametrize("past", [generated(300), gappy()], ids=["whole", "gappy"])
def test_out_of_sample_a_row_is_the_live_tick_that_looked_before_and_is_started_at_the_cut(past: History) -> None:
    swept = sweep("horizon=30", past)
    _, out_of_sample = swept.runs(swept.settings)
    trades, equity = plainly_after(wish(past, Fill.NEXT_SAMPLE, **KEEN), swept.cut)
    assert trades
    assert list(out_of_sample.trades) == trades
    assert np.allclose(out_of_sample.equity[swept.cut :], equity, atol=0.01, rtol=0, equal_nan=True)


def test_the_parts_share_no_sample_and_no_trade() -> None:
    swept = sweep("horizon=30")
    before, after = swept.runs(swept.settings)
    end = int(swept.history.at[swept.cut])
    assert before.trades
    assert after.trades
    assert max(trade.due for trade in before.trades) < end - 60  # its last sample has no next one to be filled at
    assert min(trade.due for trade in after.trades) == end  # it looks back at once, with no window to fill
    assert np.isnan(after.equity[: swept.cut]).all()
    assert after.equity[swept.cut] == 1000


def test_a_score_is_the_log_return_of_equity_after_costs() -> None:
    swept = sweep("horizon=30")
    before, after = swept.runs(swept.settings)
    row = swept.row(0)
    assert row.in_sample is not None
    assert row.out_of_sample is not None
    assert row.in_sample.score == pytest.approx(log(before.equity[-1] / 1000))
    assert row.out_of_sample.score == pytest.approx(log(after.equity[-1] / 1000))
    assert row.in_sample.costs > 0


def test_holding_is_counted_over_each_part_from_its_own_beginning() -> None:
    swept = sweep("horizon=30")
    mids = (swept.history.bids + swept.history.asks) / 2
    for part, rows in ((swept.in_sample, slice(swept.cut)), (swept.out_of_sample, slice(swept.cut, None))):
        own = mids[rows]
        assert part.holding == pytest.approx(log(np.concatenate(([1.0], own[-1] / own[0])).mean()))
        assert part.samples == len(own)


@pytest.mark.parametrize(
    ("split", "grid", "says"),
    [
        (0, "horizon=30", "must lie between 0 and 1, not 0"),
        (1.5, "horizon=30", "must lie between 0 and 1, not 1.5"),
        (float("nan"), "horizon=30", "must lie between 0 and 1, not nan"),
        (0.1, "horizon=30", "leaves 30 samples in sample and 270 out of sample"),
        (0.6, "window=30,150", "more than the longest window, 150"),
    ],
)
def test_a_split_that_leaves_a_part_too_short_is_refused(split: float, grid: str, says: str) -> None:
    with pytest.raises(BadSplit, match=says):
        sweep(grid, split=split)


def test_settings_that_do_not_fit_together_are_a_row_with_the_reason() -> None:
    past = generated(300)
    settings = wish(past, **{**KEEN, "forecaster": "zero_drift"}).told.settings
    grid = grid_of("forecaster=zero_drift,drift", settings)
    bare = replace(grid, values={"forecaster": ["zero_drift", "ridge"]})
    row = Sweep(past, settings, UPHOLD, Fill.NEXT_SAMPLE, bare, 0.6).row(1)
    assert (row.in_sample, row.out_of_sample) == (None, None)
    assert "forecaster ridge needs a fitted model" in row.error


def test_a_row_survives_json() -> None:
    swept = sweep("horizon=15,30")
    rows = [swept.row(0), Row(1, {"horizon": 30}, error="why")]
    assert [row_from(json.loads(json.dumps(row.plain()))) for row in rows] == rows


def row(number: int, before: float, after: float, trades: int = 3) -> Row:
    """A row of these scores."""
    parts = (Part(score, trades, 0, 0.01, 1.0, "") for score in (before, after))
    return Row(number, {"horizon": number + 1}, *parts)


def test_the_best_in_sample_stands_first_and_its_rank_out_of_sample_says_what_lasted() -> None:
    table = table_of([row(2, 0.3, -0.2), row(0, 0.1, 0.1), Row(3, {"horizon": 4}, error="why"), row(1, 0.2, -0.1)])
    assert [each.number for each in table.rows] == [2, 1, 0, 3]
    assert table.best is not None
    assert (table.best.number, table.rank, table.as_good) == (2, 3, 1)
    assert (table.tried, table.failed, table.traded, table.gained) == (3, 1, 3, 1)


def test_equal_scores_keep_the_order_of_the_grid_and_are_counted() -> None:
    table = table_of([row(1, 0.2, 0.3), row(0, 0.2, 0.1), row(2, 0.1, 0.1)])
    assert table.best is not None
    assert (table.best.number, table.as_good, table.rank) == (0, 2, 2)


def test_where_nothing_traded_nothing_is_the_best() -> None:
    swept = sweep("min_expected_return=0.9,1,cooldown_seconds=0,300")
    table = table_of(swept.row(number) for number in range(4))
    assert (table.tried, table.traded, table.best, table.rank, table.as_good) == (4, 0, None, None, 0)
    assert {each.in_sample.score for each in table.rows if each.in_sample} == {0.0}
