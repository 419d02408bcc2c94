"""Who is let in: the admin's and the reader's token over HTTP and WebSocket, a ticket once and for 30 s."""

import time
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.parameters import base
from botocore.exceptions import ClientError

from heisenbug.store.connection import Connections
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


HEADERS = ["authorization", "Authorization", "AUTHORIZATION", "aUTHORIZATION"]


@pytest.mark.parametrize("role", ["admin", "reader"])
@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER"])
def test_a_token_is_known_in_whatever_case_the_header_is_written(
    authorizer: Any, role: str, header: str, kind: str
) -> None:
    headers = {"host": "example.com", header: f"{kind} {TOKENS[role]}"}
    assert authorizer.handler(http(headers), None) == {"isAuthorized": True, "context": {"role": role}}
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
    assert authorizer.handler(http({"authorization": value}), None) == {"isAuthorized": False}
    answer = authorizer.handler(connecting({"Authorization": value}), None)
    assert effect(answer) == "Deny"
    assert "context" not in answer


@pytest.mark.parametrize("headers", [None, {}, {"host": "example.com"}, {"x-authorization": "Bearer x"}])
def test_without_a_token_nothing_opens(authorizer: Any, headers: dict[str, str] | None) -> None:
    assert authorizer.handler(http(headers), None) == {"isAuthorized": False}
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
    assert authorizer.handler(http({}, {"ticket": "t1"}), None) == {"isAuthorized": False}
    assert effect(authorizer.handler(connecting({}, {"ticket": "t1"}), None)) == "Allow"


def test_a_wrong_token_does_not_use_up_the_ticket_beside_it(authorizer: Any) -> None:
    Connections().issue("t1", "admin", int(time.time()))
    headers = {"Authorization": "Bearer wrong"}
    assert effect(authorizer.handler(connecting(headers, {"ticket": "t1"}), None)) == "Deny"
    assert Connections().redeem("t1", int(time.time())) == "admin"


def test_the_tokens_are_read_once_and_kept_for_a_while(authorizer: Any, tables: Cloud) -> None:
    tables.calls.clear()
    for _ in range(5):
        authorizer.handler(http({"authorization": "Bearer wrong"}), None)
    assert tables.counted()["GetParameter"] <= 2


def test_tokens_that_cannot_be_read_are_a_failure_not_a_refusal(authorizer: Any) -> None:
    boto3.client("ssm").delete_parameter(Name=ADMIN)
    with pytest.raises(parameters.GetParameterError):
        authorizer.handler(http({"authorization": "Bearer wrong"}), None)
