"""The HTTP API, its OpenAPI document, and the page."""

import json
import os
import secrets
from functools import cache
from importlib.resources import files
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.utilities.typing import LambdaContext

from heisenbug.domain.errors import FieldError, InvalidSettings, NotFound, StaleVersion
from heisenbug.domain.rules import BadValue, Integer
from heisenbug.store.connection import TICKET_TTL_SECONDS, Connections
from heisenbug.wiring import desk_from_environment, now

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFE_HEADERS = {
    "Content-Security-Policy": STRICT,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
KINDS = {"html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
KINDS |= {"svg": "image/svg+xml", "json": "application/json"}
LIMIT = Integer(1, 100)
MANY = Integer(1, 1000)

logger = Logger()
desk = desk_from_environment()
connections = Connections()
app = APIGatewayHttpResolver()


class Refused(Exception):
    """A request that is answered with an error of its own status."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """One request."""
    answer = app.resolve(event, context)
    logger.info("request", path=event.get("rawPath"), status=answer["statusCode"])
    return answer


def admins_only(resolver: APIGatewayHttpResolver, call: NextMiddleware) -> Response[Any]:
    """Refuse what changes anything to a token that may only read."""
    if _role() != "admin":
        raise Refused(403, "forbidden", "This token may only read; use the admin token to change anything.")
    return call(resolver)


def _role() -> str:
    authorizer = app.current_event.request_context.authorizer
    return str((authorizer.get_lambda or {}).get("role", "")) if authorizer else ""


# ------------------------------------------------------------------------ asked


@app.get("/api/ping", summary="Whether the API answers", tags=["Open"])
def ping() -> dict[str, Any]:
    """Answers without a token."""
    return {"status": "pong", "at": now().isoformat(timespec="milliseconds")}


@app.get("/api/health", summary="Whether the bot does its work, and what is wrong", tags=["Look"])
def health() -> dict[str, Any]:
    return desk.health()


@app.get("/api/status", summary="How the bot is", tags=["Look"])
def status() -> dict[str, Any]:
    return {**desk.status(), "websocket_url": os.environ.get("WEBSOCKET_URL", "")}


@app.get("/api/config", summary="Every setting and their version", tags=["Settings"])
def config() -> dict[str, Any]:
    return desk.config()


@app.get("/api/config/schema", summary="Bounds, default and meaning of every setting", tags=["Settings"])
def config_schema() -> dict[str, Any]:
    return desk.config_schema()


@app.get("/api/config/history", summary="The versions of the settings, newest first", tags=["Settings"])
def config_history() -> dict[str, Any]:
    return desk.config_history(_limit(20), _cursor())


@app.get("/api/pairs", summary="Every pair, enabled or not", tags=["Settings"])
def pairs() -> dict[str, Any]:
    return desk.pairs()


@app.get("/api/trades", summary="The newest trades, newest first", tags=["Look"])
def trades() -> dict[str, Any]:
    return desk.trades(_limit(20), _cursor())


@app.get("/api/trades/<sequence>", summary="One trade", tags=["Look"])
def trade(sequence: str) -> dict[str, Any]:
    if not sequence.isdigit():
        raise NotFound(f"There is no trade {sequence[:40]!r}; trades are numbered from 1.")
    return desk.trade(int(sequence))


@app.get("/api/opportunities", summary="The best conversions of the newest tick, and what stopped them", tags=["Look"])
def opportunities() -> dict[str, Any]:
    return desk.opportunities(_limit(20, MANY))


@app.get("/api/decisions", summary="The newest decisions, and why they did not trade", tags=["Look"])
def decisions() -> dict[str, Any]:
    return desk.decisions(_limit(20), _cursor())


@app.get("/api/portfolio", summary="What the bot holds", tags=["Look"])
def portfolio() -> dict[str, Any]:
    return desk.portfolio()


@app.get("/api/equity", summary="Equity and drawdown at the newest samples", tags=["Look"])
def equity() -> dict[str, Any]:
    return desk.equity(_limit(200, MANY))


@app.get("/api/prices", summary="Prices at the newest samples", tags=["Look"])
def prices() -> dict[str, Any]:
    return desk.prices(_limit(120, MANY), app.current_event.query_string_parameters.get("pair"))


# ------------------------------------------------------------------------- told


@app.patch("/api/config", summary="Change settings", tags=["Settings"], middlewares=[admins_only])
def patch_config() -> dict[str, Any]:
    """All or nothing; `If-Match: VERSION` refuses the change (409) where someone changed them first."""
    return desk.change_config(_body(), "api", _if_match())


@app.put("/api/pairs/<pair>", summary="Add a pair or change it", tags=["Settings"], middlewares=[admins_only])
def put_pair(pair: str) -> dict[str, Any]:
    body = _body(optional=True)
    return desk.put_pair(pair, body.get("enabled", True), body.get("priority", 50))


@app.delete("/api/pairs/<pair>", summary="Take a pair out", tags=["Settings"], middlewares=[admins_only])
def remove_pair(pair: str) -> dict[str, Any]:
    return desk.remove_pair(pair)


@app.post("/api/start", summary="Let it trade", tags=["Control"], middlewares=[admins_only])
def start() -> dict[str, Any]:
    return desk.change_config({"is_active": True}, "api")


@app.post("/api/stop", summary="Look, but do not trade", tags=["Control"], middlewares=[admins_only])
def stop() -> dict[str, Any]:
    return desk.change_config({"is_active": False}, "api")


@app.post("/api/kill", summary="Stop at once until re-armed by hand", tags=["Control"], middlewares=[admins_only])
def kill() -> dict[str, Any]:
    why = _body(optional=True).get("why") or "by hand"
    return desk.kill("api", str(why)[:200])


@app.post("/api/rearm", summary="Lift the kill", tags=["Control"], middlewares=[admins_only])
def rearm() -> dict[str, Any]:
    return desk.rearm()


@app.post("/api/ws-ticket", summary="A ticket that opens one WebSocket within 30 s", tags=["Open"])
def ws_ticket() -> dict[str, Any]:
    ticket = secrets.token_urlsafe(32)
    connections.issue(ticket, _role() or "reader", int(now().timestamp()))
    return {"ticket": ticket, "expires_in": TICKET_TTL_SECONDS, "websocket_url": os.environ.get("WEBSOCKET_URL", "")}


# ------------------------------------------------------------------------- page


@app.get("/", include_in_schema=False)
def page() -> Response[Any]:
    return _file("index.html")


@app.get("/assets/<name>", include_in_schema=False)
def asset(name: str) -> Response[Any]:
    return _file(name)


@app.get("/api/openapi.json", include_in_schema=False)
def openapi() -> Response[Any]:
    return _file("openapi.json")


@app.get("/api/docs", include_in_schema=False)
def docs() -> Response[Any]:
    return _file("docs.html")


@cache
def _read(name: str) -> str | None:
    packages = ("heisenbug_web", "aws_lambda_powertools.event_handler.openapi.swagger_ui")
    for package in packages:
        found = files(package) / name
        if found.is_file():
            return found.read_text("utf-8")
    return None


def _file(name: str) -> Response[Any]:
    kind = KINDS.get(name.rpartition(".")[2])
    body = _read(name) if kind else None
    if body is None:
        raise NotFound(f"There is no file {name[:40]!r}.")
    return Response(status_code=200, content_type=kind, body=body, headers=SAFE_HEADERS)


# ---------------------------------------------------------------------- reading


def _body(optional: bool = False) -> Any:
    text = app.current_event.decoded_body or ""
    if optional and not text.strip():
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        raise Refused(400, "not_json", "The body is not JSON; send an object.") from None
    if not isinstance(body, dict):
        raise Refused(400, "not_an_object", "The body must be a JSON object.")
    return body


def _if_match() -> int | None:
    given = app.current_event.headers.get("if-match")
    if given is None:
        return None
    text = given.strip().strip('"')
    if not text.isdigit():
        raise Refused(400, "bad_version", "If-Match must be the version that GET /api/config told.")
    return int(text)


def _limit(default: int, bounds: Integer = LIMIT) -> int:
    return _number("limit", bounds, default)


def _cursor() -> int | None:
    given = app.current_event.query_string_parameters.get("cursor")
    return None if given is None else _number("cursor", Integer(0, 2**40), 0)


def _number(name: str, bounds: Integer, default: int) -> int:
    text = app.current_event.query_string_parameters.get(name)
    if text is None:
        return default
    try:
        return bounds.check(int(text) if text.lstrip("-").isdigit() else text)
    except BadValue as bad:
        raise InvalidSettings([FieldError(name, f"{name} {bad}")]) from bad


# ----------------------------------------------------------------------- errors


def _error(status: int, code: str, message: str, fields: tuple[FieldError, ...] = (), **beside: Any) -> Response[Any]:
    rows = [{"field": error.field, "message": error.message} for error in fields]
    body = json.dumps({"error": {"code": code, "message": message, "fields": rows}, **beside})
    return Response(status_code=status, content_type=content_types.APPLICATION_JSON, body=body)


@app.exception_handler(InvalidSettings)
def invalid(error: InvalidSettings) -> Response[Any]:
    return _error(400, "invalid", str(error), error.fields)


@app.exception_handler(StaleVersion)
def stale(error: StaleVersion) -> Response[Any]:
    return _error(409, "stale_version", str(error), config=desk.config())


@app.exception_handler(NotFound)
def missing(error: NotFound) -> Response[Any]:
    return _error(404, "not_found", str(error))


@app.exception_handler(Refused)
def refused(error: Refused) -> Response[Any]:
    return _error(error.status, error.code, str(error))


@app.not_found
def unknown(error: Exception) -> Response[Any]:
    return _error(404, "not_found", "There is no such address; /api/docs lists them.")
