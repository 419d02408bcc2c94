"""From streams and alarms to a person: what was chosen, each way once, and what becomes of what does not arrive."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from heisenbug.configuration import Configurations
from heisenbug.domain.notices import Kind, Notice, Way
from heisenbug.notifying import telegram as module
from heisenbug.notifying.carrier import NotNow
from heisenbug.notifying.telegram import access
from heisenbug.store.bot_state import States
from heisenbug.store.notices import Notices
from tests import lambdas
from tests.bots import BOT, process, run
from tests.fakes import Clock
from tests.integration.test_broadcast import POISON, newest, one, record
from tests.lambdas import load
from tests.tables import Cloud, forget_everything
from tests.telegram import (
    BLOCKED,
    BROKEN,
    CHAT,
    MOVED,
    NO_CHAT,
    TOKEN,
    TOO_LONG,
    TOO_MANY,
    UNAUTHORIZED,
    FakeTelegram,
    Trouble,
    telegram_here,
)
from tests.unit.test_notices import ALARM

Item = dict[str, Any]
PARAMETER = "/heisenbug/telegram"
REGION = "us-east-1"
# What moto lets through to the fake it logs by itself.
MOCK = "responses"
OTHER_TOKEN = "987654321:BBHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw2"


@pytest.fixture
def telegram() -> Iterator[FakeTelegram]:
    with telegram_here() as fake:
        yield fake


class Mailbox:
    """Who has subscribed to the topic."""

    def __init__(self) -> None:
        self.topic = boto3.client("sns", REGION).create_topic(Name="notifications")["TopicArn"]
        self._sqs = boto3.client("sqs", REGION)
        self._queue = self._sqs.create_queue(QueueName="mailbox")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
        boto3.client("sns", REGION).subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=attributes["QueueArn"])

    def got(self) -> list[Item]:
        """What came since it was last asked."""
        messages = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]


@pytest.fixture
def mailbox(tables: Cloud) -> Mailbox:
    return Mailbox()


@pytest.fixture
def notify(tables: Cloud, mailbox: Mailbox, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The function, with a token and a chat stored."""
    told = {
        "TELEGRAM_PARAMETER": PARAMETER,
        "TELEGRAM_URL": telegram.url,
        "NOTIFY_TOPIC": mailbox.topic,
        "DEAD_PUSHES_URL": boto3.client("sqs", REGION).create_queue(QueueName="dead-pushes")["QueueUrl"],
    }
    for name, value in told.items():
        monkeypatch.setitem(lambdas.ENVIRONMENT, name, value)
    store(access(TOKEN, CHAT).stored())
    yield load(monkeypatch, "notify")
    forget_everything()


def store(text: str) -> None:
    boto3.client("ssm", REGION).put_parameter(Name=PARAMETER, Value=text, Type="SecureString", Overwrite=True)


def dead_letters() -> list[Item]:
    """What was given up."""
    sqs = boto3.client("sqs", REGION)
    url = sqs.get_queue_url(QueueName="dead-pushes")["QueueUrl"]
    letters = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(letter["Body"]) for letter in letters]


def choose(**settings: Any) -> None:
    Configurations(BOT).change(settings, "a test", Clock()())


def tell(function: Any, *records: Item) -> None:
    assert function.handler({"Records": list(records)}, None) is None


def traded(tables: Cloud, **changes: Item) -> Item:
    """The record of a trade that was made."""
    if not tables.items("TradeHistory"):
        run(process(), range(14))
    return record("TradeHistory", {**newest(tables, "TradeHistory", "sequence", "N"), **changes})


def made_id(made: Item) -> str:
    """The id of a recorded trade."""
    return str(made["dynamodb"]["NewImage"]["trade_id"]["S"])


def alarm(**changes: Any) -> Item:
    told = {"Message": json.dumps({**ALARM, **changes}), "TopicArn": "arn:aws:sns:us-east-1:1:alarms"}
    return {"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": told}


def killed(tables: Cloud) -> Item:
    run(process(), range(1))
    before = one(tables.items("BotState"), item="tick")
    States(BOT).kill(Clock()(), "max_drawdown", "Equity fell.")
    return record("BotState", one(tables.items("BotState"), item="tick"), before)


# --------------------------------------------------------------- what is chosen


def test_by_default_nothing_is_told_and_nobody_is_asked(
    notify: Any, tables: Cloud, telegram: FakeTelegram, mailbox: Mailbox
) -> None:
    tell(notify, traded(tables), killed(tables), alarm())

    assert (telegram.asked, mailbox.got(), tables.items("Notice")) == ([], [], [])


def test_a_trade_is_told_by_telegram_where_that_was_chosen_and_nothing_else_is(
    notify: Any, tables: Cloud, telegram: FakeTelegram, mailbox: Mailbox
) -> None:
    made = traded(tables)
    choose(notify_trades="telegram")
    tell(notify, made, killed(tables), alarm())

    [told] = telegram.got
    assert told.startswith("heisenbug, 2025-05-05T00:0")
    assert "Paper money: " in told
    assert " BTC" in told
    assert mailbox.got() == []


def test_everything_goes_both_ways_where_that_was_chosen(
    notify: Any, tables: Cloud, telegram: FakeTelegram, mailbox: Mailbox
) -> None:
    made = traded(tables)
    doubtful = traded(tables, state={"S": "UNRESOLVED"}, sequence={"N": "0"})
    choose(**{f"notify_{kind.value}": "both" for kind in Kind})
    tell(notify, made, doubtful, killed(tables), alarm())

    mails = mailbox.got()
    assert sorted(mail["Message"] for mail in mails) == sorted(telegram.got)
    assert {mail["Subject"] for mail in mails} == {"Notification from heisenbug"}
    for words in ("became", "nobody knows whether", "Equity fell.", "the bot is dead or cut off"):
        assert len([told for told in telegram.got if words in told]) == 1 + (words == "became")


def test_a_setting_that_is_wrong_elsewhere_does_not_silence_a_protection(
    notify: Any, tables: Cloud, telegram: FakeTelegram
) -> None:
    stopped = killed(tables)
    choose(notify_protections="telegram")
    tables.edit("BotConfig", {"bot_id": {"S": BOT}}, risk_tolerance={"S": "high"})
    tell(notify, stopped)

    assert len(telegram.got) == 1


def test_where_nobody_can_know_what_was_chosen_the_batch_comes_again(notify: Any, tables: Cloud) -> None:
    made = traded(tables)
    tables.edit("BotConfig", {"bot_id": {"S": BOT}}, notify_trades={"S": "pigeon"})

    with pytest.raises(Exception, match="notify_trades must be off or telegram or sns or both"):
        tell(notify, made)


@pytest.mark.parametrize("poison", [*POISON, {"Sns": {"Message": "hello"}}, {"Sns": {"Message": "[1]"}}, {"Sns": {}}])
def test_what_is_not_understood_is_skipped_and_the_rest_is_told(
    notify: Any, tables: Cloud, telegram: FakeTelegram, poison: Item
) -> None:
    made = traded(tables)
    choose(notify_trades="telegram")
    tell(notify, poison, made)

    assert len(telegram.got) == 1


# -------------------------------------------------------------------- only once


def test_a_batch_that_comes_again_is_told_once(
    notify: Any, tables: Cloud, telegram: FakeTelegram, mailbox: Mailbox
) -> None:
    made = traded(tables)
    choose(notify_trades="both", notify_dead="both")
    for _ in range(3):
        tell(notify, made, made, alarm())

    assert len(telegram.got) == len(mailbox.got()) == 2


@pytest.mark.parametrize("before", [[], ["another"]], ids=["the first", "not the first"])
@pytest.mark.parametrize(("theirs", "told"), [("ours", [False, 1]), ("theirs", [True, 2])])
def test_who_is_overtaken_between_reading_and_writing_reads_again(
    tables: Cloud, before: list[str], theirs: str, told: list[Any]
) -> None:
    def claimed(key: str) -> bool:
        return Notices(BOT).claim(Notice(Kind.TRADES, key, ""), Way.SNS, 1000, 10) is not None

    def overtake(name: str, call: Item) -> None:
        if name == "PutItem":
            tables.before = lambda name, call: None
            assert claimed(theirs)

    assert all([claimed(key) for key in before])
    tables.before = overtake
    won = claimed("ours")

    [item] = tables.items("Notice")
    assert [won, len(json.loads(item["told"]["S"])) - len(before)] == told


def test_who_is_overtaken_where_only_one_more_is_allowed_does_not_tell(tables: Cloud) -> None:
    def claimed(key: str) -> bool:
        return Notices(BOT).claim(Notice(Kind.TRADES, key, ""), Way.SNS, 1000, 1) is not None

    def overtake(name: str, call: Item) -> None:
        if name == "PutItem":
            tables.before = lambda name, call: None
            assert claimed("theirs")

    tables.before = overtake
    assert not claimed("ours")


def test_no_more_is_told_than_the_hour_allows_and_the_last_says_so(
    notify: Any, tables: Cloud, telegram: FakeTelegram
) -> None:
    trades = [traded(tables, trade_id={"S": f"{number:024}"}) for number in range(5)]
    choose(notify_trades="telegram", notify_protections="telegram", notify_per_hour=2)
    tell(notify, *trades, killed(tables))

    assert len(telegram.got) == 3
    assert "notify_per_hour=2" not in telegram.got[0]
    assert telegram.got[1].endswith(
        "This is the last within an hour (notify_per_hour=2); others are in the panel alone."
    )
    assert "Equity fell." in telegram.got[2], "a kind that tells much leaves the others their own"


# ------------------------------------------------------------- what goes wrong


def test_what_telegram_cannot_take_now_is_told_when_the_batch_comes_again(
    notify: Any, tables: Cloud, telegram: FakeTelegram, mailbox: Mailbox
) -> None:
    made = traded(tables)
    choose(notify_trades="both")
    telegram.troubles = [BROKEN]
    with pytest.raises(NotNow, match=r"^Telegram is in trouble \(502: Bad Gateway\); nothing was sent, try again.$"):
        tell(notify, made)
    assert len(mailbox.got()) == 1, "one way in trouble does not hold up the other"
    tell(notify, made)

    assert (len(telegram.got), mailbox.got()) == (1, [])


def test_telegram_is_left_alone_for_as_long_as_it_wants(
    notify: Any, tables: Cloud, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, clock = traded(tables), Clock()
    carrier = notify.telling.carriers[Way.TELEGRAM]
    monkeypatch.setattr(carrier, "_clock", clock)
    choose(notify_trades="telegram")
    telegram.troubles = [TOO_MANY]
    for _ in range(3):
        with pytest.raises(NotNow, match=r"wants to be left alone for 17 s"):
            tell(notify, made)
    assert len(telegram.asked) == 1
    clock.at += 17
    tell(notify, made)

    assert len(telegram.got) == 1


def test_a_telegram_that_cannot_be_reached_has_surely_told_nobody(
    notify: Any, tables: Cloud, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = traded(tables)
    choose(notify_trades="telegram")
    carrier = notify.telling.carriers[Way.TELEGRAM]
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(carrier, "_url", "http://127.0.0.1:1")
        with pytest.raises(NotNow, match=r"cannot be reached \(no connection\)"):
            tell(notify, made)
    tell(notify, made)

    assert len(telegram.got) == 1


def test_where_nobody_knows_whether_it_arrived_it_is_not_sent_again_and_those_after_it_are_told(
    notify: Any, tables: Cloud, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.2)
    made, next_one = traded(tables), traded(tables, trade_id={"S": "b" * 24})
    choose(notify_trades="telegram")
    telegram.hangs = True
    with pytest.raises(NotNow, match="it may have arrived or not"):
        tell(notify, made, next_one)
    assert len(telegram.asked) == 1
    telegram.hangs = False
    telegram.free.set()
    telegram.got.clear()
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 5.0)
    tell(notify, made, next_one)

    assert len(telegram.asked) == 2
    assert [letter["notice"] for letter in dead_letters()] == [f"trade_executed {made_id(made)}"]


@pytest.mark.parametrize("trouble", [UNAUTHORIZED, NO_CHAT, BLOCKED, TOO_LONG, MOVED])
def test_what_telegram_refuses_is_asked_once_is_a_dead_letter_and_holds_up_nobody(
    notify: Any,
    tables: Cloud,
    telegram: FakeTelegram,
    mailbox: Mailbox,
    trouble: Trouble,
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = traded(tables)
    choose(notify_trades="both")
    telegram.troubles = [trouble]
    tell(notify, made)
    tell(notify, made)

    assert (len(telegram.asked), telegram.got, len(mailbox.got())) == (1, [], 1)
    [logged] = [one for one in caplog.records if one.levelname == "ERROR"]
    assert (logged.message, logged.__dict__["way"]) == ("a notice did not get through", "telegram")
    [letter] = dead_letters()
    assert (letter["way"], letter["why"]) == ("telegram", logged.__dict__["error"])


def test_a_topic_that_is_gone_is_logged_and_holds_up_nobody(
    notify: Any, tables: Cloud, telegram: FakeTelegram, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    made = traded(tables)
    choose(notify_trades="both")
    boto3.client("sns", REGION).delete_topic(TopicArn=mailbox.topic)
    tell(notify, made)

    assert len(telegram.got) == 1
    assert "sns refused it (NotFound)" in str([one.__dict__ for one in caplog.records])


# ---------------------------------------------------------------- trying it out


def test_each_way_can_be_tried_out_whatever_is_chosen(notify: Any, telegram: FakeTelegram, mailbox: Mailbox) -> None:
    first, second = notify.handler({"test": "telegram"}, None), notify.handler({"test": "sns"}, None)

    assert first == {"way": "telegram", "says": f"Telegram took it for the chat {CHAT}."}
    assert (second["way"], mailbox.topic in second["says"]) == ("sns", True)
    assert telegram.got == [mail["Message"] for mail in mailbox.got()]
    assert "this is a test" in telegram.got[0]


STORED_BADLY = [
    ("no json", ["token", "chat"]),
    ("[]", ["token", "chat"]),
    (json.dumps({"token": "hunter2hunter2", "chat": CHAT}), ["token"]),
    (json.dumps({"token": TOKEN, "chat": "the kitchen"}), ["chat"]),
    (json.dumps({"token": TOKEN, "chat": 12}), ["chat"]),
]


@pytest.mark.parametrize(("text", "named"), STORED_BADLY)
def test_what_is_stored_badly_is_named_and_never_repeated(
    notify: Any, telegram: FakeTelegram, text: str, named: list[str]
) -> None:
    store(text)
    told = notify.handler({"test": "telegram"}, None)

    assert [error["field"] for error in told["fields"]] == named
    assert all(error["message"].startswith(f"{error['field']} must be ") for error in told["fields"])
    assert "hunter2" not in str(told)
    assert telegram.asked == []


def test_without_a_token_it_is_said_how_to_store_one(notify: Any) -> None:
    boto3.client("ssm", REGION).delete_parameter(Name=PARAMETER)
    told = notify.handler({"test": "telegram"}, None)

    words = "telegram is not set up: no token is stored; heisenbug notify telegram stores both."
    assert told == {"fields": [{"field": "telegram", "message": words}]}


@pytest.mark.parametrize(
    ("trouble", "field"), [(UNAUTHORIZED, "token"), (NO_CHAT, "chat"), (BLOCKED, "chat"), (TOO_LONG, "telegram")]
)
def test_what_telegram_refuses_is_said_by_the_field_that_mends_it(
    notify: Any, telegram: FakeTelegram, trouble: Trouble, field: str
) -> None:
    telegram.troubles = [trouble]
    told = notify.handler({"test": "telegram"}, None)

    [error] = told["fields"]
    assert error["field"] == field
    assert error["message"].startswith(f"{field} ")
    assert trouble[1]["description"] in error["message"]


@pytest.mark.parametrize("way", ["", "pigeon", None, 1, ["telegram"]])
def test_a_way_that_there_is_not_is_refused(notify: Any, way: Any) -> None:
    [error] = notify.handler({"test": way}, None)["fields"]

    assert error["message"].startswith("way must be telegram or sns, not ")


# ------------------------------------------------------------------- the secret


TROUBLES = [UNAUTHORIZED, TOO_MANY, NO_CHAT, BROKEN, (400, {"ok": False, "description": f"Bad path /bot{TOKEN}/"})]


@pytest.mark.parametrize("trouble", TROUBLES, ids=range(len(TROUBLES)))
def test_the_token_is_in_no_answer_no_error_no_log_and_no_trace(
    notify: Any,
    tables: Cloud,
    telegram: FakeTelegram,
    trouble: Trouble,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    made = traded(tables)
    choose(notify_trades="telegram")
    telegram.troubles = [trouble, trouble]
    shown = str(notify.handler({"test": "telegram"}, None))
    try:
        tell(notify, made)
    except NotNow:
        logging.exception("the function failed")
    logged = caplog.text + str([one.__dict__ for one in caplog.records if one.name != MOCK])

    assert len(telegram.asked) >= 1
    assert "told" in logged or "the function failed" in logged
    assert TOKEN not in shown + logged + str(tables.items("Notice"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
def test_the_token_is_in_no_trace_of_a_telegram_that_cannot_be_reached(
    notify: Any, url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    carrier = notify.telling.carriers[Way.TELEGRAM]
    monkeypatch.setattr(carrier, "_url", url)
    try:
        carrier.send("hello")
    except NotNow:
        logging.exception("the function failed")

    assert "the function failed" in caplog.text
    assert TOKEN not in caplog.text


def test_another_token_counts_at_once(notify: Any, telegram: FakeTelegram) -> None:
    store(access(OTHER_TOKEN, CHAT).stored())
    telegram.token = OTHER_TOKEN

    assert "says" in notify.handler({"test": "telegram"}, None)


def test_what_holds_the_token_does_not_show_it() -> None:
    assert TOKEN not in repr(access(TOKEN, CHAT))
