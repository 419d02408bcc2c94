"""The HTTP API: every route, what it refuses and how, and that what is refused changes nothing."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heisenbug.domain.settings import RULES
from heisenbug.store.connection import Admitted, Connections
from tests.bad_settings import BAD_SETTINGS
from tests.bots import process, run
from tests.fakes import Clock
from tests.lambdas import Http, load, shelve_page
from tests.models import model
from tests.tables import WRITES, Cloud

SETTINGS = ["config", "config/schema", "config/history", "pairs"]
MARKET = ["opportunities", "decisions", "portfolio", "equity", "prices"]
AT_A_GLANCE = ["overview", "performance", "ticks"]
READ = ["health", "status", "trades", *SETTINGS, *MARKET, *AT_A_GLANCE]
TOLD = [
    ("PATCH", "config", {"risk_tolerance": 0.6}),
    ("PUT", "pairs/SOL-USD", {"priority": 3}),
    ("DELETE", "pairs/BTC-USD", None),
    ("POST", "start", None),
    ("POST", "stop", None),
    ("POST", "kill", None),
    ("POST", "rearm", None),
]
KEY = {"bot_id": {"S": "default"}}


@pytest.fixture
def api(tables: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Http:
    shelve_page(monkeypatch, tmp_path)
    return Http(load(monkeypatch, "api").handler)


@pytest.fixture
def busy(api: Http) -> Http:
    """The API of a bot that has looked at a rise and traded on it."""
    run(process(Clock()), range(20))
    return api


def written(tables: Cloud) -> list[str]:
    """What was written, but for the count of what is used."""
    return [name for name, told in tables.calls if name in WRITES and not told.get("TableName", "").endswith("Usage")]


# ------------------------------------------------------------------ asked


def test_ping_answers_without_a_token(api: Http) -> None:
    reply = api.as_role(None)("GET", "/api/ping")
    assert (reply.status, reply.data["status"]) == (200, "pong")


def test_a_fresh_deployment_answers_every_question(api: Http) -> None:
    for path in READ:
        reply = api("GET", f"/api/{path}")
        assert reply.status == 200, path
        assert (reply.headers["content-type"], reply.headers["cache-control"]) == ("application/json", "no-store")
        assert isinstance(reply.data, dict)


def test_asking_writes_nothing(busy: Http, tables: Cloud) -> None:
    tables.calls.clear()
    assert {busy.as_role("reader")("GET", f"/api/{path}").status for path in [*READ, "trades/1"]} == {200}
    assert written(tables) == []


def test_without_a_role_nothing_but_the_open_addresses_answers(api: Http, tables: Cloud) -> None:
    for path in [*READ, "trades/1"]:
        reply = api.as_role(None)("GET", f"/api/{path}")
        assert (reply.status, reply.error["code"]) == (401, "unauthorized")
    assert tables.calls == []


def test_status_tells_how_the_bot_is_and_where_its_websocket_is(busy: Http) -> None:
    status = busy("GET", "/api/status").data
    assert (status["state"], status["mode"], status["ticks"]) == ("running", "paper", 20)
    assert status["window"] == {"samples": 10, "of": 10}
    assert status["equity"] == busy("GET", "/api/portfolio").data["equity"]
    assert status["recent_trades"] == busy("GET", "/api/trades").data["trades"][:5] != []
    assert status["websocket_url"].startswith("wss://")


def test_health_names_what_is_wrong(api: Http) -> None:
    health = api("GET", "/api/health").data
    assert health["status"] == "attention"
    assert "No tick for ever" in health["problems"][0]


def test_the_schema_of_the_settings_covers_every_setting(api: Http) -> None:
    schema = api("GET", "/api/config/schema").data
    assert set(schema["properties"]) == set(RULES)


def test_trades_are_chosen_by_asset_outcome_and_time_and_nothing_is_chosen_in_silence(busy: Http) -> None:
    every = busy("GET", "/api/trades", query={"limit": "100"}).data["trades"]
    asset = every[0]["to"]
    of_asset = [one for one in every if asset in (one["from"], one["to"])]
    query = {"limit": "100", "asset": asset, "state": "EXECUTED"}
    assert busy("GET", "/api/trades", query=query).data["trades"] == of_asset != []
    assert busy("GET", "/api/trades", query={"asset": "NONE"}).data["trades"] == []
    assert busy("GET", "/api/trades", query={"to": "2001-01-01"}).data["trades"] == []
    refused = busy("GET", "/api/trades", query={"assets": "BTC"})
    assert (refused.status, refused.error["fields"][0]["field"]) == (400, "assets")


def test_trades_come_newest_first_and_a_cursor_leads_through_all_of_them(busy: Http) -> None:
    sequences: list[int] = []
    query = {"limit": "2"}
    while query:
        page = busy("GET", "/api/trades", query=query).data
        sequences += [trade["sequence"] for trade in page["trades"]]
        query = {} if page["cursor"] is None else {"limit": "2", "cursor": str(page["cursor"])}
    assert sequences == list(range(len(sequences), 0, -1))
    assert len(sequences) > 2


def test_every_cursor_that_is_given_is_taken_back(busy: Http) -> None:
    for path in ("trades", "config/history", "decisions"):
        cursor = 0
        while cursor is not None:
            reply = busy("GET", f"/api/{path}", query={"limit": "1", **({"cursor": str(cursor)} if cursor else {})})
            assert reply.status == 200
            cursor = reply.data["cursor"]


def test_one_trade_is_found_by_its_number(busy: Http) -> None:
    trade = busy("GET", "/api/trades/1").data
    assert (trade["sequence"], trade["from"], trade["to"], trade["state"]) == (1, "USD", "BTC", "EXECUTED")
    assert trade["amount"] == "100.00"


@pytest.mark.parametrize("number", ["0", "99999", "one", "-1", "1.0", "²", "%C2%B2", "1" * 30, "1" * 5000, "%00", "1 "])
def test_a_trade_that_is_not_there_is_not_found(api: Http, number: str) -> None:
    reply = api("GET", f"/api/trades/{number}")
    assert (reply.status, reply.error["code"]) == (404, "not_found")
    assert len(reply.text) < 300


def test_opportunities_tell_why_each_conversion_does_not_trade(busy: Http) -> None:
    found = busy("GET", "/api/opportunities", query={"limit": "1"}).data["opportunities"]
    assert len(found) == 1
    assert found[0]["why"]


def test_decisions_are_the_newest_ticks(busy: Http) -> None:
    decisions = busy("GET", "/api/decisions", query={"limit": "3"}).data["decisions"]
    assert [row["samples"] for row in decisions] == [10, 10, 10]
    assert decisions[0]["at"] > decisions[1]["at"]


def test_equity_and_prices_come_oldest_first(busy: Http) -> None:
    equity = busy("GET", "/api/equity", query={"limit": "5"}).data["equity"]
    prices = busy("GET", "/api/prices", query={"limit": "5", "pair": "BTC-USD"}).data["prices"]
    assert [row["at"] for row in equity] == sorted(row["at"] for row in equity)
    assert len(prices) == 5
    assert set(prices[-1]["quotes"]) == {"BTC-USD"}


def test_the_portfolio_is_what_is_held_with_its_value(busy: Http) -> None:
    holdings = {row["asset"]: row for row in busy("GET", "/api/portfolio").data["holdings"]}
    assert {"USD", "BTC"} >= set(holdings)
    assert holdings["USD"]["price"] == 1


@pytest.mark.parametrize("path", ["trades", "config/history", "decisions", "opportunities", "equity", "prices"])
def test_a_limit_out_of_bounds_is_named(api: Http, path: str) -> None:
    for limit in ("0", "-1", "1001", "ten", "", "1.5", "1e2", "²", "9" * 5000, "1,2", "NaN", " 5"):
        reply = api("GET", f"/api/{path}", query={"limit": limit})
        assert (reply.status, reply.error["code"]) == (400, "invalid")
        assert reply.error["fields"][0]["field"] == "limit"
        assert "limit must be a whole number from 1 to" in reply.error["message"]


@pytest.mark.parametrize("path", ["trades", "config/history", "decisions"])
def test_a_cursor_that_was_never_given_is_named(api: Http, path: str) -> None:
    for cursor in ("0", "-1", "next", "", str(2**41), "9" * 100):
        reply = api("GET", f"/api/{path}", query={"cursor": cursor})
        assert (reply.status, reply.error["fields"][0]["field"]) == (400, "cursor")


def test_a_cursor_at_either_end_of_time_is_answered(busy: Http) -> None:
    for path in ("trades", "config/history", "decisions"):
        for cursor in ("2", "3", str(2**40)):
            assert busy("GET", f"/api/{path}", query={"cursor": cursor}).status == 200


def test_a_pair_that_is_none_is_named(api: Http) -> None:
    reply = api("GET", "/api/prices", query={"pair": "bitcoin"})
    assert (reply.status, reply.error["fields"][0]["field"]) == (400, "pair")


# ------------------------------------------------------------------- told


def test_settings_change_and_their_version_grows(api: Http) -> None:
    first = api("PATCH", "/api/config", {"risk_tolerance": 0.6, "min_confidence": 0.8})
    second = api("PATCH", "/api/config", {"risk_tolerance": 0.4})
    assert (first.status, first.data["version"], second.data["version"]) == (200, 1, 2)
    assert second.data["settings"]["min_confidence"] == 0.8
    assert api("GET", "/api/config").data == {**second.data, "errors": []}


def test_the_next_tick_keeps_a_changed_version_with_who_made_it(api: Http) -> None:
    bot = process(Clock())
    api("PATCH", "/api/config", {"risk_tolerance": 0.9})
    run(bot, range(1))
    newest = api("GET", "/api/config/history", query={"limit": "1"}).data["versions"][0]
    assert (newest["version"], newest["who"], newest["settings"]["risk_tolerance"]) == (2, "api", 0.9)


def test_a_change_that_counts_on_an_older_version_is_refused_and_shown_the_newer_one(api: Http) -> None:
    api("PATCH", "/api/config", {"risk_tolerance": 0.6})
    api("PATCH", "/api/config", {"risk_tolerance": 0.7})
    reply = api.with_headers(If_Match="1")("PATCH", "/api/config", {"risk_tolerance": 0.1})
    assert (reply.status, reply.error["code"]) == (409, "stale_version")
    assert (reply.data["config"]["version"], reply.data["config"]["settings"]["risk_tolerance"]) == (2, 0.7)


@pytest.mark.parametrize("version", ["2", '"2"', " 2 ", "*"])
def test_a_change_that_counts_on_the_newest_version_is_made(api: Http, version: str) -> None:
    api("POST", "/api/start")
    api("POST", "/api/stop")
    reply = api.with_headers(if_match=version)("PATCH", "/api/config", {"window": 20})
    assert (reply.status, reply.data["version"]) == (200, 3)


@pytest.mark.parametrize("version", ["two", "", "-1", "1.0", '"', "²", "9" * 5000, 'W/"2"'])
def test_a_version_that_is_none_is_refused(api: Http, tables: Cloud, version: str) -> None:
    reply = api.with_headers(if_match=version)("PATCH", "/api/config", {"window": 20})
    assert (reply.status, reply.error["code"]) == (400, "bad_version")
    assert written(tables) == []


def test_every_bad_setting_is_named_and_changes_nothing_even_beside_a_good_one(api: Http, tables: Cloud) -> None:
    for name, value in BAD_SETTINGS:
        good = {"window": 20} if name != "window" else {"horizon": 20}
        reply = api("PATCH", "/api/config", {**good, name: value})
        assert (reply.status, reply.error["code"]) == (400, "invalid")
        assert [row["field"] for row in reply.error["fields"]] == [name]
    assert written(tables) == []


def test_every_bad_field_is_named_at_once(api: Http) -> None:
    reply = api("PATCH", "/api/config", {"risk_tolerance": 2, "window": 0, "rsk": 1, "horizon": 60})
    assert [row["field"] for row in reply.error["fields"]] == ["risk_tolerance", "window", "rsk"]


UNREADABLE: dict[str, str] = {
    "nothing": "",
    "blank": "  ",
    "half": '{"risk_tolerance": 0.6',
    "text": "risk_tolerance=0.6",
    "page": "<html></html>",
    "deep": "[" * 30_000,
    "deep and closed": "[" * 15_000 + "]" * 15_000,
    "deep within": '{"budget":' * 2_900 + "1" + "}" * 2_900,
    "long number": '{"window": ' + "9" * 5_000 + "}",
    "after": '{"window": 20} and more',
}
NOT_AN_OBJECT = ["[]", "null", "1", '"text"', "true", "NaN", "1e999", '[{"window": 20}]']
ODD = ['{"window": NaN}', '{"window": -Infinity}', '{"window": 1e999}', '{"window": "\\ud800"}', '{"\\ud800": 1}', "{}"]


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_body_that_cannot_be_read_is_refused(api: Http, tables: Cloud, text: str) -> None:
    reply = api("PATCH", "/api/config", text=text)
    assert reply.status == 400
    assert reply.error["code"] in ("not_json", "invalid")
    assert written(tables) == []


@pytest.mark.parametrize("text", NOT_AN_OBJECT)
def test_a_body_that_is_no_object_is_refused(api: Http, text: str) -> None:
    reply = api("PATCH", "/api/config", text=text)
    assert (reply.status, reply.error["code"]) == (400, "not_an_object")


@pytest.mark.parametrize("text", ODD)
def test_numbers_and_texts_that_are_none_are_named(api: Http, tables: Cloud, text: str) -> None:
    reply = api("PATCH", "/api/config", text=text)
    assert (reply.status, reply.error["code"]) == (400, "invalid")
    assert reply.error["fields"]
    assert written(tables) == []


@pytest.mark.parametrize("size", [32_769, 1_000_000])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(api: Http, size: int) -> None:
    reply = api("PATCH", "/api/config", text=" " * size)
    assert (reply.status, reply.error["code"]) == (413, "too_large")


def test_a_body_in_base64_is_read(api: Http) -> None:
    text = base64.b64encode(b'{"window": 20}').decode()
    assert api("PATCH", "/api/config", text=text, isBase64Encoded=True).status == 200


@pytest.mark.parametrize("raw", [b"\xff\xfe\xfa", b"\x00", b"\xc3("])
def test_bytes_that_are_no_text_are_refused(api: Http, raw: bytes) -> None:
    text = base64.b64encode(raw).decode()
    assert api("PATCH", "/api/config", text=text, isBase64Encoded=True).error["code"] == "not_json"


def test_an_answer_about_many_unknown_names_fits_into_an_answer(api: Http) -> None:
    reply = api("PATCH", "/api/config", {f"n{number}": 1 for number in range(2_500)})
    assert reply.status == 400
    assert len(reply.text) < 6_000_000


def test_start_and_stop_say_whether_it_trades(api: Http) -> None:
    assert api("POST", "/api/start").data["settings"]["is_active"] is True
    assert api("GET", "/api/status").data["state"] == "running"
    assert api("POST", "/api/stop").data["settings"]["is_active"] is False
    assert api("GET", "/api/status").data["state"] == "stopped"


def test_kill_holds_until_it_is_lifted_and_keeps_its_first_reason(api: Http) -> None:
    assert api("POST", "/api/kill", {"why": "a test"}).data["killed"]["why"] == "a test"
    assert api("POST", "/api/kill").data["killed"]["why"] == "a test"
    api("POST", "/api/start")
    status = api("GET", "/api/status").data
    assert (status["state"], status["killed"]["by"]) == ("killed", "api")
    assert api("POST", "/api/rearm").data == {"killed": None}
    assert api("GET", "/api/status").data["state"] == "running"


def test_re_arming_a_bot_that_was_not_killed_leaves_its_drawdown_alone(busy: Http, tables: Cloud) -> None:
    before = tables.items("BotState")
    assert busy("POST", "/api/rearm").status == 200
    assert tables.items("BotState") == before


@pytest.mark.parametrize("body", [None, {}, {"why": ""}])
def test_a_kill_needs_no_reason(api: Http, body: Any) -> None:
    assert api("POST", "/api/kill", body).data["killed"]["why"] == "by hand"


def test_a_body_of_blanks_is_no_body_at_all_for_no_route(api: Http) -> None:
    assert api("POST", "/api/kill", text="\r").error["code"] == "not_json"


def test_a_long_or_odd_reason_does_not_stop_a_kill(api: Http) -> None:
    reply = api("POST", "/api/kill", text=json.dumps({"why": "\ud800" + "x" * 5_000}))
    assert (reply.status, len(reply.data["killed"]["why"])) == (200, 200)


@pytest.mark.parametrize("body", [{"why": 5}, {"why": None}, {"why": {"a": 1}}, {"reason": "typo"}])
def test_a_reason_that_is_no_text_is_named(api: Http, tables: Cloud, body: Any) -> None:
    reply = api("POST", "/api/kill", body)
    assert (reply.status, reply.error["fields"][0]["field"]) == (400, next(iter(body)))
    assert written(tables) == []


def test_pairs_are_added_changed_and_taken_out(api: Http) -> None:
    api("POST", "/api/stop")
    assert api("PUT", "/api/pairs/SOL-USD").data == {"pair": "SOL-USD", "enabled": True, "priority": 50}
    assert api("PUT", "/api/pairs/SOL-USD", {"enabled": False, "priority": 3}).data["priority"] == 3
    assert [row["pair"] for row in api("GET", "/api/pairs").data["pairs"]] == ["BTC-USD", "ETH-USD", "SOL-USD"]
    assert api("DELETE", "/api/pairs/SOL-USD").data == {"removed": "SOL-USD"}
    again = api("DELETE", "/api/pairs/SOL-USD")
    assert (again.status, again.error["code"]) == (404, "not_found")
    assert "BTC-USD, ETH-USD" in again.error["message"]


def test_a_pair_that_the_model_in_use_knows_nothing_of_is_refused_with_both(api: Http) -> None:
    told = {"forecaster": "drift", "model": model().plain()}
    assert api("PATCH", "/api/config", told).status == 200
    reply = api("PUT", "/api/pairs/SOL-USD")
    assert reply.status == 400
    assert "it was fitted on BTC, ETH, not on SOL" in reply.error["fields"][0]["message"]
    assert api("PUT", "/api/pairs/SOL-USD", {"enabled": False}).status == 200


@pytest.mark.parametrize("path", ["SOL%2DUSD", "%53OL-USD"])
def test_a_pair_may_come_percent_encoded(api: Http, path: str) -> None:
    assert api("PUT", f"/api/pairs/{path}").data["pair"] == "SOL-USD"


@pytest.mark.parametrize("pair", ["SOL", "sol-usd", "SOL-SOL", "SOL/USD"[:3] + "%2FUSD", "A-B", "SOL-USD-EUR", "%00"])
def test_a_pair_that_is_none_is_not_added(api: Http, tables: Cloud, pair: str) -> None:
    reply = api("PUT", f"/api/pairs/{pair}")
    assert (reply.status, reply.error["fields"][0]["field"]) == (400, "pair")
    assert written(tables) == []


@pytest.mark.parametrize("body", [{"enabled": "yes"}, {"enabled": 1}, {"priority": 0}, {"priority": 1.5}, {"on": True}])
def test_what_is_told_of_a_pair_is_checked(api: Http, tables: Cloud, body: dict[str, Any]) -> None:
    reply = api("PUT", "/api/pairs/SOL-USD", body)
    assert (reply.status, [row["field"] for row in reply.error["fields"]]) == (400, [*body])
    assert written(tables) == []


def test_a_token_that_may_only_read_changes_nothing(api: Http, tables: Cloud) -> None:
    for method, path, body in TOLD:
        reply = api.as_role("reader")(method, f"/api/{path}", body)
        assert (reply.status, reply.error["code"]) == (403, "forbidden")
        assert "admin token" in reply.error["message"]
    assert tables.calls == []


def test_no_other_role_changes_anything_either(api: Http, tables: Cloud) -> None:
    for role in ("", "Admin", "administrator", "nobody", None):
        for method, path, body in TOLD:
            assert api.as_role(role)(method, f"/api/{path}", body).status == (403 if role else 401)
    assert tables.calls == []


@pytest.mark.parametrize("role", ["admin", "reader"])
def test_a_ticket_lets_in_once_in_the_role_of_who_asked_for_it(api: Http, role: str) -> None:
    ticket = api.as_role(role)("POST", "/api/ws-ticket").data
    assert ticket["expires_in"] == 30
    assert len(ticket["ticket"]) >= 43
    connections = Connections()
    assert connections.redeem(ticket["ticket"], 0) == Admitted(role, "default")
    assert connections.redeem(ticket["ticket"], 0) is None


# -------------------------------------------------- mended by hand, or not


def break_settings(tables: Cloud) -> None:
    tables.edit("BotConfig", KEY, risk_tolerance={"S": "high"})


def test_a_bad_item_put_by_hand_stops_trading_and_is_named_everywhere(busy: Http, tables: Cloud) -> None:
    break_settings(tables)
    status = busy("GET", "/api/status").data
    assert status["state"] == "settings not understood"
    assert [row["field"] for row in status["settings_errors"]] == ["risk_tolerance"]
    assert busy("GET", "/api/config").data["errors"] == status["settings_errors"]
    assert status["settings_errors"][0]["message"] in busy("GET", "/api/health").data["problems"]


def test_every_question_is_answered_while_the_settings_are_not_understood(busy: Http, tables: Cloud) -> None:
    break_settings(tables)
    assert {busy("GET", f"/api/{path}").status for path in READ} == {200}


def test_changing_another_field_does_not_hide_the_bad_one(busy: Http, tables: Cloud) -> None:
    break_settings(tables)
    reply = busy("POST", "/api/start")
    assert (reply.status, reply.error["fields"][0]["field"]) == (400, "risk_tolerance")


def test_the_bad_field_is_mended_through_the_api(busy: Http, tables: Cloud) -> None:
    break_settings(tables)
    assert busy("PATCH", "/api/config", {"risk_tolerance": 0.5}).status == 200
    assert busy("GET", "/api/status").data["state"] == "running"
    assert busy("GET", "/api/config").data["errors"] == []


def test_the_bot_can_be_killed_while_its_settings_are_not_understood(busy: Http, tables: Cloud) -> None:
    break_settings(tables)
    assert busy("POST", "/api/kill").status == 200
    assert busy("GET", "/api/status").data["state"] == "killed"


# ------------------------------------------------------ addresses and methods


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/trades/1/2", "/api/trades/", "//", "/page"])
def test_an_address_that_is_none_is_not_found(api: Http, path: str) -> None:
    reply = api("GET", path)
    assert (reply.status, reply.error["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/api/status", "GET"),
        ("PUT", "/api/config", "GET, PATCH"),
        ("GET", "/api/kill", "POST"),
        ("GET", "/api/pairs/BTC-USD", "DELETE, PUT"),
        ("OPTIONS", "/api/config", "GET, PATCH"),
        ("BREW", "/api/ping", "GET"),
        ("HEAD", "/api/start", "POST"),
    ],
)
def test_a_method_that_an_address_does_not_take_is_refused_with_those_it_takes(
    api: Http, method: str, path: str, allowed: str
) -> None:
    reply = api(method, path)
    assert (reply.status, reply.headers["allow"]) == (405, allowed)


def test_head_answers_like_get_without_the_body(api: Http) -> None:
    reply = api("HEAD", "/api/status")
    assert (reply.status, reply.text, reply.headers["content-type"]) == (200, "", "application/json")


def test_an_event_without_headers_query_or_authorizer_is_answered(api: Http) -> None:
    handler: Callable[..., Any] = api.handler
    event = {"rawPath": "/api/ping", "requestContext": {"http": {"method": "GET"}, "authorizer": None}, "headers": None}
    assert handler(event, None)["statusCode"] == 200


def test_what_is_the_bots_own_fault_is_raised_for_the_alarm_to_see(api: Http, tables: Cloud) -> None:
    def broken(name: str, call: dict[str, Any]) -> None:
        raise RuntimeError("the table is on fire")

    tables.before = broken
    with pytest.raises(Exception, match="the table is on fire"):
        api("GET", "/api/status")


# ------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/assets/sw.js", "text/javascript; charset=utf-8"),
        ("/assets/manifest.webmanifest", "application/manifest+json"),
        ("/assets/icon-192.png", "image/png"),
        ("/assets/licences.txt", "text/plain; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
        ("/assets/docs.js", "text/javascript; charset=utf-8"),
        ("/assets/swagger-ui-bundle.min.js", "text/javascript; charset=utf-8"),
        ("/assets/swagger-ui.min.css", "text/css; charset=utf-8"),
        ("/api/docs", "text/html; charset=utf-8"),
        ("/api/openapi.json", "application/json"),
    ],
)
def test_the_files_need_no_token_and_are_asked_for_again_each_time(api: Http, path: str, kind: str) -> None:
    first = api.as_role(None)("GET", path)
    assert (first.status, first.headers["content-type"]) == (200, kind)
    assert (first.headers["cache-control"], first.headers["x-content-type-options"]) == ("no-cache", "nosniff")
    again = api.as_role(None).with_headers(If_None_Match=first.headers["etag"])("GET", path)
    assert (again.status, again.text, again.headers["etag"]) == (304, "", first.headers["etag"])
    changed = api.with_headers(If_None_Match='"yesterday"')("GET", path)
    assert (changed.status, changed.text) == (200, first.text)


def scripts(page: str) -> list[str]:
    return re.findall(r'<script src="(assets/[^"]+)"', page)


def test_a_visit_asks_for_the_page_two_scripts_and_the_manifest_alone(api: Http) -> None:
    page = api("GET", "/").text
    assert len(scripts(page)) == 2
    others = re.findall(r'(?:src|href)="(?!data:)([^"]+)"', page)
    assert sorted(others) == sorted([*scripts(page), "assets/manifest.webmanifest", "api/docs"])


def test_a_script_whose_name_changes_with_it_is_kept_for_ever_and_comes_compressed(api: Http) -> None:
    for script in scripts(api("GET", "/").text):
        plain = api("GET", f"/{script}")
        assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
        packed = api.with_headers(Accept_Encoding="gzip, br").raw("GET", f"/{script}")
        assert (packed["headers"]["Content-Encoding"], packed["headers"]["Vary"]) == ("gzip", "Accept-Encoding")
        assert gzip.decompress(base64.b64decode(packed["body"])).decode() == plain.text


def test_a_cold_visit_weighs_less_than_150_kilobytes(api: Http) -> None:
    page = api("GET", "/").text
    asked = ["/", *(f"/{script}" for script in scripts(page)), "/assets/manifest.webmanifest"]
    sent = [api.with_headers(Accept_Encoding="gzip").raw("GET", path)["body"] for path in asked]
    assert sum(len(base64.b64decode(body)) for body in sent) < 150_000


@pytest.mark.parametrize(
    "name",
    [
        "app.py",
        "app.js",
        "index.html.gz",
        "packing.py",
        "Makefile",
        "nothing.js",
        "..%2Fpage.js",
        "..%2f..%2fpyproject.json",
        ".",
        "..",
        "%2e%2e",
        "html.py",
        "js",
    ],
)
def test_no_other_file_can_be_asked_for(api: Http, name: str) -> None:
    assert api("GET", f"/assets/{name}").status == 404


def test_the_page_may_run_its_own_files_alone_and_talk_to_this_websocket_alone(api: Http) -> None:
    policy = api("GET", "/").headers["content-security-policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert (parts["default-src"], parts["script-src"]) == ("'none'", "'self'")
    style = re.search(r"<style>(.*?)</style>", api("GET", "/").text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert parts["style-src"] == f"'self' 'sha256-{digest}'"
    assert parts["trusted-types"] == "worker"
    assert parts["connect-src"] == "'self' wss://abcd0001.execute-api.eu-central-1.amazonaws.com"
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/", "/api/docs"])
def test_the_pages_hold_nothing_inline_and_nothing_from_elsewhere(api: Http, path: str) -> None:
    # The panel's style is within the page, and its policy names it by its content.
    text = re.sub(r"<style>.*?</style>|data:[^\"]+", "", api("GET", path).text, flags=re.DOTALL)
    assert "<style" not in text
    assert " style=" not in text
    assert "<script>" not in text
    assert " on" not in text.replace(" on ", "").replace(" only", "")
    assert 'href="/' not in text
    assert 'src="/' not in text
    assert "//" not in text.replace("<!doctype", "")
