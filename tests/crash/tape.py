"""Every call that a process makes to the outside, in a row, and what may happen to each."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import requests
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from requests.adapters import HTTPAdapter

Call = Callable[[], Any]
Mishap = Callable[[Call], Any]


class Killed(BaseException):
    """The process ended here."""


@dataclass
class Tape:
    """The calls made so far by name; a mishap happens to the call with its number, or by its name.

    A name alone is the first call of it, `NAME #2` the second.

    `happened` counts the mishaps since the beginning.
    """

    names: list[str] = field(default_factory=list)
    mishaps: Mapping[int | str, Mishap] = field(default_factory=dict)
    running: bool = False
    happened: int = 0

    def call(self, name: str, call: Call) -> Any:
        """Make a call, or let happen to it what was told."""
        if not self.running:
            return call()
        number, before = len(self.names), self.names.count(name)
        self.names.append(name)
        mishap = self.mishaps.get(number) or self.mishaps.get(f"{name} #{before + 1}" if before else name)
        if mishap is None:
            return call()
        self.happened += 1
        return mishap(call)

    @contextmanager
    def record(self, mishaps: Mapping[int | str, Mishap] | None = None) -> Iterator["Tape"]:
        """From the beginning, with these mishaps."""
        self.names, self.mishaps, self.running, self.happened = [], mishaps or {}, True, 0
        try:
            yield self
        finally:
            self.running = False

    @contextmanager
    def elsewhere(self, mishaps: Mapping[int | str, Mishap]) -> Iterator[None]:
        """Calls of another process meanwhile, with mishaps of its own; then this one's go on where they were."""
        was = self.names, self.mishaps, self.running, self.happened
        self.names, self.mishaps, self.running = [], mishaps, True
        try:
            yield
        finally:
            self.names, self.mishaps, self.running, self.happened = was

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Calls of another process meanwhile, which are not counted."""
        was, self.running = self.running, False
        try:
            yield
        finally:
            self.running = was


@contextmanager
def taped_aws(tape: Tape) -> Iterator[None]:
    """Let every call of every AWS client go over the tape, named by its operation."""
    plain = BaseClient._make_api_call  # type: ignore[attr-defined]

    def asked(self: Any, operation: str, arguments: Any) -> Any:
        return tape.call(operation, lambda: plain(self, operation, arguments))

    BaseClient._make_api_call = asked  # type: ignore[attr-defined]
    try:
        yield
    finally:
        BaseClient._make_api_call = plain  # type: ignore[attr-defined]


@contextmanager
def taped_http(tape: Tape) -> Iterator[None]:
    """Let every request over a real connection go over the tape."""
    plain = HTTPAdapter.send

    def sent(self: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        return tape.call(name_of(request), lambda: plain(self, request, *args, **options))

    HTTPAdapter.send = sent  # type: ignore[method-assign]
    try:
        yield
    finally:
        HTTPAdapter.send = plain  # type: ignore[method-assign]


def name_of(request: requests.PreparedRequest) -> str:
    """A request by its method and what it is about."""
    path = str(request.path_url).split("?")[0]
    return f"{request.method} {'commit' if path.endswith('/commit') else path.split('/')[-1][:12]}"


# ------------------------------------------------------------------ mishaps


def dies_before(call: Call) -> Any:
    """The process ends before the call is made."""
    raise Killed("before")


def dies_after(call: Call) -> Any:
    """The call is made, and the process ends before it hears the answer, a refusal too."""
    with suppress(Exception):
        call()
    raise Killed("after")


def answer_lost(call: Call) -> Any:
    """The write is done, its answer is lost, and the client's own retry does it once more."""
    call()
    return call()


def throttled(call: Call) -> Any:
    """The table takes no more for now."""
    told = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "Slow down."}}
    raise ClientError(told, "AnyOperation")


def no_connection(call: Call) -> Any:
    """The exchange is not reached."""
    raise requests.ConnectionError("reset")


def no_answer(call: Call) -> Any:
    """The exchange does it, and its answer does not come."""
    call()
    raise requests.ReadTimeout("timed out")


def meanwhile_before(act: Call) -> Mishap:
    """Another process acts before the call is made."""

    def mishap(call: Call) -> Any:
        act()
        return call()

    return mishap


def meanwhile_after(act: Call) -> Mishap:
    """Another process acts between the call and its answer."""

    def mishap(call: Call) -> Any:
        answer = call()
        act()
        return answer

    return mishap
