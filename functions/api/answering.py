"""What goes back over HTTP: plain data, or an error that says what, why and what to do next."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from heisenbug.domain.errors import FieldError, HeisenbugError, InvalidSettings, NotFound

JSON = "application/json"
NOT_KEPT = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
# Lambda answers with at most 6 MB.
LARGEST_BYTES = 5_000_000
Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: status, headers, the body as text or what it is in base64, and cookies to keep."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    is_base64: bool = False
    cookies: Sequence[str] = ()

    def for_gateway(self, method: str) -> dict[str, Any]:
        """The answer as API Gateway takes it; to HEAD it goes without its body."""
        body = "" if method == "HEAD" else self.body
        answer = {"statusCode": self.status, "headers": dict(self.headers), "body": body}
        return {**answer, "isBase64Encoded": self.is_base64 and bool(body), "cookies": list(self.cookies)}


class Refused(HeisenbugError):
    """A request that is answered with an error of its own status."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers or {}


def plain(
    data: Any, status: int = 200, headers: Mapping[str, str] | None = None, cookies: Sequence[str] = ()
) -> Answer:
    """`data` as JSON that nobody keeps; raises ValueError for numbers that JSON does not know."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return Answer(status, text, {"Content-Type": JSON, **NOT_KEPT, **(headers or {})}, cookies=cookies)


def download(body: str, name: str) -> Answer:
    """CSV that a browser keeps as a file of this name; raises Refused where it is too large."""
    kept_as = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": f'attachment; filename="{name}"'}
    return Answer(200, _sendable(body), {**kept_as, **NOT_KEPT})


def text(body: str) -> Answer:
    """JSON that is text already; raises Refused where it is too large."""
    return Answer(200, _sendable(body), {"Content-Type": JSON, **NOT_KEPT})


def invalid(error: InvalidSettings) -> Answer:
    """Fields that were not accepted; nothing was changed."""
    return plain(_told("invalid", str(error), error.fields), 400)


def stale(error: HeisenbugError, config: Mapping[str, Any] | None) -> Answer:
    """Someone else was first; `config` is what they left, where it was about settings."""
    return plain({**_told("stale_version", str(error)), **({"config": config} if config else {})}, 409)


def missing(error: NotFound) -> Answer:
    """There is no such thing."""
    return plain(_told("not_found", str(error)), 404)


def refused(error: Refused) -> Answer:
    """The request's own fault, with its own status."""
    return plain(_told(error.code, str(error)), error.status, error.headers)


def _told(code: str, message: str, fields: Sequence[FieldError] = ()) -> Plain:
    rows = [{"field": error.field, "message": error.message} for error in fields]
    return {"error": {"code": code, "message": message, "fields": rows}}


def _sendable(text: str) -> str:
    if len(text) > LARGEST_BYTES:
        message = f"It has {len(text):,} bytes, too many to send: read it in the stack's bucket or tables."
        raise Refused(413, "too_large", message)
    return text
