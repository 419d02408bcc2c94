"""Who may do what: every address of the API, asked by everyone there can be, gives exactly what it should."""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from heisenbug.session import Session
from heisenbug.store.connection import TICKET_TTL_SECONDS, Connections
from heisenbug.store.guesses import GUESS
from tests.doors import TOKENS, opened_door
from tests.lambdas import ROOT, Http
from tests.tables import WRITES, Cloud

PARTS = {"{pair}": "SOL-USD", "{id}": "0a0a0a", "{job}": "none", "{name}": "none.js"}
DOCUMENT = ROOT / "web" / "openapi.json"
OWN = {"X-Heisenbug": "page"}


@pytest.fixture
def gate(tables: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Http:
    return Http(opened_door(monkeypatch, tmp_path), role=None)


def cookie(role: str, seconds: int = 86_400, token: str = "") -> dict[str, str]:
    session = Session(role, int(time.time()) + seconds)
    return {"Cookie": f"heisenbug={session.signed(token or TOKENS[role])}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# Whom each address answers: a new one fails here until it has its line.
ANYONE = (
    *("GET /", "GET /assets/{name}", "GET /api/docs", "GET /api/openapi.json"),
    *("GET /api/ping", "GET /api/session", "DELETE /api/session"),
)
READER = (
    *("POST /api/session", "POST /api/ws-ticket", "POST /api/config/check"),
    "GET /api/bots",
    *("GET /api/overview", "GET /api/status", "GET /api/health", "GET /api/performance", "GET /api/ticks"),
    *("GET /api/config", "GET /api/config/schema", "GET /api/config/history", "GET /api/pairs", "GET /api/cost"),
    *("GET /api/trades", "GET /api/trades/{id}", "GET /api/trades.csv", "GET /api/tax.csv"),
    *("GET /api/opportunities", "GET /api/decisions", "GET /api/portfolio", "GET /api/equity", "GET /api/prices"),
    *("GET /api/markets", "GET /api/backtests", "GET /api/backtests/{job}", "GET /api/backtests/{job}/report"),
    *("GET /api/backtests/{job}/curves", "GET /api/sweeps", "GET /api/sweeps/{job}", "GET /api/sweeps/{job}/report"),
)
ADMIN = (
    *("PATCH /api/config", "POST /api/config/restore", "PUT /api/pairs/{pair}", "DELETE /api/pairs/{pair}"),
    *("POST /api/start", "POST /api/stop", "POST /api/kill", "POST /api/rearm", "POST /api/trades/{id}/resolve"),
    *("POST /api/backtests", "POST /api/sweeps", "POST /api/notifications/test"),
    *("POST /api/bots", "DELETE /api/bots/{id}"),
)
# What a browser is sent is in no document.
PAGES = {"GET /", "GET /assets/{name}", "GET /api/docs", "GET /api/openapi.json"}


@dataclass(frozen=True)
class Asking:
    """A caller: what it sends, the role that it is worth, and whether its changes are refused as another page's.

    `in_public` is the role where a deployment lets everybody read; `connects` whether a WebSocket opens for it.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    role: str = ""
    is_foreign: bool = False
    in_public: str | None = None
    ticket: str = ""
    connects: bool = False


FRESH, USED, EXPIRED = "ticket-fresh", "ticket-used", "ticket-expired"
CALLERS: Mapping[str, Asking] = {
    "nobody": Asking(in_public="reader"),
    "a wrong token": Asking(bearer("guess")),
    "the reader": Asking(bearer(TOKENS["reader"]), "reader", connects=True),
    "the admin": Asking(bearer(TOKENS["admin"]), "admin", connects=True),
    "the reader's page": Asking({**cookie("reader"), **OWN}, "reader"),
    "the admin's page": Asking({**cookie("admin"), **OWN}, "admin"),
    "another page with the admin's cookie": Asking(cookie("admin"), "admin", is_foreign=True),
    "another page with the reader's cookie": Asking(cookie("reader"), "reader", is_foreign=True),
    "a session that has ended": Asking({**cookie("admin", -1), **OWN}),
    "a session that is forged": Asking({**cookie("admin", token=TOKENS["reader"]), **OWN}),
    "a wrong token beside the admin's cookie": Asking({**cookie("admin"), **OWN, **bearer("guess")}),
    "a ticket": Asking(ticket=FRESH, in_public="reader", connects=True),
    "a ticket that was used": Asking(ticket=USED, in_public="reader"),
    "a ticket that has expired": Asking(ticket=EXPIRED, in_public="reader"),
    "a wrong token beside a ticket": Asking(bearer("guess"), ticket=FRESH),
}


def expected(what: str, role: str, is_foreign: bool) -> int:
    """The refusal, or 0 where the caller is answered, with whatever."""
    if is_foreign and not what.startswith("GET "):
        return 403
    if what in ANYONE or role == "admin" or (what in READER and role == "reader"):
        return 0
    return 403 if role else 401


def issue_tickets() -> None:
    """One that opens a WebSocket, one that did, and one that did not within its 30 s."""
    connections, now = Connections(), int(time.time())
    for ticket, at in ((FRESH, now), (USED, now), (EXPIRED, now - TICKET_TTL_SECONDS - 1)):
        connections.issue(ticket, "admin", at)
    connections.redeem(USED, now)


def written(tables: Cloud) -> list[str]:
    """What was written, but for the count of tokens that were tried."""
    changes = [call for name, call in tables.calls if name in WRITES]
    return [str(call) for call in changes if not str(call.get("Key", "")).count(GUESS)]


def test_every_address_has_its_line_and_is_as_open_as_that_says(gate: Http) -> None:
    document = json.loads(DOCUMENT.read_text("utf-8"))
    operations = [(m.upper(), p, each[m]) for p, each in document["paths"].items() for m in each]
    stated = {f"{method} {path}" for method, path, _ in operations}
    assert {*ANYONE, *READER, *ADMIN} == stated | PAGES
    assert not set(ANYONE) & set(READER) | set(READER) & set(ADMIN) | set(ANYONE) & set(ADMIN)
    open_to_all = {f"{method} {path}" for method, path, operation in operations if operation.get("security") == []}
    assert open_to_all == set(ANYONE) - PAGES


@pytest.mark.parametrize("is_public", [False, True], ids=["private", "public"])
@pytest.mark.parametrize("caller", CALLERS)
def test_every_address_gives_every_caller_exactly_what_it_should(
    gate: Http, tables: Cloud, monkeypatch: pytest.MonkeyPatch, caller: str, is_public: bool
) -> None:
    asking = CALLERS[caller]
    monkeypatch.setattr(sys.modules["app"], "IS_PUBLIC", is_public)
    role = asking.in_public if is_public and asking.in_public is not None else asking.role
    issue_tickets()
    query = {"ticket": asking.ticket} if asking.ticket else None
    shown = Http(gate.handler, None, asking.headers)
    for what in (*ANYONE, *READER, *ADMIN):
        method, _, path = what.partition(" ")
        tables.calls.clear()
        refusal = expected(what, role, asking.is_foreign)
        # What is sent is understood nowhere, so that who may change something does not, as far as anything is taken.
        answer = shown(
            method, path_of(path), {"nothing": 1} if method in ("PATCH", "PUT", "POST") else None, query=query
        )
        if refusal:
            assert (answer.status, answer.error["fields"]) == (refusal, []), what
            assert not written(tables), what
        else:
            assert answer.status not in (401, 403), what


@pytest.mark.parametrize("is_public", [False, True], ids=["private", "public"])
@pytest.mark.parametrize("caller", CALLERS)
def test_a_websocket_opens_for_a_token_or_a_fresh_ticket_and_for_nothing_else(
    gate: Http, monkeypatch: pytest.MonkeyPatch, caller: str, is_public: bool
) -> None:
    asking, authorizer = CALLERS[caller], sys.modules["app"]
    monkeypatch.setattr(authorizer, "IS_PUBLIC", is_public)
    issue_tickets()
    context = {"eventType": "CONNECT", "routeKey": "$connect", "connectionId": "c1"}
    event = {"type": "REQUEST", "methodArn": "arn", "headers": dict(asking.headers), "requestContext": context}
    answer = authorizer.handler({**event, "queryStringParameters": {"ticket": asking.ticket}}, None)
    assert answer["policyDocument"]["Statement"][0]["Effect"] == ("Allow" if asking.connects else "Deny")
    assert answer.get("context", {}).get("role") == ((asking.role or "admin") if asking.connects else None)


def path_of(template: str) -> str:
    for part, value in PARTS.items():
        template = template.replace(part, value)
    return template


def test_a_page_signs_in_with_a_token_comes_back_with_its_cookie_and_signs_out(gate: Http) -> None:
    stranger = gate("GET", "/api/session").data
    assert stranger == {"role": "", "by": "", "expires_at": None}
    opened = gate.with_headers(**bearer(TOKENS["admin"]))("POST", "/api/session")
    assert (opened.status, opened.data["role"]) == (200, "admin")
    [kept] = opened.cookies
    value, *rest = kept.split("; ")
    assert rest == ["Max-Age=604800", "Path=/", "HttpOnly", "SameSite=Strict"]
    page = gate.with_headers(Cookie=value, X_Heisenbug="page")
    assert page("GET", "/api/session").data["by"] == "session"
    assert page("GET", "/api/status").status == 200
    assert page("POST", "/api/session").error["code"] == "no_token"
    [gone] = page("DELETE", "/api/session").cookies
    assert gone.startswith("heisenbug=; Max-Age=0;")


def test_over_https_the_cookie_is_never_sent_in_the_clear(gate: Http) -> None:
    opened = gate.with_headers(**bearer(TOKENS["reader"]), X_Forwarded_Proto="https")("POST", "/api/session")
    assert opened.cookies[0].endswith("; Secure")
