"""Talking to a venue: reading is asked again in time, sending is not, and no deadline is overstayed."""

import gzip
import json
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from heisenbug.domain.errors import MarketUnavailable, MissingAct, Quiet
from heisenbug.exchange import http as module
from heisenbug.exchange.http import LARGEST_ANSWER_BYTES, PAUSES_SECONDS, Http
from heisenbug.exchange.patience import Patience
from tests.canned import EMPTY, HANGS, HTML, RESET, Canned, Reply, Told, http_to
from tests.fakes import Clock, Died
from tests.markets import MONDAY

FINE = Reply(200, {"fine": True})
BROKEN = Reply(500, {"code": "internal_server_error", "message": "Internal Server Error"})
BUSY = Reply(503, b"<html>busy</html>")
ONCE_MORE = len(PAUSES_SECONDS) + 1


def talking(*told: Told, patience: Patience | None = None, **options: Any) -> tuple[Http, Canned, Clock]:
    """HTTP to a venue that says this, at Monday midnight."""
    clock = Clock()
    canned = Canned(clock, *told)
    return http_to(canned, clock, patience, **options), canned, clock


def outcome(ask: Callable[[], str]) -> str:
    """What `ask` gives, or what it raises says."""
    try:
        return ask()
    except MarketUnavailable as error:
        return str(error)


# ---------------------------------------------------------------------- reading


@pytest.mark.parametrize("passing", [BROKEN, BUSY, Reply(502), Reply(504), RESET])
def test_a_reading_that_came_to_nothing_is_asked_again(passing: Told) -> None:
    http, canned, _ = talking(passing, FINE)
    assert http.get("/v0/ticker", MONDAY + 4).body == {"fine": True}
    assert canned.paths() == ["GET /v0/ticker"] * 2


def test_a_reading_is_asked_three_times_in_all_and_the_last_word_is_told() -> None:
    http, canned, clock = talking(BROKEN)
    answer = http.get("/", MONDAY + 4)
    assert answer.status == 500
    assert len(canned.sent) == ONCE_MORE
    assert clock.at == pytest.approx(MONDAY + sum(PAUSES_SECONDS))


def test_a_reading_without_any_connection_says_so_in_the_end() -> None:
    http, canned, _ = talking(RESET)
    with pytest.raises(MarketUnavailable, match=r"^the exchange did not answer: no connection$"):
        http.get("/", MONDAY + 4)
    assert len(canned.sent) == ONCE_MORE


@pytest.mark.parametrize("status", [200, 202, 206, 302, 400, 401, 403, 404, 409, 412, 416, 422, 423])
def test_an_answer_that_would_be_the_same_again_is_asked_for_once(status: int) -> None:
    http, canned, _ = talking(Reply(status, {}))
    assert http.get("/", MONDAY + 4).status == status
    assert len(canned.sent) == 1


@pytest.mark.parametrize("left", [0.1, 0.19, 0.6, 0.75, 1.0, 4.0])
@pytest.mark.parametrize("told", [BROKEN, RESET, Reply(429, {}, {"Retry-After": "1"})])
def test_nothing_is_asked_and_nothing_waited_for_beyond_the_deadline(told: Told, left: float) -> None:
    http, canned, clock = talking(told)
    said = outcome(lambda: http.get("/", MONDAY + left).says)
    assert said.startswith(("the exchange answered", "the exchange did not answer"))
    assert all(at < MONDAY + left for at in canned.at)
    assert clock.at < MONDAY + left


def test_a_venue_that_hangs_takes_no_longer_than_the_deadline() -> None:
    http, canned, clock = talking(HANGS)
    with pytest.raises(MarketUnavailable, match=r"^the exchange did not answer: it took too long$"):
        http.get("/", MONDAY + 4)
    assert clock.at == pytest.approx(MONDAY + 4)
    assert len(canned.sent) == 1


def test_what_is_left_of_the_deadline_shrinks_with_every_reading() -> None:
    http, _, clock = talking(Reply(500, {}, seconds=1.5), Reply(500, {}, seconds=1.5), FINE)
    assert http.get("/", MONDAY + 4).ok
    assert clock.at == pytest.approx(MONDAY + 3.7)


def test_with_no_time_left_nothing_is_asked() -> None:
    http, canned, _ = talking(FINE)
    with pytest.raises(MarketUnavailable, match=r"^the exchange was not asked: no time was left$"):
        http.get("/", MONDAY + 0.01)
    assert canned.sent == []


# ------------------------------------------------------------------ 429 and quiet


@pytest.mark.parametrize("seconds", ["0", "1", " 2 ", "3"])
def test_a_short_quiet_is_waited_for(seconds: str) -> None:
    http, canned, clock = talking(Reply(429, {}, {"retry-after": seconds}), FINE)
    assert http.get("/", MONDAY + 4).ok
    assert len(canned.sent) == 2
    assert canned.at[1] >= MONDAY + max(int(seconds), 1)
    assert clock.at < MONDAY + 4


def test_a_long_quiet_is_told_and_outlives_the_reading() -> None:
    patience = Patience()
    http, canned, clock = talking(Reply(429, {}, {"Retry-After": "30"}), FINE, patience=patience)
    with pytest.raises(Quiet) as told:
        http.get("/", MONDAY + 4)
    assert str(told.value) == "the exchange answered 429 Too Many Requests, to be asked again after 30 s"
    assert patience.until == MONDAY + 30
    with pytest.raises(Quiet, match=r"^the exchange wants to be left alone for another 30 s$"):
        http.get("/", MONDAY + 4)
    assert len(canned.sent) == 1
    clock.at = MONDAY + 30
    assert http.get("/", MONDAY + 34).ok


def test_one_patience_keeps_all_that_share_it_quiet() -> None:
    patience = Patience()
    one, _, _ = talking(Reply(429), patience=patience)
    other, canned, _ = talking(FINE, patience=patience)
    with pytest.raises(Quiet):
        one.get("/", MONDAY + 4)
    with pytest.raises(Quiet):
        other.post("/", {}, MONDAY + 4)
    assert canned.sent == []


@pytest.mark.parametrize(
    "headers", [{}, {"Retry-After": "soon"}, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, {"Retry-After": "²"}]
)
def test_a_quiet_of_unknown_length_lasts_a_minute(headers: Mapping[str, str]) -> None:
    patience = Patience()
    http, _, _ = talking(Reply(429, {}, headers), patience=patience)
    with pytest.raises(Quiet):
        http.get("/", MONDAY + 4)
    assert patience.until == MONDAY + 60


# ---------------------------------------------------------------------- sending


WHATEVER = [
    BROKEN,
    BUSY,
    Reply(404, {"code": "not_found"}),
    Reply(409, {}),
    Reply(302, b"", {"Location": "http://exchange.test/other"}),
    Reply(307, b"", {"Location": "http://exchange.test/other"}),
    Reply(308, b"", {"Location": "/other"}),
    Reply(401, {}, {"WWW-Authenticate": "Bearer"}),
    Reply(429, {}, {"Retry-After": "1"}),
    Reply(503, {}, {"Retry-After": "1"}),
    Reply(413, {}, {"Retry-After": "1"}),
    HTML,
    EMPTY,
    HANGS,
    RESET,
    requests.ConnectTimeout("timed out"),
    requests.exceptions.ChunkedEncodingError("IncompleteRead"),
    requests.exceptions.SSLError("bad handshake"),
]


@pytest.mark.parametrize("whatever", WHATEVER)
def test_what_is_sent_is_sent_once_whatever_happens(whatever: Told) -> None:
    http, canned, _ = talking(whatever)
    outcome(lambda: http.post("/commit", {}, MONDAY + 20).says)
    assert canned.paths() == ["POST /commit"]


def test_the_library_below_never_sends_again_by_itself() -> None:
    http = Http("https://api.uphold.com", Clock(), lambda _: None)
    for prefix in ("https://", "http://"):
        adapter = http.session.adapters[prefix]
        assert isinstance(adapter, HTTPAdapter)
        assert adapter.max_retries.total == 0
        assert adapter.max_retries.read is False


def test_what_is_sent_is_json_and_carries_the_proof_of_who_sends_it() -> None:
    http, canned, _ = talking(FINE, sign=lambda: {"Authorization": "Bearer open sesame"})
    http.post("/v0/x", {"amount": "10.00"}, MONDAY + 4)
    (request,) = canned.sent
    assert json.loads(request.body or b"") == {"amount": "10.00"}
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == "Bearer open sesame"


def test_a_proof_that_took_too_long_to_be_had_sends_nothing() -> None:
    clock = Clock()

    def slow() -> dict[str, str]:
        clock.sleep(5)
        return {}

    canned = Canned(clock, FINE)
    http = http_to(canned, clock, sign=slow)
    with pytest.raises(MarketUnavailable, match="no time was left"):
        http.post("/", {}, MONDAY + 4)
    assert canned.sent == []


def test_where_there_is_no_proof_nothing_is_sent_and_nothing_asked_again() -> None:
    def missing() -> dict[str, str]:
        raise MissingAct("There is no credential.")

    http, canned, clock = talking(FINE, sign=missing)
    for ask in (lambda: http.get("/", MONDAY + 4), lambda: http.post("/", {}, MONDAY + 4)):
        with pytest.raises(MissingAct):
            ask()
    assert canned.sent == []
    assert clock.at == MONDAY


# -------------------------------------------------------------------- what comes


def test_an_answer_that_drips_is_stopped_by_the_deadline() -> None:
    http, _, clock = talking(Reply(200, b"x" * 1000, drips=[0.5] * 100))
    with pytest.raises(MarketUnavailable, match=r"^the exchange did not answer: it took too long$"):
        http.get("/", MONDAY + 4)
    assert clock.at <= MONDAY + 4.5


def test_what_nothing_else_ends_is_left_behind_soon_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OVERTIME_SECONDS", 0.02)
    never = Event()

    class Dripping(Canned):
        """A venue whose headers never end: no time-out of the library knows of it."""

        def answer(self, request: requests.PreparedRequest) -> Told:
            never.wait(60)
            return FINE

    clock = Clock()
    http = http_to(Dripping(clock), clock)
    with pytest.raises(MarketUnavailable, match=r"^the exchange did not answer: it took too long$"):
        http.post("/", {}, MONDAY + 0.06)
    never.set()


def test_whatever_ends_the_exchange_of_words_ends_its_caller() -> None:
    class Dies(Canned):
        def answer(self, request: requests.PreparedRequest) -> Told:
            raise Died("here")

    clock = Clock()
    with pytest.raises(Died):
        http_to(Dies(clock), clock).get("/", MONDAY + 4)


def test_an_answer_in_many_parts_is_put_together() -> None:
    http, _, _ = talking(Reply(200, {"rows": ["x" * 50] * 50}, drips=[0.01] * 60))
    assert http.get("/", MONDAY + 4).body == {"rows": ["x" * 50] * 50}


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    http, canned, _ = talking(Reply(200, b"x" * (LARGEST_ANSWER_BYTES + 1)))
    with pytest.raises(MarketUnavailable, match="answer is over 8000000 bytes"):
        http.post("/", {}, MONDAY + 4)
    monkeypatch.setattr(module, "LARGEST_ANSWER_BYTES", 100)
    with pytest.raises(MarketUnavailable, match="answer is over 100 bytes"):
        http.get("/", MONDAY + 4, pauses=())
    assert len(canned.sent) == 2


def test_a_small_answer_that_unpacks_to_a_huge_one_is_given_up() -> None:
    bomb = gzip.compress(b"x" * (LARGEST_ANSWER_BYTES * 4))
    http, _, _ = talking(Reply(200, bomb, {"Content-Encoding": "gzip"}))
    with pytest.raises(MarketUnavailable, match="answer is over 8000000 bytes"):
        http.get("/", MONDAY + 4, pauses=())


def test_a_packed_answer_is_unpacked_whatever_parts_it_comes_in() -> None:
    packed = gzip.compress(json.dumps({"fine": list(range(500))}).encode())
    http, _, _ = talking(Reply(200, packed, {"Content-Encoding": "gzip"}, drips=[0.0] * len(packed)))
    assert http.get("/", MONDAY + 4).body == {"fine": list(range(500))}


def test_an_answer_that_is_packed_wrongly_is_none() -> None:
    http, _, _ = talking(Reply(200, b"not gzip", {"Content-Encoding": "gzip"}))
    with pytest.raises(MarketUnavailable, match="the exchange did not answer"):
        http.get("/", MONDAY + 4)


@pytest.mark.parametrize("text", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000, b'{"a":', b"9" * 5000, b"null"])
def test_what_is_not_json_has_no_body_and_says_how_it_begins(text: bytes) -> None:
    http, _, _ = talking(Reply(200, text))
    answer = http.get("/", MONDAY + 4)
    assert answer.body is None
    assert answer.begins == repr(text[:20])


def test_numbers_come_with_every_digit_they_were_sent_with() -> None:
    http, _, _ = talking(Reply(200, b'{"a": 1234567.123456789012345678, "b": 1e-18, "c": 5}'))
    assert http.get("/", MONDAY + 4).body == {"a": "1234567.123456789012345678", "b": "1e-18", "c": 5}


@pytest.mark.parametrize(
    "location", ["http://exchange.test/other", "//evil.test/", "http://[", "\xff\xfe", "", "http://exchange.test:x/"]
)
def test_a_redirect_is_an_answer_and_is_not_followed(location: str) -> None:
    http, canned, _ = talking(Reply(302, {"moved": True}, {"Location": location}))
    answer = http.get("/", MONDAY + 4)
    assert (answer.status, answer.says, answer.body) == (302, "the exchange answered 302 Found", {"moved": True})
    assert len(canned.sent) == 1


def test_the_body_of_a_redirect_is_under_the_deadline_and_the_limit_too() -> None:
    moved = {"Location": "/other"}
    http, _, clock = talking(Reply(302, b"x" * 1000, moved, drips=[0.5] * 100))
    with pytest.raises(MarketUnavailable, match="it took too long"):
        http.get("/", MONDAY + 4)
    assert clock.at <= MONDAY + 4.5
    http, _, _ = talking(Reply(302, b"x" * (LARGEST_ANSWER_BYTES + 1), moved))
    with pytest.raises(MarketUnavailable, match="answer is over"):
        http.get("/", MONDAY + 4, pauses=())


def test_proxies_and_passwords_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine exchange.test login me password mine\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.test:8080")
    asked: list[Any] = []

    class Proxied(Canned):
        def send(self, request: requests.PreparedRequest, *rest: Any, **options: Any) -> requests.Response:
            asked.append(options["proxies"])
            return super().send(request, *rest, **options)

    clock = Clock()
    canned = Proxied(clock, FINE)
    http = http_to(canned, clock, sign=lambda: {"Authorization": "Bearer mine"})
    http.get("/", MONDAY + 4)
    assert http.session.trust_env is False
    assert not any(asked)
    assert canned.sent[0].headers["Authorization"] == "Bearer mine"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (418, "the exchange answered 418 I'm a Teapot"),
        (520, "the exchange answered 520"),
        (404, "the exchange answered 404 Not Found"),
    ],
)
def test_a_status_is_said_in_words_where_it_has_any(status: int, says: str) -> None:
    http, _, _ = talking(Reply(status, {}))
    assert http.get("/", MONDAY + 4).says == says


def test_what_a_venue_echoes_of_the_proof_is_blotted_out() -> None:
    token = "3f6c9a0e5b7d41c8"
    echo = {"message": f"The token {token} may not do this", "headers": {"Authorization": f"Bearer {token}"}}
    http, _, _ = talking(Reply(403, echo), sign=lambda: {"Authorization": f"Bearer {token}"})
    answer = http.get("/", MONDAY + 4)
    assert token not in str(answer)
    assert "The token" in answer.body["message"]
