"""What may be asked of backtests: to begin one, and how each stands. A function of its own carries them out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from heisenbug.backtest.asked import asked_of
from heisenbug.domain.errors import Busy, FieldError, InvalidSettings, NotFound
from heisenbug.domain.rules import shown
from heisenbug.store.jobs import SLACK_SECONDS, Job, Jobs
from heisenbug.store.shelf import Shelf, report_name

Plain = dict[str, Any]
FIELDS = ("market", "from", "to", "set", "fill", "venue")
MOST_AT_ONCE = 3
# A job waits so long for a free execution; EventInvokeConfig in template.yaml says the same.
QUEUE_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Backtests:
    """The desk for backtests: `start` sends one off by its id, `shelf` is opened when it is needed."""

    jobs: Jobs
    shelf: Callable[[], Shelf]
    start: Callable[[str], None]
    clock: Callable[[], datetime]

    def ask(self, told: Mapping[str, Any], job_id: str) -> Plain:
        """Begin a backtest; raises InvalidSettings, or Busy where enough are under way."""
        _check_names(told)
        asked_of(told)
        _check_market(told.get("market"), self.shelf().markets())
        now = self.clock()
        _refuse_many(self.jobs, now.timestamp())
        deadline = int(now.timestamp()) + QUEUE_SECONDS + SLACK_SECONDS
        job = Job(job_id, told, now.isoformat(timespec="seconds"), deadline)
        self.jobs.open(job, now.timestamp())
        self.start(job_id)
        return plain_job(job, now)

    def job(self, job_id: str) -> Plain:
        """A backtest as it stands; raises NotFound."""
        return plain_job(self._found(job_id), self.clock())

    def newest(self, limit: int) -> Plain:
        """The newest backtests, newest first."""
        now = self.clock()
        return {"backtests": [plain_job(job, now) for job in self.jobs.newest(limit)]}

    def report(self, job_id: str) -> str:
        """What a backtest reports, as JSON text: its figures and its trades; raises NotFound."""
        job = self._found(job_id)
        if job.summary is None:
            state, _ = job.seen_at(self.clock().timestamp())
            raise NotFound(f"Backtest {job_id} is {state.value}: there is a report once it is done.")
        return self.shelf().result(report_name(job_id))

    def _found(self, job_id: str) -> Job:
        job = self.jobs.get(job_id)
        if job is None:
            raise NotFound(f"There is no backtest {job_id[:40]!r}; GET /api/backtests lists those of the last 30 days.")
        return job


def plain_job(job: Job, now: datetime) -> Plain:
    """A job as it stands at `now`, as JSON carries it."""
    state, reason = job.seen_at(now.timestamp())
    return {
        "id": job.job_id,
        "state": state.value,
        "progress": job.progress,
        "at": job.at,
        "finished_at": job.finished_at,
        "asked": dict(job.asked),
        "reason": reason,
        "summary": None if job.summary is None else dict(job.summary),
    }


def _check_names(told: Mapping[str, Any]) -> None:
    unknown = [name for name in told if name not in FIELDS]
    if unknown:
        hint = f"a backtest takes {', '.join(FIELDS)}."
        raise InvalidSettings([FieldError(name, f"{name} is not understood here; {hint}") for name in unknown])


def _check_market(name: Any, there: list[str]) -> None:
    if name not in there:
        named = f"no market {name[:40]}" if isinstance(name, str) else f"no market in {shown(name)}"
        have = f"there are {', '.join(there[:20])}" if there else "none was uploaded yet"
        message = f"There is {named}; {have}. Upload one: heisenbug market upload FILE."
        raise InvalidSettings([FieldError("market", message)])


def _refuse_many(jobs: Jobs, now: float) -> None:
    under_way = [job.job_id for job in jobs.newest(20) if job.is_open(now)]
    if len(under_way) >= MOST_AT_ONCE:
        raise Busy(f"{len(under_way)} are under way ({', '.join(under_way)}): wait until one of them has ended.")
