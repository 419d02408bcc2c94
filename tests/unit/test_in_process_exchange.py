"""A session that reaches the simulated exchange without a socket meets what it would meet over one."""

import pytest
import requests

from local.account import card_id
from tests.exchanges import NOW, Trader, list_of, order, trader
from tests.in_process_exchange import InProcess

URL = "http://exchange.test"


class Desk:
    """A session at the exchange, and the clock that its waiting moves."""

    def __init__(self) -> None:
        self.somebody: Trader = trader()
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = "Bearer any"
        self.session.mount(URL, InProcess(self.somebody.exchange, lambda: self.somebody.now, self.wait))

    def wait(self, seconds: float) -> None:
        self.somebody.now += seconds

    def quote(self, timeout: float = 5) -> requests.Response:
        path = f"{URL}/v0/me/cards/{card_id('USD')}/transactions"
        return self.session.post(path, json=order("USD", "BTC", "100"), timeout=timeout)

    def commit(self, quote: str, timeout: object = 5) -> requests.Response:
        path = f"{URL}/v0/me/cards/{card_id('USD')}/transactions/{quote}/commit"
        return self.session.post(path, json={}, timeout=timeout)  # type: ignore[arg-type]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_requests_and_answers_are_those_of_the_exchange(desk: Desk) -> None:
    cards = desk.session.get(f"{URL}/v0/me/cards?q=currency:USD", headers={"Range": "items=0-0"}, timeout=5)
    assert (cards.status_code, cards.headers["Content-Range"]) == (206, "items 0-0/1")
    assert cards.json() == list_of(desk.somebody.get("/v0/me/cards", q="currency:USD"))
    assert cards.headers["Date"] == "Fri, 15 Jan 2027 08:00:00 GMT"
    quote = desk.quote()
    assert (quote.status_code, quote.reason, quote.json()["status"]) == (202, "Accepted", "pending")
    assert desk.commit(quote.json()["id"]).json()["status"] == "completed"


def test_an_answer_can_be_read_piece_by_piece(desk: Desk) -> None:
    with desk.session.get(f"{URL}/v0/ticker", timeout=5, stream=True) as answer:
        pieces = iter(lambda: answer.raw.read1(100, decode_content=True), b"")
        body = b"".join(pieces)
    assert body == requests.Session.get(desk.session, f"{URL}/v0/ticker", timeout=5).content
    assert len(body) > 200


def test_without_a_token_or_a_route_the_answer_is_an_error(desk: Desk) -> None:
    del desk.session.headers["Authorization"]
    assert desk.session.get(f"{URL}/v0/me/cards", timeout=5).status_code == 401
    assert desk.session.get(f"{URL}/nothing", timeout=5).json()["code"] == "not_found"


def test_a_reset_is_a_connection_error(desk: Desk) -> None:
    desk.somebody.plan({"kind": "reset"})
    with pytest.raises(requests.ConnectionError):
        desk.quote()
    assert desk.somebody.now == NOW


def test_a_hang_ends_with_the_patience_of_the_request(desk: Desk) -> None:
    desk.somebody.plan({"kind": "hang", "seconds": 30})
    with pytest.raises(requests.ReadTimeout):
        desk.quote(timeout=5)
    assert desk.somebody.now == NOW + 5


def test_a_hang_that_is_over_before_is_a_connection_error(desk: Desk) -> None:
    desk.somebody.plan({"kind": "hang", "seconds": 3})
    with pytest.raises(requests.ConnectionError):
        desk.quote(timeout=5)
    assert desk.somebody.now == NOW + 3


def test_a_slow_answer_arrives_later(desk: Desk) -> None:
    desk.somebody.plan({"kind": "slow", "seconds": 3})
    assert desk.quote(timeout=5).status_code == 202
    assert desk.somebody.now == NOW + 3


@pytest.mark.parametrize("timeout", [2, (9, 2)])
def test_a_commit_that_is_too_slow_was_carried_out(desk: Desk, timeout: object) -> None:
    quote = desk.quote().json()["id"]
    desk.somebody.plan({"step": "commit", "kind": "slow", "seconds": 4})
    with pytest.raises(requests.ReadTimeout):
        desk.commit(quote, timeout)
    assert desk.somebody.now == NOW + 2
    assert [conversion.id for conversion in desk.somebody.exchange.conversions] == [quote]


def test_a_page_of_html_is_not_json(desk: Desk) -> None:
    desk.somebody.plan({"kind": "html"})
    answer = desk.quote()
    assert answer.headers["Content-Type"].startswith("text/html")
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
