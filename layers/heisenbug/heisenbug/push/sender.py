"""Sending one message to many clients at once; a client that is gone is forgotten, one that fails holds up nobody."""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

WORKERS = 16


class Gone(Exception):
    """The client is not connected any more."""


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

    def __init__(self, post: Post, forget: Callable[[str], None], failed: Callable[[str, Exception], None]) -> None:
        self._post = post
        self._forget = forget
        self._failed = failed
        self._pool = ThreadPoolExecutor(WORKERS)

    def send(self, connection_ids: Iterable[str], messages: Iterable[bytes]) -> int:
        """Send the messages to every client in their order; returns how many clients got all of them."""
        bodies = tuple(messages)
        return sum(self._pool.map(lambda client: self._send_all(client, bodies), tuple(connection_ids)))

    def _send_all(self, connection_id: str, bodies: tuple[bytes, ...]) -> bool:
        try:
            for body in bodies:
                self._post(connection_id, body)
        except Gone:
            self._forget(connection_id)
            return False
        except Exception as error:  # one dead client must not hold up the stream
            self._failed(connection_id, error)
            return False
        return True
