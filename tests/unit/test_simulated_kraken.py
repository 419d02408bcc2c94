"""The simulated Kraken: who gets in, what an order takes and pays, how it is found again, and what can go wrong."""

from dataclasses import replace
from decimal import Decimal

import pytest

from local.answers import Answer, Request
from local.kraken.entry import Rules
from local.kraken.trouble import FITS
from local.trouble import ANYWHERE, Mishap, Step
from tests.exchanges import NOW
from tests.kraken import KrakenTrader, errors_of, kraken, moment, result_of

ID = "6d1b345e-2821-40e2-ad83-4ecb18a06876"


@pytest.fixture
def somebody() -> KrakenTrader:
    return kraken({"USD": "1000", "BTC": "0.5"})


# --- public ---


def test_pairs_have_their_names_and_state_precision_limits_and_fee(somebody: KrakenTrader) -> None:
    pairs = somebody.public("AssetPairs")
    assert set(pairs) == {"XXBTZUSD", "XETHZUSD", "ZEURZUSD"}
    btc = pairs["XXBTZUSD"]
    assert (btc["altname"], btc["base"], btc["quote"], btc["status"]) == ("XBTUSD", "XXBT", "ZUSD", "online")
    assert (btc["pair_decimals"], btc["lot_decimals"], btc["ordermin"]) == (2, 8, "0.0001")
    assert btc["fees"] == [[0, 0.4]]


def test_the_ticker_states_bid_and_ask_and_the_book_goes_outwards_from_them(somebody: KrakenTrader) -> None:
    ticker = somebody.public("Ticker", pair="XXBTZUSD")["XXBTZUSD"]
    assert (ticker["a"][0], ticker["b"][0]) == ("50010", "49990")
    book = somebody.public("Depth", pair="XBTUSD", count="2")["XXBTZUSD"]
    assert [level[0] for level in book["asks"]] == ["50010.00", "50035.01"]
    assert [level[0] for level in book["bids"]] == ["49990.00", "49965.00"]


# --- who gets in ---


def test_another_key_another_secret_and_a_nonce_that_does_not_grow_are_not_let_in(somebody: KrakenTrader) -> None:
    assert errors_of(replace(somebody, key="other").ask("BalanceEx")) == ["EAPI:Invalid key"]
    assert errors_of(replace(somebody, secret="b3RoZXI=").ask("BalanceEx")) == ["EAPI:Invalid signature"]
    somebody.nonce = 100
    result_of(somebody.ask("BalanceEx"))
    somebody.nonce = 50
    assert errors_of(somebody.ask("BalanceEx")) == ["EAPI:Invalid nonce"]


# --- orders ---


def test_a_purchase_pays_cost_and_fee_in_the_quote_and_is_found_by_its_client_order_id(somebody: KrakenTrader) -> None:
    result_of(somebody.order("buy", "0.01", "50010", ID))
    order = somebody.known(ID)
    assert (order["status"], order["vol_exec"]) == ("closed", "0.01000000")
    assert (order["cost"], order["fee"], order["price"]) == ("500.10000", "2.00040", "50010.00")
    assert somebody.held("ZUSD")[0] == "497.89960"
    assert somebody.held("XXBT")[0] == "0.51"


def test_a_sale_gets_its_cost_less_the_fee(somebody: KrakenTrader) -> None:
    result_of(somebody.order("sell", "0.01", "49990", ID))
    assert somebody.held("ZUSD")[0] == str(Decimal(1000) + Decimal("499.90000") - Decimal("1.99960"))
    assert somebody.exchange.settle(somebody.now).conserved()


def test_an_order_takes_level_by_level_as_far_as_its_limit_and_the_rest_is_cancelled(somebody: KrakenTrader) -> None:
    result_of(somebody.order("sell", "0.5", "49965", ID))
    order = somebody.known(ID)
    assert (order["status"], order["vol_exec"]) == ("closed", "0.50000000")
    assert Decimal(49965) < Decimal(order["price"]) < Decimal(49990)
    poor = kraken({"BTC": "0.5"})
    result_of(poor.order("sell", "0.5", "49990", ID))
    assert (poor.known(ID)["status"], poor.known(ID)["reason"]) == ("canceled", "Immediate or cancel")
    assert Decimal(0) < Decimal(poor.known(ID)["vol_exec"]) < Decimal("0.5")


def test_an_order_whose_price_nobody_meets_moves_nothing(somebody: KrakenTrader) -> None:
    result_of(somebody.order("buy", "0.01", "40000", ID))
    assert (somebody.known(ID)["status"], somebody.known(ID)["vol_exec"]) == ("canceled", "0.00000000")
    assert somebody.exchange.conversions == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"volume": "0.00001"}, "EOrder:Order minimum not met"),
        ({"volume": "0.123456789"}, "EGeneral:Invalid arguments:volume"),
        ({"price": "50010.123"}, "EOrder:Invalid price:XBTUSD price can only be specified up to 2 decimals."),
        ({"volume": "1"}, "EOrder:Insufficient funds"),
        ({"pair": "XXX"}, "EQuery:Unknown asset pair"),
        ({"timeinforce": "GTC"}, "EGeneral:Invalid arguments:timeinforce"),
        ({"deadline": moment(NOW - 1)}, "EService:Deadline elapsed"),
        ({"deadline": moment(NOW + 90)}, "EGeneral:Invalid arguments:deadline"),
    ],
)
def test_an_order_that_does_not_keep_to_the_rules_is_refused(
    somebody: KrakenTrader, changes: dict[str, str], says: str
) -> None:
    wish = {"volume": "0.01", "price": "50010", **changes}
    assert errors_of(somebody.order("buy", client_id=ID, **wish)) == [says]
    assert somebody.exchange.conversions == ()


def test_a_client_order_id_must_be_new_among_open_orders_only(somebody: KrakenTrader) -> None:
    somebody.plan({"step": "commit", "kind": "processing", "seconds": 10})
    result_of(somebody.order("buy", "0.001", "50010", ID))
    assert errors_of(somebody.order("buy", "0.001", "50010", ID)) == ["EOrder:Client order id is in use"]
    somebody.now += 11
    result_of(somebody.order("buy", "0.001", "50010", ID))
    assert [one.reference for one in somebody.exchange.conversions] == [ID, ID]


def test_an_order_that_is_only_validated_is_not_placed(somebody: KrakenTrader) -> None:
    result = result_of(somebody.order("buy", "0.01", "50010", ID, validate="true"))
    assert result == {"descr": {"order": "buy 0.01000000 XBTUSD @ limit 50010"}}
    assert somebody.exchange.conversions == ()


# --- trouble ---


def request(somebody: KrakenTrader, step: Step) -> Answer:
    """One request of that step."""
    match step:
        case Step.COMMIT:
            return somebody.order("buy", "0.01", "50010", ID)
        case Step.READ:
            somebody.order("buy", "0.01", "50010", ID)
            return somebody.ask("ClosedOrders", cl_ord_id=ID)
        case Step.CARDS:
            return somebody.ask("BalanceEx")
    names = {Step.TICKER: "Ticker", Step.ASSETS: "AssetPairs", Step.QUOTE: "Depth", Step.ME: "Time"}
    return somebody.exchange.answer(_get(names[step]), somebody.now)


def _get(name: str) -> Request:
    return Request("GET", f"/0/public/{name}", {"pair": "XXBTZUSD"})


# What is seen of the order afterwards, not in the answer.
SILENT = {Mishap.PARTIAL, Mishap.UNFILLED, Mishap.PROCESSING, Mishap.PROCESSING_THEN_FAILED, Mishap.UNKNOWN_STATUS}


@pytest.mark.parametrize(("step", "kind"), [(step, kind) for step in Step for kind in sorted(FITS[step])])
def test_trouble_comes_once_conserves_value_and_goes(somebody: KrakenTrader, step: Step, kind: Mishap) -> None:
    healthy = request(kraken({"USD": "1000", "BTC": "0.5"}), step)
    somebody.plan({"step": step, "kind": kind})
    assert (request(somebody, step) != healthy) == (kind not in SILENT)
    assert somebody.exchange.trouble.dealt == {kind: 1}
    somebody.now += 1000
    assert request(somebody, step).status == healthy.status == 200
    assert somebody.exchange.settle(somebody.now).conserved()


def test_a_late_order_is_seen_nowhere_until_it_lands(somebody: KrakenTrader) -> None:
    somebody.plan({"step": "commit", "kind": "lands_late", "seconds": 300})
    assert somebody.order("buy", "0.01", "50010", ID).status == 502
    assert result_of(somebody.ask("OpenOrders", cl_ord_id=ID))["open"] == {}
    assert result_of(somebody.ask("ClosedOrders", cl_ord_id=ID))["closed"] == {}
    somebody.now += 301
    assert somebody.known(ID)["status"] == "closed"


@pytest.mark.parametrize(("kind", "part"), [("partial", "0.00400000"), ("unfilled", "0.00000000")])
def test_an_order_may_be_filled_in_part_or_not_at_all(somebody: KrakenTrader, kind: str, part: str) -> None:
    somebody.plan({"step": "commit", "kind": kind})
    result_of(somebody.order("buy", "0.01", "50010", ID))
    assert (somebody.known(ID)["status"], somebody.known(ID)["vol_exec"]) == ("canceled", part)


def test_an_order_under_way_holds_its_money_and_ends_after_some_looks(somebody: KrakenTrader) -> None:
    somebody.plan({"step": "commit", "kind": "processing", "reads": 1})
    result_of(somebody.order("buy", "0.01", "50010", ID))
    assert somebody.held("ZUSD") == ("1000", "502.10040")
    assert somebody.known(ID)["status"] == "open"
    assert somebody.known(ID)["status"] == "closed"
    assert somebody.held("ZUSD") == ("497.89960", "0.00000")


def test_what_fits_uphold_need_not_fit_here_and_is_refused() -> None:
    assert Mishap.OTP not in {kind for kinds in FITS.values() for kind in kinds}
    assert set(ANYWHERE) <= set(FITS[Step.COMMIT])
    assert Rules().fee_percent == Decimal("0.40")
