"""Who may do what: every route of the API, asked by everyone there can be, gives exactly what it should."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from heisenbug.session import Session
from tests.doors import TOKENS, opened_door
from tests.lambdas import Http
from tests.tables import WRITES, Cloud

PARTS = {"{pair}": "SOL-USD", "{id}": "0a0a0a", "{job}": "none", "{name}": "none.js"}
OWN = {"X-Heisenbug": "page"}


@pytest.fixture
def gate(tables: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Http:
    return Http(opened_door(monkeypatch, tmp_path), role=None)


def cookie(role: str, seconds: int = 86_400, token: str = "") -> dict[str, str]:
    session = Session(role, int(time.time()) + seconds)
    return {"Cookie": f"heisenbug={session.signed(token or TOKENS[role])}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# For each caller: the headers, the role that they are worth, and whether a change is refused as another page's.
CALLERS: Mapping[str, tuple[Mapping[str, str], str, bool]] = {
    "nobody": ({}, "", False),
    "a wrong token": (bearer("guess"), "", False),
    "the reader": (bearer(TOKENS["reader"]), "reader", False),
    "the admin": (bearer(TOKENS["admin"]), "admin", False),
    "the reader's page": ({**cookie("reader"), **OWN}, "reader", False),
    "the admin's page": ({**cookie("admin"), **OWN}, "admin", False),
    "another page with the admin's cookie": (cookie("admin"), "admin", True),
    "another page with the reader's cookie": (cookie("reader"), "reader", True),
    "a session that has ended": ({**cookie("admin", -1), **OWN}, "", False),
    "a session that is forged": ({**cookie("admin", token=TOKENS["reader"]), **OWN}, "", False),
    "a wrong token beside the admin's cookie": ({**cookie("admin"), **OWN, **bearer("guess")}, "", False),
}


def expected(access: str, method: str, role: str, is_foreign: bool) -> int:
    """The refusal, or 0 where the caller is answered, with whatever."""
    if is_foreign and method != "GET":
        return 403
    if access == "anyone" or role == "admin" or (access == "reader" and role == "reader"):
        return 0
    return 403 if role else 401


@pytest.mark.parametrize("caller", CALLERS)
def test_every_route_gives_every_caller_exactly_what_it_should(gate: Http, tables: Cloud, caller: str) -> None:
    headers, role, is_foreign = CALLERS[caller]
    table = sys.modules["routes"].routes.table
    assert len(table) > 40
    shown = Http(gate.handler, None, headers)
    for route in table:
        what = f"{route.method} {path_of(route.path)}"
        tables.calls.clear()
        refusal = expected(route.access.value, route.method, role, is_foreign)
        # What is sent is understood nowhere, so that who may change something does not, as far as anything is taken.
        answer = shown(route.method, path_of(route.path), {"nothing": 1} if route.sends else None)
        if refusal:
            assert (answer.status, answer.error["fields"]) == (refusal, []), what
            assert not [name for name, _ in tables.calls if name in WRITES], what
        else:
            assert answer.status not in (401, 403), what


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
