"""Which function answers which request: one table that serves the API and that its document is written from."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

from answering import Refused
from reading import Query, Request

from heisenbug.desk import Desk
from heisenbug.store.connection import Connections

METHOD_OF = {"HEAD": "GET"}


@dataclass(frozen=True, slots=True)
class Office:
    """What stands behind the API: the bot's desk, who may connect, and where to."""

    desk: Desk
    connections: Connections
    websocket_url: str


class Access(StrEnum):
    """Whom a route answers."""

    ANYONE = "anyone"
    READER = "reader"
    ADMIN = "admin"

    def allows(self, role: str) -> bool:
        """Whether a caller in this role is answered."""
        return self is Access.ANYONE or role == "admin" or (self is Access.READER and role == "reader")


Answering = Callable[[Office, Request], Any]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path: whom it answers and how; `sends` and `returns` name the shapes in the document."""

    method: str
    path: str
    access: Access
    tag: str
    returns: str
    answer: Answering
    query: tuple[Query, ...] = ()
    sends: str = ""

    def match(self, path: str) -> dict[str, str] | None:
        """The named parts of `path` where it is this route's, else None."""
        found = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", re.escape(self.path, ).replace(r"\{", "{").replace(r"\}", "}")), path)
        return {name: unquote(part) for name, part in found.groupdict().items()} if found else None
