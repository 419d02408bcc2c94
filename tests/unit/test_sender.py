"""Sending to many clients: in order, to all of them, and never longer than the function may take."""

from collections import defaultdict

import pytest

from heisenbug.push.sender import SEND_SECONDS, Gone, Sender, TooLate

MESSAGES = [b"1", b"2", b"3"]


class Clients:
    """Clients that take messages, each at its own pace in seconds of a clock that only they move."""

    def __init__(self, seconds: dict[str, float] | None = None) -> None:
        self.now = 0.0
        self.got: dict[str, list[bytes]] = defaultdict(list)
        self.forgotten: list[str] = []
        self.failed: dict[str, Exception] = {}
        self._seconds = seconds or {}
        self.sender = Sender(self.post, self.forgotten.append, self.failed.__setitem__, lambda: self.now)

    def post(self, connection_id: str, body: bytes) -> None:
        self.now += self._seconds.get(connection_id, 0)
        if connection_id == "gone":
            raise Gone(connection_id)
        if connection_id == "hangs":
            raise TimeoutError
        self.got[connection_id].append(body)


def test_every_client_gets_every_message_in_order() -> None:
    clients = Clients()
    names = [f"c{number}" for number in range(500)]
    assert clients.sender.send(names, MESSAGES) == 500
    assert dict(clients.got) == {name: MESSAGES for name in names}


def test_one_that_is_gone_is_forgotten_and_one_that_fails_is_not() -> None:
    clients = Clients()
    assert clients.sender.send(["gone", "hangs", "c"], MESSAGES) == 1
    assert clients.forgotten == ["gone"]
    assert list(clients.failed) == ["hangs"]
    assert clients.got["c"] == MESSAGES


def test_when_the_time_is_over_no_post_begins_and_nobody_is_forgotten() -> None:
    clients = Clients({"hangs": SEND_SECONDS})
    clients.sender._pool._max_workers = 1  # one after the other, so that the clock is one story
    assert clients.sender.send(["hangs", "late", "later"], MESSAGES) == 0
    assert not clients.got
    assert not clients.forgotten
    assert {name: type(error) for name, error in clients.failed.items() if name != "hangs"} == {
        "late": TooLate,
        "later": TooLate,
    }


def test_a_slow_client_loses_the_rest_of_its_messages_never_one_between() -> None:
    clients = Clients({"slow": SEND_SECONDS * 0.6})
    assert clients.sender.send(["slow"], MESSAGES) == 0
    assert clients.got["slow"] == MESSAGES[:2]
    with pytest.raises(TooLate, match="not told within"):
        raise clients.failed["slow"]


def test_the_time_of_one_sending_is_not_taken_from_the_next() -> None:
    clients = Clients({"slow": SEND_SECONDS})
    clients.sender.send(["slow"], MESSAGES)
    assert clients.sender.send(["c"], MESSAGES) == 1
