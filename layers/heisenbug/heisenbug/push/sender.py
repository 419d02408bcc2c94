"""Sending one message to many clients at once; a client that is gone is forgotten, one that fails holds up nobody."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

WORKERS = 16
# The function has 20 s; a post that begins just before the deadline may take 7 s (see the gateway).
SEND_SECONDS = 10


class Gone(Exception):
    """The client is not connected any more."""


class TooLate(Exception):
    """The time for sending was over before the client had every message; it sees the gap and fetches."""


class Post(Protocol):
    """Delivers bytes to one connection; raises Gone where it is no longer there."""

    def __call__(self, connection_id: str, body: bytes) -> None: ...


def envelope(kind: str, data: Mapping[str, Any], at: str, seq: int | None = None) -> bytes:
    """A message as every client gets it: {type, data, at} and, where a client must see gaps, `seq`."""
    message: dict[str, Any] = {"type": kind, "data": data, "at": at}
    if seq is not None:
        message["seq"] = seq
    return json.dumps(message, separators=(",", ":")).encode()


class Sender:
    """Sends to all of many clients over one pool of threads."""

    def __init__(
        self,
        post: Post,
        forget: Callable[[str], None],
        failed: Callable[[str, Exception], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._post = post
        self._forget = forget
        self._failed = failed
        self._clock = clock
        self._pool = ThreadPoolExecutor(WORKERS)

    def send(self, connection_ids: Iterable[str], messages: Iterable[bytes]) -> int:
        """Send the messages to every client in their order, within 10 s; returns how many clients got all of them.

        Clients that hang must not outlast the function: its batch would be told to everyone a second time.
        """
        bodies, until = tuple(messages), self._clock() + SEND_SECONDS
        return sum(self._pool.map(lambda client: self._send_all(client, bodies, until), tuple(connection_ids)))

    def _send_all(self, connection_id: str, bodies: tuple[bytes, ...], until: float) -> bool:
        try:
            for body in bodies:
                if self._clock() >= until:
                    raise TooLate(f"not told within {SEND_SECONDS} s")
                self._post(connection_id, body)
        except Gone:
            self._forget(connection_id)
            return False
        except Exception as error:  # one dead client must not hold up the stream
            self._failed(connection_id, error)
            return False
        return True
