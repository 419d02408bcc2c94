"""The bots of a deployment over HTTP: listed, created, cloned, removed; and every address answers for the bot that is
asked of."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import main
from cli.errors import Refused
from cli.stack import of_bot, speak_of
from heisenbug.configuration import Configurations
from heisenbug.domain.ledger import Ledger, Watched
from heisenbug.store.bot_state import TICK, BotStateItem, Ledgers, States
from heisenbug.store.trading_pair import TradingPairs
from tests import commands
from tests.bots import process, run
from tests.fakes import Clock
from tests.lambdas import Http, load
from tests.markets import MONDAY
from tests.tables import WRITES, Cloud


@pytest.fixture
def api(tables: Cloud, monkeypatch: pytest.MonkeyPatch) -> Http:
    monkeypatch.setattr("heisenbug.wiring.now", Clock(MONDAY + 100))
    return Http(load(monkeypatch, "api").handler)


def names(api: Http) -> list[str]:
    return [bot["bot_id"] for bot in api("GET", "/api/bots").data["bots"]]


def create(api: Http, name: str, **more: Any) -> Any:
    reply = api("POST", "/api/bots", {"name": name, **more})
    assert reply.status == 200, reply.text
    return reply.data


def refused(reply: Any, field: str) -> str:
    assert reply.status == 400, reply.text
    (row,) = reply.error["fields"]
    assert row["field"] == field
    return str(row["message"])


def untouched(tables: Cloud) -> bool:
    return not [name for name, _ in tables.calls if name in WRITES]


def test_the_deployments_own_bot_is_always_there_and_always_first(api: Http) -> None:
    for name in ("zoe", "anna"):
        create(api, name)
    assert names(api) == ["default", "anna", "zoe"]
    own, anna, _ = api("GET", "/api/bots").data["bots"]
    assert (own["is_own"], anna["is_own"]) == (True, False)
    assert (anna["venue"], anna["mode"], anna["state"], anna["ticks"]) == ("uphold", "paper", "stopped", 0)
    assert (anna["created_by"], anna["last_tick"], anna["late_seconds"]) == ("api", None, None)


def test_a_bot_tells_for_how_long_its_tick_is_overdue(api: Http) -> None:
    run(process(Clock()), range(10))
    (own,) = api("GET", "/api/bots").data["bots"]
    assert own["equity"] is not None
    assert own["late_seconds"] == 50  # ticked last at 45, due again at 50, and now it is 100


def test_a_clone_has_the_settings_and_pairs_of_the_other_and_nothing_of_its_money(api: Http) -> None:
    run(process(Clock(), budget={"USD": 5}, cards={"USD": "card-0001"}, mode="live"), range(10))
    api("PUT", "/api/pairs/SOL-USD", {"enabled": False, "priority": 7})
    create(api, "anna", clone="default")
    told, own = (api("GET", "/api/config", query={"bot": bot}).data["settings"] for bot in ("anna", "default"))
    fresh = {"is_active": False, "mode": "paper", "budget": None, "cards": None}
    assert told == {**own, **fresh}
    assert api("GET", "/api/pairs", query={"bot": "anna"}).data == api("GET", "/api/pairs").data
    assert Ledgers("anna").read("paper") is None
    assert States("anna").read().ticks == 0


def test_settings_pairs_and_the_switch_are_each_bots_own(api: Http) -> None:
    create(api, "anna")
    api("PATCH", "/api/config", {"cooldown_seconds": 77}, query={"bot": "anna"})
    api("PUT", "/api/pairs/SOL-USD", {}, query={"bot": "anna"})
    api("POST", "/api/start", query={"bot": "anna"})
    api("POST", "/api/kill", {"why": "a test"}, query={"bot": "anna"})
    assert Configurations("anna").now().settings.cooldown_seconds == 77
    assert Configurations("default").now().settings.cooldown_seconds == 300
    assert "SOL-USD" in {str(one.pair) for one in TradingPairs("anna").all()}
    assert TradingPairs("default").all() == ()
    assert States("anna").read().killed_why == "a test"
    assert States("default").read().killed_at is None
    states = {bot["bot_id"]: bot["state"] for bot in api("GET", "/api/bots").data["bots"]}
    assert states == {"default": "stopped", "anna": "killed"}


@pytest.mark.parametrize(
    ("told", "field", "says"),
    [
        ({}, "name", "name must be a name of 1 to 64 letters, digits, _ and -, not nothing."),
        ({"name": "two words"}, "name", "not the text 'two words'."),
        ({"name": "a" * 65}, "name", "must be a name"),
        ({"name": "default"}, "name", "name default is taken, by the deployment's own bot."),
        ({"name": "taken"}, "name", "name taken is taken: choose another."),
        ({"name": "anna", "venue": "kraken"}, "venue", "deploy with VenueName=kraken"),
        ({"name": "anna", "venue": "nowhere"}, "venue", "venue must be uphold, not the text 'nowhere'."),
        ({"name": "anna", "venue": 7}, "venue", "venue must be uphold, not 7."),
        ({"name": "anna", "clone": "nobody"}, "clone", "There is no bot 'nobody'; there are default, taken."),
        ({"name": "anna", "colour": "red"}, "colour", "not understood here"),
    ],
)
def test_a_bot_that_cannot_be_is_refused_by_field_and_nothing_is_changed(
    api: Http, tables: Cloud, told: dict[str, Any], field: str, says: str
) -> None:
    create(api, "taken")
    tables.calls.clear()
    assert says in refused(api("POST", "/api/bots", told), field)
    assert untouched(tables)


def test_everything_that_is_wrong_is_named_at_once(api: Http) -> None:
    reply = api("POST", "/api/bots", {"name": "?", "venue": "?", "clone": "?"})
    assert [row["field"] for row in reply.error["fields"]] == ["name", "venue", "clone"]


def test_a_removed_bot_does_nothing_any_more_and_what_it_did_is_read_on(api: Http, tables: Cloud) -> None:
    create(api, "anna")
    States("anna").claim(MONDAY, "a token")
    assert api("DELETE", "/api/bots/anna").data == {"removed": "anna"}
    assert names(api) == ["default"]
    assert [bot["bot_id"] for bot in api("GET", "/api/bots").data["removed"]] == ["anna"]
    for path in ("/api/trades", "/api/tax.csv", "/api/status", "/api/config/history"):
        assert api("GET", path, query={"bot": "anna"}).status == 200, path
    tables.calls.clear()
    for method, path in (("POST", "/api/start"), ("POST", "/api/rearm"), ("PATCH", "/api/config")):
        reply = api(method, path, {"window": 20} if method == "PATCH" else None, query={"bot": "anna"})
        assert (reply.status, reply.error["code"]) == (404, "not_found")
        assert "was removed at" in reply.error["message"]
    assert api("DELETE", "/api/bots/anna").status == 404
    assert untouched(tables)


def test_the_name_of_a_removed_bot_is_never_given_again(api: Http) -> None:
    create(api, "anna")
    api("DELETE", "/api/bots/anna")
    assert "its trades are kept under it" in refused(api("POST", "/api/bots", {"name": "anna"}), "name")


def test_the_own_bot_cannot_be_removed(api: Http, tables: Cloud) -> None:
    assert "stop it instead" in refused(api("DELETE", "/api/bots/default"), "name")
    assert untouched(tables)


def test_a_bot_is_not_removed_while_a_trade_is_open(api: Http, tables: Cloud) -> None:
    create(api, "anna")
    BotStateItem("anna", TICK, open_trade="t1").save()
    tables.calls.clear()
    assert "trade t1 is open" in refused(api("DELETE", "/api/bots/anna"), "name")
    assert untouched(tables)


def test_a_bot_is_not_removed_while_a_failed_live_trade_may_still_land(api: Http) -> None:
    create(api, "anna")
    Ledgers("anna").begin("live", Ledger({}, watched=(Watched(3, MONDAY, MONDAY + 60),)))
    assert "trade 3 failed" in refused(api("DELETE", "/api/bots/anna"), "name")


def test_a_bot_with_live_money_is_only_removed_once_it_is_killed(api: Http) -> None:
    create(api, "anna")
    api("PATCH", "/api/config", {"mode": "live", "budget": {"USD": "5"}}, query={"bot": "anna"})
    assert "kill it first" in refused(api("DELETE", "/api/bots/anna"), "name")
    api("POST", "/api/kill", query={"bot": "anna"})
    assert api("DELETE", "/api/bots/anna").status == 200


def test_a_trade_that_begins_while_its_bot_is_removed_keeps_the_bot(
    api: Http, tables: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(api, "anna")

    def begins(name: str, call: Any) -> None:
        if name == "TransactWriteItems":
            tables.before = lambda name, call: None
            BotStateItem("anna", TICK, open_trade="t1").save()

    tables.before = begins
    reply = api("DELETE", "/api/bots/anna")
    assert (reply.status, reply.error["code"]) == (409, "stale_version")
    assert names(api) == ["default", "anna"]


def test_a_creation_that_died_leaves_a_name_that_is_free(api: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("heisenbug.store.registry.Registry.open", lambda self, bot: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            api("POST", "/api/bots", {"name": "anna"})
    assert names(api) == ["default"]
    create(api, "anna")
    assert names(api) == ["default", "anna"]


def test_an_unknown_bot_is_not_found_wherever_one_is_asked_of(api: Http, tables: Cloud) -> None:
    tables.calls.clear()
    for method, path in (("GET", "/api/status"), ("POST", "/api/kill"), ("GET", "/api/overview")):
        reply = api(method, path, query={"bot": "nobody"})
        assert (reply.status, reply.error["code"]) == (404, "not_found")
        assert reply.error["message"] == "There is no bot 'nobody'; there are default."
    assert untouched(tables)


@pytest.mark.parametrize("name", ["", "a:live", "x" * 2000, "ä", " default"])
def test_what_could_be_no_bots_name_is_not_found_either(api: Http, name: str) -> None:
    assert api("GET", "/api/status", query={"bot": name}).status == 404
    assert api("DELETE", f"/api/bots/{name}").status == 404
    assert refused(api("POST", "/api/bots", {"name": "anna", "clone": name}), "clone")


def test_what_is_not_of_a_bot_takes_none(api: Http) -> None:
    assert refused(api("GET", "/api/cost", query={"bot": "default"}), "bot")


# ------------------------------------------------------------------- the command line


@pytest.fixture
def typed(api: Http, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Http]:
    """The command line before the API."""
    commands.connect(api, monkeypatch, tmp_path)
    yield api
    speak_of("")


def test_every_command_speaks_of_the_bot_that_is_named(typed: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    assert commands.run("bots", "create", "anna").exit_code == 0
    assert commands.run("--bot", "anna", "config", "set", "cooldown_seconds=77").exit_code == 0
    assert commands.run("--bot", "anna", "kill").exit_code == 0
    settings = [Configurations(name).now().settings.cooldown_seconds for name in ("anna", "default")]
    assert settings == [77, 300]
    assert States("default").read().killed_at is None
    monkeypatch.setenv("HEISENBUG_BOT", "anna")
    assert json.loads(commands.run("status", "--json").stdout)["bot_id"] == "anna"
    monkeypatch.delenv("HEISENBUG_BOT")
    assert json.loads(commands.run("status", "--json").stdout)["bot_id"] == "default"


def test_a_person_sees_every_bot_with_its_venue_and_money(typed: Http) -> None:
    commands.run("bots", "create", "anna")
    told = commands.run("bots").output
    assert "default" in told
    assert "anna" in told
    assert json.loads(commands.run("bots", "--json").stdout)["bots"][1]["bot_id"] == "anna"


def test_a_bot_is_removed_once_its_name_is_typed(typed: Http) -> None:
    commands.run("bots", "create", "anna")
    wrong = CliRunner().invoke(main.command_line(), ["bots", "remove", "anna"], input="hanna\n")
    assert (commands.exit_code(wrong), names(typed)) == (1, ["default", "anna"])
    right = CliRunner().invoke(main.command_line(), ["bots", "remove", "anna", "--json"], input="anna\n")
    assert json.loads(right.stdout) == {"removed": "anna"}
    assert names(typed) == ["default"]


def test_what_the_api_refuses_the_command_line_says_in_the_same_words(typed: Http) -> None:
    said = refused(typed("POST", "/api/bots", {"name": "anna", "venue": "kraken"}), "venue")
    result = commands.run("bots", "create", "anna", "--venue", "kraken")
    assert isinstance(result.exception, Refused)
    assert result.exception.fields == [{"field": "venue", "message": said}]


def test_the_command_line_names_a_bot_wherever_the_api_takes_one_and_nowhere_else(
    typed: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak_of("anna")
    table = load(monkeypatch, "api", "routes").routes.table
    for route in table:
        if route.path.startswith("/api/") and route.returns:
            assert bool(of_bot(route.path.removeprefix("/api/"))) == route.of_bot, route.path
