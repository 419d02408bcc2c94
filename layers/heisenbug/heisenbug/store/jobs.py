"""Job (kind, job_id): what somebody asked to be worked out, who works on it, and how it ended.

                  claim: who comes first          end: whoever claimed it
    QUEUED ---------------------------> RUNNING -------------------------> DONE or FAILED

A job that has not ended by its deadline is shown as failed and is never claimed again: what carried it out is dead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from botocore.session import Session
from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, UpdateError
from pynamodb.expressions.update import Action

from heisenbug.store.tables import BotModel, PlainMeta, bind, failed_condition, fenced
from heisenbug.store.usage import UsageItem

KEPT_SECONDS = 30 * 24 * 3600
# So much longer than any attempt can last is waited for its word.
SLACK_SECONDS = 30
UNSENT = "It could not be begun: ask again."
NEVER_BEGUN = "It was never begun: there was no free execution for it. Ask for it again."
DIED = "What worked on it died or ran out of time, so it will not end: ask for less at once."


class JobState(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class JobItem(BotModel):
    """One job."""

    class Meta(PlainMeta):
        table = "Job"

    kind = UnicodeAttribute(hash_key=True)
    job_id = UnicodeAttribute(range_key=True)
    state = UnicodeAttribute()
    asked = JSONAttribute()
    at = UnicodeAttribute()
    deadline = NumberAttribute()
    expires_at = NumberAttribute()
    claim = UnicodeAttribute(null=True)
    progress = NumberAttribute(default=0)
    finished_at = UnicodeAttribute(null=True)
    summary = JSONAttribute(null=True)
    reason = UnicodeAttribute(null=True)


@dataclass(frozen=True, slots=True)
class Job:
    """A job: `asked` as it was sent, `progress` from 0 to 1, `deadline` in epoch seconds, `summary` once it is done."""

    job_id: str
    asked: Mapping[str, Any]
    at: str
    deadline: int
    state: JobState = JobState.QUEUED
    progress: float = 0.0
    finished_at: str | None = None
    summary: Mapping[str, Any] | None = None
    reason: str | None = None

    def is_open(self, now: float) -> bool:
        """Whether it may still end by itself."""
        return self.state in (JobState.QUEUED, JobState.RUNNING) and now <= self.deadline

    def seen_at(self, now: float) -> tuple[JobState, str | None]:
        """Its state and why it failed, as they stand at `now`."""
        if self.state in (JobState.DONE, JobState.FAILED) or self.is_open(now):
            return self.state, self.reason
        return JobState.FAILED, NEVER_BEGUN if self.state is JobState.QUEUED else DIED


def bind_jobs(prefix: str) -> Session:
    """Name this table and that of the usage, for functions that need no other."""
    return bind(prefix, (JobItem, UsageItem))


class Jobs:
    """The jobs of one kind; times are epoch seconds, `claim` is one attempt's own."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def open(self, job: Job, now: float, claim: str | None = None) -> None:
        """Keep a new job; one that is running already has its `claim`."""
        self._item(job, now, claim=claim).save(condition=JobItem.job_id.does_not_exist())

    def never_began(self, job: Job, now: float, at: str) -> None:
        """End a job that could not be sent off."""
        self._item(replace(job, state=JobState.FAILED), now, reason=UNSENT, finished_at=at).save()

    def _item(self, job: Job, now: float, **more: Any) -> JobItem:
        return JobItem(
            self._kind,
            job.job_id,
            state=job.state.value,
            asked=dict(job.asked),
            at=job.at,
            deadline=job.deadline,
            expires_at=int(now) + KEPT_SECONDS,
            **more,
        )

    def get(self, job_id: str) -> Job | None:
        """One job, or None."""
        try:
            return _job(JobItem.get(self._kind, job_id, consistent_read=True))
        except DoesNotExist:
            return None

    def newest(self, limit: int) -> list[Job]:
        """The newest jobs, newest first."""
        found = JobItem.query(self._kind, scan_index_forward=False, limit=limit, consistent_read=True)
        return [_job(item) for item in found]

    def claim(self, job_id: str, claim: str, now: float, deadline: int) -> Job | None:
        """The job, taken on until `deadline`; None where somebody else did so first or it was given up."""
        is_free = (JobItem.state == JobState.QUEUED.value) & (JobItem.deadline >= int(now))
        item = JobItem(self._kind, job_id)
        actions: list[Action] = [
            JobItem.state.set(JobState.RUNNING.value),
            JobItem.claim.set(claim),
            JobItem.deadline.set(deadline),
        ]
        try:
            item.update(actions, condition=is_free)
        except UpdateError as error:
            if not failed_condition(error):
                raise
            return None
        return _job(item)

    def progressed(self, job_id: str, claim: str, fraction: float) -> None:
        """Tell how much of it is done; raises FenceLost."""
        self._update(job_id, claim, JobItem.progress.set(round(fraction, 3)))

    def done(self, job_id: str, claim: str, summary: Mapping[str, Any], at: str) -> None:
        """End it well; raises FenceLost."""
        ended = (JobItem.state.set(JobState.DONE.value), JobItem.finished_at.set(at), JobItem.progress.set(1))
        self._update(job_id, claim, *ended, JobItem.summary.set(dict(summary)))

    def failed(self, job_id: str, claim: str, reason: str, at: str) -> None:
        """End it badly; raises FenceLost."""
        ended = (JobItem.state.set(JobState.FAILED.value), JobItem.finished_at.set(at))
        self._update(job_id, claim, *ended, JobItem.reason.set(reason))

    def _update(self, job_id: str, claim: str, *actions: Action) -> None:
        is_mine = (JobItem.claim == claim) & (JobItem.state == JobState.RUNNING.value)
        with fenced(f"Job {job_id}"):
            JobItem(self._kind, job_id).update(list(actions), condition=is_mine)


def _job(item: JobItem) -> Job:
    return Job(
        item.job_id,
        item.asked,
        item.at,
        int(item.deadline),
        JobState(item.state),
        float(item.progress),
        item.finished_at,
        item.summary,
        item.reason,
    )
