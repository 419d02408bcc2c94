"""The API's document: written from the code, kept in web/openapi.json, and true of every answer."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from cli.openapi import document
from heisenbug.domain.settings import RULES
from heisenbug.notifications import Notifications
from heisenbug.store.trade_history import TradeHistory
from tests.bots import BOT, live, process, run
from tests.fakes import Clock, raising
from tests.jobs import MARKET, opened, stock, write_made
from tests.lambdas import BUCKET, ROOT, Http, load
from tests.markets import MONDAY
from tests.tables import Cloud
from tests.trades import DOUBT

KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
DOCUMENT = document()
SHAPES = DOCUMENT["components"]["schemas"]
OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def misfits(value: Any, shape: dict[str, Any], where: str = "$") -> list[str]:
    """Where a value is not of a shape: the part of JSON schema that the document uses."""
    if "$ref" in shape:
        return misfits(value, SHAPES[shape["$ref"].rpartition("/")[2]], where)
    if "anyOf" in shape:
        return [] if any(not misfits(value, one, where) for one in shape["anyOf"]) else [f"{where}: none of anyOf"]
    if "type" in shape and not is_of(value, shape["type"]):
        return [f"{where}: {value!r} is no {shape['type']}"]
    if value is not None and "enum" in shape and value not in shape["enum"]:
        return [f"{where}: {value!r} is not one of {shape['enum']}"]
    if isinstance(value, list):
        return [
            bad
            for place, item in enumerate(value)
            for bad in misfits(item, shape.get("items", {}), f"{where}[{place}]")
        ]
    return misfits_of_fields(value, shape, where) if isinstance(value, dict) else []


def misfits_of_fields(value: dict[str, Any], shape: dict[str, Any], where: str) -> list[str]:
    found = [f"{where}.{name} is missing" for name in shape.get("required", []) if name not in value]
    other = shape.get("additionalProperties", True)
    for name, item in value.items():
        known = shape.get("properties", {}).get(name, other)
        if known is False:
            found.append(f"{where}.{name} is not in the document")
        elif isinstance(known, dict):
            found += misfits(item, known, f"{where}.{name}")
    return found


def is_of(value: Any, kinds: str | list[str]) -> bool:
    wanted = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(value, bool):
        return "boolean" in wanted
    return any(isinstance(value, KINDS[kind]) for kind in wanted)


@pytest.fixture
def api(tables: Cloud, monkeypatch: pytest.MonkeyPatch) -> Http:
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
    return Http(load(monkeypatch, "api").handler)


def test_the_kept_document_is_what_the_code_says() -> None:
    kept = json.loads((ROOT / "web" / "openapi.json").read_text())
    assert kept == DOCUMENT, "The API has changed: run `make openapi`."


def test_every_route_of_the_api_is_in_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    table = load(monkeypatch, "api", "routes").routes.table
    served = {(route.method, route.path) for route in table if route.path.startswith("/api/")}
    described = {(method, path) for method, path, _ in OPERATIONS}
    assert served - described == {("GET", "/api/openapi.json"), ("GET", "/api/docs")}


def test_every_operation_says_what_it_does_who_may_and_what_comes_back() -> None:
    for method, path, operation in OPERATIONS:
        assert operation["summary"], path
        assert well(operation)["content"], path
        is_open = operation.get("security") == []
        assert is_open == (path == "/api/ping" or (path == "/api/session" and method != "POST"))
        assert is_open or "403" in operation["responses"], (method, path)
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)


def test_every_name_that_is_referred_to_is_there_and_every_name_is_referred_to() -> None:
    text = json.dumps(DOCUMENT)
    referred = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred == set(SHAPES)


def test_the_settings_of_the_document_are_the_settings_of_the_bot() -> None:
    assert set(SHAPES["Settings"]["properties"]) == set(RULES)
    risk = SHAPES["Settings"]["properties"]["risk_tolerance"]
    assert (risk["minimum"], risk["maximum"], risk["default"]) == (0, 1, 0.5)
    assert "must be a number from 0 to 1" in risk["description"]


def test_addresses_are_relative_to_the_document_so_that_they_hold_under_any_prefix() -> None:
    assert [server["url"] for server in DOCUMENT["servers"]] == [".."]


JOBS = ("/api/backtests", "/api/sweeps")
FILES = ("/api/trades.csv", "/api/tax.csv")
ASKED = [path for method, path, _ in OPERATIONS if method == "GET" and "{" not in path and path not in FILES]


@pytest.mark.parametrize("is_fresh", [True, False], ids=["fresh", "busy"])
def test_every_answer_has_the_shape_that_the_document_states(api: Http, is_fresh: bool) -> None:
    if not is_fresh:
        run(process(Clock()), range(16))
    for path in ASKED:
        reply = api("GET", path)
        assert misfits(reply.data, answer_of("get", path)) == [], path


def test_an_explained_trade_has_the_stated_shape_with_its_record_and_without(api: Http, tables: Cloud) -> None:
    run(process(Clock()), range(16))
    shape = answer_of("get", "/api/trades/{id}")
    assert misfits(api("GET", "/api/trades/1").data, shape) == []
    tables.forget("SettingsHistory")
    assert misfits(api("GET", "/api/trades/2").data, shape) == []


def in_doubt() -> str:
    """A trade of which nobody knows what became, by its id."""
    opened = live(Clock(MONDAY + 100))
    opened.exchange.answer = raising(DOUBT)
    run(opened.bot, range(20, 36))
    trade = TradeHistory(BOT, "live").running()
    assert trade is not None
    return trade.id


def test_what_is_told_is_answered_in_the_stated_shape_too(api: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Notifications, "test", lambda self, way: {"way": way, "says": "It was published."})
    run(process(Clock()), range(16))
    doubtful = in_doubt()
    told = [
        ("POST", f"/api/trades/{doubtful}/resolve", "/api/trades/{id}/resolve", {"statement": "failed, nothing moved"}),
        ("GET", "/api/trades/1", "/api/trades/{id}", None),
        ("PATCH", "/api/config", "/api/config", {"cooldown_seconds": 20}),
        ("PUT", "/api/pairs/SOL-USD", "/api/pairs/{pair}", {"enabled": False}),
        ("DELETE", "/api/pairs/SOL-USD", "/api/pairs/{pair}", None),
        ("POST", "/api/start", "/api/start", None),
        ("POST", "/api/stop", "/api/stop", None),
        ("POST", "/api/kill", "/api/kill", {"why": "a test"}),
        ("POST", "/api/rearm", "/api/rearm", None),
        ("POST", "/api/ws-ticket", "/api/ws-ticket", None),
        ("POST", "/api/notifications/test", "/api/notifications/test", {"way": "sns"}),
        ("POST", "/api/config/check", "/api/config/check", {"window": 20, "base_currency": "EUR"}),
        ("POST", "/api/config/check", "/api/config/check", {"window": 30}),
        ("POST", "/api/config/restore", "/api/config/restore", {"version": 1, "names": ["cooldown_seconds"]}),
        ("POST", "/api/bots", "/api/bots", {"name": "second", "clone": "default"}),
        ("GET", "/api/bots", "/api/bots", None),
        ("DELETE", "/api/bots/second", "/api/bots/{id}", None),
        ("POST", "/api/session", "/api/session", None),
        ("DELETE", "/api/session", "/api/session", None),
    ]
    for method, path, template, body in told:
        reply = api(method, path, body)
        assert reply.status == 200, path
        assert misfits(reply.data, answer_of(method.lower(), template)) == [], path
    asked = {(method, template) for method, _, template, _ in told} | {("GET", path) for path in ASKED}
    others = {(method, path) for method, path, _ in OPERATIONS if path.startswith((*JOBS, *FILES))}
    assert asked | others == {(method, path) for method, path, _ in OPERATIONS}


def test_jobs_are_answered_in_the_stated_shape_too(
    tables: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(write_made(tmp_path))
    with opened(monkeypatch) as jobs:
        begun = jobs.ask()
        jobs.work()
        job_id = begun.data["id"]
        told = [
            (begun, "post", "/api/backtests"),
            (jobs.api("GET", "/api/backtests"), "get", "/api/backtests"),
            (jobs.api("GET", f"/api/backtests/{job_id}"), "get", "/api/backtests/{job}"),
            (jobs.api("GET", f"/api/backtests/{job_id}/report"), "get", "/api/backtests/{job}/report"),
            (jobs.api("GET", f"/api/backtests/{job_id}/curves"), "get", "/api/backtests/{job}/curves"),
        ]
        swept = jobs.sweep("min_confidence=0.6,0.8", set={"window": 30})
        for share in jobs.shares():
            jobs.hand_out(share)
        job_id = swept.data["id"]
        told += [
            (swept, "post", "/api/sweeps"),
            (jobs.api("GET", "/api/sweeps"), "get", "/api/sweeps"),
            (jobs.api("GET", f"/api/sweeps/{job_id}"), "get", "/api/sweeps/{job}"),
            (jobs.api("GET", f"/api/sweeps/{job_id}/report"), "get", "/api/sweeps/{job}/report"),
        ]
    assert begun.data["asked"]["market"] == MARKET
    for reply, method, path in told:
        assert misfits(reply.data, answer_of(method, path)) == [], path
    assert {(method.upper(), path) for _, method, path in told} == {
        (method, path) for method, path, _ in OPERATIONS if path.startswith(JOBS)
    }


def test_every_error_has_the_one_stated_shape(api: Http) -> None:
    refused = [
        api("PATCH", "/api/config", {"window": 1}),
        api("PATCH", "/api/config", text="["),
        api("GET", "/api/trades/0"),
        api("GET", "/api/nothing"),
        api("POST", "/api/status"),
        api.as_role("reader")("POST", "/api/start"),
    ]
    api("POST", "/api/start")
    refused.append(api.with_headers(if_match="7")("PATCH", "/api/config", {"window": 20}))
    refused.append(api("PATCH", "/api/config", text=" " * 40_000))
    refused.append(api.as_role(None)("GET", "/api/status"))
    assert [reply.status for reply in refused] == [400, 400, 404, 404, 405, 403, 409, 413, 401]
    for reply in refused:
        assert misfits(reply.data, SHAPES["Error"]) == []


def test_every_operation_states_whatever_it_may_be_refused_with() -> None:
    everywhere = {"400", "405", "429", "500", "503"}
    for method, path, operation in OPERATIONS:
        stated = set(operation["responses"])
        assert everywhere <= stated, (method, path)
        assert ("401" in stated) == (operation.get("security") != []), (method, path)
        assert ("413" in stated) >= ("requestBody" in operation), (method, path)
    assert "409" in DOCUMENT["paths"]["/api/trades/{id}/resolve"]["post"]["responses"]
    assert "403" in DOCUMENT["paths"]["/api/session"]["delete"]["responses"], "the cookie came without its header"


def well(operation: dict[str, Any]) -> dict[str, Any]:
    """The one answer of an operation that went well."""
    (answer,) = (answer for status, answer in operation["responses"].items() if status.startswith("2"))
    return dict(answer)


def answer_of(method: str, path: str) -> dict[str, Any]:
    content = well(DOCUMENT["paths"][path][method])["content"]
    shape: dict[str, Any] = content["application/json"]["schema"]
    return shape


def test_the_check_of_shapes_finds_what_does_not_fit() -> None:
    assert misfits({"killed": None}, SHAPES["Kill"]) == []
    assert misfits({}, SHAPES["Kill"]) == ["$.killed is missing"]
    assert misfits({"killed": None, "more": 1}, SHAPES["Kill"]) == ["$.more is not in the document"]
    assert misfits({"killed": {"at": 1, "by": "", "why": ""}}, SHAPES["Kill"]) != []
    assert misfits({"pairs": [{"pair": "BTC-USD", "enabled": 1, "priority": True}]}, SHAPES["Pairs"]) != []


def test_nothing_of_the_api_needs_pydantic_at_run_time() -> None:
    paths = [str(ROOT / "functions" / "api"), str(ROOT / "layers" / "heisenbug")]
    code = f"import sys; sys.path[:0] = {paths}; import routes; print([m for m in sys.modules if 'pydantic' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
