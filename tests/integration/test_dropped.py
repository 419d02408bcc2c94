"""A decision that came to nothing: its reason is in the ledger, the status, the log and the push, and once in each."""

import json
import threading
from collections.abc import Sequence
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from cli.asking import _status_facts
from heisenbug.bot import Report
from heisenbug.desk import Desk
from heisenbug.domain.errors import NeedsPerson, Rejected
from heisenbug.domain.ledger import LONGEST_WHY, MOST_DROPPED, Dropped, Ledger
from heisenbug.domain.trade import TradeState
from heisenbug.observing import tell
from heisenbug.push.sender import Sender
from heisenbug.store.bot_state import Ledgers, States
from heisenbug.store.connection import Client, Connections
from heisenbug.store.trade_history import TradeHistory
from tests.bots import BOT, Live, live, run
from tests.fakes import Died, FakeExchange
from tests.lambdas import load
from tests.markets import FREE, MONDAY
from tests.tables import PREFIX, Cloud

Item = dict[str, Any]
FIRST = 10
NO = "The venue says no."
LONG = "The venue says no, and it says so at length. " * 10


@pytest.fixture
def opened(tables: Cloud) -> Live:
    """A bot with live money that wants to trade at its first tick."""
    return live()


def refuse(exchange: FakeExchange, why: str | Exception | None) -> None:
    """The venue gives no quote, and says why not; with None it does again."""

    def said() -> None:
        if why is not None:
            raise Rejected(why) if isinstance(why, str) else why

    exchange.on_quote = said


def refused(opened: Live, tick: int, why: str | Exception = NO) -> Report:
    """A tick that wants to trade and gets no quote."""
    refuse(opened.exchange, why)
    [report] = run(opened.bot, range(tick, tick + 1))
    assert report.outcome == "skipped"
    return report


def dies(opened: Live, tick: int) -> None:
    """A tick whose process dies after it wrote down what it wants."""

    def die() -> None:
        raise Died("before the quote")

    opened.exchange.on_quote = die
    with pytest.raises(Died):
        run(opened.bot, range(tick, tick + 1))
    refuse(opened.exchange, None)


def ledger(mode: str = "live") -> Ledger:
    stored = Ledgers(BOT).read(mode)
    assert stored is not None
    return stored[0]


def status(opened: Live) -> dict[str, Any]:
    return Desk(BOT, FREE, opened.bot.clock).standing.status()


def why(opened: Live) -> Sequence[str]:
    """The reasons that the status shows, in its order."""
    return [one["why"] for one in status(opened)["dropped"]]


# ------------------------------------------------------------------- the ledger


def test_it_is_remembered_with_what_it_wanted_when_and_why_not_and_kept_as_no_trade(opened: Live) -> None:
    report = refused(opened, FIRST)
    assert report.trade is not None
    due = MONDAY + 5 * FIRST
    assert ledger().dropped == (Dropped(report.trade.id, due, "USD", "BTC", TradeState.SKIPPED, NO),)
    assert (TradeHistory(BOT, "live").newest(5), TradeHistory(BOT, "live").running()) == ([], None)
    assert ledger().holdings == {"USD": Decimal(200)}


def test_before_anything_came_to_nothing_there_is_none(opened: Live) -> None:
    assert (ledger().dropped, status(opened)["dropped"]) == ((), [])


def test_the_newest_comes_first_and_no_more_than_three_are_kept(opened: Live) -> None:
    told = [f"Reason {number}." for number in range(5)]
    for place, reason in enumerate(told):
        refused(opened, FIRST + place, reason)
    assert [one.why for one in ledger().dropped] == ["Reason 4.", "Reason 3.", "Reason 2."]
    assert len(ledger().dropped) == MOST_DROPPED == 3
    assert [one.due for one in ledger().dropped] == [MONDAY + 5 * (FIRST + place) for place in (4, 3, 2)]
    assert why(opened) == ["Reason 4.", "Reason 3.", "Reason 2."]


@pytest.mark.parametrize("length", [LONGEST_WHY - 1, LONGEST_WHY, LONGEST_WHY + 1, 2000])
def test_a_long_reason_is_cut_so_that_the_ledger_stays_small(opened: Live, length: int) -> None:
    said = (LONG * 10)[:length]
    assert refused(opened, FIRST, said).detail == said
    assert ledger().dropped[0].why == said[:LONGEST_WHY]
    assert why(opened) == [said[:LONGEST_WHY]]


def test_a_trade_that_is_executed_later_leaves_it_there(opened: Live) -> None:
    refused(opened, FIRST)
    refuse(opened.exchange, None)
    [report] = run(opened.bot, range(FIRST + 1, FIRST + 2))
    assert report.outcome == "executed"
    assert why(opened) == [NO]


def test_a_new_process_goes_on_with_what_is_remembered(opened: Live) -> None:
    refused(opened, FIRST)
    opened.bot.remembered.position = None
    refused(opened, FIRST + 1, "Not this either.")
    assert why(opened) == ["Not this either.", NO]


def test_a_decision_whose_process_died_is_one_of_them(opened: Live) -> None:
    dies(opened, FIRST)
    assert (ledger().dropped, States(BOT).read().open_trade is None) == ((), False)
    run(opened.bot, range(FIRST + 1, FIRST + 10))
    told = [one for one in ledger().dropped if one.state is TradeState.ABANDONED]
    assert [(one.due, one.why) for one in told] == [(MONDAY + 5 * FIRST, "The process ended before anything was sent.")]


def test_each_money_remembers_its_own(opened: Live) -> None:
    refused(opened, FIRST)
    opened.bot.tell(mode="paper")
    run(opened.bot, range(FIRST + 1, FIRST + 3))
    assert (status(opened)["mode"], status(opened)["dropped"]) == ("paper", [])
    assert [one.why for one in ledger().dropped] == [NO]
    opened.bot.tell(mode="live")
    States(BOT).stand("live", "", opened_consent(opened))
    assert (status(opened)["mode"], why(opened)) == ("live", [NO])


def opened_consent(opened: Live) -> Any:
    """What was typed, with the ledger as it is."""
    kept, _ = Ledgers(BOT).read("live") or (Ledger({}), 0)
    typed = opened.consent()
    Ledgers(BOT).open_anew("live", kept, 0)
    return typed


def test_money_that_is_given_anew_begins_without(opened: Live) -> None:
    refused(opened, FIRST)
    opened.consent()
    assert (ledger().dropped, why(opened)) == ((), [])


# -------------------------------------------------------------------- the status


def test_the_status_says_what_it_wanted_when_and_why_not(opened: Live) -> None:
    report = refused(opened, FIRST)
    assert report.trade is not None
    assert status(opened)["dropped"] == [
        {
            "id": report.trade.id,
            "at": "2025-05-05T00:00:50Z",
            "from": "USD",
            "to": "BTC",
            "state": "SKIPPED",
            "why": NO,
        }
    ]
    assert status(opened)["open_trade"] is None
    assert status(opened)["recent_trades"] == []


def test_the_command_line_shows_each_in_a_line_the_newest_first(opened: Live) -> None:
    assert _status_facts(status(opened))["Came to nothing"] == "none"
    refused(opened, FIRST)
    refused(opened, FIRST + 1, "Not this either.")
    shown = _status_facts(status(opened))
    assert shown["Came to nothing"] == (
        "2025-05-05T00:00:55Z USD -> BTC SKIPPED: Not this either.\n"
        "2025-05-05T00:00:50Z USD -> BTC SKIPPED: The venue says no."
    )
    assert (shown["Trades of late"], shown["Open trade"]) == ("none", "none")


def test_the_command_line_shows_the_status_of_a_stack_that_does_not_know_them(opened: Live) -> None:
    older = status(opened)
    del older["dropped"]
    assert _status_facts(older)["Came to nothing"] == "none"


# ----------------------------------------------------------------------- the log


def line(capsys: pytest.CaptureFixture[str], report: Report) -> Item:
    """The tick's line in the log."""
    capsys.readouterr()
    tell(report, "default")
    told: Item = json.loads(capsys.readouterr().out.splitlines()[-1])
    return told


def test_the_ticks_line_in_the_log_says_why_in_full(opened: Live, capsys: pytest.CaptureFixture[str]) -> None:
    report = refused(opened, FIRST, LONG)
    assert report.trade is not None
    told = line(capsys, report)
    assert (told["outcome"], told["detail"], told["trade"]) == ("skipped", LONG, report.trade.id)
    assert told["chosen"].startswith("USD -> BTC: ")
    counted = [told[name] for name in ("TicksCompleted", "TradesExecuted", "TradesUnresolved", "Halts")]
    assert counted == [[1.0], [0.0], [0.0], [0.0]]


def test_one_that_only_a_person_can_help_is_counted_as_a_halt_once(
    opened: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    told = line(capsys, refused(opened, FIRST, NeedsPerson("Renew the token.")))
    assert (told["detail"], told["Halts"]) == ("Renew the token.", [1.0])
    [later] = run(opened.bot, range(FIRST + 1, FIRST + 2))
    assert line(capsys, later)["Halts"] == [0.0]
    assert why(opened) == ["Renew the token."]


# ---------------------------------------------------------------------- the push


class Gateway:
    """Stands in for API Gateway: keeps what was sent."""

    def __init__(self) -> None:
        self.got: list[Item] = []
        self.lock = threading.Lock()

    def __call__(self, connection_id: str, body: bytes) -> None:
        with self.lock:
            self.got.append(json.loads(body))


class Stream:
    """The broadcast function with one client, told of the ledger as it changes."""

    def __init__(self, function: Any, gateway: Gateway, tables: Cloud) -> None:
        self.function, self.gateway, self.tables = function, gateway, tables
        self.before = self.items()

    def items(self) -> dict[str, Item]:
        return {item["item"]["S"]: item for item in self.tables.items("BotState")}

    def told(self) -> list[Item]:
        """What the client is told of all that changed in BotState since the last time."""
        before, self.before = self.before, self.items()
        changed = [name for name, item in self.before.items() if item != before.get(name)]
        records = [record(self.before[name], before.get(name)) for name in changed]
        self.gateway.got.clear()
        assert self.function.handler({"Records": deepcopy(records)}, None) == {"batchItemFailures": []}
        return list(self.gateway.got)


def record(after: Item, before: Item | None) -> Item:
    """A record of BotState's stream, as DynamoDB Streams writes it for Lambda."""
    change: Item = {
        "ApproximateCreationDateTime": 1746403201.0,
        "Keys": {name: after[name] for name in ("bot_id", "item")},
        "NewImage": after,
        "SequenceNumber": "4421584500000000017450439091",
        "SizeBytes": 200,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if before is not None:
        change["OldImage"] = before
    return {
        "eventID": "1",
        "eventName": "INSERT" if before is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": json.loads(json.dumps(change)),
        "eventSourceARN": f"arn:aws:dynamodb:eu-central-1:123456789012:table/{PREFIX}BotState/stream/2026-01-01",
    }


@pytest.fixture
def stream(opened: Live, tables: Cloud, monkeypatch: pytest.MonkeyPatch) -> Stream:
    function, gateway = load(monkeypatch, "broadcast"), Gateway()
    sender = function.sender
    monkeypatch.setattr(function, "sender", Sender(gateway, sender._forget, sender._failed))
    Connections().add(Client("c1", "admin"), 2**31)
    return Stream(function, gateway, tables)


def test_it_is_pushed_once_as_the_status_shows_it(opened: Live, stream: Stream) -> None:
    refused(opened, FIRST)
    [message] = stream.told()
    assert message["type"] == "trade_skipped"
    assert message["at"] == "2025-05-05T00:00:50Z"
    assert message["data"] == status(opened)["dropped"][0]
    assert stream.told() == []


def test_what_changes_the_ledger_later_does_not_push_it_again(opened: Live, stream: Stream) -> None:
    refused(opened, FIRST)
    stream.told()
    refuse(opened.exchange, None)
    assert run(opened.bot, range(FIRST + 1, FIRST + 4))[0].outcome == "executed"
    assert stream.told() == []


def test_each_new_one_is_pushed_alone_also_when_three_are_kept_already(opened: Live, stream: Stream) -> None:
    for place in range(5):
        refused(opened, FIRST + place, f"Reason {place}.")
        assert [message["data"]["why"] for message in stream.told()] == [f"Reason {place}."]


def test_the_same_reason_twice_is_pushed_twice(opened: Live, stream: Stream) -> None:
    for tick in (FIRST, FIRST + 1):
        refused(opened, tick)
        assert [message["data"]["why"] for message in stream.told()] == [NO]


def test_a_long_reason_is_pushed_as_it_is_kept(opened: Live, stream: Stream) -> None:
    refused(opened, FIRST, LONG)
    [message] = stream.told()
    assert message["data"]["why"] == LONG[:LONGEST_WHY]


def test_a_decision_whose_process_died_is_pushed_when_it_is_given_up(opened: Live, stream: Stream) -> None:
    dies(opened, FIRST)
    assert stream.told() == []
    opened.bot.tell(is_active=False)
    run(opened.bot, range(FIRST + 1, FIRST + 10))
    [message] = stream.told()
    assert (message["type"], message["data"]["state"]) == ("trade_skipped", "ABANDONED")


def test_one_that_stops_the_bot_is_pushed_with_the_stop(opened: Live, stream: Stream) -> None:
    refused(opened, FIRST, NeedsPerson("Renew the token."))
    told = {message["type"]: message["data"]["why"] for message in stream.told()}
    assert told == {"trade_skipped": "Renew the token.", "protection_triggered": "Renew the token."}


def test_money_that_is_given_anew_pushes_none_of_those_before(opened: Live, stream: Stream) -> None:
    refused(opened, FIRST)
    stream.told()
    opened.consent()
    assert stream.told() == []


def test_going_over_to_paper_pushes_none_of_them(opened: Live, stream: Stream) -> None:
    refused(opened, FIRST)
    stream.told()
    opened.bot.tell(mode="paper")
    run(opened.bot, range(FIRST + 1, FIRST + 3))
    assert stream.told() == []
