"""What goes into the simulated exchange and what comes out: requests, answers, errors, and lists by the page."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

Json = dict[str, object]

MOST_ITEMS = 50
JUST_A_MOMENT = "<!doctype html><title>Just a moment</title><p>We will be right back.</p>\n"
_RANGE = re.compile(r"items=(\d{1,6})-(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Request:
    """A request; header names in lower case, `query` with the last value of each name."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer after `delay_seconds`: JSON of `body`, or `html` as it is.

    No answer at all with `reset` (the connection is closed at once) or `hang_seconds` (it is closed after them).
    """

    body: object = None
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    html: str | None = None
    hang_seconds: float | None = None
    reset: bool = False
    delay_seconds: float = 0.0


class BadRequest(ValueError):
    """A request that makes no sense; the text says what would."""


def error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An error in Uphold's words."""
    return Answer({"code": code, "message": message}, status, headers or {})


def not_found() -> Answer:
    """What is not there, in Uphold's words."""
    return error(HTTPStatus.NOT_FOUND, "not_found", "Not Found")


def too_many_requests(wait_seconds: float) -> Answer:
    """429, with the seconds to wait in Retry-After."""
    wait = {"Retry-After": str(round(wait_seconds))}
    return error(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", "Try again later", wait)


def internal_server_error() -> Answer:
    """500, in Uphold's words."""
    return error(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_server_error", "Internal Server Error")


def read_json(body: bytes) -> object:
    """The JSON of a body; raises BadRequest."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON: send a JSON object.") from None


def filtered(query: Mapping[str, str], field_name: str) -> list[str]:
    """The accepted values of a filter like `q=type:fiat,equity`; empty where there is none."""
    name, _, values = query.get("q", "").partition(":")
    return values.split(",") if name == field_name and values else []


def page(items: Sequence[object], request: Request, most: int = MOST_ITEMS) -> Answer:
    """The part that a header like `Range: items=0-49` asks for (206); without one all, or the first `most` (206)."""
    wanted = request.headers.get("range")
    if wanted is None and len(items) <= most:
        return Answer(list(items))
    match = _RANGE.fullmatch(wanted or f"items=0-{most - 1}")
    if match is None:
        return error(HTTPStatus.PRECONDITION_FAILED, "precondition_failed", "Send a range like items=0-49")
    first, last = int(match[1]), min(int(match[2]), int(match[1]) + most - 1, len(items) - 1)
    if first > last:
        return error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "requested_range_not_satisfiable", "No such items")
    part = {"Accept-Ranges": "items", "Content-Range": f"items {first}-{last}/{len(items)}"}
    return Answer(list(items[first : last + 1]), HTTPStatus.PARTIAL_CONTENT, part)
