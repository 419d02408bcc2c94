"""The desk for sweeps: begins them and shows them. A state machine shares them out (sweeping.py)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from heisenbug.backtest.grid import Grid
from heisenbug.backtest.swept import sweep_asked_of
from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.jobs import JobDesk, Plain, plain_job
from heisenbug.store.jobs import SLACK_SECONDS, Job, JobState
from heisenbug.store.shelf import rows_folder

FIELDS = ("market", "grid", "split", "from", "to", "set", "fill", "venue")
MOST_CONFIGURATIONS = 1000
MOST_AT_ONCE = 1
BATCH = 5
# What template.yaml says: so many batches run at once, none of them longer; and the reducer after them.
AT_ONCE = 4
BATCH_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Sweeps(JobDesk):
    """The desk for sweeps; `start` sends one off with its id and what its state machine is told."""

    start: Callable[[str, Plain], None]

    def ask(self, told: Mapping[str, Any], job_id: str) -> Plain:
        """Begin a sweep; raises InvalidSettings, or Busy where one is under way."""
        grid = sweep_asked_of(told).grid
        if len(grid) > MOST_CONFIGURATIONS:
            message = f"The grid has {len(grid):,} configurations, the limit in AWS is {MOST_CONFIGURATIONS:,}"
            raise InvalidSettings([FieldError("grid", f"{message}: take larger steps, or sweep on your computer.")])
        self.check(told, FIELDS)
        self.refuse_more_than(MOST_AT_ONCE)
        batches, now = batches_of(grid), self.clock()
        rounds = 2 + len(batches) // AT_ONCE
        deadline = int(now.timestamp()) + rounds * BATCH_SECONDS + SLACK_SECONDS
        job = Job(job_id, told, now.isoformat(timespec="seconds"), deadline, JobState.RUNNING)
        self.jobs.open(job, now.timestamp(), claim=job_id)
        self.begin(job, lambda: self.start(job_id, {"sweep": job_id, "asked": dict(told), "batches": batches}))
        return plain_job(job, now)

    def job(self, job_id: str) -> Plain:
        """A sweep as it stands, its progress counted from the rows that are there; raises NotFound."""
        job = self._found(job_id)
        if job.state is JobState.RUNNING:
            count = len(self.shelf().results(rows_folder(job_id)))
            job = replace(job, progress=round(count / len(sweep_asked_of(job.asked).grid), 3))
        return plain_job(job, self.clock())


def batches_of(grid: Grid) -> list[list[int]]:
    """The numbers of all configurations in small batches; those of one window stand together and share its work."""
    windows = {number: grid.point(number).get("window", 0) for number in range(len(grid))}
    numbers: Sequence[int] = sorted(windows, key=lambda number: windows[number])
    return [list(numbers[begin : begin + BATCH]) for begin in range(0, len(numbers), BATCH)]
