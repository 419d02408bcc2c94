"""The HTTP API, its OpenAPI document, and the page."""

import os
from typing import Any

import answering
from answering import Answer, Refused
from aws_lambda_powertools import Logger
from reading import Request
from routes import routes
from routing import Access, Office

from heisenbug.domain.errors import Busy, FenceLost, InvalidSettings, NotFound, StaleVersion
from heisenbug.store.connection import Connections
from heisenbug.wiring import backtests_from_environment, desk_from_environment, sweeps_from_environment

logger = Logger()
office = Office(
    desk_from_environment(),
    backtests_from_environment(),
    sweeps_from_environment(),
    Connections(),
    os.environ["WEBSOCKET_URL"],
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One request; what is the bot's own fault is raised, for the alarm to see."""
    request = Request.of(event)
    answer = answered(request)
    logger.info("request", method=request.method, path=request.path, role=request.role, status=answer.status)
    return answer.for_gateway(request.method)


def answered(request: Request) -> Answer:
    """The answer to a request, or the error that says what is wrong with it."""
    try:
        return carried_out(request)
    except InvalidSettings as error:
        return answering.invalid(error)
    except (StaleVersion, FenceLost) as error:
        return answering.stale(error, office.desk.config())
    except NotFound as error:
        return answering.missing(error)
    except Busy as error:
        return answering.refused(Refused(429, "busy", str(error)))
    except Refused as error:
        return answering.refused(error)


def carried_out(request: Request) -> Answer:
    """The answer of the request's route, for a caller it may answer; raises the errors that name what is wrong."""
    route, named = routes.find(request)
    if not route.access.allows(request.role):
        raise forbidden(route.access)
    answer = route.answer(office, named)
    return answer if isinstance(answer, Answer) else answering.plain(answer, route.status)


def forbidden(access: Access) -> Refused:
    """What a caller hears whose token does not allow this."""
    if access is Access.ADMIN:
        message = "This token may only read; use the admin token to change anything."
    else:
        message = "This needs a token: send it as `Authorization: Bearer TOKEN`."
    return Refused(403, "forbidden", message)
