"""From the tables' streams to every client: what is told, in which shape and order, and nobody holds up the rest."""

import base64
import json
import threading
import time
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from heisenbug.configuration import Configurations
from heisenbug.domain.assets import Pair
from heisenbug.domain.quotes import RawQuote
from heisenbug.exchange.port import PastQuotes
from heisenbug.notifying.sentences import notice_of
from heisenbug.push.sender import Gone, Sender
from heisenbug.store.bot_state import States
from heisenbug.store.connection import Client, Connections
from tests.bots import BOT, FakePast, process, run
from tests.fakes import Clock
from tests.lambdas import load
from tests.markets import MONDAY
from tests.tables import PREFIX, Cloud

Item = dict[str, Any]
KEYS = {
    "TradeHistory": ("bot_id", "sequence"),
    "PriceSnapshot": ("bot_id", "at"),
    "BotConfig": ("bot_id",),
    "BotState": ("bot_id", "item"),
    "TradingPair": ("bot_id", "pair"),
}


class Gateway:
    """Stands in for API Gateway: keeps what each client got; some are gone, some fail."""

    def __init__(self) -> None:
        self.got: dict[str, list[Any]] = {}
        self.gone: set[str] = set()
        self.failing: set[str] = set()
        self.lock = threading.Lock()

    def __call__(self, connection_id: str, body: bytes) -> None:
        if connection_id in self.gone:
            raise Gone(connection_id)
        if connection_id in self.failing:
            raise RuntimeError("a client whose network is a puddle")
        with self.lock:
            self.got.setdefault(connection_id, []).append(json.loads(body, parse_constant=_refuse))


def _refuse(text: str) -> None:
    raise AssertionError(f"{text} is not JSON")


class Stream:
    """One broadcast function with clients, fed with stream records as Lambda delivers them."""

    def __init__(self, function: Any, gateway: Gateway) -> None:
        self.function, self.gateway = function, gateway

    def tell(self, *records: Item) -> list[Any]:
        """Deliver the records; what the first client was told of them."""
        self.gateway.got.clear()
        assert self.function.handler({"Records": deepcopy(list(records))}, None) == {"batchItemFailures": []}
        return self.gateway.got.get("c1", [])


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def stream(tables: Cloud, monkeypatch: pytest.MonkeyPatch, gateway: Gateway) -> Stream:
    function = load(monkeypatch, "broadcast")
    sender = function.sender
    monkeypatch.setattr(function, "sender", Sender(gateway, sender._forget, sender._failed))
    Connections().add(Client("c1", "admin"), 2**31)
    return Stream(function, gateway)


def as_lambda_sees(item: Item) -> Item:
    """An item as a stream event carries it: JSON, binary in base64."""
    return {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value}
        for name, typed in item.items()
        for kind, value in typed.items()
    }


def record(table: str, after: Item | None, before: Item | None = None) -> Item:
    """A record of a table's stream, as DynamoDB Streams writes it for Lambda."""
    event = "REMOVE" if after is None else "MODIFY" if before else "INSERT"
    newest = after or before or {}
    change: Item = {
        "ApproximateCreationDateTime": 1746403201.0,
        "Keys": {name: newest[name] for name in KEYS[table] if name in newest},
        "SequenceNumber": "4421584500000000017450439091",
        "SizeBytes": 200,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if after is not None:
        change["NewImage"] = as_lambda_sees(after)
    if before:
        change["OldImage"] = as_lambda_sees(before)
    arn = f"arn:aws:dynamodb:eu-central-1:123456789012:table/{PREFIX}{table}/stream/2026-01-01T00:00:00.000"
    return {
        "eventID": "1",
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": json.loads(json.dumps(change)),
        "eventSourceARN": arn,
    }


def one(items: list[Item], **named: str) -> Item:
    """The one item with these texts."""
    [found] = [item for item in items if all(item[name].get("S") == value for name, value in named.items())]
    return found


def newest(tables: Cloud, table: str, name: str, kind: str) -> Item:
    convert: Callable[[str], Any] = float if kind == "N" else str
    return max(tables.items(table), key=lambda item: convert(item[name][kind]))


# ------------------------------------------------------------------- ticks


def test_a_tick_tells_its_prices_and_what_it_found_with_its_number(stream: Stream, tables: Cloud) -> None:
    run(process(), range(12))
    prices, tick = stream.tell(record("PriceSnapshot", newest(tables, "PriceSnapshot", "at", "S")))
    assert (prices["type"], set(prices["data"])) == ("price_update", {"BTC-USD"})
    assert set(prices["data"]["BTC-USD"]) == {"bid", "ask"}
    assert (tick["type"], tick["seq"], tick["data"]["tick"]) == ("tick_completed", 12, 12)
    assert (tick["data"]["samples"], tick["data"]["killed"], tick["at"]) == (10, False, "2025-05-05T00:00:55Z")
    assert float(tick["data"]["equity"]) > 0


def test_the_numbers_of_ticks_grow_by_one(stream: Stream, tables: Cloud) -> None:
    run(process(), range(6))
    kept = sorted(tables.items("PriceSnapshot"), key=lambda item: item["at"]["S"])
    told = stream.tell(*(record("PriceSnapshot", item) for item in kept))
    assert [message["seq"] for message in told if message["type"] == "tick_completed"] == [1, 2, 3, 4, 5, 6]


def test_a_guarded_pair_is_told_with_its_reason(stream: Stream, tables: Cloud) -> None:
    bot = process()
    run(bot, range(3))
    bot.tickers.raw = {"BTC-USD": ("NaN", "100")}
    bot.tick(MONDAY + 15)
    tick = stream.tell(record("PriceSnapshot", newest(tables, "PriceSnapshot", "at", "S")))[-1]
    assert "NaN" in tick["data"]["guarded"]["BTC-USD"]["reason"]


def test_the_markets_past_is_no_news(stream: Stream, tables: Cloud) -> None:
    bot = process()
    quotes = {Pair("BTC", "USD"): RawQuote("100", "100")}
    bot.past = FakePast([PastQuotes(MONDAY - 5 * back, quotes) for back in range(9, 0, -1)])
    run(bot, range(1))
    kept = tables.items("PriceSnapshot")
    told = stream.tell(*(record("PriceSnapshot", item) for item in kept))
    assert len(kept) == 10
    assert [message["type"] for message in told] == ["price_update", "tick_completed"]


def test_a_snapshot_that_changes_or_expires_is_no_news(stream: Stream, tables: Cloud) -> None:
    run(process(), range(1))
    item = tables.items("PriceSnapshot")[0]
    assert stream.tell(record("PriceSnapshot", item, item), record("PriceSnapshot", None, item)) == []


# ------------------------------------------------------------------ trades


def test_an_executed_trade_is_told_with_all_that_is_known_of_it(stream: Stream, tables: Cloud) -> None:
    run(process(), range(14))
    item = newest(tables, "TradeHistory", "sequence", "N")
    [message] = stream.tell(record("TradeHistory", item))
    assert (message["type"], message["seq"]) == ("trade_executed", int(item["sequence"]["N"]))
    told = "id from to amount received from_price to_price confidence risk expected_return cost_bps reason"
    assert set(told.split()) <= set(message["data"])
    assert Decimal(message["data"]["amount"]) == Decimal(item["amount"]["N"])


def test_a_failed_and_an_unresolved_trade_are_told_too(stream: Stream, tables: Cloud) -> None:
    run(process(), range(14))
    item = newest(tables, "TradeHistory", "sequence", "N")
    failed = {**item, "state": {"S": "FAILED"}, "outcome": {"S": "The venue said no."}}
    committing = {**item, "sequence": {"N": "0"}, "state": {"S": "COMMITTING"}}
    unresolved = {**committing, "state": {"S": "UNRESOLVED"}}
    first, second = stream.tell(record("TradeHistory", failed), record("TradeHistory", unresolved, committing))
    assert (first["type"], first["data"]["outcome"]) == ("trade_failed", "The venue said no.")
    assert (second["type"], "seq" in second) == ("trade_unresolved", False)


def test_the_steps_before_the_outcome_are_no_news(stream: Stream, tables: Cloud) -> None:
    run(process(), range(14))
    item = {**newest(tables, "TradeHistory", "sequence", "N"), "sequence": {"N": "0"}}
    intended, committing = {**item, "state": {"S": "INTENDED"}}, {**item, "state": {"S": "COMMITTING"}}
    steps = (record("TradeHistory", intended), record("TradeHistory", committing, intended))
    assert stream.tell(*steps, record("TradeHistory", None, committing)) == []


# ---------------------------------------------------------------- settings


def test_changed_settings_are_told_whole_with_their_version_and_who(stream: Stream, tables: Cloud) -> None:
    bot = process()
    [before] = tables.items("BotConfig")
    bot.tell(risk_tolerance=0.3)
    [after] = tables.items("BotConfig")
    [message] = stream.tell(record("BotConfig", after, before))
    assert (message["type"], message["seq"], message["data"]["by"]) == ("config_updated", 2, "a test")
    assert (message["data"]["settings"]["risk_tolerance"], message["data"]["settings"]["window"]) == (0.3, 10)


def test_an_edit_by_hand_is_told_once_a_tick_has_numbered_it(stream: Stream, tables: Cloud) -> None:
    bot = process()
    run(bot, range(1))
    [before] = tables.items("BotConfig")
    edited = {**before, "risk_tolerance": {"N": "0.2"}}
    tables.put("BotConfig", edited)
    run(bot, range(1, 2))
    [numbered] = tables.items("BotConfig")
    [message] = stream.tell(record("BotConfig", edited, before), record("BotConfig", numbered, edited))
    assert (message["seq"], message["data"]["settings"]["risk_tolerance"]) == (2, 0.2)


def test_settings_that_are_not_understood_are_not_told(stream: Stream, tables: Cloud) -> None:
    process()
    [before] = tables.items("BotConfig")
    bad = {**before, "risk_tolerance": {"S": "high"}, "version": {"N": "9"}}
    assert stream.tell(record("BotConfig", bad, before)) == []


# --------------------------------------------------------------- protections


def test_a_kill_is_told_once_with_who_and_why(stream: Stream, tables: Cloud) -> None:
    run(process(), range(1))
    before = one(tables.items("BotState"), item="tick")
    States(BOT).kill(Clock()(), "max_drawdown", "Equity fell.")
    killed = one(tables.items("BotState"), item="tick")
    run(process(), range(1, 2))
    later = one(tables.items("BotState"), item="tick")
    [message] = stream.tell(record("BotState", killed, before), record("BotState", later, killed))
    assert (message["type"], message["data"]["by"], message["data"]["why"]) == (
        "protection_triggered",
        "max_drawdown",
        "Equity fell.",
    )


def test_each_protection_is_told_once_with_why_until_when_and_what_lifts_it(stream: Stream, tables: Cloud) -> None:
    bot = process(paper_start={"BTC": "10"}, daily_loss=0.05, max_drawdown=0.1)
    images = []
    for number, price in enumerate((100.0, 94.0, 93.0, 89.0, 88.0)):
        bot.tickers.set(BTC=price)
        bot.tick(MONDAY + 5 * number)
        images.append(one(tables.items("BotState"), item="tick"))
    changes = (record("BotState", after, before) for before, after in pairwise(images))
    first, second = stream.tell(*changes)
    assert {message["type"] for message in (first, second)} == {"protection_triggered"}
    assert (first["data"]["by"], first["data"]["until"], first["at"]) == (
        *("daily_loss", "2025-05-06T00:00:00Z", "2025-05-05T00:00:05Z"),
    )
    assert (second["data"]["by"], second["data"]["until"]) == ("max_drawdown", "re-armed by hand")
    assert "heisenbug rearm" in second["data"]["lift"]
    notice = notice_of(first["type"], first["data"], first["at"])
    assert notice is not None
    assert "Entries are stopped until 2025-05-06T00:00:00Z, by daily_loss: Equity 940.00 is 6.0% under" in notice.says


def test_the_state_of_every_tick_and_the_ledger_are_no_news(stream: Stream, tables: Cloud) -> None:
    run(process(), range(14))
    assert stream.tell(*(record("BotState", item) for item in tables.items("BotState"))) == []


def test_a_table_that_nobody_listens_to_is_no_news(stream: Stream, tables: Cloud) -> None:
    process()
    assert stream.tell(*(record("TradingPair", item) for item in tables.items("TradingPair"))) == []


# ------------------------------------------------------- nobody holds it up


POISON: list[Item] = [
    {},
    {"eventSourceARN": "arn:aws:dynamodb:eu-central-1:1:table/test-PriceSnapshot/stream/1"},
    record("PriceSnapshot", {"bot_id": {"S": "default"}, "at": {"S": "yesterday"}}),
    record("PriceSnapshot", {"bot_id": {"S": "default"}, "at": {"S": "2025-05-05T00:00:00Z"}}),
    record("TradeHistory", {"bot_id": {"S": "default"}, "sequence": {"N": "1"}, "state": {"S": "EXECUTED"}}),
    record("TradeHistory", {"bot_id": {"S": "default"}, "sequence": {"N": "1"}, "state": {"S": "EATEN"}}),
    record("BotConfig", {"bot_id": {"S": "default"}, "version": {"S": "two"}}),
    record("BotState", {"bot_id": {"S": "default"}, "item": {"S": "tick"}, "killed_at": {"S": "now"}}),
    record("BotState", {"bot_id": {"S": "default"}}),
]


@pytest.mark.parametrize("poison", POISON, ids=range(len(POISON)))
def test_a_change_that_is_not_understood_is_skipped_and_the_others_are_told(
    stream: Stream, tables: Cloud, poison: Item
) -> None:
    run(process(), range(1))
    good = record("PriceSnapshot", tables.items("PriceSnapshot")[0])
    assert [message["type"] for message in stream.tell(good, poison)] == ["price_update", "tick_completed"]
    assert [message["type"] for message in stream.tell(poison, good)] == ["price_update", "tick_completed"]


def test_a_snapshot_that_cannot_be_unpacked_is_skipped(stream: Stream) -> None:
    key = {"bot_id": {"S": "default"}, "at": {"S": "2025-05-05T00:00:00Z"}}
    assert stream.tell(record("PriceSnapshot", {**key, "packed": {"B": b"x"}})) == []


def tick_record(tables: Cloud) -> Item:
    run(process(), range(1))
    return record("PriceSnapshot", tables.items("PriceSnapshot")[0])


def test_a_client_that_is_gone_is_forgotten(stream: Stream, gateway: Gateway, tables: Cloud) -> None:
    Connections().add(Client("c2", "reader"), int(time.time()) - 600)
    gateway.gone = {"c2"}
    assert len(stream.tell(tick_record(tables))) == 2
    assert [client.connection_id for client in Connections().all()] == ["c1"]


def test_a_client_whose_handshake_may_still_be_going_on_is_not_taken_for_gone(
    stream: Stream, gateway: Gateway, tables: Cloud
) -> None:
    Connections().add(Client("c2", "reader"), int(time.time()))
    gateway.gone = {"c2"}
    stream.tell(tick_record(tables))
    assert {client.connection_id for client in Connections().all()} == {"c1", "c2"}


def test_a_client_that_fails_holds_up_nobody_and_is_kept(stream: Stream, gateway: Gateway, tables: Cloud) -> None:
    names = [f"c{number}" for number in range(1, 41)]
    for name in names:
        Connections().add(Client(name, "reader"), 2**31)
    gateway.failing = {"c7", "c23"}
    stream.tell(tick_record(tables))
    assert set(gateway.got) == set(names) - gateway.failing
    assert {len(messages) for messages in gateway.got.values()} == {2}
    assert {client.connection_id for client in Connections().all()} == set(names)


def test_every_client_gets_the_messages_in_their_order(stream: Stream, gateway: Gateway, tables: Cloud) -> None:
    for number in range(2, 20):
        Connections().add(Client(f"c{number}", "reader"), 2**31)
    run(process(), range(8))
    kept = sorted(tables.items("PriceSnapshot"), key=lambda item: item["at"]["S"])
    stream.tell(*(record("PriceSnapshot", item) for item in kept))
    for messages in gateway.got.values():
        assert [message.get("seq") for message in messages if "seq" in message] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_where_nothing_is_news_nobody_is_looked_up(stream: Stream, tables: Cloud) -> None:
    process()
    records = [record("TradingPair", item) for item in tables.items("TradingPair")]
    tables.calls.clear()
    assert stream.tell(*records) == []
    assert tables.calls == []


def test_a_ticket_is_not_pushed_to(stream: Stream, gateway: Gateway, tables: Cloud) -> None:
    Connections().issue("t1", "admin", 2**31)
    stream.tell(tick_record(tables))
    assert set(gateway.got) == {"c1"}


def test_the_configuration_in_force_is_what_the_message_told(stream: Stream, tables: Cloud) -> None:
    bot = process()
    [before] = tables.items("BotConfig")
    bot.tell(window=20)
    [message] = stream.tell(record("BotConfig", tables.items("BotConfig")[0], before))
    assert message["data"]["version"] == Configurations(BOT).now().version
