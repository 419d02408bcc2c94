"""The desk for backtests: begins them and shows them. A function of its own carries them out (backtesting.py)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from heisenbug.backtest.asked import asked_of
from heisenbug.jobs import JobDesk, Plain, plain_job
from heisenbug.store.jobs import SLACK_SECONDS, Job
from heisenbug.store.shelf import curves_name

FIELDS = ("market", "from", "to", "set", "fill", "venue")
MOST_AT_ONCE = 3
# A job waits so long for a free execution; EventInvokeConfig in template.yaml says the same.
QUEUE_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Backtests(JobDesk):
    """The desk for backtests; `start` sends one off by its id."""

    start: Callable[[str], None]

    def ask(self, told: Mapping[str, Any], job_id: str) -> Plain:
        """Begin a backtest; raises InvalidSettings, or Busy where enough are under way."""
        asked_of(told)
        self.check(told, FIELDS)
        self.refuse_more_than(MOST_AT_ONCE)
        now = self.clock()
        deadline = int(now.timestamp()) + QUEUE_SECONDS + SLACK_SECONDS
        job = Job(job_id, told, now.isoformat(timespec="seconds"), deadline)
        self.jobs.open(job, now.timestamp())
        self.begin(job, lambda: self.start(job_id))
        return plain_job(job, now)

    def curves(self, job_id: str) -> str:
        """Worth and drawdown over time of a backtest that is done, in few points, as JSON text; raises NotFound."""
        self.refuse_unfinished(job_id)
        return self.shelf().result(curves_name(job_id))
