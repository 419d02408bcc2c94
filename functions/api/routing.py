"""Which function answers which request: one table that serves the API and that its document is written from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

from answering import Refused
from parameters import BOT
from reading import Query, Request, Text

from heisenbug.backtests import Backtests
from heisenbug.desk import Desk
from heisenbug.exports import Exports
from heisenbug.fleet import Fleet
from heisenbug.health import Health
from heisenbug.notifications import Notifications
from heisenbug.overview import Overview
from heisenbug.store.connection import Connections
from heisenbug.store.guesses import Guesses
from heisenbug.sweeps import Sweeps


@dataclass(frozen=True, slots=True)
class Office:
    """What stands behind the API: one bot in all its sides, all of them, backtests and sweeps, who may connect."""

    fleet: Fleet
    bot_id: str
    desk: Desk
    overview: Overview
    health: Health
    exports: Exports
    backtests: Backtests
    sweeps: Sweeps
    notifications: Notifications
    connections: Connections
    guesses: Guesses
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
    """One method of one path: whom it answers and how; `sends` and `returns` name the shapes in the document.

    One `of_bot` answers for the bot that `?bot=` names. Where it `is_guessed_at`, a caller may try few tokens a minute.
    """

    method: str
    path: str
    access: Access
    returns: str
    answer: Answering
    query: tuple[Query | Text, ...] = ()
    sends: str = ""
    status: int = 200
    is_guessed_at: bool = False
    of_bot: bool = False

    def match(self, path: str) -> dict[str, str] | None:
        """The named parts of `path` where it is this route's, else None."""
        wanted, given = self.path.split("/"), path.split("/")
        if len(wanted) != len(given):
            return None
        both = list(zip(wanted, given, strict=True))
        if not all(part if name.startswith("{") else name == part for name, part in both):
            return None
        return {name.strip("{}"): unquote(part) for name, part in both if name.startswith("{")}


class Routes:
    """The table of all routes; each is `of_bot`, or none is, unless it says otherwise."""

    def __init__(self, table: Iterable[Route] = (), of_bot: bool = False) -> None:
        self.table = list(table)
        self._of_bot = of_bot

    def add(
        self,
        method: str,
        path: str,
        returns: str,
        *query: Query | Text,
        access: Access = Access.READER,
        sends: str = "",
        status: int = 200,
        is_guessed_at: bool = False,
        of_bot: bool | None = None,
    ) -> Callable[[Answering], Answering]:
        """Let the function below answer this method of this path."""

        is_of_bot = self._of_bot if of_bot is None else of_bot
        asked = (*query, BOT) if is_of_bot else query

        def added(answer: Answering) -> Answering:
            route = Route(method, path, access, returns, answer, asked, sends, status, is_guessed_at, is_of_bot)
            self.table.append(route)
            return answer

        return added

    def find(self, request: Request) -> tuple[Route, Request]:
        """The route of a request and the request with its path's parts named; raises Refused."""
        method = "GET" if request.method == "HEAD" else request.method
        found = [(route, named) for route in self.table if (named := route.match(request.path)) is not None]
        if not found:
            raise Refused(404, "not_found", "There is no such address; /api/docs lists them.")
        for route, named in found:
            if route.method == method:
                return route, request.at(named)
        allowed = ", ".join(sorted({route.method for route, _ in found}))
        message = f"This address takes {allowed}, not {request.method[:20]}; /api/docs lists them."
        raise Refused(405, "method_not_allowed", message, {"Allow": allowed})
