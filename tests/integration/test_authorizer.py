"""Who is let in: the admin's and the reader's token over HTTP and WebSocket, a ticket once and for 30 s."""

import logging
import time
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.parameters import base
from botocore.exceptions import ClientError

from heisenbug.store.connection import Admitted, Connections
from tests.lambdas import ADMIN, READER, load
from tests.tables import Cloud

ARN = "arn:aws:execute-api:eu-central-1:123456789012:abcd0001/prod/$connect"
TOKENS = {"admin": "admin-token-of-43-characters", "reader": "reader-token-of-43-characters"}


@pytest.fixture
def authorizer(tables: Cloud, monkeypatch: pytest.MonkeyPatch) -> Any:
    ssm = boto3.client("ssm")
    for name, role in ((ADMIN, "admin"), (READER, "reader")):
        ssm.put_parameter(Name=name, Value=TOKENS[role], Type="SecureString")
    base.__dict__["DEFAULT_PROVIDERS"].clear()
    return load(monkeypatch, "authorizer")


STRANGER = {"role": "", "by": "token", "expires_at": "", "session": ""}


def http(headers: dict[str, str] | None, query: dict[str, str] | None = None) -> dict[str, Any]:
    """A request to the HTTP API, payload 2.0."""
    context = {"http": {"method": "GET", "path": "/api/status"}, "stage": "$default"}
    asked = {"headers": headers, "queryStringParameters": query, "requestContext": context}
    return {"version": "2.0", "type": "REQUEST", **asked}


def connecting(headers: dict[str, str] | None, query: dict[str, str] | None = None) -> dict[str, Any]:
    """A client that wants to connect to the WebSocket API."""
    context = {"eventType": "CONNECT", "routeKey": "$connect", "connectionId": "c1"}
    asked = {"headers": headers, "queryStringParameters": query, "requestContext": context}
    return {"type": "REQUEST", "methodArn": ARN, **asked}


def effect(answer: dict[str, Any]) -> str:
    [statement] = answer["policyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("execute-api:Invoke", ARN)
    return str(statement["Effect"])


def test_no_log_holds_a_token_or_a_ticket_whatever_its_level(
    authorizer: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("botocore", "pynamodb"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    authorizer = load(monkeypatch, "authorizer")
    base.__dict__["DEFAULT_PROVIDERS"].clear()
    authorizer.handler(http({"authorization": f"Bearer {TOKENS['admin']}"}), None)
    Connections().issue("a-ticket-that-lets-in", "admin", int(time.time()))
    assert effect(authorizer.handler(connecting({}, {"ticket": "a-ticket-that-lets-in"}), None)) == "Allow"
    ours = str([one.__dict__ for one in caplog.records if not one.name.startswith("moto")])
    assert TOKENS["admin"] not in ours
    assert "a-ticket-that-lets-in" not in ours


HEADERS = ["authorization", "Authorization", "AUTHORIZATION", "aUTHORIZATION"]


@pytest.mark.parametrize("role", ["admin", "reader"])
@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER"])
def test_a_token_is_known_in_whatever_case_the_header_is_written(
    authorizer: Any, role: str, header: str, kind: str
) -> None:
    headers = {"host": "example.com", header: f"{kind} {TOKENS[role]}"}
    context = authorizer.handler(http(headers), None)["context"]
    assert (context["role"], context["by"]) == (role, "token")
    answer = authorizer.handler(connecting(headers), None)
    assert (effect(answer), answer["principalId"], answer["context"]) == ("Allow", role, {"role": role})


WRONG = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer wrong",
    f"Basic {TOKENS['admin']}",
    TOKENS["admin"],
    f"Bearer {TOKENS['admin']}x",
    f"Bearer {TOKENS['admin'][:-1]}",
    f"Bearer {TOKENS['admin'].upper()}",
    f"Bearer {TOKENS['admin']} {TOKENS['reader']}",
    "Bearer tökën",
    f"Bearer {ADMIN}",
]


@pytest.mark.parametrize("value", WRONG)
def test_a_wrong_token_opens_nothing(authorizer: Any, value: str) -> None:
    context = authorizer.handler(http({"authorization": value}), None)["context"]
    assert context == {**STRANGER, "by": "token" if value else ""}
    answer = authorizer.handler(connecting({"Authorization": value}), None)
    assert effect(answer) == "Deny"
    assert "context" not in answer


@pytest.mark.parametrize("headers", [None, {}, {"host": "example.com"}, {"x-authorization": "Bearer x"}])
def test_without_a_token_nothing_opens(authorizer: Any, headers: dict[str, str] | None) -> None:
    assert authorizer.handler(http(headers), None)["context"] == {**STRANGER, "by": ""}
    assert effect(authorizer.handler(connecting(headers), None)) == "Deny"


@pytest.mark.parametrize("role", ["admin", "reader"])
def test_a_ticket_lets_in_once(authorizer: Any, role: str) -> None:
    Connections().issue("t1", role, int(time.time()))
    first = authorizer.handler(connecting({}, {"ticket": "t1"}), None)
    assert (effect(first), first["context"]) == ("Allow", {"role": role})
    assert effect(authorizer.handler(connecting({}, {"ticket": "t1"}), None)) == "Deny"


@pytest.mark.parametrize(("age", "expected"), [(0, "Allow"), (29, "Allow"), (31, "Deny"), (3600, "Deny")])
def test_a_ticket_lasts_thirty_seconds(authorizer: Any, age: int, expected: str) -> None:
    Connections().issue("t1", "admin", int(time.time()) - age)
    assert effect(authorizer.handler(connecting({}, {"ticket": "t1"}), None)) == expected


@pytest.mark.parametrize("ticket", ["", "unknown", "ticket#t1", "T1", "t1 "])
def test_a_ticket_that_was_never_issued_opens_nothing(authorizer: Any, ticket: str) -> None:
    Connections().issue("t1", "admin", int(time.time()))
    assert effect(authorizer.handler(connecting({}, {"ticket": ticket}), None)) == "Deny"


def long_keys_are_invalid(name: str, call: dict[str, Any]) -> None:
    """The table's own limit, which the tables in memory do not have."""
    if any(len(next(iter(value.values()))) > 2048 for value in call.get("Key", {}).values()):
        raise ClientError({"Error": {"Code": "ValidationException", "Message": "Size of hashkey is too large"}}, name)


def test_a_ticket_of_absurd_length_is_refused(authorizer: Any, tables: Cloud) -> None:
    tables.before = long_keys_are_invalid
    assert effect(authorizer.handler(connecting({}, {"ticket": "x" * 5_000}), None)) == "Deny"


def test_a_ticket_opens_no_http(authorizer: Any) -> None:
    Connections().issue("t1", "admin", int(time.time()))
    assert authorizer.handler(http({}, {"ticket": "t1"}), None)["context"]["role"] == ""
    assert effect(authorizer.handler(connecting({}, {"ticket": "t1"}), None)) == "Allow"


def test_a_wrong_token_does_not_use_up_the_ticket_beside_it(authorizer: Any) -> None:
    Connections().issue("t1", "admin", int(time.time()))
    headers = {"Authorization": "Bearer wrong"}
    assert effect(authorizer.handler(connecting(headers, {"ticket": "t1"}), None)) == "Deny"
    assert Connections().redeem("t1", int(time.time())) == Admitted("admin")


def test_the_tokens_are_read_once_and_kept_for_a_while(authorizer: Any, tables: Cloud) -> None:
    tables.calls.clear()
    for _ in range(5):
        authorizer.handler(http({"authorization": "Bearer wrong"}), None)
    assert tables.counted()["GetParameter"] <= 2


def test_tokens_that_cannot_be_read_are_a_failure_not_a_refusal(authorizer: Any) -> None:
    boto3.client("ssm").delete_parameter(Name=ADMIN)
    with pytest.raises(parameters.GetParameterError):
        authorizer.handler(http({"authorization": "Bearer wrong"}), None)


def cookie(authorizer: Any, role: str = "admin") -> str:
    """The session that a token opens."""
    asked = http({"authorization": f"Bearer {TOKENS[role]}"})
    return str(authorizer.handler(asked, None)["context"]["session"])


def role_by(authorizer: Any, value: str) -> str:
    asked = http({"cookie": f"other=1; heisenbug={value}"})
    among_cookies = {**http({}), "cookies": ["other=1", f"heisenbug={value}"]}
    roles = {authorizer.handler(event, None)["context"]["role"] for event in (asked, among_cookies)}
    assert len(roles) == 1
    return str(roles.pop())


@pytest.mark.parametrize("role", ["admin", "reader"])
def test_a_session_is_known_until_its_time_is_over(authorizer: Any, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = cookie(authorizer, role)
    assert role_by(authorizer, value) == role
    week, later = 7 * 24 * 3600, time.time()
    monkeypatch.setattr(time, "time", lambda: later + week - 5)
    assert role_by(authorizer, value) == role
    monkeypatch.setattr(time, "time", lambda: later + week + 5)
    assert role_by(authorizer, value) == ""


FORGERIES = {
    "nothing": lambda value: "",
    "its last letter": lambda value: value[:-1] + ("0" if value[-1] != "0" else "1"),
    "another role": lambda value: value.replace("reader", "admin"),
    "a longer life": lambda value: value.replace(value.split(".")[1], str(int(value.split(".")[1]) + 1)),
    "no signature": lambda value: value.rpartition(".")[0] + ".",
    "no time": lambda value: f"reader..{value.rpartition('.')[2]}",
    "a time that is none": lambda value: f"reader.soon.{value.rpartition('.')[2]}",
    "other digits": lambda value: f"reader.\u0661\u0662.{value.rpartition('.')[2]}",
    "a role that is none": lambda value: value.replace("reader", "owner"),
    "a signature that is none": lambda value: value.rpartition(".")[0] + ".t\u00f6k\u00ebn",
    "endless": lambda value: "reader." + "9" * 5_000 + ".x",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_session_that_was_not_signed_here_is_a_strangers(authorizer: Any, forge: Any) -> None:
    assert role_by(authorizer, forge(cookie(authorizer, "reader"))) == ""


def test_new_tokens_end_every_session(authorizer: Any) -> None:
    value = cookie(authorizer)
    boto3.client("ssm").put_parameter(Name=ADMIN, Value="another-token", Type="SecureString", Overwrite=True)
    base.__dict__["DEFAULT_PROVIDERS"].clear()
    assert role_by(authorizer, value) == ""


def test_a_session_opens_no_websocket(authorizer: Any) -> None:
    value = cookie(authorizer)
    assert effect(authorizer.handler(connecting({"cookie": f"heisenbug={value}"}), None)) == "Deny"


def test_who_looks_in_public_may_only_read_and_a_wrong_token_not_even_that(
    authorizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authorizer, "IS_PUBLIC", True)
    context = authorizer.handler(http({}), None)["context"]
    assert (context["role"], context["by"], context["session"]) == ("reader", "public", "")
    assert authorizer.handler(http({"authorization": "Bearer wrong"}), None)["context"]["role"] == ""
    assert role_by(authorizer, "admin.1.x") == ""
    assert effect(authorizer.handler(connecting({}), None)) == "Deny"
