"""The deployed bot at work, watched and told through every surface."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from cli.following import line, new_events
from cli.main import main
from cli.telling import typed
from tests.bad_settings import BAD_SETTINGS
from tests.e2e.conftest import Deployed

Until = Callable[[Callable[[], Any]], Any]


@pytest.fixture(autouse=True, scope="module")
def every_second(bot: Deployed) -> None:
    """Check every second: sixty times as many ticks to look at."""
    bot.change(check_interval_seconds=1, cache_ttl_seconds=1)
    bot.plan_minute()


def messages(socket: ClientConnection, seconds: float) -> list[dict[str, Any]]:
    """What arrives within some seconds."""
    got, end = [], time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            got.append(json.loads(socket.recv(left)))
        except TimeoutError:
            break
    return got


def next_message(socket: ClientConnection, kind: str, patience: float = 20) -> dict[str, Any]:
    """The next message of a kind."""
    end = time.monotonic() + patience
    while True:
        message: dict[str, Any] = json.loads(socket.recv(end - time.monotonic()))
        if message["type"] == kind:
            return message


def next_tick(bot: Deployed, socket: ClientConnection) -> dict[str, Any]:
    """The data of the next tick."""
    data: dict[str, Any] = next_message(socket, "tick_completed")["data"]
    return data


# ------------------------------------------------------------------------- ticks


def test_ticks_come_every_second_none_twice_none_missing_each_in_time(bot: Deployed) -> None:
    with bot.connect() as socket:
        # The first ticks, on functions that have just started, may overlap and be told out of order.
        for _ in range(5):
            next_tick(bot, socket)
        ticks = [m for m in messages(socket, 12) if m["type"] == "tick_completed"]

    dues = [tick["data"]["due"] for tick in ticks]
    assert len(dues) >= 8
    assert dues == sorted(set(dues))
    assert [tick["seq"] for tick in ticks] == list(range(ticks[0]["seq"], ticks[0]["seq"] + len(ticks)))


def test_the_same_tick_delivered_five_times_at_once_late_and_out_of_order_changes_nothing_twice(bot: Deployed) -> None:
    due = int(time.time()) + 15  # by then all five, in processes that have just started, have come
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: bot.tick(due), range(5)))
    state = _tick_item(bot)
    for late in (due, due - 1, due - 30):
        bot.tick(late)

    assert int(state["last_tick"]["N"]) == due
    assert _tick_item(bot) == state
    snapshots = bot.aws("dynamodb").scan(TableName="heisenbug-PriceSnapshot")["Items"]
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(due))
    assert len([item for item in snapshots if item["at"]["S"] == at]) == 1
    time.sleep(max(due + 1 - time.time(), 0))


def _tick_item(bot: Deployed) -> dict[str, dict[str, str]]:
    key = {"bot_id": {"S": bot.get("status")["bot_id"]}, "item": {"S": "tick"}}
    item: dict[str, dict[str, str]] = bot.aws("dynamodb").get_item(TableName="heisenbug-BotState", Key=key)["Item"]
    return item


# --------------------------------------------------------------------- decisions


def test_default_settings_make_no_trade_and_say_why_for_each_conversion(bot: Deployed) -> None:
    board = bot.get("opportunities?limit=1000")
    pairs = len([pair for pair in bot.get("pairs")["pairs"] if pair["enabled"]])

    assert len(board["opportunities"]) == (pairs + 1) * pairs
    assert all(row["gate"] != "open" and row["why"] for row in board["opportunities"])
    assert bot.get("trades")["trades"] == []
    assert bot.get("decisions")["decisions"][0]["chosen"] is None


def test_with_gates_that_open_it_trades_and_every_client_hears_of_each_trade_once(bot: Deployed, until: Until) -> None:
    before = bot.get("config")["settings"]
    with bot.connect() as first, bot.connect() as second:
        bot.change(
            is_active=True,
            forecaster="drift",
            drift_weight=1,
            cost_bps=0,
            cooldown_seconds=0,
            min_confidence=0.5,
            min_expected_return=0,
            risk_tolerance=1,
        )
        until(lambda: len(bot.get("trades?limit=100")["trades"]) >= 5)
        bot.change(**{name: before[name] for name in ("forecaster", "drift_weight", "cost_bps", "min_confidence")})
        stored = bot.get("trades?limit=100")["trades"]
        heard = [
            [m["data"] for m in messages(client, 3) if m["type"] == "trade_executed"] for client in (first, second)
        ]

    for client in heard:
        known = [trade for trade in client if trade["sequence"] <= stored[0]["sequence"]]
        assert [trade["sequence"] for trade in known] == [trade["sequence"] for trade in reversed(stored)]
        assert known == list(reversed(stored))
    assert all(trade["state"] == "EXECUTED" and trade["mode"] == "paper" for trade in stored)


def test_the_portfolio_is_what_the_trades_left(bot: Deployed) -> None:
    holdings = {"USD": Decimal(1000)}
    for trade in reversed(bot.get("trades?limit=100")["trades"]):
        holdings[trade["from"]] -= Decimal(trade["amount"])
        holdings[trade["to"]] = holdings.get(trade["to"], Decimal(0)) + Decimal(trade["received"])

    told = {row["asset"]: Decimal(row["amount"]) for row in bot.get("portfolio")["holdings"]}
    assert told == {asset: amount for asset, amount in holdings.items() if amount}


# ---------------------------------------------------------------------- settings


def _by_api(bot: Deployed, value: float) -> None:
    bot.change(risk_tolerance=value)


def _by_websocket(bot: Deployed, value: float) -> None:
    with bot.connect() as socket:
        socket.send(json.dumps({"action": "update_config", "data": {"risk_tolerance": value}}))
        assert next_message(socket, "config_updated")["data"]["settings"]["risk_tolerance"] == value


def _by_cli(bot: Deployed, value: float) -> None:
    done = bot.cli("config", "set", f"risk_tolerance={value}")
    assert done.returncode == 0, done.stderr


def _by_hand(bot: Deployed, value: float) -> None:
    _put_config(bot, "risk_tolerance", {"N": str(value)})


def _put_config(bot: Deployed, name: str, value: dict[str, Any]) -> None:
    key = {"bot_id": {"S": bot.get("status")["bot_id"]}}
    tables = bot.aws("dynamodb")
    item = tables.get_item(TableName="heisenbug-BotConfig", Key=key)["Item"]
    tables.put_item(TableName="heisenbug-BotConfig", Item={**item, name: value})


@pytest.mark.parametrize(
    ("change", "value"), [(_by_api, 0.41), (_by_websocket, 0.42), (_by_cli, 0.43), (_by_hand, 0.44)]
)
def test_a_change_by_any_surface_acts_on_the_very_next_tick(
    bot: Deployed, change: Callable[[Deployed, float], None], value: float
) -> None:
    with bot.connect() as socket:
        change(bot, value)
        changed = time.time()
        while True:
            tick = next_tick(bot, socket)
            if _epoch(tick["due"]) > changed:
                break

    history = bot.get("config/history?limit=1")["versions"][0]
    assert tick["settings_version"] == history["version"] == bot.get("config")["version"]
    assert history["settings"]["risk_tolerance"] == value


def _epoch(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_bad_values_get_the_same_words_from_api_websocket_and_command_line_and_change_nothing(
    bot: Deployed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bot.get("config")
    by_api = [bot.http("PATCH", "config", {name: value}) for name, value in BAD_SETTINGS]
    with bot.connect() as socket:
        by_websocket = []
        for name, value in BAD_SETTINGS:
            socket.send(json.dumps({"action": "update_config", "data": {name: value}}))
            by_websocket.append(next_message(socket, "error")["data"])

    assert len(BAD_SETTINGS) >= 40
    assert [answer.status_code for answer in by_api] == [400] * len(BAD_SETTINGS)
    words = [answer.json()["error"]["fields"] for answer in by_api]
    assert [answer["fields"] for answer in by_websocket] == words
    assert [field[0]["field"] for field in words] == [name for name, _ in BAD_SETTINGS]
    as_typed = [(name, typed(json.dumps(value))) for name, value in BAD_SETTINGS]  # where NaN is a word
    told = [
        bot.http("PATCH", "config", {name: value}).json()["error"]["fields"][0]["message"] for name, value in as_typed
    ]
    assert _by_command_line(bot, capsys, monkeypatch) == told
    assert bot.get("config") == before


def _by_command_line(bot: Deployed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the command line says about each."""
    monkeypatch.setenv("HEISENBUG_HOME", str(bot.home))
    said = []
    for name, value in BAD_SETTINGS:
        monkeypatch.setattr("sys.argv", ["heisenbug", "config", "set", f"{name}={json.dumps(value)}"])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        said.append(capsys.readouterr())
    assert all(told.out == "" for told in said)
    return [told.err.removesuffix("\n") for told in said]


def test_a_bad_item_by_hand_stops_trading_names_the_field_and_mended_goes_on(bot: Deployed, until: Until) -> None:
    good = {"N": str(bot.get("config")["settings"]["risk_tolerance"])}
    bot.change(is_active=True)
    _put_config(bot, "risk_tolerance", {"S": "high"})

    broken = until(lambda: bot.get("status") if bot.get("status")["settings_errors"] else None)
    assert broken["state"] == "settings not understood"
    assert broken["settings_errors"][0]["field"] == "risk_tolerance"
    assert "risk_tolerance must be a number from 0 to 1" in broken["settings_errors"][0]["message"]
    time.sleep(2)
    seen = bot.get("decisions?limit=1")["decisions"][0]["at"]
    time.sleep(3)
    assert bot.get("decisions?limit=1")["decisions"][0]["at"] == seen

    _put_config(bot, "risk_tolerance", good)
    until(lambda: bot.get("status")["state"] == "running")
    until(lambda: bot.get("decisions?limit=1")["decisions"][0]["at"] > seen)


# ------------------------------------------------------------------------ market


@pytest.mark.parametrize("kind", ["nan", "zero", "negative", "missing", "text", "crossed", "times1000"])
def test_a_spoilt_price_guards_its_asset_with_the_reason_and_the_next_good_one_goes_on(
    bot: Deployed, until: Until, kind: str
) -> None:
    bot.fault(kind, pair="BTC-USD")
    try:
        guarded = until(lambda: bot.get("status")["guarded"].get("BTC-USD"))
        board = bot.get("opportunities?limit=1000")["opportunities"]
    finally:
        bot.fault("none")

    assert guarded["reason"]
    assert guarded["since"]
    assert all(row["gate"] != "open" for row in board if "BTC" in (row["from"], row["to"]))
    until(lambda: "BTC-USD" not in bot.get("status")["guarded"])


@pytest.mark.parametrize(
    ("kind", "says"), [("status_429", "left alone"), ("status_500", "500"), ("html", "not JSON"), ("hang", "too long")]
)
def test_an_exchange_that_fails_stops_nothing_but_trading(bot: Deployed, until: Until, kind: str, says: str) -> None:
    bot.fault(kind, seconds=8)
    try:
        until(lambda: any(says in guarded["reason"] for guarded in bot.get("status")["guarded"].values()))
    finally:
        bot.fault("none")

    until(lambda: bot.get("status")["guarded"] == {})


def test_the_followed_log_tells_each_tick_once(bot: Deployed, until: Until) -> None:
    logs, seen = bot.aws("logs"), set()
    since = int((time.time() - 10) * 1000)

    first = [line(event) for event in new_events(logs, since, seen)]
    until(lambda: any("no trade" in line(event) for event in new_events(logs, since, seen)))

    assert any(" samples" in text for text in first)
    assert len([text for text in first if text]) == len({text for text in first if text})


# ------------------------------------------------------------------------- brakes


def test_kill_stops_at_once_tells_everyone_and_only_rearm_lifts_it(bot: Deployed, until: Until) -> None:
    with bot.connect() as socket:
        assert bot.http("POST", "kill", {"why": "a test"}).status_code == 200
        told = next_message(socket, "protection_triggered")["data"]
    bot.change(is_active=True)

    assert told["why"] == "a test"
    assert bot.get("status")["state"] == "killed"
    assert bot.http("POST", "rearm").json() == {"killed": None}
    assert bot.get("status")["state"] == "running"


# ---------------------------------------------------------------------- what is not


def test_no_line_of_any_log_is_an_error(bot: Deployed) -> None:
    logs = bot.aws("logs")
    lines = []
    for group in logs.describe_log_groups()["logGroups"]:
        lines += [event["message"] for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]]

    assert len(lines) > 50
    assert [line for line in lines if '"ERROR"' in line or "Traceback" in line or "Task timed out" in line] == []
