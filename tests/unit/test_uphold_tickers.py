"""Uphold's public prices, whatever comes instead of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import MarketUnavailable, Quiet
from heisenbug.domain.quotes import RawQuote, Ticker
from heisenbug.exchange.uphold import Uphold
from tests.canned import EMPTY, HANGS, HTML, RESET, Canned, Reply, Told, http_to
from tests.fakes import Clock
from tests.markets import MONDAY

BTC, ETH, EUR = Pair("BTC", "USD"), Pair("ETH", "USD"), Pair("EUR", "USD")
# The vendor's own sample.
SAMPLE = [
    {"ask": "6420.05", "bid": "6419", "currency": "USD", "pair": "BTCUSD"},
    {"ask": "0.00015579", "bid": "0.00015576", "currency": "BTC", "pair": "USDBTC"},
    {"ask": "6.356066865823428462", "bid": "6.323910706380825903", "currency": "BAT", "pair": "USDBAT"},
    {"ask": "1.17848", "bid": "1.17848", "currency": "USD", "pair": "EURUSD"},
]


def tickers(*told: Told, pairs: tuple[Pair, ...] = (BTC, EUR)) -> Ticker:
    """What comes of these answers within 4 s."""
    clock = Clock()
    return Uphold(http_to(Canned(clock, *told), clock), clock).tickers(pairs, 4.0)


def test_the_documented_sample_is_read_exactly_and_stamped_when_it_came() -> None:
    ticker = tickers(Reply(200, SAMPLE, seconds=1.5))
    assert ticker.quotes == {BTC: RawQuote("6419", "6420.05"), EUR: RawQuote("1.17848", "1.17848")}
    assert ticker.received_at.timestamp() == MONDAY + 1.5
    assert ticker.failure is None


def test_one_request_brings_all_pairs_of_a_currency_and_nobody_signs_it() -> None:
    clock = Clock()
    canned = Canned(clock, Reply(200, SAMPLE))
    Uphold(http_to(canned, clock), clock).tickers((BTC, EUR, ETH), 4.0)
    assert canned.paths() == ["GET /v0/ticker/USD"]
    assert "Authorization" not in canned.sent[0].headers


def test_pairs_of_several_currencies_share_one_deadline() -> None:
    clock = Clock()
    euro = [{"ask": "5500", "bid": "5490", "currency": "EUR", "pair": "BTCEUR"}]
    canned = Canned(clock, Reply(200, euro, seconds=3), Reply(200, SAMPLE, seconds=3))
    with pytest.raises(MarketUnavailable, match="it took too long"):
        Uphold(http_to(canned, clock), clock).tickers((Pair("BTC", "EUR"), BTC), 4.0)
    assert clock.at == MONDAY + 4
    ticker = tickers(Reply(200, euro), Reply(200, SAMPLE), pairs=(Pair("BTC", "EUR"), BTC))
    assert ticker.quotes == {Pair("BTC", "EUR"): RawQuote("5490", "5500"), BTC: RawQuote("6419", "6420.05")}


def test_prices_as_json_numbers_keep_their_digits() -> None:
    ticker = tickers(Reply(200, b'[{"ask":6420.050000000000000001,"bid":6419,"currency":"USD","pair":"BTCUSD"}]'))
    assert ticker.quotes == {BTC: RawQuote(6419, "6420.050000000000000001")}


STRANGE: list[Any] = [
    None,
    7,
    "BTCUSD",
    [],
    {},
    {"pair": "BTCUSD"},
    {"currency": "USD"},
    {"currency": "USD", "pair": None, "bid": "1", "ask": "1"},
    {"currency": "USD", "pair": 5, "bid": "1", "ask": "1"},
    {"currency": "USD", "pair": "USD", "bid": "1", "ask": "1"},
    {"currency": "USD", "pair": "USDUSD", "bid": "1", "ask": "1"},
    {"currency": ["USD"], "pair": "BTCUSD", "bid": "1", "ask": "1"},
    {"currency": "EUR", "pair": "BTCEUR", "bid": "1", "ask": "1"},
    {"currency": "USD", "pair": "BTCEUR", "bid": "1", "ask": "1"},
    {"currency": "USD", "pair": "btcUSD", "bid": "1", "ask": "1"},
]


@pytest.mark.parametrize("row", STRANGE)
def test_a_row_that_is_not_about_a_wanted_pair_is_passed_over(row: Any) -> None:
    assert tickers(Reply(200, [row])).quotes == {}
    assert set(tickers(Reply(200, [row, *SAMPLE, row])).quotes) == {BTC, EUR}
    assert tickers(Reply(200, [row, *SAMPLE, row])).quotes[BTC] == RawQuote("6419", "6420.05")


def test_unknown_fields_are_ignored_and_a_missing_price_is_left_to_be_guarded() -> None:
    row = {"currency": "USD", "pair": "BTCUSD", "bid": "1", "wire": [], "newFeature": {"enabled": True}}
    assert tickers(Reply(200, [row])).quotes == {BTC: RawQuote("1", None)}


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (HTML, "the exchange's answer is not JSON: it begins with b'<!doctype html><titl'"),
        (EMPTY, "the exchange's answer is not JSON: it begins with b''"),
        (Reply(200, {"code": "not_found"}), "the exchange's answer is not a list of prices"),
        (Reply(200, "prices"), "the exchange's answer is not a list of prices"),
        (Reply(404, {"code": "not_found", "message": "Not Found"}), "the exchange answered 404 Not Found"),
        (Reply(500), "the exchange answered 500 Internal Server Error"),
        (Reply(503, b"<html>"), "the exchange answered 503 Service Unavailable"),
        (Reply(302, b"", {"Location": "/"}), "the exchange answered 302 Found"),
        (Reply(403, b"<html>"), "the exchange answered 403 Forbidden"),
        (RESET, "the exchange did not answer: no connection"),
        (HANGS, "the exchange did not answer: it took too long"),
        (Reply(200, b"[1, 2", {"Content-Encoding": "gzip"}), "the exchange did not answer: no connection"),
    ],
)
def test_what_is_no_list_of_prices_is_named(told: Told, says: str) -> None:
    with pytest.raises(MarketUnavailable) as error:
        tickers(told)
    assert str(error.value) == says
    assert not isinstance(error.value, Quiet)


def test_a_venue_that_wants_quiet_says_how_long() -> None:
    with pytest.raises(Quiet, match=r"^the exchange answered 429 Too Many Requests, to be asked again after 45 s$"):
        tickers(Reply(429, {}, {"Retry-After": "45"}))


json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["USD", "BTCUSD", "1"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["pair", "currency", "bid", "ask"]), inner),
    max_leaves=12,
)


@given(json_values)
def test_whatever_the_venue_answers_is_prices_or_is_named(body: Any) -> None:
    try:
        said, quotes = "", set(tickers(Reply(200, body)).quotes)
    except MarketUnavailable as error:
        said, quotes = str(error), set()
    assert quotes <= {BTC, EUR}
    assert bool(said) == (not isinstance(body, list))
