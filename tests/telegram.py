"""A Telegram on this computer: takes sendMessage as its bot API states it, and can be in trouble.

https://core.telegram.org/bots/api#making-requests
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from tests import lambdas
from tests.lambdas import load
from tests.tables import REGION

PARAMETER = "/heisenbug/telegram"
TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
CHAT = "-1001234567890"
Trouble = tuple[int, dict[str, Any]]
TOO_MANY: Trouble = (
    429,
    {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 17",
        "parameters": {"retry_after": 17},
    },
)
UNAUTHORIZED: Trouble = (401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
NO_CHAT: Trouble = (400, {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"})
BLOCKED: Trouble = (403, {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"})
TOO_LONG: Trouble = (400, {"ok": False, "error_code": 400, "description": "Bad Request: message is too long"})
BROKEN: Trouble = (502, {"ok": False, "error_code": 502, "description": "Bad Gateway"})
MOVED: Trouble = (302, {"ok": False, "description": "Moved"})
LONGEST = 4096


@dataclass
class FakeTelegram:
    """What it took, in order; `troubles` are its next answers, and where `hangs` is set it never gives one."""

    url: str = ""
    token: str = TOKEN
    chat: str = CHAT
    got: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    hangs: bool = False
    free: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str, body: bytes) -> Trouble:
        """Status and answer to one request."""
        self.asked.append(path)
        if self.hangs:
            self.free.wait(30)
        if self.troubles:
            return self.troubles.pop(0)
        if path != f"/bot{self.token}/sendMessage":
            return UNAUTHORIZED
        sent = json.loads(body)
        if sent["chat_id"] != self.chat:
            return NO_CHAT
        if len(sent["text"]) > LONGEST:
            return TOO_LONG
        self.got.append(sent["text"])
        result = {"message_id": len(self.got), "chat": {"id": sent["chat_id"]}, "text": sent["text"]}
        return 200, {"ok": True, "result": result}


@contextmanager
def telegram_here() -> Iterator[FakeTelegram]:
    """The fake, listening on 127.0.0.1."""
    fake = FakeTelegram()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, told = fake.answer(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            content = json.dumps(told).encode()
            self.send_response(status)
            if status == MOVED[0]:
                self.send_header("Location", f"{fake.url}/elsewhere")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *told: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        fake.free.set()
        server.shutdown()
        server.server_close()


def notify_here(monkeypatch: pytest.MonkeyPatch, telegram: FakeTelegram) -> Callable[[Mapping[str, Any]], Any]:
    """The function that notifies, in this process: how the API asks it."""
    topic = boto3.client("sns", REGION).create_topic(Name="notifications")["TopicArn"]
    told = {"TELEGRAM_PARAMETER": PARAMETER, "TELEGRAM_URL": telegram.url, "NOTIFY_TOPIC": topic, "DEAD_PUSHES_URL": ""}
    with monkeypatch.context() as here:
        for name, value in told.items():
            here.setitem(lambdas.ENVIRONMENT, name, value)
        notify = load(monkeypatch, "notify").handler
    return lambda told: notify(json.loads(json.dumps(told)), None)
