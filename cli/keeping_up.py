"""Keeping up with the bot: connected, connected again after a pause that grows, and never with a gap."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from websockets.exceptions import InvalidStatus, WebSocketException

from cli.errors import CannotRun, Refused
from cli.watched import Known, Plain, heard, taken

# The gateway ends a connection that was idle for ten minutes.
PING_SECONDS = 240.0
LONGEST_PAUSE_SECONDS = 60.0
NOT_LET_IN = (401, 403)


class Wire(Protocol):
    """An open WebSocket."""

    def recv(self, timeout: float) -> str | bytes:
        """The next message; raises TimeoutError where none comes."""

    def send(self, message: str) -> None:
        """Send a message."""


class Telling(Protocol):
    """Where what was heard goes."""

    def connected(self) -> None:
        """The connection stands."""

    def lost(self, why: str, pause_seconds: float) -> None:
        """The connection is gone; it is tried again after a pause."""

    def told(self, message: Plain) -> None:
        """Something new."""

    def knows(self, known: Known) -> None:
        """How the bot is by now."""


@dataclass
class KeepingUp:
    """Follows one bot until it is interrupted; `random` is from 0 to 1, so that many watchers do not return at once."""

    connect: Callable[[], AbstractContextManager[Wire]]
    ask: Callable[[], Plain]
    telling: Telling
    wait: Callable[[float], None]
    clock: Callable[[], datetime]
    random: Callable[[], float]
    known: Known | None = None
    failures: int = 0

    def follow(self) -> None:
        """Connect and tell, again and again; raises CannotRun where it is not reached at first, or lets nobody in."""
        while True:
            try:
                with self.connect() as wire:
                    self._listen(wire)
            except (OSError, WebSocketException, CannotRun, Refused) as error:
                self._bear(error)

    def _bear(self, error: Exception) -> None:
        is_barred = isinstance(error, InvalidStatus) and error.response.status_code in NOT_LET_IN
        if self.known is None or is_barred:
            raise CannotRun(f"The bot's WebSocket does not answer ({error}); `heisenbug doctor` looks why.") from error
        pause = min(2.0**self.failures, LONGEST_PAUSE_SECONDS) * (0.5 + self.random() / 2)
        self.failures += 1
        self.telling.lost(str(error) or type(error).__name__, pause)
        self.wait(pause)

    def _listen(self, wire: Wire) -> None:
        known = self._whole(self.known, is_told=True)
        self.failures = 0
        self.telling.connected()
        pinged_at = self.clock()
        while True:
            left = PING_SECONDS - (self.clock() - pinged_at).total_seconds()
            try:
                known = self._hear(known, json.loads(wire.recv(timeout=max(left, 0.0))))
            except TimeoutError:
                wire.send('{"action": "ping"}')
                pinged_at = self.clock()

    def _hear(self, known: Known, message: Plain) -> Known:
        found = heard(known, message)
        if found.is_gap:
            known = self._whole(known, is_told=True)
            found = heard(known, message)
        if not found.is_new or message["type"] == "pong":
            return known
        self._keep(found.known)
        self.telling.told(message)
        return self._whole(found.known, is_told=False) if found.changes_more else found.known

    def _whole(self, before: Known | None, is_told: bool) -> Known:
        """Ask for the whole over HTTP, tell it where that is wanted, and tell the trades that no push had told."""
        now = self.clock()
        known, missed = taken(self.ask(), before, now)
        self._keep(known)
        if is_told:
            at = now.astimezone(UTC).isoformat(timespec="milliseconds")
            self.telling.told({"type": "bot_status", "data": known.status, "at": at})
        for message in missed:
            self.telling.told(message)
        return known

    def _keep(self, known: Known) -> None:
        self.known = known
        self.telling.knows(known)
