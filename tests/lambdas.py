"""The functions' handlers in this process: each loaded fresh and as Lambda loads it, from its own folder."""

import base64
import importlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import pytest

from tests.tables import PREFIX
from web import packing

ROOT = Path(__file__).parents[1]
WEBSOCKET = "abcd0001.execute-api.eu-central-1.amazonaws.com/prod"
BUCKET = "heisenbug-bucket"
ADMIN, READER = "/heisenbug/admin-token", "/heisenbug/reader-token"
ENVIRONMENT = {
    "BOT_ID": "default",
    "TABLE_PREFIX": PREFIX,
    "VENUE": "uphold",
    "WEBSOCKET_URL": f"wss://{WEBSOCKET}",
    "WEBSOCKET_ENDPOINT": f"https://{WEBSOCKET}",
    "ADMIN_TOKEN_PARAMETER": ADMIN,
    "READER_TOKEN_PARAMETER": READER,
    "PUBLIC_READING": "disabled",
    "BUCKET": BUCKET,
    "BACKTEST_FUNCTION": "heisenbug-backtest",
    "SWEEP_STATE_MACHINE": "arn:aws:states:us-east-1:123456789012:stateMachine:heisenbug-sweep",
    "POWERTOOLS_SERVICE_NAME": "heisenbug",
    "LOG_LEVEL": "INFO",
}
Event = dict[str, Any]


def load(monkeypatch: pytest.MonkeyPatch, folder: str, module: str = "app") -> ModuleType:
    """The module of a function, imported anew with the environment that the template gives it."""
    home = ROOT / "functions" / folder
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for path in home.glob("*.py"):
        monkeypatch.delitem(sys.modules, path.stem, raising=False)
    monkeypatch.syspath_prepend(str(home))
    return importlib.import_module(module)


@cache
def _packed() -> TemporaryDirectory[str]:
    """The panel packed, once a process."""
    folder = TemporaryDirectory()
    packing.main(ROOT / "web", Path(folder.name))
    return folder


def shelve_page(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make web/ importable as heisenbug_web, packed as for its layer."""
    (folder / "heisenbug_web").symlink_to(_packed().name)
    monkeypatch.delitem(sys.modules, "heisenbug_web", raising=False)
    monkeypatch.syspath_prepend(str(folder))


@dataclass(frozen=True, slots=True)
class Reply:
    """What a client gets: status, headers by their lower-case names, and the body as text."""

    status: int
    headers: Mapping[str, str]
    text: str
    cookies: tuple[str, ...] = ()

    @property
    def data(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text, parse_constant=_no_such_number)

    @property
    def error(self) -> Any:
        """The error, whose shape is always the same."""
        error = self.data["error"]
        assert set(error) == {"code", "message", "fields"}
        assert all(set(row) == {"field", "message"} for row in error["fields"])
        assert "Traceback" not in self.text
        return error


def _no_such_number(text: str) -> None:
    raise AssertionError(f"{text} is not JSON")


@dataclass(frozen=True)
class Http:
    """The HTTP API, asked as API Gateway asks it (payload 2.0) after the authorizer let the caller in."""

    handler: Callable[[Event, object], Event]
    role: str | None = "admin"
    headers: Mapping[str, str] = field(default_factory=dict)

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        text: str | None = None,
        query: Mapping[str, str] | None = None,
        **changes: Any,
    ) -> Reply:
        """One request: `body` is sent as JSON, `text` as it is; `changes` are made to the event."""
        answer = self.raw(method, path, body, text=text, query=query, **changes)
        told = answer["body"]
        if answer["isBase64Encoded"]:
            told = base64.b64decode(told).decode("utf-8", "replace")
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        return Reply(answer["statusCode"], headers, told, tuple(answer["cookies"]))

    def raw(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        text: str | None = None,
        query: Mapping[str, str] | None = None,
        **changes: Any,
    ) -> Event:
        """The same, as the gateway gets it."""
        event = http_event(method, path, self.role, self.headers)
        event |= {"body": text if body is None else json.dumps(body)} if body is not None or text is not None else {}
        event |= {"queryStringParameters": dict(query)} if query else {}
        return self.handler({**event, **changes}, None)

    def as_role(self, role: str | None) -> "Http":
        """The same for another caller."""
        return Http(self.handler, role, self.headers)

    def with_headers(self, **headers: str) -> "Http":
        """The same with headers, their `_` written as `-`."""
        return Http(self.handler, self.role, {name.replace("_", "-"): value for name, value in headers.items()})


def http_event(method: str, path: str, role: str | None, headers: Mapping[str, str]) -> Event:
    """An event of an HTTP API, payload 2.0."""
    context: Event = {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}, "stage": "$default"}
    if role is not None:
        context["authorizer"] = {
            "lambda": {"role": role, "by": "token", "expires_at": "1800000000", "session": "signed"}
        }
    return {
        "version": "2.0",
        "routeKey": "ANY /api/{proxy+}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "example.com", **headers},
        "requestContext": context,
        "isBase64Encoded": False,
    }


def websocket_event(
    connection_id: str, event_type: str = "MESSAGE", role: str | None = "admin", body: str | None = None
) -> Event:
    """An event of a WebSocket API."""
    context: Event = {"connectionId": connection_id, "eventType": event_type, "stage": "prod"}
    if role is not None:
        context["authorizer"] = {"role": role, "principalId": role}
    return {"requestContext": context, "isBase64Encoded": False, **({} if body is None else {"body": body})}
