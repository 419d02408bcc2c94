"""Sweeps in AWS: shared out, each row kept by itself, what fails a row with a reason, the table that of a laptop."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from heisenbug.backtest.grid import Grid
from heisenbug.backtest.swept import sweep_asked_of, swept_from, swept_of
from heisenbug.markets.recorded import read_market
from heisenbug.store.jobs import DIED
from heisenbug.sweeping import LOST
from heisenbug.sweeps import BATCH, batches_of
from heisenbug.wiring import sweeps_from_environment
from tests.histories import KEEN
from tests.jobs import MARKET, Jobs, opened, stock, write_made
from tests.tables import Cloud

GRID = "min_confidence=0.55:0.75:0.1,window=30,20"
KEEN_OTHERWISE = {name: value for name, value in KEEN.items() if name not in ("min_confidence", "window")}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_made(tmp_path_factory.mktemp("market"))


@pytest.fixture
def jobs(tables: Cloud, market: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    stock(market)
    with opened(monkeypatch) as jobs:
        yield jobs


def begun(jobs: Jobs, grid: str = GRID, **told: Any) -> tuple[str, list[dict[str, Any]]]:
    """A sweep's id, and its shares."""
    reply = jobs.sweep(grid, set=dict(KEEN_OTHERWISE), **told)
    assert reply.status == 202, reply.text
    return reply.data["id"], jobs.shares()


def sweep_at(jobs: Jobs, job_id: str) -> Any:
    return jobs.api("GET", f"/api/sweeps/{job_id}").data


def report_of(jobs: Jobs, job_id: str) -> Any:
    return jobs.api("GET", f"/api/sweeps/{job_id}/report").data


def test_a_sweep_that_is_shared_out_comes_to_the_table_that_one_process_makes(jobs: Jobs, market: Path) -> None:
    job_id, shares = begun(jobs)
    assert sweep_at(jobs, job_id)["state"] == "running"
    progress = []
    for share in shares:
        jobs.hand_out(share)
        progress.append(sweep_at(jobs, job_id)["progress"])
    assert progress == [pytest.approx(5 / 6, abs=0.001), 1, 1]
    assert sweep_at(jobs, job_id)["state"] == "done"

    told = sweep_asked_of({"grid": GRID, "set": KEEN_OTHERWISE})
    sweep = told.on(read_market(market))
    alone = swept_of(sweep, map(sweep.row, range(len(sweep.grid))))
    assert report_of(jobs, job_id) == alone.plain()
    assert swept_from(report_of(jobs, job_id)) == alone


def test_how_many_were_tried_is_always_stated(jobs: Jobs) -> None:
    job_id, shares = begun(jobs)
    for share in shares:
        jobs.hand_out(share)
    summary = sweep_at(jobs, job_id)["summary"]
    assert (summary["tried"], summary["failed"]) == (6, 0)
    assert summary["best"]["in_sample"]["trades"] > 0
    assert "rows" not in summary


def test_a_share_that_never_came_back_is_rows_with_a_reason_and_the_others_stand(jobs: Jobs) -> None:
    job_id, (first, second, end) = begun(jobs)
    jobs.hand_out(first)
    jobs.hand_out(end)
    report = report_of(jobs, job_id)
    lost = [row for row in report["rows"] if row["error"]]
    assert [(row["number"], row["error"]) for row in lost] == [(number, LOST) for number in second["numbers"]]
    assert (report["tried"], report["failed"]) == (5, 1)


def test_a_configuration_that_breaks_is_a_row_with_a_reason(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id, shares = begun(jobs)
    plain = sweep_row()

    def sometimes(self: Any, number: int) -> Any:
        if number == 2:
            raise ZeroDivisionError("by nothing")
        return plain(self, number)

    monkeypatch.setattr("heisenbug.backtest.sweep.Sweep.row", sometimes)
    for share in shares:
        jobs.hand_out(share)
    report = report_of(jobs, job_id)
    assert [row["error"] for row in report["rows"] if row["number"] == 2] == [
        "It failed: ZeroDivisionError: by nothing"
    ]
    assert (report["tried"], report["failed"]) == (5, 1)


def test_an_end_that_breaks_off_fails_the_sweep_at_once_and_is_raised_for_the_log(jobs: Jobs, tables: Cloud) -> None:
    job_id, shares = begun(jobs)

    def broken(name: str, call: dict[str, Any]) -> None:
        if name == "GetObject":
            raise MemoryError

    tables.before = broken
    with pytest.raises(MemoryError):
        jobs.hand_out(shares[-1])
    assert sweep_at(jobs, job_id)["reason"].startswith("It broke off (MemoryError): the log")


def test_a_sweep_whose_end_never_came_is_failed_after_its_deadline(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id, _ = begun(jobs)
    later = datetime.now(UTC) + timedelta(seconds=3 * 900)
    monkeypatch.setattr("heisenbug.wiring.now", lambda: later)
    (job,) = sweeps_from_environment().newest(10)["sweeps"]
    assert (job["id"], job["state"], job["reason"]) == (job_id, "failed", DIED)


def sweep_row() -> Any:
    from heisenbug.backtest.sweep import Sweep

    return Sweep.row


def test_every_share_may_come_twice_and_late_to_the_same_result(jobs: Jobs) -> None:
    job_id, shares = begun(jobs)
    for share in (*shares, *shares):
        jobs.hand_out(share)
    once = report_of(jobs, job_id)
    assert jobs.hand_out(shares[-1]) == {"outcome": "ended before"}
    assert jobs.hand_out(shares[0]) == {"outcome": "5 rows"}
    assert report_of(jobs, job_id) == once
    assert sweep_at(jobs, job_id)["state"] == "done"


def test_what_the_market_cannot_give_fails_the_sweep_with_the_reason(jobs: Jobs) -> None:
    reply = jobs.sweep("window=30,100", split=0.9)
    jobs.hand_out(jobs.shares()[-1])
    job = sweep_at(jobs, reply.data["id"])
    assert job["state"] == "failed"
    assert "needs more than the longest window, 100" in job["reason"]


@pytest.mark.parametrize(
    ("told", "field", "says"),
    [
        ({"grid": "window=10:1000:1,horizon=15,60"}, "grid", "The grid has 1,982 configurations, the limit in AWS is"),
        ({"grid": "window=1"}, "window", "window must be a whole number from 10 to 1000, not 1."),
        ({"grid": "mode=live"}, "mode", "mode cannot vary"),
        ({"grid": "window"}, "grid", "The grid must be NAME=VALUES"),
        ({"grid": 7}, "grid", "grid must be a text such as min_confidence=0.55:0.9:0.05"),
        ({"grid": GRID, "split": 1}, "split", "The split must lie between 0 and 1, not 1: 0.7 keeps"),
        ({"grid": GRID, "set": {"window": 30}}, "window", "window is set and varies as well"),
        ({"grid": GRID, "market": "nowhere"}, "market", "There is no market nowhere; there are made."),
        ({"grid": GRID, "jobs": 3}, "jobs", "jobs is not understood here; a sweep takes market, grid, split"),
    ],
)
def test_what_cannot_be_understood_is_named_and_nothing_is_begun(
    jobs: Jobs, told: dict[str, Any], field: str, says: str
) -> None:
    reply = jobs.api("POST", "/api/sweeps", {"market": MARKET, **told})
    assert reply.status == 400
    assert (reply.error["fields"][0]["field"], reply.error["message"][: len(says)]) == (field, says)
    assert (jobs.shared, jobs.api("GET", "/api/sweeps").data) == ([], {"sweeps": []})


def test_one_sweep_is_under_way_at_once_and_a_reader_begins_none(jobs: Jobs) -> None:
    assert jobs.sweep(GRID).status == 202
    assert (jobs.sweep(GRID).status, jobs.sweep(GRID).error["code"]) == (429, "busy")
    assert jobs.api.as_role("reader")("POST", "/api/sweeps", {"market": MARKET, "grid": GRID}).status == 403


def test_batches_hold_every_configuration_once_and_those_of_one_window_together() -> None:
    grid = Grid({"window": [30, 20], "horizon": [1, 2, 3, 4, 5, 6], "fill": [0]})
    batches = batches_of(grid)
    assert sorted(number for batch in batches for number in batch) == list(range(12))
    assert max(map(len, batches)) == BATCH
    windows = [grid.point(number)["window"] for batch in batches for number in batch]
    assert windows == sorted(windows)
