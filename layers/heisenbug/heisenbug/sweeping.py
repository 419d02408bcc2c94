"""Carrying out a sweep in AWS: batches of configurations, each row kept by itself, and the table of all in the end."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from heisenbug.backtest.grid import Grid
from heisenbug.backtest.sweep import BadSplit, Row, Sweep, failed_row, row_from
from heisenbug.backtest.swept import sweep_asked_of, swept_of
from heisenbug.backtesting import REFUSALS, broke_off, market_of
from heisenbug.domain.errors import FenceLost
from heisenbug.store.jobs import Jobs
from heisenbug.store.shelf import Shelf, report_name, row_name, rows_folder

LOST = "It did not come back: it took over 15 minutes, or the memory was not enough. The function's log may say why."


@dataclass(frozen=True, slots=True)
class SweepWork:
    """A share of a sweep, or its end; either may be done twice, to the same result."""

    jobs: Jobs
    shelf: Shelf
    clock: Callable[[], datetime]

    def run_batch(self, job_id: str, asked: Mapping[str, Any], numbers: Sequence[int]) -> int:
        """Run the configurations of these numbers and keep each row; how many there are."""
        sweep = sweep_asked_of(asked).on(market_of(self.shelf, asked["market"]))
        for number in numbers:
            self.shelf.keep(row_name(job_id, number), json.dumps(_row(sweep, number).plain()))
        return len(numbers)

    def end(self, job_id: str, asked: Mapping[str, Any]) -> str:
        """Make the table of all rows and end the sweep; a row that is missing is one with a reason."""
        try:
            told = sweep_asked_of(asked)
            sweep = told.on(market_of(self.shelf, asked["market"]))
            report = swept_of(sweep, self._rows(job_id, told.grid)).plain()
        except (*REFUSALS, BadSplit) as refusal:
            return self._failed(job_id, str(refusal))
        except Exception as error:
            self._failed(job_id, broke_off(error))
            raise
        self.shelf.keep(report_name("sweep", job_id), json.dumps(report))
        figures = {name: value for name, value in report.items() if name != "rows"}
        return _once(lambda: self.jobs.done(job_id, job_id, figures, self._now()), "done")

    def _failed(self, job_id: str, reason: str) -> str:
        return _once(lambda: self.jobs.failed(job_id, job_id, reason, self._now()), "failed")

    def _now(self) -> str:
        return self.clock().isoformat(timespec="seconds")

    def _rows(self, job_id: str, grid: Grid) -> list[Row]:
        kept = {row.number: row for row in map(self._kept, self.shelf.results(rows_folder(job_id)))}
        return [kept.get(number) or Row(number, grid.point(number), error=LOST) for number in range(len(grid))]

    def _kept(self, name: str) -> Row:
        return row_from(json.loads(self.shelf.result(name)))


def _row(sweep: Sweep, number: int) -> Row:
    """The row; a configuration that fails has its reason for one, and does not end the others."""
    try:
        return sweep.row(number)
    except Exception as failure:
        return failed_row(number, sweep.grid.point(number), failure)


def _once(end: Callable[[], None], outcome: str) -> str:
    try:
        end()
    except FenceLost:
        return "ended before"
    return outcome
