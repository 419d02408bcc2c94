"""The HTTP API, its OpenAPI document, and the page."""

import os
from dataclasses import replace
from typing import Any

import answering
from answering import Answer, Refused
from aws_lambda_powertools import Logger
from parameters import BOT
from reading import Request
from routes import routes
from routing import Access, Office

from heisenbug.counting import counted
from heisenbug.domain.errors import Busy, FenceLost, InvalidSettings, NotFound, StaleVersion
from heisenbug.domain.registered import Registered
from heisenbug.notifications import NotSent
from heisenbug.store.connection import Connections
from heisenbug.store.guesses import Guesses
from heisenbug.wiring import (
    backtests_from_environment,
    exports_from_environment,
    fleet_from_environment,
    health_from_environment,
    notifications_from_environment,
    now,
    overview_from_environment,
    sweeps_from_environment,
)

# No foreign page can send this header without being asked first, and it is not allowed to.
OWN_HEADER, OWN_PAGE = "x-heisenbug", "page"
READING = ("GET", "HEAD")
STRANGERS = {
    "": "This needs a token: send it as `Authorization: Bearer TOKEN`.",
    "token": "This token is not known here; `heisenbug token` prints the right one.",
    "session": "The session has ended; sign in again with the token.",
}
logger = Logger()
fleet = fleet_from_environment()


def sides_of(bot: Registered) -> dict[str, Any]:
    """One bot in all its sides."""
    desk = fleet.desk_of(bot)
    overview = overview_from_environment(desk)
    health, exports = health_from_environment(desk, overview), exports_from_environment(desk)
    return {"bot_id": bot.bot_id, "desk": desk, "overview": overview, "health": health, "exports": exports}


office = Office(
    fleet=fleet,
    **sides_of(fleet.own),
    backtests=backtests_from_environment(),
    sweeps=sweeps_from_environment(),
    notifications=notifications_from_environment(),
    connections=Connections(),
    guesses=Guesses(),
    websocket_url=os.environ["WEBSOCKET_URL"],
)


@counted("api")
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One request; what is the bot's own fault is raised, for the alarm to see."""
    request = Request.of(event)
    answer = answered(request)
    logger.info("request", method=request.method, path=request.path, role=request.caller.role, status=answer.status)
    return answer.for_gateway(request.method)


def answered(request: Request) -> Answer:
    """The answer to a request, or the error that says what is wrong with it."""
    try:
        return carried_out(request)
    except InvalidSettings as error:
        return answering.invalid(error)
    except NotFound as error:
        return answering.missing(error)
    except Busy as error:
        return answering.refused(Refused(429, "busy", str(error)))
    except NotSent as error:
        return answering.refused(Refused(424, "not_sent", str(error)))
    except Refused as error:
        return answering.refused(error)


def carried_out(request: Request) -> Answer:
    """The answer of the request's route, for a caller it may answer; raises the errors that name what is wrong."""
    route, named = routes.find(request)
    if route.is_guessed_at and request.caller.by == "token":
        count_guess(request)
    admit(request, route.access)
    if route.returns:
        request.refuse_unknown([query.name for query in route.query])
    asked = office_of(request.query.get(BOT.name), route.access is Access.ADMIN) if route.of_bot else office
    try:
        answer = route.answer(asked, named)
    except (StaleVersion, FenceLost) as error:
        return answering.stale(error, asked.desk.settings.config() if route.of_bot else None)
    return answer if isinstance(answer, Answer) else answering.plain(answer, route.status)


def office_of(name: str | None, is_changed: bool) -> Office:
    """The office of the bot that is named, else of the deployment's own; raises NotFound."""
    bot = fleet.find(name, is_changed)
    return office if bot.bot_id == office.bot_id else replace(office, **sides_of(bot))


def count_guess(request: Request) -> None:
    """Raise what a caller hears who has tried too many tokens within the minute; right ones do not count."""
    at = int(now().timestamp())
    wait = office.guesses.spend(request.address, at)
    if wait:
        message = f"Too many tokens were tried from your address; none is looked at for another {wait} s."
        raise Refused(429, "too_many_guesses", message, {"Retry-After": str(wait)})
    if request.caller.role:
        office.guesses.give_back(request.address, at)


def admit(request: Request, access: Access) -> None:
    """Raise what a caller hears who may not do this."""
    caller = request.caller
    if caller.by == "session" and request.method not in READING and request.headers.get(OWN_HEADER) != OWN_PAGE:
        raise Refused(403, "forbidden", f"A change with the page's cookie needs the header {OWN_HEADER}: {OWN_PAGE}.")
    if access.allows(caller.role):
        return
    if caller.role:
        raise Refused(403, "forbidden", "This token may only read; use the admin token to change anything.")
    raise Refused(401, "unauthorized", STRANGERS.get(caller.by, STRANGERS[""]))
