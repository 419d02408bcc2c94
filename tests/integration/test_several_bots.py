"""Several bots in one deployment: each is ticked by itself, with its own settings, ledger, history and queue messages;
what becomes of one is nothing to another."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest

from heisenbug.actions import Actions
from heisenbug.configuration import Configurations
from heisenbug.domain.registered import Registered
from heisenbug.domain.venue import UPHOLD
from heisenbug.fleet import Fleet
from heisenbug.markets.generated import GeneratedMarket
from heisenbug.starting import NotStarted, Starter
from heisenbug.store.bot_state import Ledgers, States
from heisenbug.store.connection import Admitted, Connections
from heisenbug.store.registry import Registry
from heisenbug.wiring import Wiring
from local.exchange import running, serve
from tests.lambdas import Http, load, websocket_event
from tests.tables import Cloud

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
CONTEXT = SimpleNamespace(
    aws_request_id="an-attempt", function_name="heisenbug-trader", get_remaining_time_in_millis=lambda: 20_000
)


@dataclass
class Invoked:
    """A Lambda client that notes what it is asked to invoke, and refuses some."""

    begun: list[dict[str, Any]] = field(default_factory=list)
    refused: tuple[str, ...] = ()
    wait: Callable[[], bool] = lambda: True

    def invoke(self, FunctionName: str, InvocationType: str, Payload: bytes) -> None:
        assert self.wait()
        event = json.loads(Payload)
        if event["bot"] in self.refused:
            raise boto3.client("lambda").exceptions.TooManyRequestsException({"Error": {"Code": "429"}}, "Invoke")
        assert (FunctionName, InvocationType) == (CONTEXT.function_name, "Event")
        self.begun.append(event)


@pytest.fixture(scope="module")
def market() -> Iterator[str]:
    """The address of a market."""
    with running(serve(GeneratedMarket(seed=7))) as exchange:
        yield exchange.url


@pytest.fixture
def trader(tables: Cloud, monkeypatch: pytest.MonkeyPatch, market: str) -> ModuleType:
    """The trader's handler."""
    queue = boto3.client("sqs").create_queue(QueueName="heisenbug-ticks")["QueueUrl"]
    for name, value in {"EXCHANGE_URL": market, "TICK_QUEUE_URL": queue}.items():
        monkeypatch.setenv(name, value)
    return load(monkeypatch, "trader")


@pytest.fixture
def invoked(monkeypatch: pytest.MonkeyPatch) -> Invoked:
    """What other invocations are begun through."""
    client = Invoked()
    monkeypatch.setattr("heisenbug.wiring._starter", lambda session, function: Starter(lambda: client, function))
    return client


def create(bot_id: str, **changes: Any) -> None:
    """A bot that is active."""
    bot = Registered(bot_id, "uphold", NOW.isoformat(), "a test")
    assert Registry().reserve(bot)
    Configurations(bot_id).change(changes, "a test", NOW)
    Registry().open(bot)


def remove(bot_id: str) -> None:
    """Take it out."""
    bot = Registry().get(bot_id)
    assert bot is not None
    Registry().remove(bot, "a test", NOW.isoformat())


def queued(due: int, bot: str | None = None) -> dict[str, Any]:
    """A tick from the queue."""
    body: Mapping[str, Any] = {"due": due, "interval": 60, **({"bot": bot} if bot else {})}
    return {"Records": [{"body": json.dumps(body)}]}


def test_a_deployment_with_one_bot_begins_no_other_invocation(trader: ModuleType, invoked: Invoked) -> None:
    trader.handler({}, CONTEXT)
    assert invoked.begun == []
    assert States("default").read().ticks == 1


def test_the_minute_gives_each_active_bot_an_invocation_of_its_own_and_none_to_one_that_was_removed(
    trader: ModuleType, invoked: Invoked
) -> None:
    for name in ("anna", "bert", "carl"):
        create(name)
    remove("bert")
    trader.handler({}, CONTEXT)
    assert sorted(event["bot"] for event in invoked.begun) == ["anna", "carl"]
    assert [States(name).read().ticks for name in ("default", "anna", "carl")] == [1, 0, 0]


def test_an_invocation_of_one_bot_ticks_that_bot_alone_and_sends_its_ticks_under_its_name(
    trader: ModuleType, invoked: Invoked, tables: Cloud
) -> None:
    create("anna", check_interval_seconds=30, paper_start={"USD": "77"})
    trader.handler({"bot": "anna"}, CONTEXT)
    assert invoked.begun == []
    assert (States("anna").read().ticks, States("default").read().ticks) == (1, 0)
    sent = [json.loads(call["Entries"][0]["MessageBody"]) for name, call in tables.calls if name == "SendMessageBatch"]
    assert [body["bot"] for body in sent] == ["anna"]
    ledger = Ledgers("anna").read("paper")
    assert ledger is not None
    assert str(ledger[0].holdings["USD"]) == "77"
    assert Ledgers("default").read("paper") is None


def test_a_tick_of_a_removed_bot_that_comes_late_does_nothing(trader: ModuleType, tables: Cloud) -> None:
    create("anna")
    remove("anna")
    before = tables.items("BotState")
    due = int(datetime.now(UTC).timestamp())
    trader.handler(queued(due, "anna"), CONTEXT)
    trader.handler({"bot": "anna"}, CONTEXT)
    assert tables.items("BotState") == before
    assert tables.items("PriceSnapshot") == []


def test_a_message_without_a_name_is_of_the_deployments_own_bot(trader: ModuleType) -> None:
    due = int(datetime.now(UTC).timestamp()) // 60 * 60
    trader.handler(queued(due), CONTEXT)
    assert States("default").read().last_tick == due


def test_a_bot_that_cannot_be_begun_keeps_neither_the_others_nor_the_own_from_their_minute_and_is_told(
    trader: ModuleType, invoked: Invoked
) -> None:
    for name in ("anna", "bert", "carl"):
        create(name)
    invoked.refused = ("anna",)
    with pytest.raises(NotStarted, match="anna: "):
        trader.handler({}, CONTEXT)
    assert sorted(event["bot"] for event in invoked.begun) == ["bert", "carl"]
    assert States("default").read().ticks == 1


def test_the_own_bot_does_not_wait_until_the_others_are_begun(
    trader: ModuleType, invoked: Invoked, monkeypatch: pytest.MonkeyPatch
) -> None:
    create("anna")
    ticked = threading.Event()
    monkeypatch.setattr(invoked, "wait", lambda: ticked.wait(10))
    monkeypatch.setattr(trader, "tell", lambda report, bot_id: ticked.set())
    trader.handler({}, CONTEXT)
    assert invoked.begun == [{"bot": "anna"}]
    assert ticked.is_set()


def test_the_others_are_begun_where_the_own_bot_fails(
    trader: ModuleType, invoked: Invoked, monkeypatch: pytest.MonkeyPatch
) -> None:
    create("anna")
    monkeypatch.setattr(trader, "run_minute", lambda bot: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        trader.handler({}, CONTEXT)
    assert invoked.begun == [{"bot": "anna"}]


def test_a_rehearsals_time_is_told_to_every_bot(
    trader: ModuleType, invoked: Invoked, monkeypatch: pytest.MonkeyPatch
) -> None:
    create("anna")
    monkeypatch.setattr(type(trader.wiring._own.deployment), "is_rehearsal", True)
    trader.handler({"now": 1_767_225_600}, CONTEXT)
    assert invoked.begun == [{"now": 1_767_225_600, "bot": "anna"}]


def test_what_a_process_remembers_of_one_bot_no_other_gets_but_the_venue_is_one(tables: Cloud) -> None:
    create("anna")
    wiring = Wiring({"TABLE_PREFIX": "test-"})
    own, anna = wiring.bot("1", 20_000), wiring.bot("2", 20_000, "anna")
    assert own is not None
    assert anna is not None
    assert own.remembered is not anna.remembered
    assert own.configurations is not anna.configurations
    assert own.looking._memory is not anna.looking._memory
    assert own.patience is anna.patience
    again = wiring.bot("3", 20_000, "anna")
    assert again is not None
    assert again.remembered is anna.remembered


def test_a_live_wish_to_a_bot_that_is_not_there_is_refused(trader: ModuleType) -> None:
    assert trader.handler({"live": {"look": True}, "bot": "nobody"}, CONTEXT) == {"error": "There is no bot nobody."}


# ------------------------------------------------------------------ being watched, told and fitted


def change_of_settings(bot_id: str, version: int) -> dict[str, Any]:
    """A record of BotConfig's stream."""
    image = {"bot_id": {"S": bot_id}, "version": {"N": str(version)}, "updated_at": {"S": "2026-01-05T12:00:00Z"}}
    stream = {"Keys": {"bot_id": {"S": bot_id}}, "NewImage": image}
    return {"eventSourceARN": "arn:aws:dynamodb:x:1:table/test-BotConfig/stream/s", "dynamodb": stream}


def test_pushes_of_one_bot_reach_those_who_watch_it_and_nobody_else(
    tables: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    create("anna")
    connection = load(monkeypatch, "websocket", "connection")
    for client, bot in (("c-own", None), ("c-own-too", "default"), ("c-anna", "anna")):
        event = websocket_event(client, "CONNECT")
        event["requestContext"]["authorizer"] |= {"bot": bot} if bot else {}
        assert connection.handler(event, None) == {"statusCode": 200}
    broadcast = load(monkeypatch, "broadcast")
    sent: list[tuple[str, int]] = []

    def send(clients: list[str], messages: list[bytes]) -> int:
        sent.extend((client, json.loads(message)["data"]["version"]) for client in clients for message in messages)
        return len(clients)

    monkeypatch.setattr(broadcast, "sender", SimpleNamespace(send=send))
    broadcast.handler({"Records": [change_of_settings("anna", 7), change_of_settings("default", 3)]}, None)
    assert sorted(sent) == [("c-anna", 7), ("c-own", 3), ("c-own-too", 3)]


@pytest.mark.parametrize("name", ["nobody", "a:live", "x" * 2000])
def test_nobody_is_let_in_to_watch_a_bot_that_is_not_there(
    tables: Cloud, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    event = websocket_event("c1", "CONNECT")
    event["requestContext"]["authorizer"]["bot"] = name
    assert load(monkeypatch, "websocket", "connection").handler(event, None) == {"statusCode": 404}
    assert tables.items("Connection") == []


def test_a_ticket_is_of_one_bot(tables: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    create("anna")
    reply = Http(load(monkeypatch, "api").handler)("POST", "/api/ws-ticket", query={"bot": "anna"})
    assert Connections().redeem(reply.data["ticket"], int(datetime.now(UTC).timestamp())) == Admitted("admin", "anna")


def test_what_a_client_does_it_does_to_the_bot_that_it_watches(tables: Cloud) -> None:
    create("anna")
    actions = Actions(Fleet(Registered("default", "uphold"), UPHOLD, lambda: NOW))
    change = json.dumps({"action": "update_config", "data": {"cooldown_seconds": 77}})
    assert actions.answer(change, "admin", "anna")[0] == "config_updated"
    assert Configurations("anna").now().settings.cooldown_seconds == 77
    assert Configurations("default").now().settings.cooldown_seconds == 300
    assert actions.answer('{"action": "get_status"}', "reader", "anna")[1]["bot_id"] == "anna"
    _, told = actions.answer('{"action": "get_bots"}', "reader", "anna")
    assert [bot["bot_id"] for bot in told["bots"]] == ["default", "anna"]
    remove("anna")
    kind, error = actions.answer(change, "admin", "anna")
    assert kind == "error"
    assert "was removed at" in error["message"]


def test_each_bot_is_fitted_in_an_invocation_of_its_own(
    tables: Cloud, monkeypatch: pytest.MonkeyPatch, invoked: Invoked
) -> None:
    for name in ("anna", "bert"):
        create(name, refit="off")
    remove("bert")
    refit = load(monkeypatch, "refit")
    assert refit.handler({}, CONTEXT)["outcome"] == "not fitted"
    assert invoked.begun == [{"bot": "anna"}]
    assert (States("default").refit() is None, States("anna").refit()) == (False, None)
    refit.handler({"bot": "anna"}, CONTEXT)
    assert States("anna").refit() is not None
    assert len(invoked.begun) == 1


def test_notices_go_where_their_bots_settings_say_and_name_it(tables: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    create("anna", notify_protections="sns")
    for name in ("TELEGRAM_PARAMETER", "TELEGRAM_URL", "NOTIFY_TOPIC", "DEAD_PUSHES_URL"):
        monkeypatch.setenv(name, "https://example.com")
    notify = load(monkeypatch, "notify")
    said: list[str] = []
    monkeypatch.setattr("heisenbug.notifying.topic.Topic.send", lambda self, text: said.append(text) or "")
    records = [killed("anna"), killed("default")]
    notify.handler({"Records": records}, None)
    (told,) = said
    assert told.startswith("heisenbug anna, ")


def killed(bot_id: str) -> dict[str, Any]:
    """A record of BotState's stream: the bot was killed."""
    image = {name: {"S": "2026-01-05T12:00:00Z"} for name in ("killed_at", "killed_by", "killed_why")}
    stream = {"NewImage": {"bot_id": {"S": bot_id}, "item": {"S": "tick"}, **image}}
    return {"eventSourceARN": "arn:aws:dynamodb:x:1:table/test-BotState/stream/s", "dynamodb": stream}


def test_another_venue_is_asked_at_its_own_address_with_a_credential_of_its_own(tables: Cloud) -> None:
    bot = Registered("anna", "uphold", NOW.isoformat(), "a test")
    assert Registry().reserve(bot)
    Registry().open(bot)
    told = {"VENUE": "kraken", "EXCHANGE_URL": "http://127.0.0.1:9", "HISTORY_URL": "http://127.0.0.1:9/local/samples"}
    wiring = Wiring({"TABLE_PREFIX": "test-", "CREDENTIAL_PARAMETER": "/token", **told})
    own, other = wiring._furnished("default"), wiring._furnished("anna")
    assert own is not None
    assert other is not None
    assert (own.venue.name, own.credential.name, own.past is None) == ("kraken", "/token", False)
    assert (other.venue.name, other.credential.name, other.past is None) == ("uphold", "/token/uphold", True)
    assert (own.live.http.url, other.live.http.url) == ("http://127.0.0.1:9", UPHOLD.url)  # type: ignore[attr-defined]
    assert own.patience is not other.patience
    assert (own.deployment.is_rehearsal, other.deployment.is_rehearsal) == (False, False)
