"""The deployed bot tells a person what was chosen, once, and nothing that was not; its roles are enforced."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.conftest import Deployed
from tests.e2e.living import Living
from tests.telegram import CHAT, TOKEN, FakeTelegram, telegram_here
from tests.unit.test_notices import ALARM

Until = Callable[..., Any]
NAME = "heisenbug-notify"
PATIENCE_SECONDS = 60.0
KINDS = ("notify_trades", "notify_protections", "notify_unresolved", "notify_dead")
KEEN = {
    "is_active": True,
    "forecaster": "drift",
    "drift_weight": 1,
    "cost_bps": 0,
    "cooldown_seconds": 0,
    "min_confidence": 0.5,
    "min_expected_return": 0,
    "risk_tolerance": 1,
}


@pytest.fixture(scope="module")
def telegram(bot: Deployed) -> Iterator[FakeTelegram]:
    """A Telegram on this computer, which the function talks to."""
    functions = bot.aws("lambda")
    around = functions.get_function_configuration(FunctionName=NAME)["Environment"]["Variables"]
    with telegram_here() as fake:
        told = {"Variables": {**around, "TELEGRAM_URL": fake.url}}
        functions.update_function_configuration(FunctionName=NAME, Environment=told)
        yield fake
    functions.update_function_configuration(FunctionName=NAME, Environment={"Variables": around})


@pytest.fixture(scope="module")
def person(bot: Deployed, telegram: FakeTelegram) -> Iterator[Living]:
    """Who has stored a token and a chat at the command line, and forgets them in the end."""
    before = bot.get("config")["settings"]
    living = Living(bot)
    assert living.say("notify", "telegram", typed=f"{TOKEN}\n{CHAT}\n").returncode == 0
    bot.change(check_interval_seconds=1, cache_ttl_seconds=1)
    bot.plan_minute()
    yield living
    living.say("notify", "telegram", "--delete")
    bot.change(**{name: before[name] for name in (*KEEN, *KINDS, "notify_per_hour", "check_interval_seconds")})


@contextmanager
def trading(bot: Deployed, until: Until, trades: int) -> Iterator[list[dict[str, Any]]]:
    """Lets the bot make so many trades and stops it; those that were made."""
    newest = newest_trade(bot)
    bot.change(**KEEN)
    until(lambda: newest_trade(bot) >= newest + trades, PATIENCE_SECONDS)
    bot.change(is_active=False)
    until(lambda: bot.get("status")["open_trade"] is None, PATIENCE_SECONDS)
    yield [trade for trade in bot.get("trades?limit=100")["trades"] if trade["sequence"] > newest]


def newest_trade(bot: Deployed) -> int:
    return max((trade["sequence"] for trade in bot.get("trades?limit=1")["trades"]), default=0)


def told_keys(person: Living, about: str) -> list[str]:
    """The keys of what the table says was told."""
    items = [item for item in person.items("Notice") if item["about"] == about]
    return [key for item in items for key, _ in json.loads(item["told"])]


def test_with_the_defaults_nothing_is_told(bot: Deployed, person: Living, telegram: FakeTelegram, until: Until) -> None:
    with trading(bot, until, 2) as trades:
        assert len(trades) >= 2
    until(lambda: [text for text in person.log_texts("notify") if '"told"' in text], PATIENCE_SECONDS)

    assert telegram.asked == []
    assert person.items("Notice") == []


def test_a_way_can_be_tried_out(person: Living, telegram: FakeTelegram) -> None:
    tried = person.say("notify", "test", "--json")

    assert tried.returncode == 0, tried.stderr
    assert json.loads(tried.stdout) == {"way": "telegram", "says": f"Telegram took it for the chat {CHAT}."}
    assert len(telegram.got) == 1
    assert person.say("notify", "test", "sns").returncode == 0


def test_every_trade_is_told_exactly_once_also_where_it_is_delivered_again(
    bot: Deployed, person: Living, telegram: FakeTelegram, until: Until
) -> None:
    telegram.got.clear()
    bot.change(notify_trades="telegram", notify_per_hour=100)
    with trading(bot, until, 3) as trades:
        until(lambda: len(telegram.got) >= len(trades), PATIENCE_SECONDS)

    keys = told_keys(person, "telegram#trades")
    assert sorted(keys) == sorted(f"trade_executed {trade['id']}" for trade in trades)
    again = [record(bot, trade["sequence"]) for trade in trades]
    answer = bot.aws("lambda").invoke(FunctionName=NAME, Payload=json.dumps({"Records": again}).encode())
    assert "FunctionError" not in answer, answer["Payload"].read()
    for trade in trades:
        words = f"Paper money: {trade['amount']} {trade['from']} became {trade['received']} {trade['to']}"
        assert len([text for text in telegram.got if words in text]) == 1
    assert len(telegram.got) == len(trades)


def record(bot: Deployed, sequence: int) -> dict[str, Any]:
    """A trade as its table's stream told of it."""
    tables = bot.aws("dynamodb")
    items = tables.scan(TableName="heisenbug-TradeHistory")["Items"]
    [image] = [item for item in items if item["sequence"]["N"] == str(sequence)]
    arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{bot.outputs['TablePrefix']}TradeHistory/stream/1"
    return {"eventSource": "aws:dynamodb", "eventSourceARN": arn, "dynamodb": {"NewImage": image}}


def subscribed(bot: Deployed) -> Callable[[], list[str]]:
    """Subscribes a queue to the topic; everything that came to it so far."""
    queues, topic, got = bot.aws("sqs"), bot.outputs["NotifyTopicArn"], list[str]()
    url = queues.create_queue(QueueName="mailbox")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:*", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    bot.aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def mail() -> list[str]:
        for message in queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            got.append(json.loads(message["Body"])["Message"])
            queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return got

    return mail


def test_a_kill_and_a_dead_bot_are_told_both_ways(
    bot: Deployed, person: Living, telegram: FakeTelegram, until: Until
) -> None:
    mail = subscribed(bot)
    telegram.got.clear()
    bot.change(notify_protections="both", notify_dead="both")
    assert bot.http("POST", "kill", {"why": "a test of notices"}).status_code == 200
    bot.aws("sns").publish(TopicArn=bot.outputs["AlarmTopicArn"], Message=json.dumps(ALARM))
    until(lambda: len(telegram.got) >= 2 and len(mail()) >= 2, PATIENCE_SECONDS)
    bot.http("POST", "rearm")

    mails = mail()
    assert sorted(mails) == sorted(telegram.got)
    assert len([text for text in mails if "a test of notices" in text]) == 1
    assert len([text for text in mails if "the bot is dead or cut off" in text]) == 1


def test_the_token_is_in_no_log_and_no_table(bot: Deployed, person: Living) -> None:
    texts = [text for group in ("notify", "api", "trader") for text in person.log_texts(group)]
    texts += [str(item) for table in ("Notice", "BotConfig", "SettingsHistory") for item in person.items(table)]

    assert len(texts) > 50
    assert [text for text in texts if TOKEN in text or TOKEN.split(":")[1] in text] == []
