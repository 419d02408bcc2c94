"""Counting what a function uses while it works; now and then the counts are added to those of the month.

What a process counted since it last told and never told is lost with it: at most ten minutes of one function.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TextIO

TELL_EVERY_SECONDS = 600.0
MEMORY_MB = 256
READING = frozenset(("GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"))
Handler = Callable[[dict[str, Any], Any], Any]


class Events(Protocol):
    """Where a client of AWS says what it does."""

    def register(self, event_name: str, handler: Callable[..., None]) -> None: ...


class Counts(defaultdict[str, float]):
    """How much of each thing."""

    def __init__(self) -> None:
        super().__init__(float)

    def add(self, others: Mapping[str, float]) -> None:
        """Add these to those that are there."""
        for name, amount in others.items():
            self[name] += amount


class Meter:
    """The counts of one process since it last told them; `clock` in seconds from any beginning."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began: float | None = clock()
        self._told_at: float | None = None
        self.counts = Counts()

    def watch(self, events: Events) -> None:
        """Count what a client of AWS asks for from now on."""
        events.register("provide-client-params.dynamodb.*", _ask_for_units)
        for service in ("dynamodb", "sqs", "apigatewaymanagementapi"):
            events.register(f"after-call.{service}.*", self._count)

    def listen(self, stream: TextIO) -> "Listened":
        """The same stream, of which every byte is counted."""
        return Listened(stream, self.counts)

    def invoked(self, event: Mapping[str, Any], seconds: float, memory_mb: int) -> None:
        """Count one invocation that took so long, with so much memory."""
        self.counts["invocations"] += 1
        self.counts["gb_seconds"] += seconds * memory_mb / 1024
        self.counts.add(_kind_of(event))

    def run(self, handler: Handler, event: dict[str, Any], context: Any) -> Any:
        """What `handler` answers; it is counted also where it fails, the first with the process's beginning."""
        began, self._began = self._began or self._clock(), None
        try:
            return handler(event, context)
        finally:
            self.invoked(event, self._clock() - began, int(getattr(context, "memory_limit_in_mb", MEMORY_MB)))

    def due(self) -> bool:
        """Whether it is time to tell: after the first invocation, and every ten minutes."""
        now = self._clock()
        if self._told_at is not None and now - self._told_at < TELL_EVERY_SECONDS:
            return False
        self._told_at = now
        return True

    def give_back(self, counts: Mapping[str, float]) -> None:
        """Count what could not be told once more."""
        self.counts.add(counts)

    def taken(self) -> Mapping[str, float]:
        """The counts, which begin anew."""
        counts = dict(self.counts)
        self.counts.clear()
        return counts

    def _count(self, model: Any, parsed: Mapping[str, Any], **_: Any) -> None:
        service = str(model.service_model.service_name)
        if service != "dynamodb":
            self.counts["queue_requests" if service == "sqs" else "pushes"] += 1
            return
        consumed: Any = parsed.get("ConsumedCapacity") or []
        for each in consumed if isinstance(consumed, list) else [consumed]:
            self.counts["read_units" if model.name in READING else "write_units"] += each["CapacityUnits"]


def _ask_for_units(params: dict[str, Any], model: Any, **_: Any) -> None:
    if "ReturnConsumedCapacity" in model.input_shape.members:
        params.setdefault("ReturnConsumedCapacity", "TOTAL")


def _kind_of(event: Mapping[str, Any]) -> Mapping[str, int]:
    """What an invocation is charged for besides: by whom it was made."""
    if "routeArn" in event:
        return {}  # the authorizer's: the request itself is counted where it is answered
    records: Any = event.get("Records") or [{}]
    source = records[0].get("eventSource") or records[0].get("EventSource", "")
    context = event.get("requestContext", {})
    if source == "aws:sqs":
        return {"queue_requests": 2 * len(records)}  # each was received and is deleted
    if "eventType" in context:
        return {"pushes": 1} if context["eventType"] == "MESSAGE" else {}
    if "http" in context:
        return {"api_requests": 1}
    return {} if source else {"schedules": 1}


class Listened:
    """A stream that counts what is written to it, and is the other one in all else."""

    def __init__(self, stream: TextIO, counts: "Counts") -> None:
        self._stream, self._counts = stream, counts

    def write(self, text: str) -> int:
        """Write, and count the bytes."""
        self._counts["log_bytes"] += len(text.encode())
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
