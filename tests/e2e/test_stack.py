"""What a deployed stack is, before anybody asks it anything."""

import json
import re
import time

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.e2e.conftest import Deployed

OPEN = ("ping", "openapi.json", "docs")
READ = (
    "health",
    "status",
    "config",
    "config/schema",
    "config/history",
    "pairs",
    "trades",
    "opportunities",
    "decisions",
    "portfolio",
    "equity",
    "prices",
    "backtests",
    "sweeps",
)
CHANGE = (
    ("PATCH", "config"),
    ("POST", "start"),
    ("POST", "stop"),
    ("POST", "kill"),
    ("POST", "rearm"),
    ("PUT", "pairs/A-B"),
    ("POST", "backtests"),
    ("POST", "sweeps"),
)


@pytest.mark.parametrize("path", OPEN)
def test_open_addresses_answer_without_a_token(bot: Deployed, path: str) -> None:
    assert bot.http("GET", path, token=None).status_code == 200


@pytest.mark.parametrize("path", READ)
def test_the_reader_may_look_at_everything_and_a_stranger_at_nothing(bot: Deployed, path: str) -> None:
    assert bot.http("GET", path, token=bot.reader_token).status_code == 200
    assert bot.http("GET", path, token=None).status_code == 401
    assert bot.http("GET", path, token="a-guess").status_code == 401


@pytest.mark.parametrize(("method", "path"), CHANGE)
def test_the_reader_may_change_nothing(bot: Deployed, method: str, path: str) -> None:
    answer = bot.http(method, path, {}, token=bot.reader_token)

    assert answer.status_code == 403
    assert "only read" in answer.json()["error"]["message"]


def test_the_page_comes_with_a_strict_policy_and_its_files(bot: Deployed) -> None:
    import requests

    page = requests.get(bot.outputs["PanelUrl"], timeout=20)

    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for script in re.findall(r'<script src="(assets/[^"]+)"', page.text):
        answer = requests.get(bot.outputs["PanelUrl"] + script, timeout=20)
        assert (answer.status_code, answer.headers["Content-Encoding"]) == (200, "gzip")


def test_a_websocket_opens_with_a_token_or_a_ticket_once_and_with_nothing_else(bot: Deployed) -> None:
    ticket = bot.http("POST", "ws-ticket").json()["ticket"]
    url = bot.outputs["WebSocketUrl"]

    with connect(f"{url}?ticket={ticket}", open_timeout=20) as socket:
        socket.send('{"action": "ping"}')
        assert json.loads(socket.recv(20))["type"] in ("pong", "tick_completed", "price_update")
    for refused in (f"{url}?ticket={ticket}", f"{url}?ticket=guess", url):
        with pytest.raises(InvalidStatus) as refusal, connect(refused, open_timeout=20):
            pass
        assert refusal.value.response.status_code in (401, 403)


def test_snapshots_and_connections_expire_and_what_matters_can_be_restored(bot: Deployed) -> None:
    tables = bot.aws("dynamodb")

    for table in ("PriceSnapshot", "Connection", "Job"):
        told = tables.describe_time_to_live(TableName=f"heisenbug-{table}")["TimeToLiveDescription"]
        assert told == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    for table in ("BotConfig", "SettingsHistory", "TradingPair", "BotState", "TradeHistory", "TradeArchive"):
        told = tables.describe_continuous_backups(TableName=f"heisenbug-{table}")["ContinuousBackupsDescription"]
        assert told["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_tokens_are_secure_strings(bot: Deployed) -> None:
    parameter = bot.aws("ssm").get_parameter(Name=bot.outputs["AdminTokenParameter"])["Parameter"]

    assert parameter["Type"] == "SecureString"
    assert bot.token not in parameter["Value"]


def test_a_function_has_its_layers_and_nothing_of_this_computer(bot: Deployed) -> None:
    layers = {
        function: {
            layer["Arn"].split(":")[6].split("-")[-1] for layer in _configuration(bot, function).get("Layers", [])
        }
        for function in ("trader", "backtest", "broadcast", "authorizer", "tokens")
    }

    assert any("umpy" in name for name in layers["trader"] & layers["backtest"])
    assert not any("umpy" in name for name in layers["broadcast"] | layers["authorizer"])
    assert layers["tokens"] == set()


def test_the_apis_role_may_count_the_dead_letters_and_who_is_connected(bot: Deployed) -> None:
    with bot.connect():
        health = bot.get("health")
    assert {kept["what"]: kept["letters"] for kept in health["dead_letters"]}.keys() == {"ticks", "pushes"}
    assert [kept["why"] for kept in health["dead_letters"]] == [None, None]
    assert health["clients"] >= 1
    assert health["versions"]["template"] == health["versions"]["package"]


def test_who_guesses_tokens_to_sign_in_is_told_to_wait_and_nobody_from_using_one(bot: Deployed) -> None:
    left = 60 - time.time() % 60
    time.sleep(left if left < 20 else 0)  # all of it must fall into one minute
    answers = [bot.http("POST", "session", token=f"guess-{number}") for number in range(12)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    assert answers[-1].json()["error"]["code"] == "too_many_guesses"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert bot.http("POST", "session").status_code == 429
    assert bot.http("GET", "status").status_code == 200


def _configuration(bot: Deployed, function: str) -> dict[str, list[dict[str, str]]]:
    configuration: dict[str, list[dict[str, str]]] = bot.aws("lambda").get_function_configuration(
        FunctionName=f"heisenbug-{function}"
    )
    return configuration
