"""What is typed wrong is refused in the same words by API, WebSocket and command line, and changes nothing."""

import json
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli import main, show
from cli.telling import typed
from heisenbug.actions import Actions
from heisenbug.configuration import Configurations
from heisenbug.domain.registered import Registered
from heisenbug.domain.settings import RULES
from heisenbug.domain.venue import UPHOLD
from heisenbug.fleet import Fleet
from tests import commands
from tests.bad_input import BAD_INPUT, KINDS, UNKNOWN, Form, forms, typed_wrong
from tests.bots import BOT
from tests.fakes import Clock
from tests.jobs import MARKET, stock, write_made
from tests.lambdas import Http, load, shelve_page
from tests.markets import MONDAY
from tests.tables import WRITES, Cloud

FORMS = forms(MARKET)


@dataclass
class Surfaces:
    """One bot behind all its doors."""

    api: Http
    actions: Actions
    tables: Cloud
    monkeypatch: pytest.MonkeyPatch

    def by_api(self, form: Form) -> list[dict[str, str]]:
        """The fields that the API names; it must refuse."""
        reply = self.api(form.method, f"/api/{form.path}", form.body, query=form.query)
        assert (reply.status, reply.error["code"]) == (400, "invalid"), reply.text
        fields: list[dict[str, str]] = reply.error["fields"]
        return fields

    def by_websocket(self, changes: dict[str, Any]) -> list[dict[str, str]]:
        """The fields that the WebSocket names; it must refuse."""
        kind, error = self.actions.answer(json.dumps({"action": "update_config", "data": changes}), "admin")
        assert (kind, error["code"]) == ("error", "invalid")
        fields: list[dict[str, str]] = error["fields"]
        return fields

    def by_command(self, *words: str) -> tuple[int, list[str]]:
        """The exit code and the lines on stderr."""
        stderr = StringIO()
        self.monkeypatch.setattr(show, "talk", Console(file=stderr))
        self.monkeypatch.setattr("sys.argv", ["heisenbug", *words])
        with pytest.raises(SystemExit) as ended:
            main.main()
        return int(ended.value.code or 0), stderr.getvalue().splitlines()

    def changed(self) -> list[str]:
        return [name for name, _ in self.tables.calls if name in WRITES]


@pytest.fixture
def surfaces(tables: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Surfaces:
    shelve_page(monkeypatch, tmp_path)
    monkeypatch.setattr("heisenbug.wiring.now", Clock(MONDAY + 200))
    api = Http(load(monkeypatch, "api").handler)
    commands.connect(api, monkeypatch, tmp_path)
    Configurations(BOT).change({"window": 20}, "a test", Clock()())
    tables.calls.clear()
    return Surfaces(api, Actions(Fleet(Registered(BOT, "uphold"), UPHOLD, Clock())), tables, monkeypatch)


def test_the_table_has_every_setting_with_every_kind_but_what_is_right() -> None:
    left_out = {
        (name, kind) for name in RULES for kind, text in KINDS.items() if (name, text) not in set(typed_wrong())
    }
    assert left_out == set()


@pytest.mark.parametrize("kind", KINDS)
def test_a_setting_typed_wrong_is_refused_in_the_same_words_everywhere(surfaces: Surfaces, kind: str) -> None:
    for name, text in (case for case in BAD_INPUT if case[1] == KINDS[kind]):
        _refused_everywhere(surfaces, name, text)
    assert surfaces.changed() == []


def test_a_setting_that_is_none_is_refused_in_the_same_words_everywhere(surfaces: Surfaces) -> None:
    for name, text in UNKNOWN:
        _refused_everywhere(surfaces, name, text)
    assert surfaces.changed() == []


def _refused_everywhere(surfaces: Surfaces, name: str, text: str) -> None:
    changes = {name: typed(text)}
    fields = surfaces.by_api(Form((), "PATCH", "config", name, changes))
    assert [row["field"] for row in fields] == [name]
    assert len(fields[0]["message"]) < 500
    assert surfaces.by_websocket(changes) == fields
    for command in ("set", "check"):
        assert surfaces.by_command("config", command, f"{name}={text}") == (2, [fields[0]["message"]])
    assert surfaces.api("POST", "/api/config/check", changes).data == {"errors": fields, "changes": []}


def test_all_of_them_at_once_are_all_named_at_once(surfaces: Surfaces) -> None:
    text = KINDS["wrong type"]
    fields = surfaces.by_api(Form((), "PATCH", "config", "", {name: typed(text) for name in RULES}))
    assert {row["field"] for row in fields} == set(RULES)
    words = [f"{name}={text}" for name in RULES]
    assert surfaces.by_command("config", "set", *words) == (2, [row["message"] for row in fields])
    assert surfaces.changed() == []


@pytest.mark.parametrize("version", ["0", "7", "99"])
def test_a_version_that_is_not_the_newest_is_refused_in_the_same_words(surfaces: Surfaces, version: str) -> None:
    reply = surfaces.api.with_headers(if_match=version)("PATCH", "/api/config", {"window": 30})
    assert (reply.status, reply.error["code"]) == (409, "stale_version")
    told = surfaces.by_command("config", "set", "window=30", f"--version={version}")
    assert told == (1, [reply.error["message"]])
    assert surfaces.changed() == []


@pytest.mark.parametrize("version", ["", "two", "NaN", "-1", "1.5", "9" * 300])
def test_a_version_that_is_none_is_refused_in_the_same_words(surfaces: Surfaces, version: str) -> None:
    reply = surfaces.api.with_headers(if_match=version)("PATCH", "/api/config", {"window": 30})
    assert (reply.status, reply.error["code"]) == (400, "bad_version")
    code, lines = surfaces.by_command("config", "set", "window=30", f"--version={version}")
    assert (code, lines) == (1, [reply.error["message"]])
    assert surfaces.changed() == []


@pytest.mark.parametrize("form", FORMS, ids=lambda form: " ".join(form.words)[:60])
def test_every_other_form_is_refused_in_the_same_words_too(surfaces: Surfaces, form: Form, tmp_path: Path) -> None:
    if form.path == "backtests":
        stock(write_made(tmp_path))
    surfaces.tables.calls.clear()
    fields = surfaces.by_api(form)
    assert form.named in [row["field"] for row in fields]
    assert surfaces.by_command(*form.words) == (2, [row["message"] for row in fields])
    assert surfaces.changed() == []
