"""$connect and $disconnect: who is remembered, in which role, and for how long."""

import time
from typing import Any

import pytest

from heisenbug.store.connection import CONNECTION_TTL_SECONDS, Client, Connections
from tests.lambdas import load, websocket_event
from tests.tables import Cloud


@pytest.fixture
def connection(tables: Cloud, monkeypatch: pytest.MonkeyPatch) -> Any:
    return load(monkeypatch, "websocket", "connection")


@pytest.mark.parametrize("role", ["admin", "reader"])
def test_a_client_that_was_let_in_is_remembered_in_its_role(connection: Any, role: str) -> None:
    assert connection.handler(websocket_event("c1=", "CONNECT", role), None) == {"statusCode": 200}
    assert list(Connections().all()) == [Client("c1=", role)]


def test_a_client_is_forgotten_by_itself_after_three_hours(connection: Any, tables: Cloud) -> None:
    connection.handler(websocket_event("c1=", "CONNECT"), None)
    [item] = tables.items("Connection")
    assert abs(int(item["expires_at"]["N"]) - time.time() - CONNECTION_TTL_SECONDS) < 5


def test_a_client_that_left_is_forgotten(connection: Any) -> None:
    connection.handler(websocket_event("c1=", "CONNECT"), None)
    connection.handler(websocket_event("c2=", "CONNECT", "reader"), None)
    assert connection.handler(websocket_event("c1=", "DISCONNECT", None), None) == {"statusCode": 200}
    assert list(Connections().all()) == [Client("c2=", "reader")]


def test_a_client_that_leaves_twice_or_never_came_is_no_failure(connection: Any) -> None:
    for _ in range(2):
        assert connection.handler(websocket_event("c1=", "DISCONNECT", None), None) == {"statusCode": 200}


def test_a_client_that_comes_twice_is_one(connection: Any) -> None:
    for _ in range(2):
        connection.handler(websocket_event("c1=", "CONNECT"), None)
    assert len(list(Connections().all())) == 1


def test_a_ticket_is_nobody_to_push_to(connection: Any) -> None:
    Connections().issue("t1", "admin", int(time.time()))
    assert list(Connections().all()) == []


def test_nobody_gets_in_without_the_authorizers_word(connection: Any, tables: Cloud) -> None:
    with pytest.raises(KeyError):
        connection.handler(websocket_event("c1=", "CONNECT", None), None)
    assert tables.items("Connection") == []
