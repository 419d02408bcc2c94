"""What comes in over HTTP, read with suspicion: whatever is sent is understood or refused by name, never a crash."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from answering import Refused

from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.rules import BadValue, Integer

LARGEST_BODY_BYTES = 32_768
LONGEST_NUMBER = 20


@dataclass(frozen=True, slots=True)
class Query:
    """A number that an address may carry after its question mark; `default` holds where it does not."""

    name: str
    rule: Integer
    default: int | None
    means: str

    def schema(self) -> dict[str, Any]:
        """What it may be, as JSON schema."""
        return {**self.rule.schema(), **({} if self.default is None else {"default": self.default})}


@dataclass(frozen=True, slots=True)
class Text:
    """A text that an address may carry after its question mark; who uses it says what is wrong with it."""

    name: str
    rule: Mapping[str, Any]
    means: str

    def schema(self) -> dict[str, Any]:
        """What it may be, as JSON schema."""
        return dict(self.rule)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the authorizer found it: `role` is "" for a stranger, `by` token, session, public or nothing.

    `expires_at` (epoch seconds, as text) and the value of `session` are those of the session that it has or may open.
    """

    role: str = ""
    by: str = ""
    expires_at: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    caller: Caller = Caller()
    address: str = ""
    named: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Request":
        """The request that API Gateway's event (payload 2.0) states."""
        context = event["requestContext"]
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        query = event.get("queryStringParameters") or {}
        http, caller = context["http"], _caller(context)
        return cls(http["method"], event["rawPath"], query, headers, _body(event), caller, http.get("sourceIp", ""))

    def at(self, named: Mapping[str, str]) -> "Request":
        """The request with the parts of its path by their names."""
        return replace(self, named=named)

    def optional(self, query: Query) -> int | None:
        """The number that the address carries, its default where it carries none; raises InvalidSettings."""
        text = self.query.get(query.name)
        return query.default if text is None else _checked(query.name, query.rule, text)

    def refuse_unknown(self, known: Sequence[str]) -> None:
        """Raise InvalidSettings where the address carries what is not understood: it would be left out in silence."""
        hint = f"ask with {' or '.join(known)}." if known else "nothing is asked with here."
        unknown = [
            FieldError(name, f"{name} is not understood here; {hint}")
            for name in (told[:40] for told in self.query if told not in known)
        ]
        if unknown:
            raise InvalidSettings(unknown)

    def number(self, query: Query) -> int:
        """The same for a number that has a default."""
        number = self.optional(query)
        if number is None:
            raise ValueError(f"{query.name} has no default.")
        return number

    def sent(self) -> dict[str, Any]:
        """The JSON object that was sent; raises Refused."""
        if len(self.body) > LARGEST_BODY_BYTES:
            raise Refused(413, "too_large", f"The body is over {LARGEST_BODY_BYTES} bytes; send less at once.")
        try:
            read = json.loads(self.body)
        except (ValueError, RecursionError):
            message = 'The body is not JSON; send an object such as {"risk_tolerance": 0.6}.'
            raise Refused(400, "not_json", message) from None
        if not isinstance(read, dict):
            raise Refused(400, "not_an_object", 'The body must be a JSON object such as {"risk_tolerance": 0.6}.')
        return read

    def sent_of(self, *allowed: str) -> dict[str, Any]:
        """The JSON object that was sent, {} where nothing was; raises InvalidSettings naming what is not allowed."""
        read = self.sent() if self.body else {}
        hint = f"send {' or '.join(allowed)}, or nothing."
        unknown = [FieldError(name, f"{name} is not understood here; {hint}") for name in read if name not in allowed]
        if unknown:
            raise InvalidSettings(unknown)
        return read

    def version_seen(self) -> int | None:
        """The version of If-Match that a change counts on; None where it counts on none; raises Refused."""
        given = self.headers.get("if-match", "*").strip().strip('"')
        if given == "*":
            return None
        number = whole_number(given)
        if number is None:
            message = "If-Match must be the version that GET /api/config told; read it and repeat the change."
            raise Refused(400, "bad_version", message)
        return number


def whole_number(text: str) -> int | None:
    """The whole number above or at 0 that `text` writes in plain digits, or None."""
    plain = text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER
    return int(text) if plain else None


def _checked(name: str, rule: Integer, text: str) -> int:
    number = whole_number(text)
    try:
        return rule.check(text if number is None else number)
    except BadValue as bad:
        raise InvalidSettings([FieldError(name, f"{name} {bad}")]) from bad


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    return base64.b64decode(text) if event.get("isBase64Encoded") else text.encode("utf-8", "replace")


def _caller(context: Mapping[str, Any]) -> Caller:
    told = (context.get("authorizer") or {}).get("lambda") or {}
    return Caller(*(str(told.get(name) or "") for name in ("role", "by", "expires_at", "session")))
