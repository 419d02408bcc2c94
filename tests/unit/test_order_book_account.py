"""An account at Kraken through ccxt: exact amounts, one order a trade under an id that is found again, and refusals."""

from decimal import Decimal
from uuid import UUID

import pytest
import requests

from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import MarketUnavailable, NeedsPerson, Quiet, Rejected, Unresolved
from heisenbug.domain.trade import Filled, Settlement, VenueQuote
from heisenbug.exchange.keys import KeyPair
from heisenbug.exchange.order_book.account import client_id_of
from heisenbug.exchange.port import Request
from local.kraken.entry import DEMO_KEY, DEMO_SECRET
from tests.exchanges import NOW
from tests.order_books import PAIRS, Bench

D = Decimal


@pytest.fixture
def bench() -> Bench:
    return Bench()


def wish(amount: str = "100", source: str = "USD", target: str = "BTC", trade: str = "a trade") -> Request:
    return Request(trade, source, target, D(amount))


def committed(bench: Bench, request: Request) -> tuple[VenueQuote, Filled]:
    account = bench.account()
    quote = account.quote(request)
    return quote, account.commit(quote)


# --- prices and balances ---


def test_prices_come_for_all_pairs_at_once_to_the_last_digit_and_without_a_credential(bench: Bench) -> None:
    bench.keys = KeyPair("", "")
    ticker = bench.opened.tickers.tickers((*PAIRS, Pair("DOGE", "USD")), 4)
    assert {str(pair): (raw.bid, raw.ask) for pair, raw in ticker.quotes.items()} == {
        "BTC-USD": ("49990", "50010"),
        "ETH-USD": ("2999", "3001"),
    }
    assert len(bench.asked("Ticker")) == 1


def test_markets_are_asked_for_once_in_hours_and_kept_while_they_cannot_be_had(bench: Bench) -> None:
    for _ in range(3):
        bench.opened.tickers.tickers(PAIRS, 4)
    assert len(bench.asked("AssetPairs")) == 1
    bench.clock.at += 7 * 3600
    bench.plan({"step": "assets", "kind": "busy", "count": 100})
    assert len(bench.opened.tickers.tickers(PAIRS, 4).quotes) == 2
    bench.opened.tickers.tickers(PAIRS, 4)
    assert len(bench.asked("AssetPairs")) == 2
    bench.clock.at += 18 * 3600
    with pytest.raises(MarketUnavailable, match="EService:Busy"):
        bench.opened.tickers.tickers(PAIRS, 4)


def test_balances_are_what_is_free_to_the_last_digit(bench: Bench) -> None:
    bench.plan({"step": "commit", "kind": "processing", "seconds": 100})
    bench.venue.order("buy", "0.00012345", "50010.12")
    held = bench.account().balances()
    assert held["BTC"] == D("0.5")
    assert held["USD"] == 1000 - D("6.17375") - D("0.02470")


# --- quote and commit ---


def test_a_quote_sends_nothing_and_promises_the_worst(bench: Bench) -> None:
    quote = bench.account().quote(wish())
    assert (quote.source, quote.target) == ("USD", "BTC")
    assert quote.amount <= 100
    assert quote.receives == D("0.00199163")
    assert quote.expires_at == NOW + 15
    assert bench.asked("AddOrder") == []


@pytest.mark.parametrize("request_", [wish(), wish("0.01", "BTC", "USD")], ids=["a purchase", "a sale"])
def test_a_commit_is_one_order_and_moves_exactly_what_it_says(bench: Bench, request_: Request) -> None:
    quote, filled = committed(bench, request_)
    [conversion] = bench.venue.exchange.conversions
    assert filled == Filled(Settlement.COMPLETED, conversion.origin_amount, conversion.destination_amount)
    assert filled.amount <= quote.amount
    assert filled.received >= quote.receives
    assert len(bench.asked("AddOrder")) == 1
    assert bench.account().find(quote) == filled


def test_an_order_is_immediate_or_cancelled_void_after_its_quote_and_ours_by_its_id(bench: Bench) -> None:
    quote, _ = committed(bench, wish())
    [order] = bench.asked("AddOrder")
    assert (
        order.items()
        >= {
            "pair": "XXBTZUSD",
            "type": "buy",
            "ordertype": "limit",
            "volume": "0.00199163",
            "price": "50010",
            "timeinforce": "IOC",
            "oflags": "fciq",
            "deadline": "2027-01-15T08:00:15Z",
            "cl_ord_id": quote.id,
        }.items()
    )
    [conversion] = bench.venue.exchange.conversions
    assert conversion.reference == quote.id


def test_the_id_is_always_the_same_for_the_same_trade_and_in_a_form_that_every_venue_takes() -> None:
    assert client_id_of("a") == client_id_of("a") != client_id_of("b")
    assert str(UUID(client_id_of("a"))) == client_id_of("a")
    assert len(client_id_of("a")) == 36


def test_numbers_that_no_binary_fraction_can_hold_go_there_and_back_unharmed(bench: Bench) -> None:
    _, filled = committed(bench, wish("0.12345679", "BTC", "USD"))
    [order] = bench.asked("AddOrder")
    assert order["volume"] == "0.12345679"
    assert filled.amount == D("0.12345679")
    assert filled.received == bench.venue.exchange.conversions[0].destination_amount


def test_a_part_that_was_filled_is_what_was_converted(bench: Bench) -> None:
    bench.plan({"step": "commit", "kind": "partial"})
    quote, filled = committed(bench, wish())
    assert filled.settlement is Settlement.COMPLETED
    assert filled.received < quote.receives / 2
    assert filled.amount == bench.venue.exchange.conversions[0].origin_amount


def test_an_order_that_nobody_met_failed_and_says_so(bench: Bench) -> None:
    bench.plan({"step": "commit", "kind": "unfilled"})
    _, filled = committed(bench, wish())
    assert filled.settlement is Settlement.FAILED
    assert filled.says == "The order found nobody at its price, and was cancelled; nothing moved."


@pytest.mark.parametrize("kind", ["processing", "unknown_status"])
def test_an_order_under_way_is_asked_for_until_it_is_over(bench: Bench, kind: str) -> None:
    bench.plan({"step": "commit", "kind": kind, "reads": 2})
    quote, filled = committed(bench, wish())
    assert filled.settlement is Settlement.PROCESSING
    found = [bench.account().find(quote) for _ in range(3)]
    assert [one.settlement for one in found if one] == [Settlement.PROCESSING, *[Settlement.COMPLETED] * 2]


def test_a_conversion_without_a_market_is_refused_before_anything_is_sent(bench: Bench) -> None:
    with pytest.raises(Rejected, match=r"Kraken has no market of BTC and ETH; nothing was sent."):
        bench.account().quote(wish("0.1", "BTC", "ETH"))


# --- find ---


def test_an_order_is_unknown_only_after_open_and_past_orders_were_looked_through(bench: Bench) -> None:
    quote = bench.account().quote(wish())
    assert bench.account().find(quote) is None
    assert [len(bench.asked(name)) for name in ("OpenOrders", "ClosedOrders")] == [1, 1]
    for name in ("OpenOrders", "ClosedOrders"):
        bench.plan({"step": "read", "kind": "busy", "nth": 1 if name == "OpenOrders" else 2})
        with pytest.raises(MarketUnavailable, match="EService:Busy"):
            bench.account().find(quote)


def test_a_late_order_is_found_once_it_has_landed(bench: Bench) -> None:
    bench.plan({"step": "commit", "kind": "lands_late", "seconds": 300})
    account = bench.account()
    quote = account.quote(wish())
    with pytest.raises(Unresolved):
        account.commit(quote)
    assert bench.account().find(quote) is None
    bench.clock.at += 301
    found = bench.account().find(quote)
    assert found is not None
    assert found.settlement is Settlement.COMPLETED


def test_two_orders_under_one_id_are_for_a_person(bench: Bench) -> None:
    quote, _ = committed(bench, wish())
    bench.venue.nonce = 10**18
    bench.venue.order("buy", "0.001", "50010", quote.id)
    bench.venue.exchange.forget_nonces()
    with pytest.raises(MarketUnavailable, match="Kraken knows 2 orders under the id"):
        bench.account().find(quote)


def test_an_order_that_names_no_id_may_be_ours_and_says_nothing(bench: Bench) -> None:
    quote, _ = committed(bench, wish())
    bench.plan({"step": "read", "kind": "missing_reference", "count": 10})
    with pytest.raises(MarketUnavailable, match="without our id"):
        bench.account().find(quote)


# --- refusals ---

DEFINITE = {
    "invalid_token": (NeedsPerson, "Kraken does not accept the key (EAPI:Invalid key): it is wrong, expired"),
    "capability": (NeedsPerson, "Kraken does not allow the key to do this (EGeneral:Permission denied). It needs"),
    "insufficient_funds": (Rejected, "The account at Kraken does not hold enough for this (EOrder:Insufficient funds)"),
    "minimum": (Rejected, "Kraken refused: EOrder:Order minimum not met. Nothing moved"),
    "halted": (Rejected, "Kraken takes no such orders now (EService:Market in cancel_only mode); nothing moved."),
    "expired": (Rejected, "Kraken refused: EService:Deadline elapsed."),
    "rate_limit": (Rejected, "The order was refused: Kraken wants to be asked less often (EAPI:Rate limit exceeded)."),
    "invalid_nonce": (Rejected, "The order was refused: Kraken says: EAPI:Invalid nonce."),
}
UNSURE = {
    "busy": "The order was sent, but Kraken says: EService:Busy.",
    "lost_answer": "The order was sent, but the exchange did not answer: no connection.",
    "never_lands": "The order was sent, but the exchange answered 500 Internal Server Error.",
    "status_503": "The order was sent, but the exchange answered 503 Service Unavailable.",
    "status_429": "The order was sent, but the exchange answered 429 Too Many Requests, to be asked again after 2 s.",
    "html": "The order was sent, but the exchange's answer is not JSON.",
    "hang": "The order was sent, but the exchange did not answer: it took too long.",
}


@pytest.mark.parametrize("kind", DEFINITE)
def test_an_order_that_the_venue_refuses_moved_nothing_and_is_not_sent_again(bench: Bench, kind: str) -> None:
    error, says = DEFINITE[kind]
    bench.plan({"step": "commit", "kind": kind})
    with pytest.raises(error) as refused:
        committed(bench, wish())
    assert str(refused.value).startswith(says)
    assert type(refused.value) is error
    assert (len(bench.asked("AddOrder")), bench.venue.exchange.conversions) == (1, ())


@pytest.mark.parametrize("kind", UNSURE)
def test_an_order_whose_answer_says_nothing_sure_is_unresolved_and_never_sent_again(bench: Bench, kind: str) -> None:
    bench.plan({"step": "commit", "kind": kind})
    with pytest.raises(Unresolved) as doubt:
        committed(bench, wish())
    assert str(doubt.value) == UNSURE[kind]
    assert len(bench.asked("AddOrder")) == 1


@pytest.mark.parametrize("name", ["BalanceEx", "OpenOrders"])
def test_a_private_question_is_sent_once_too(bench: Bench, name: str) -> None:
    bench.account().balances()
    quote = bench.account().quote(wish())
    before = len(bench.asked(name))
    bench.plan({"step": "cards", "kind": "status_503"}, {"step": "read", "kind": "status_503"})
    with pytest.raises(MarketUnavailable, match="503"):
        bench.account().balances() if name == "BalanceEx" else bench.account().find(quote)
    assert len(bench.asked(name)) == before + 1


def test_a_public_question_that_fails_in_passing_is_asked_again_in_time(bench: Bench) -> None:
    bench.plan({"step": "ticker", "kind": "status_503"})
    assert len(bench.opened.tickers.tickers(PAIRS, 4).quotes) == 2
    assert len(bench.asked("Ticker")) == 2


def test_a_venue_that_wants_quiet_is_asked_nothing_for_a_minute(bench: Bench) -> None:
    bench.plan({"step": "cards", "kind": "rate_limit"})
    with pytest.raises(Quiet, match="Kraken wants to be asked less often"):
        bench.account().balances()
    sent = len(bench.wire.sent)
    with pytest.raises(Quiet, match="left alone for another 60 s"):
        bench.account().balances()
    assert len(bench.wire.sent) == sent
    bench.clock.at += 61
    assert bench.account().balances()["USD"] == 1000


def test_an_order_is_not_sent_without_patience_or_time(bench: Bench) -> None:
    account = bench.account(seconds=6)
    quote = account.quote(wish())
    bench.clock.at += 5
    with pytest.raises(Rejected, match=r"The order was not sent: the exchange was not asked: no time was left."):
        account.commit(quote)
    assert bench.asked("AddOrder") == []


def test_neither_key_nor_signature_nor_secret_is_told(bench: Bench) -> None:
    bench.keys = KeyPair("another-key-of-mine", DEMO_SECRET)
    with pytest.raises(NeedsPerson) as refused:
        bench.account().balances()
    assert "another-key-of-mine" not in str(refused.value)
    sent = bench.wire.sent[-1]
    assert isinstance(sent, requests.PreparedRequest)
    assert DEMO_SECRET not in f"{sent.headers} {sent.body!r}"
    assert sent.headers["API-Key"] == "another-key-of-mine"
    assert DEMO_KEY not in str(refused.value)
