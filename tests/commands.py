"""The command line over the HTTP API in this process: everything between them real but the wire."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from typer.testing import CliRunner

from cli import main
from cli.errors import CannotRun, Mistyped, Refused
from tests.lambdas import Http

URL = "http://127.0.0.1:1"


def connect(api: Http, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Let every command find a local stack whose API is this one."""
    outputs = {"ApiUrl": f"{URL}/api", "WebSocketUrl": "ws://127.0.0.1:1"}
    monkeypatch.setenv("HEISENBUG_HOME", str(home))
    (home / "stack.json").write_text(json.dumps({"name": "test", "outputs": outputs, "token": "t", "endpoint": URL}))

    def request(
        method: str, url: str, *, params: Any = None, data: Any = None, headers: Any = None, **_: Any
    ) -> requests.Response:
        query = {name: str(value) for name, value in (params or {}).items() if value is not None}
        version = (headers or {}).get("If-Match")
        asked = api if version is None else api.with_headers(if_match=version)
        reply = asked(method, urlsplit(url).path, text=data, query=query)
        answer = requests.Response()
        answer.status_code = reply.status
        answer._content = reply.text.encode()
        return answer

    monkeypatch.setattr(requests, "request", request)


def run(*arguments: str) -> Any:
    """One command as a program runs it."""
    return CliRunner().invoke(main.command_line(), list(arguments))


def exit_code(result: Any) -> int:
    """What the shell would hear: main() turns the errors of commands into codes."""
    match result.exception:
        case Mistyped():
            return 2
        case CannotRun() | Refused():
            return 1
    return int(result.exit_code)
