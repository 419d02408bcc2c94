"""Two bots in one deployed stack: ticked, watched and told apart, each with its own money and its own trades."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.e2e.conftest import Deployed

NAME = "second"
TRADING = {
    "is_active": True,
    "check_interval_seconds": 1,
    "cache_ttl_seconds": 1,
    "sample_seconds": 1,
    "window": 10,
    "horizon": 10,
    "forecaster": "drift",
    "drift_weight": 1,
    "min_confidence": 0.5,
    "min_expected_return": 0,
    "risk_tolerance": 1,
    "cost_bps": 0,
    "cooldown_seconds": 0,
    "max_drawdown": 1,
}
Until = Callable[..., Any]


@pytest.fixture(scope="module")
def second(bot: Deployed) -> Iterator[str]:
    """Another bot beside the own one, trading with 777 USD of its own."""
    answer = bot.http("POST", "bots", {"name": NAME, "clone": own(bot)})
    assert answer.status_code == 200, answer.text
    for name, start in ((own(bot), {}), (NAME, {"paper_start": {"USD": "777"}})):
        answer = bot.http("PATCH", f"config?bot={name}", {**TRADING, **start})
        assert answer.status_code == 200, answer.text
    bot.plan_minute()
    yield NAME
    bot.change(is_active=False)


def own(bot: Deployed) -> str:
    """The name of the deployment's own bot."""
    return str(bot.get("bots")["bots"][0]["bot_id"])


def trades(bot: Deployed, name: str) -> list[dict[str, Any]]:
    """The newest trades of a bot."""
    kept: list[dict[str, Any]] = bot.get(f"trades?bot={name}&limit=100")["trades"]
    return kept


def test_both_trade_each_into_a_ledger_and_a_history_of_its_own(bot: Deployed, second: str, until: Until) -> None:
    until(lambda: trades(bot, second) and trades(bot, own(bot)), 90)
    ids = [{trade["id"] for trade in trades(bot, name)} for name in (own(bot), second)]
    assert not ids[0] & ids[1]
    worth = [float(bot.get(f"status?bot={name}")["equity"]) for name in (own(bot), second)]
    assert 600 < worth[1] < 800 < worth[0]
    items = bot.aws("dynamodb").scan(TableName="heisenbug-BotState")["Items"]
    ledgers = {item["bot_id"]["S"] for item in items if item["item"]["S"] == "ledger-paper"}
    assert ledgers >= {own(bot), second}


def test_who_watches_one_bot_hears_nothing_of_the_other(bot: Deployed, second: str) -> None:
    ticket = bot.http("POST", f"ws-ticket?bot={second}").json()
    with (
        connect(f"{ticket['websocket_url']}?ticket={ticket['ticket']}", open_timeout=20) as watching,
        bot.connect() as others,
    ):
        for socket, name in ((watching, second), (others, own(bot))):
            socket.send(json.dumps({"action": "get_status"}))
            assert heard(socket, "bot_status")["data"]["bot_id"] == name
        version = bot.http("PATCH", f"config?bot={second}", {"history_limit": 77}).json()["version"]
        told = heard(watching, "config_updated")["data"]
        assert (told["version"], told["settings"]["history_limit"]) == (version, 77)
        equities = [float(heard(socket, "tick_completed")["data"]["equity"]) for socket in (watching, others)]
        assert equities[0] < 800 < equities[1]
        end = time.monotonic() + 3
        while (left := end - time.monotonic()) > 0:
            try:
                assert json.loads(others.recv(left))["type"] != "config_updated"
            except TimeoutError:
                break


def heard(socket: Any, kind: str) -> dict[str, Any]:
    """The next message of a kind."""
    end = time.monotonic() + 30
    while True:
        message: dict[str, Any] = json.loads(socket.recv(end - time.monotonic()))
        if message["type"] == kind:
            return message


def test_nobody_is_let_in_to_watch_a_bot_that_is_not_there(bot: Deployed) -> None:
    headers = {"Authorization": f"Bearer {bot.token}"}
    with pytest.raises(InvalidStatus):
        connect(f"{bot.outputs['WebSocketUrl']}?bot=nobody", additional_headers=headers, open_timeout=20)


def test_two_bots_pinned_to_one_card_are_refused_and_the_command_line_says_why(bot: Deployed, second: str) -> None:
    card = json.dumps({"USD": "00000000-0000-4000-8000-00000000000a"})
    assert bot.cli("config", "set", f"cards={card}").returncode == 0
    refused = bot.cli("--bot", second, "config", "set", f"cards={card}")
    assert refused.returncode == 2
    assert "is a card of bot" in refused.stderr
    assert bot.get(f"config?bot={second}")["settings"]["cards"] is None
    assert bot.cli("config", "set", "cards=null").returncode == 0


def test_a_removed_bot_ticks_no_more_and_its_trades_are_read_on(bot: Deployed, second: str, until: Until) -> None:
    assert bot.http("PATCH", f"config?bot={second}", {"is_active": False}).status_code == 200
    until(lambda: bot.http("DELETE", f"bots/{second}").status_code == 200)
    assert trades(bot, second)
    time.sleep(2)
    before = bot.get(f"status?bot={second}")["ticks"]
    bot.plan_minute()
    time.sleep(4)
    assert bot.get(f"status?bot={second}")["ticks"] == before
    assert [one["bot_id"] for one in bot.get("bots")["removed"]] == [second]
