"""Carrying out a backtest that was asked for as a job: once, by whoever claims it first."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from heisenbug.backtest.asked import asked_of
from heisenbug.backtest.fast import run_fast
from heisenbug.backtest.outcome import outcome_of, without_lists
from heisenbug.backtest.summary import figures_of
from heisenbug.domain.errors import InvalidSettings, NotFound
from heisenbug.fitting.history import Unpriceable
from heisenbug.markets.history import OutOfRange
from heisenbug.markets.recorded import InvalidMarket, RecordedMarket, read_market
from heisenbug.store.jobs import SLACK_SECONDS, Job, Jobs
from heisenbug.store.shelf import Shelf, curves_name, report_name

TELL_EACH_SECONDS = 2.0
REFUSALS = (InvalidMarket, InvalidSettings, NotFound, OutOfRange, Unpriceable)


@dataclass(slots=True)
class Work:
    """One attempt at a backtest: `claim` is its own, `deadline` (epoch seconds) is when it will be ended by force."""

    jobs: Jobs
    shelf: Shelf
    clock: Callable[[], datetime]
    claim: str
    deadline: float
    _told_at: float = 0.0

    def carry_out(self, job_id: str) -> str:
        """Do a backtest unless it was begun before; the outcome in a word. What is not a refusal is raised."""
        job = self.jobs.claim(job_id, self.claim, self.clock().timestamp(), int(self.deadline) + SLACK_SECONDS)
        if job is None:
            return "begun before"
        try:
            outcome = self._outcome(job)
            self.shelf.keep(curves_name(job_id), json.dumps(outcome["curves"]))
            self.shelf.keep(report_name("backtest", job_id), json.dumps(outcome))
        except REFUSALS as refusal:
            self.jobs.failed(job_id, self.claim, str(refusal), self._now())
            return "failed"
        except Exception as error:
            self.jobs.failed(job_id, self.claim, broke_off(error), self._now())
            raise
        self.jobs.done(job_id, self.claim, without_lists(outcome), self._now())
        return "done"

    def _outcome(self, job: Job) -> dict[str, Any]:
        wish = asked_of(job.asked).on(market_of(self.shelf, job.asked["market"]))
        run = run_fast(wish, lambda row: self._progressed(job.job_id, (row + 1) / len(wish.history)))
        return outcome_of(figures_of(run))

    def _progressed(self, job_id: str, fraction: float) -> None:
        now = self.clock().timestamp()
        if now - self._told_at >= TELL_EACH_SECONDS:
            self._told_at = now
            self.jobs.progressed(job_id, self.claim, fraction)

    def _now(self) -> str:
        return self.clock().isoformat(timespec="seconds")


def broke_off(error: Exception) -> str:
    """What is said of a job that ended as nobody foresaw."""
    return f"It broke off ({type(error).__name__}): the log of the backtest function says why."


def market_of(shelf: Shelf, name: str) -> RecordedMarket:
    """An uploaded market, read as any recording; raises NotFound or InvalidMarket."""
    with TemporaryDirectory() as folder:
        return read_market(shelf.fetch_market(name, Path(folder)))
