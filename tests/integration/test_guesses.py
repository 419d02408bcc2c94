"""Tokens that are tried to sign in: ten wrong ones a minute from one address, and what happens to everybody else."""

import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heisenbug import wiring
from heisenbug.store.connection import Client, Connections
from heisenbug.store.guesses import MOST, WINDOW_SECONDS, Guesses, network_of
from tests.doors import TOKENS, opened_door
from tests.lambdas import Http, Reply
from tests.tables import Cloud

MINUTE = 1_800_000_000 // WINDOW_SECONDS * WINDOW_SECONDS
GUESSER, PERSON = "192.0.2.7", "198.51.100.1"


class Clock:
    """The API's clock."""

    now = MINUTE + 12

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(wiring, "now", clock)
    return clock


@pytest.fixture
def api(tables: Cloud, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Http:
    return Http(opened_door(monkeypatch, tmp_path), role=None)


def sign_in(api: Http, token: str, address: str = GUESSER, method: str = "POST", path: str = "session") -> Reply:
    http = {"method": method, "path": f"/api/{path}", "sourceIp": address}
    asking = api.with_headers(Authorization=f"Bearer {token}")
    return asking(method, f"/api/{path}", requestContext={"http": http, "stage": "$default"})


def guess(api: Http, times: int, address: str = GUESSER) -> list[int]:
    return [sign_in(api, f"guess-{number}", address).status for number in range(times)]


def test_after_ten_wrong_tokens_none_is_looked_at_until_the_minute_is_over(api: Http, clock: Clock) -> None:
    assert guess(api, MOST + 2) == [401] * MOST + [429] * 2
    for token in ("guess", TOKENS["admin"]):
        refused = sign_in(api, token)
        assert (refused.status, refused.error["code"]) == (429, "too_many_guesses")
        assert refused.headers["retry-after"] == "48"
        assert refused.error["message"] == (
            "Too many tokens were tried from your address; none is looked at for another 48 s."
        )
        assert refused.cookies == ()
    clock.now = MINUTE + WINDOW_SECONDS
    assert sign_in(api, TOKENS["admin"]).status == 200
    assert guess(api, MOST + 1) == [401] * MOST + [429]


def test_nobody_else_is_kept_out_and_nobody_from_what_they_have(api: Http) -> None:
    session = sign_in(api, TOKENS["reader"]).cookies[0].split(";")[0]
    guess(api, MOST + 1)
    assert sign_in(api, TOKENS["admin"], PERSON).status == 200
    assert sign_in(api, TOKENS["admin"], method="GET", path="status").status == 200
    assert api.with_headers(Cookie=session)("GET", "/api/status").status == 200


def test_right_tokens_do_not_count(api: Http) -> None:
    guess(api, MOST - 1)
    assert {sign_in(api, TOKENS["reader"]).status for _ in range(3 * MOST)} == {200}
    assert guess(api, 2) == [401, 429]


def test_what_is_no_token_is_no_guess(api: Http) -> None:
    assert {api("POST", "/api/session").status for _ in range(2 * MOST)} == {401}


def test_of_a_household_all_addresses_are_one() -> None:
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::9") != network_of("2001:db8:1:2::9")
    assert network_of("192.0.2.7") != network_of("192.0.2.8")
    assert {network_of(text) for text in ("", "somewhere", "1" * 500)} == {"unknown"}


def test_who_guesses_at_once_gets_no_more_guesses(tables: Cloud) -> None:
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: Guesses().spend(GUESSER, MINUTE), range(3 * MOST)))
    assert sorted(waits) == [0] * MOST + [WINDOW_SECONDS] * 2 * MOST


def test_guesses_are_no_clients_and_expire(tables: Cloud) -> None:
    Connections().add(Client("c1", "reader"), MINUTE)
    Guesses().spend(GUESSER, MINUTE)
    assert [client.connection_id for client in Connections().all()] == ["c1"]
    assert Connections().count(MINUTE) == 1
    expiries = [int(item["expires_at"]["N"]) for item in tables.items("Connection") if "tried" in item]
    assert expiries == [MINUTE + WINDOW_SECONDS]


def test_a_table_that_cannot_be_written_lets_nobody_guess(api: Http, tables: Cloud) -> None:
    def refuse(name: str, call: object) -> None:
        if name == "UpdateItem":
            raise OSError("no route to the table")

    tables.before = refuse
    with pytest.raises(Exception, match="no route"):
        sign_in(api, "guess")


def test_tokens_are_compared_in_constant_time(api: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    plain: Callable[[bytes, bytes], bool] = hmac.compare_digest

    def comparing(known: bytes, told: bytes) -> bool:
        compared.append(known)
        return plain(known, told)

    monkeypatch.setattr(hmac, "compare_digest", comparing)
    sign_in(api, "guess")
    assert compared == [token.encode() for token in TOKENS.values()]
