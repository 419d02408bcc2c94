"""What a WebSocket client may ask and tell, and that every surface refuses in the same words."""

import json
from typing import Any

import pytest

from heisenbug.actions import ACTIONS, Actions
from heisenbug.configuration import Configurations
from heisenbug.desk import Desk
from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.registered import Registered
from heisenbug.domain.venue import VENUES
from heisenbug.fleet import Fleet
from heisenbug.push.sender import Gone
from tests.bad_settings import BAD_SETTINGS
from tests.bots import BOT, process, run
from tests.fakes import Clock
from tests.lambdas import Http, load, websocket_event
from tests.tables import WRITES, Cloud

KEY = {"bot_id": {"S": "default"}}


@pytest.fixture
def desk(tables: Cloud) -> Desk:
    return Desk(BOT, VENUES["uphold"], Clock())


@pytest.fixture
def actions(desk: Desk) -> Actions:
    return Actions(Fleet(Registered(BOT, "uphold"), desk.venue, Clock()))


def ask(actions: Actions, role: str = "admin", **message: Any) -> tuple[str, Any]:
    kind, data = actions.answer(json.dumps(message), role)
    json.dumps(data, allow_nan=False)
    return kind, data


def written(tables: Cloud) -> list[str]:
    """What was written, but for the count of what is used."""
    return [name for name, told in tables.calls if name in WRITES and not told.get("TableName", "").endswith("Usage")]


# ------------------------------------------------------------------ asked


@pytest.mark.parametrize("role", ["admin", "reader"])
def test_status_names_everything_a_client_is_promised(actions: Actions, role: str) -> None:
    run(process(), range(14))
    kind, status = ask(actions, role, action="get_status")
    assert kind == "bot_status"
    told = {"is_active", "mode", "risk_tolerance", "min_confidence", "check_interval", "cache_ttl"}
    found = {"last_tick", "next_tick", "equity", "drawdown", "data_age_seconds", "recent_trades"}
    assert told | found <= set(status)
    assert len(status["recent_trades"]) <= 5


def test_recent_trades_are_ten_unless_told_otherwise(actions: Actions) -> None:
    run(process(), range(26))
    kind, trades = ask(actions, action="get_recent_trades")
    assert (kind, len(trades)) == ("recent_trades", 10)
    assert [trade["sequence"] for trade in ask(actions, action="get_recent_trades", limit=2)[1]] == [
        trade["sequence"] for trade in trades[:2]
    ]


def test_top_trades_carry_their_numbers_and_what_stopped_them(actions: Actions) -> None:
    run(process(is_active=False), range(12))
    kind, top = ask(actions, action="get_top_trades", limit=2)
    assert kind == "top_opportunities"
    assert len(top["opportunities"]) == 2
    assert {"from", "to", "confidence", "risk", "expected_return", "gate", "why"} <= set(top["opportunities"][0])


def test_a_ping_is_answered(actions: Actions) -> None:
    assert ask(actions, "reader", action="ping") == ("pong", {})


@pytest.mark.parametrize("action", ["get_recent_trades", "get_top_trades"])
@pytest.mark.parametrize("limit", [0, 101, -1, 1.5, "ten", None, True, [], float("nan")])
def test_a_limit_out_of_bounds_is_named(actions: Actions, action: str, limit: Any) -> None:
    kind, error = actions.answer(json.dumps({"action": action, "limit": limit}), "admin")
    assert (kind, error["fields"][0]["field"]) == ("error", "limit")


NOT_UNDERSTOOD = [
    "",
    "hello",
    "[]",
    "null",
    "1",
    '"ping"',
    "{}",
    '{"action": 5}',
    '{"action": null}',
    '{"action": "Ping"}',
    '{"action": "get_status,"}',
    '{"Action": "ping"}',
    '{"action": "ping"',
    "\ufeff{}",
    "{" * 500,
]


@pytest.mark.parametrize("text", NOT_UNDERSTOOD)
def test_what_is_not_understood_is_answered_with_what_is(actions: Actions, text: str) -> None:
    kind, error = actions.answer(text, "admin")
    assert kind == "error"
    assert all(action in error["message"] for action in ACTIONS.split(", "))


@pytest.mark.parametrize("action", ["[]", "{}", '{"ping": 1}', '["ping"]'])
def test_an_action_that_is_no_word_is_answered_with_what_is(actions: Actions, action: str) -> None:
    kind, error = actions.answer(f'{{"action": {action}}}', "admin")
    assert (kind, "the actions are" in error["message"]) == ("error", True)


def test_deep_nesting_is_not_understood(actions: Actions) -> None:
    kind, _ = actions.answer("[" * 30_000, "admin")
    assert kind == "error"


def test_a_message_that_is_too_large_is_refused_before_it_is_read(actions: Actions, tables: Cloud) -> None:
    kind, error = actions.answer('{"action": "ping", "data": "' + "x" * 32_768 + '"}', "admin")
    assert (kind, "32768 bytes" in error["message"]) == ("error", True)
    assert tables.calls == []


# ------------------------------------------------------------------- told


def test_settings_change_and_the_answer_has_all_of_them(actions: Actions) -> None:
    kind, config = ask(actions, action="update_config", data={"is_active": True, "risk_tolerance": 0.6})
    assert (kind, config["version"]) == ("config_updated", 1)
    assert (config["settings"]["is_active"], config["settings"]["window"]) == (True, 120)


@pytest.mark.parametrize("role", ["reader", "", "nobody"])
def test_only_the_admin_changes_settings(actions: Actions, tables: Cloud, role: str) -> None:
    kind, error = ask(actions, role, action="update_config", data={"is_active": True})
    assert (kind, error["code"]) == ("error", "forbidden")
    assert tables.calls == []


@pytest.mark.parametrize("data", [None, {}, [], "is_active", 1, [["is_active", True]]])
def test_a_change_that_says_nothing_changes_nothing(actions: Actions, tables: Cloud, data: Any) -> None:
    kind, error = ask(actions, action="update_config", data=data)
    assert (kind, error["fields"][0]["field"]) == ("error", "settings")
    assert written(tables) == []


def test_every_bad_setting_is_refused_in_the_same_words_by_desk_api_and_websocket(
    desk: Desk, actions: Actions, tables: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Http(load(monkeypatch, "api").handler)
    assert len(BAD_SETTINGS) >= 40
    for name, value in BAD_SETTINGS:
        with pytest.raises(InvalidSettings) as refused:
            desk.settings.change({name: value}, "a test")
        fields = [{"field": error.field, "message": error.message} for error in refused.value.fields]
        kind, error = actions.answer(json.dumps({"action": "update_config", "data": {name: value}}), "admin")
        assert (kind, error) == ("error", {"code": "invalid", "message": str(refused.value), "fields": fields})
        assert api("PATCH", "/api/config", {name: value}).data == {"error": error}
        assert [row["field"] for row in fields] == [name]
        assert fields[0]["message"].startswith(name)
    assert written(tables) == []
    assert Configurations(BOT).now().version == 0


def test_a_bridge_without_a_market_is_refused_in_the_same_words_by_desk_api_and_websocket(
    desk: Desk, actions: Actions, tables: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Http(load(monkeypatch, "api").handler)
    says = "bridge must be an asset of an enabled pair, not EUR; those are BTC, ETH, USD."
    with pytest.raises(InvalidSettings) as refused:
        desk.settings.change({"bridge": "EUR"}, "a test")
    assert str(refused.value) == says
    error = {"code": "invalid", "message": says, "fields": [{"field": "bridge", "message": says}]}
    assert actions.answer(json.dumps({"action": "update_config", "data": {"bridge": "EUR"}}), "admin") == (
        "error",
        error,
    )
    assert api("PATCH", "/api/config", {"bridge": "EUR"}).data == {"error": error}
    assert written(tables) == []


def test_a_bad_item_put_by_hand_is_named_and_mended_over_the_websocket(actions: Actions, tables: Cloud) -> None:
    run(process(), range(3))
    tables.edit("BotConfig", KEY, window={"S": "wide"})
    status = ask(actions, action="get_status")[1]
    assert (status["state"], status["settings_errors"][0]["field"]) == ("settings not understood", "window")
    assert ask(actions, action="get_top_trades")[0] == "top_opportunities"
    assert ask(actions, action="update_config", data={"window": 10})[0] == "config_updated"
    assert ask(actions, action="get_status")[1]["state"] == "running"


# --------------------------------------------------------------- the handler


class Outbox:
    """Keeps what is posted."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.posted: list[tuple[str, Any]] = []
        self.failure = failure

    def __call__(self, connection_id: str, body: bytes) -> None:
        if self.failure:
            raise self.failure
        self.posted.append((connection_id, json.loads(body)))


@pytest.fixture
def function(tables: Cloud, monkeypatch: pytest.MonkeyPatch) -> Any:
    return load(monkeypatch, "websocket")


def test_a_message_is_answered_on_its_own_connection(function: Any) -> None:
    function.post = outbox = Outbox()
    body = json.dumps({"action": "update_config", "data": {"risk_tolerance": 0.6}})
    assert function.handler(websocket_event("c1", body=body), None) == {"statusCode": 200}
    [(connection_id, message)] = outbox.posted
    assert (connection_id, message["type"], message["seq"]) == ("c1", "config_updated", 1)
    assert set(message) == {"type", "data", "at", "seq"}


@pytest.mark.parametrize("role", ["reader", None])
def test_a_client_without_the_admin_role_may_only_look(function: Any, role: str | None) -> None:
    function.post = outbox = Outbox()
    body = json.dumps({"action": "update_config", "data": {"risk_tolerance": 0.6}})
    function.handler(websocket_event("c1", role=role, body=body), None)
    assert outbox.posted[0][1]["data"]["code"] == "forbidden"


def test_a_message_without_a_body_is_answered(function: Any) -> None:
    function.post = outbox = Outbox()
    function.handler(websocket_event("c1"), None)
    assert outbox.posted[0][1]["type"] == "error"


def test_a_client_that_left_before_the_answer_is_no_failure(function: Any) -> None:
    function.post = Outbox(Gone("c1"))
    assert function.handler(websocket_event("c1", body='{"action": "ping"}'), None) == {"statusCode": 200}


def test_an_answer_that_cannot_be_posted_is_raised(function: Any) -> None:
    function.post = Outbox(RuntimeError("the gateway is down"))
    with pytest.raises(RuntimeError, match="gateway"):
        function.handler(websocket_event("c1", body='{"action": "ping"}'), None)


def test_every_answer_fits_into_one_message_of_the_gateway(actions: Actions) -> None:
    data = {f"n{number}": 1 for number in range(2_500)}
    _, error = ask(actions, action="update_config", data=data)
    assert len(json.dumps(error)) < 128 * 1024
