"""The commands that look at the bot, over the real API: a table for people, what the API says for programs."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.errors import Refused
from heisenbug.store.shelf import market_key
from tests import commands
from tests.bad_filters import BAD_TYPED
from tests.bots import process, run
from tests.fakes import Clock
from tests.jobs import MARKET, stock, write_made
from tests.lambdas import BUCKET, Http, load, shelve_page
from tests.markets import MONDAY
from tests.tables import Cloud

LOOKS = ["health", "performance", "ticks", "equity", "prices", "status", "trades", "opportunities", "decisions"]
# What the clock says is not the same twice.
MOVING = ("last_tick_age_seconds", "data_age_seconds", "next_tick", "websocket_url")


@pytest.fixture
def api(tables: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Http:
    """The API of a bot that has traded on a rise, and the command line before it."""
    shelve_page(monkeypatch, tmp_path)
    monkeypatch.setattr("heisenbug.wiring.now", Clock(MONDAY + 200))
    opened = Http(load(monkeypatch, "api").handler)
    commands.connect(opened, monkeypatch, tmp_path)
    run(process(Clock()), range(20))
    return opened


def still(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in MOVING}


def told(*arguments: str) -> str:
    result = commands.run(*arguments)
    assert commands.exit_code(result) == 0, result.output
    return str(result.output)


@pytest.mark.parametrize("command", LOOKS)
def test_a_program_gets_what_the_api_says(api: Http, command: str) -> None:
    asked = {"limit": "20"} if command in ("equity", "prices", "trades") else {}
    asked |= {"limit": "10"} if command in ("opportunities", "decisions") else {}
    answer = json.loads(commands.run(command, "--json").stdout)
    assert still(answer) == still(api("GET", f"/api/{command}", query=asked).data)


def test_a_person_is_told_how_the_bot_is_and_has_done(api: Http) -> None:
    assert "Newest tick  105 s ago" in told("health")
    done = told("performance")
    assert "turned over" in done
    assert "since 2025-05-05" in done
    assert "Missed in the last hour: 0" in told("ticks")
    assert "Drawdown" in told("equity")
    shown = told("prices", "--pair", "BTC-USD", "-n", "2")
    assert shown.count("BTC-USD") == 2
    assert "ETH-USD" not in shown


def test_a_change_is_checked_and_nothing_is_kept_of_it(api: Http) -> None:
    before = api("GET", "/api/config").data
    assert "0.43" in told("config", "check", "risk_tolerance=0.43")
    assert "already" in told("config", "check", f"risk_tolerance={before['settings']['risk_tolerance']}")
    assert api("GET", "/api/config").data == before


def test_a_change_that_would_be_refused_is_refused_in_the_same_words_when_it_is_checked(api: Http) -> None:
    checked = commands.run("config", "check", "risk_tolerance=7", "horizn=3", "--json")
    refused = commands.run("config", "set", "risk_tolerance=7", "horizn=3")
    assert isinstance(checked.exception, Refused)
    assert isinstance(refused.exception, Refused)
    assert checked.exception.fields == refused.exception.fields
    assert json.loads(checked.stdout)["errors"] == refused.exception.fields


def test_the_uploaded_markets_are_named(api: Http, tmp_path: Path) -> None:
    client = stock(write_made(tmp_path))
    assert MARKET in told("markets")
    client.delete_object(Bucket=BUCKET, Key=market_key(MARKET))
    assert "heisenbug market upload FILE" in told("markets")


@pytest.mark.parametrize(("query", "field"), BAD_TYPED, ids=[str(query)[:40] for query, _ in BAD_TYPED])
def test_a_filter_that_is_none_is_refused_in_the_same_words_by_api_and_command(
    api: Http, query: dict[str, str], field: str
) -> None:
    reply = api("GET", "/api/trades", query=query)
    typed = [word for name, text in query.items() for word in (f"--{name}", text)]
    result = commands.run("trades", *typed)
    assert (reply.status, reply.error["fields"][0]["field"]) == (400, field)
    assert len(reply.text) < 500
    assert isinstance(result.exception, Refused)
    assert result.exception.fields == reply.error["fields"]


def test_trades_are_chosen_by_the_bot_and_a_cursor_leads_on_among_the_chosen(api: Http) -> None:
    every = api("GET", "/api/trades", query={"limit": "100"}).data["trades"]
    middle = every[len(every) // 2]["at"]
    later = json.loads(commands.run("trades", "--from", middle, "--json").stdout)["trades"]
    earlier = json.loads(commands.run("trades", "--to", middle, "--json").stdout)["trades"]
    assert [one["sequence"] for one in [*later, *earlier]] == [one["sequence"] for one in every]
    assert later[-1]["at"] == middle > earlier[0]["at"]
    first = json.loads(commands.run("trades", "--asset", "BTC", "-n", "1", "--json").stdout)
    rest = json.loads(commands.run("trades", "--asset", "BTC", "--cursor", str(first["cursor"]), "--json").stdout)
    assert [one["sequence"] for one in [*first["trades"], *rest["trades"]]] == [one["sequence"] for one in every]
    assert "None of the kept trades is like that." in told("trades", "--state", "FAILED")
