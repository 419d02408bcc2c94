"""Every file in events/ is accepted by the function that the first word of its name says; minute and tick are ticks."""

import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities import parameters

from heisenbug.configuration import Configurations
from heisenbug.markets.generated import GeneratedMarket
from heisenbug.push.sender import Sender
from heisenbug.store.connection import Client, Connections
from heisenbug.wiring import now
from local.exchange import running, serve
from tests.tables import PREFIX, Cloud
from tests.template import ROOT

EVENTS = ROOT / "events"
MODULES = {
    "minute": "trader/app",
    "tick": "trader/app",
    "refit": "refit/app",
    "broadcast": "broadcast/app",
    "notify": "notify/app",
    "connection": "websocket/connection",
    "actions": "websocket/app",
    "api": "api/app",
    "authorizer": "authorizer/app",
    "tokens": "tokens/app",
    "backtest": "backtest/app",
}
ADMIN, READER = "/heisenbug/admin-token", "/heisenbug/reader-token"
CONTEXT = SimpleNamespace(aws_request_id="an-attempt", get_remaining_time_in_millis=lambda: 20_000)
Handle = Callable[[str], Any]


@pytest.fixture(scope="module")
def market() -> Iterator[str]:
    """The address of a market."""
    with running(serve(GeneratedMarket(seed=7))) as exchange:
        yield exchange.url


@pytest.fixture
def handled(tables: Cloud, monkeypatch: pytest.MonkeyPatch, market: str) -> Handle:
    """Hands an event to its function, with all that it is told and all that stands behind it."""
    parameters.clear_caches()  # type: ignore[no-untyped-call]
    for name in (ADMIN, READER):
        boto3.client("ssm").put_parameter(Name=name, Value=f"the token {name}", Type="SecureString")
    told = {
        "TABLE_PREFIX": PREFIX,
        "TICK_QUEUE_URL": boto3.client("sqs").create_queue(QueueName="heisenbug-ticks")["QueueUrl"],
        "WEBSOCKET_ENDPOINT": "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod",
        "WEBSOCKET_URL": "wss://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/prod",
        "ADMIN_TOKEN_PARAMETER": ADMIN,
        "READER_TOKEN_PARAMETER": READER,
        "PUBLIC_READING": "disabled",
        "BOT_ID": "default",
        "POWERTOOLS_SERVICE_NAME": "heisenbug",
        "TELEGRAM_PARAMETER": "/heisenbug/telegram",
        "TELEGRAM_URL": "https://api.telegram.org",
        "NOTIFY_TOPIC": "arn:aws:sns:us-east-1:123456789012:heisenbug-notifications",
        "DEAD_PUSHES_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/heisenbug-dead-pushes",
    }
    for name, value in {**told, "EXCHANGE_URL": market}.items():
        monkeypatch.setenv(name, value)
    return lambda name: function_of(name, monkeypatch).handler(event(name), CONTEXT)


def event(name: str) -> Any:
    """A sample, as if its stack were the one under test."""
    return json.loads((EVENTS / f"{name}.json").read_text().replace("table/heisenbug-", f"table/{PREFIX}"))


def function_of(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that handles a sample, imported anew as Lambda does: from its own folder."""
    folder, _, module = MODULES[name.split("-")[0]].partition("/")
    path = ROOT / "functions" / folder
    for own in path.glob("*.py"):
        monkeypatch.delitem(sys.modules, own.stem, raising=False)
    monkeypatch.syspath_prepend(str(path))
    return importlib.import_module(module)


def test_the_refit_says_what_became_of_it(handled: Handle) -> None:
    refit = handled("refit")
    assert (refit["outcome"], refit["version"]) == ("not fitted", None)
    assert refit["why"] == "There is nothing to fit: the forecaster is zero_drift."


@pytest.mark.parametrize("file", sorted(EVENTS.glob("*.json")), ids=lambda file: file.stem)
def test_every_sample_is_handled_without_an_error(
    handled: Handle, capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    handled(file.stem)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [line for line in lines if line.get("level") == "ERROR"] == []


def test_there_is_a_sample_for_every_function() -> None:
    assert {file.stem.split("-")[0] for file in EVENTS.glob("*.json")} == set(MODULES)


def test_the_minute_makes_a_tick_and_sends_off_the_others(handled: Handle, tables: Cloud) -> None:
    handled("minute")

    assert len(tables.items("PriceSnapshot")) == 1
    sent = boto3.client("sqs").get_queue_attributes(
        QueueUrl=boto3.client("sqs").get_queue_url(QueueName="heisenbug-ticks")["QueueUrl"],
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"],
    )["Attributes"]
    assert sum(map(int, sent.values())) >= 11


def test_the_tick_is_of_long_ago_so_that_it_says_stale_and_does_nothing(
    handled: Handle, tables: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    handled("tick")

    assert json.loads(capsys.readouterr().out.splitlines()[-1])["outcome"] == "stale"
    assert tables.items("BotState") == tables.items("PriceSnapshot") == []


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("broadcast-trade", ["trade_executed"]),
        ("broadcast-tick", ["price_update", "tick_completed"]),
        ("broadcast-settings", ["config_updated"]),
        ("broadcast-kill", ["protection_triggered"]),
    ],
)
def test_a_change_is_told_to_who_is_connected(
    handled: Handle, monkeypatch: pytest.MonkeyPatch, name: str, kinds: list[str]
) -> None:
    Connections().add(Client("somebody", "reader"), int(time.time()))
    posted: list[tuple[str, Any]] = []
    app = function_of(name, monkeypatch)
    app.sender = Sender(lambda to, body: posted.append((to, json.loads(body))), Connections().remove, _never)
    app.handler(event(name), CONTEXT)

    assert [(to, message["type"]) for to, message in posted] == [("somebody", kind) for kind in kinds]
    assert all(message["at"].startswith("2026-01-01T00:00:0") for _, message in posted)


def _never(connection_id: str, error: Exception) -> None:
    raise error


def test_a_client_is_there_from_connect_to_disconnect(handled: Handle) -> None:
    assert handled("connection-connect") == {"statusCode": 200}
    assert [client.role for client in Connections().all()] == ["admin"]
    assert handled("connection-disconnect") == {"statusCode": 200}
    assert list(Connections().all()) == []


@pytest.mark.parametrize(("name", "who"), [("api-change-config", "api"), ("actions-update-config", "websocket")])
def test_a_change_of_the_settings_is_stored(handled: Handle, tables: Cloud, name: str, who: str) -> None:
    Configurations("default").begin(now())

    assert handled(name)["statusCode"] == 200
    assert Configurations("default").now().settings.risk_tolerance == 0.6
    assert tables.items("BotConfig")[0]["updated_by"] == {"S": who}


def test_the_api_answers_with_what_is_asked(handled: Handle) -> None:
    Configurations("default").begin(now())

    assert json.loads(handled("api-ping")["body"])["status"] == "pong"
    assert json.loads(handled("api-status")["body"])["mode"] == "paper"


def test_the_authorizer_lets_in_by_token_and_by_ticket_and_nobody_else(handled: Handle) -> None:
    assert handled("authorizer-http")["context"]["role"] == ""
    assert handled("authorizer-websocket")["policyDocument"]["Statement"][0]["Effect"] == "Deny"

    ssm = boto3.client("ssm")
    ssm.put_parameter(Name=READER, Value="YOUR-TOKEN", Type="SecureString", Overwrite=True)
    parameters.clear_caches()  # type: ignore[no-untyped-call]
    Connections().issue("A-TICKET-FROM-POST-API-WS-TICKET", "admin", int(time.time()))
    assert handled("authorizer-http")["context"]["role"] == "reader"
    assert handled("authorizer-websocket")["policyDocument"]["Statement"][0]["Effect"] == "Allow"


def test_the_tokens_are_made_once(handled: Handle) -> None:
    boto3.client("ssm").delete_parameters(Names=[ADMIN, READER])
    handled("tokens-create")
    first = _tokens()
    handled("tokens-create")

    assert _tokens() == first
    assert len(set(first)) == 2
    assert all(len(token) >= 43 for token in first)


def _tokens() -> list[str]:
    found = boto3.client("ssm").get_parameters(Names=[ADMIN, READER], WithDecryption=True)["Parameters"]
    return [parameter["Value"] for parameter in found]
