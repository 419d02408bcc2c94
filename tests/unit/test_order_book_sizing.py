"""How large an order is: never over the amount, at the book's worst price, within every limit of the market."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.errors import Rejected
from heisenbug.exchange.order_book.sizing import Level, Market, Sized, purchase, sale

D = Decimal
MARKET = Market("BTC/USD", "BTC", "USD", D("0.00000001"), D("0.1"), D("0.004"), D("0.00001"), D("0.0001"))
ASKS = [Level(D("50010.0"), D("0.01")), Level(D("50020.0"), D("0.02")), Level(D("50100.0"), D(1))]
BIDS = [Level(D("49990.0"), D("0.01")), Level(D("49980.0"), D("0.02")), Level(D("49900.0"), D(1))]


def bought(amount: str, market: Market = MARKET, in_received: bool = False) -> Sized:
    return purchase(market, D(amount), ASKS, in_received, "Kraken")


def sold(amount: str, market: Market = MARKET) -> Sized:
    return sale(market, D(amount), BIDS, "Kraken")


def test_a_sale_is_at_the_price_that_its_last_part_needs() -> None:
    one = sold("0.025")
    assert (one.volume, one.price, one.pays) == (D("0.025"), D("49980.0"), D("0.025"))
    assert one.receives == D("1249.5") - D("4.998")


def test_a_purchase_spends_at_most_the_amount_with_its_fee_at_its_worst_price() -> None:
    one = bought("1000")
    assert one.price == D("50020.0")
    assert one.receives == one.volume == D("0.01991235")
    assert D("999.99") < one.pays <= 1000
    assert one.pays == D("996.01575") + D("3.98407")


def test_a_fee_that_is_kept_from_what_arrives_lessens_that_instead() -> None:
    one = bought("1000", in_received=True)
    assert (one.price, one.volume) == (D("50020.0"), D("0.01999200"))
    assert one.pays <= 1000
    assert one.receives == D("0.01991203")


def test_volumes_keep_to_the_step_of_the_market() -> None:
    coarse = replace(MARKET, volume_step=D("0.001"))
    assert sold("0.0259", coarse).volume == D("0.025")
    assert bought("1000", coarse).volume == D("0.019")


def test_a_purchase_that_a_deeper_level_would_make_smaller_stays_at_the_one_before() -> None:
    one = purchase(MARKET, D("502.1"), [Level(D(50000), D("0.01")), Level(D(60000), D(1))], False, "Kraken")
    assert (one.price, one.volume) == (D(50000), D("0.01"))


@pytest.mark.parametrize(
    ("market", "amount", "says"),
    [
        ({}, "0.00005", "0.00005 BTC is too little for Kraken's BTC-USD: an order there is over at least 0.0001 BTC."),
        ({"least_cost": D(600)}, "0.01", "over at least 600 USD"),
        ({"most": D("0.001")}, "0.01", "over at most 0.001 BTC"),
        ({"most_cost": D(100)}, "0.01", "over at most 100 USD"),
        ({"is_open": False}, "0.01", "Kraken takes no orders for BTC-USD now; nothing was sent."),
        ({}, "2", "Kraken's book of BTC-USD holds too little for this amount now; nothing was sent."),
    ],
)
def test_what_no_order_can_be_made_of_is_refused_before_anything_is_sent(
    market: dict[str, Decimal], amount: str, says: str
) -> None:
    with pytest.raises(Rejected) as refused:
        sold(amount, replace(MARKET, **market))
    assert says in str(refused.value)


AMOUNTS = st.decimals("0.01", "50000", places=5)


@given(amount=AMOUNTS, fee=st.sampled_from((D(0), D("0.001"), D("0.004"), D("0.012"))), in_received=st.booleans())
def test_no_purchase_ever_pays_more_than_the_amount(amount: Decimal, fee: Decimal, in_received: bool) -> None:
    market = replace(MARKET, fee=fee, least=D(0))
    try:
        one = purchase(market, amount, ASKS, in_received, "Kraken")
    except Rejected:
        return
    assert 0 < one.pays <= amount
    assert one.volume * one.price <= one.pays
    assert sum(level.volume for level in ASKS if level.price <= one.price) >= one.volume
