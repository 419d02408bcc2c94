"""What may be asked of jobs of any kind: how each stands, and what it reports once it is done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from heisenbug.domain.errors import Busy, FieldError, InvalidSettings, NotFound
from heisenbug.domain.rules import shown
from heisenbug.store.jobs import Job, Jobs
from heisenbug.store.shelf import Shelf, report_name

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JobDesk:
    """The desk for the jobs of one kind, `backtest` or `sweep`; `shelf` is opened when it is needed."""

    kind: str
    jobs: Jobs
    shelf: Callable[[], Shelf]
    clock: Callable[[], datetime]

    def job(self, job_id: str) -> Plain:
        """A job as it stands; raises NotFound."""
        return plain_job(self._found(job_id), self.clock())

    def newest(self, limit: int) -> Plain:
        """The newest jobs, newest first."""
        now = self.clock()
        return {f"{self.kind}s": [plain_job(job, now) for job in self.jobs.newest(limit)]}

    def markets(self) -> list[str]:
        """The names of the markets that were uploaded."""
        return self.shelf().markets()

    def report(self, job_id: str) -> str:
        """What a job reports, as JSON text; raises NotFound."""
        self.refuse_unfinished(job_id)
        return self.shelf().result(report_name(self.kind, job_id))

    def refuse_unfinished(self, job_id: str) -> None:
        """Raise NotFound where a job is not there or not done."""
        job = self._found(job_id)
        if job.summary is None:
            state, _ = job.seen_at(self.clock().timestamp())
            raise NotFound(f"The {self.kind} {job_id} is {state.value}: there is a report once it is done.")

    def refuse_more_than(self, most: int) -> None:
        """Raise Busy where so many are under way."""
        now = self.clock().timestamp()
        under_way = [job.job_id for job in self.jobs.newest(20) if job.is_open(now)]
        if len(under_way) >= most:
            raise Busy(f"{len(under_way)} are under way ({', '.join(under_way)}): wait until one of them has ended.")

    def check(self, told: Mapping[str, Any], fields: tuple[str, ...]) -> None:
        """Raise InvalidSettings where something is told that such a job does not take, or another market."""
        unknown = [name for name in told if name not in fields]
        if unknown:
            hint = f"a {self.kind} takes {', '.join(fields)}."
            raise InvalidSettings([FieldError(name, f"{name} is not understood here; {hint}") for name in unknown])
        name, there = told.get("market"), self.markets()
        if name not in there:
            named = f"no market {name[:40]}" if isinstance(name, str) else f"no market in {shown(name)}"
            have = f"there are {', '.join(there[:20])}" if there else "none was uploaded yet"
            message = f"There is {named}; {have}. Upload one: heisenbug market upload FILE."
            raise InvalidSettings([FieldError("market", message)])

    def begin(self, job: Job, start: Callable[[], None]) -> None:
        """Send a job off that is written down; where that fails it has failed, and bars no other."""
        try:
            start()
        except Exception:
            now = self.clock()
            self.jobs.never_began(job, now.timestamp(), now.isoformat(timespec="seconds"))
            raise

    def _found(self, job_id: str) -> Job:
        job = self.jobs.get(job_id)
        if job is None:
            where = f"GET /api/{self.kind}s lists those of the last 30 days."
            raise NotFound(f"There is no {self.kind} {job_id[:40]!r}; {where}")
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
