"""Many floats rounded at once: to the last bit as one by one, half way and near it above all; whole units of assets."""

from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.backtest.filling import Filling
from heisenbug.backtest.rounding import prices_of, rounded
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.seen import seen
from heisenbug.backtest.units import Units
from heisenbug.domain.assets import Pair
from heisenbug.domain.ledger import cost_rounded
from heisenbug.domain.view import price_of
from heisenbug.exchange.paper import receives_of
from heisenbug.markets.history import History, exact
from tests.histories import wish

PRICES = st.floats(1e-12, 1e18, allow_nan=False)
HALVES = st.integers(1, 10**13).map(lambda number: (number + 0.5) / 10**4)
COSTS = st.one_of(st.floats(-10_000, 10_000), st.integers(-(10**6), 10**6).map(lambda number: number / 1000))


@given(st.lists(st.one_of(PRICES, HALVES), min_size=1, max_size=20))
def test_prices_are_those_of_each_alone(prices: list[float]) -> None:
    assert prices_of(np.array(prices)).tolist() == [price_of(price) for price in prices]


@given(st.lists(COSTS, min_size=1, max_size=20))
def test_costs_are_those_of_each_alone(costs: list[float]) -> None:
    assert rounded(np.array(costs), 100.0, cost_rounded).tolist() == [cost_rounded(cost) for cost in costs]


@given(st.decimals(0, 10**9, places=11), st.decimals(0, 10**9, places=2))
def test_amounts_are_the_same_after_they_were_whole_units(fine: Decimal, dollars: Decimal) -> None:
    held = {"BTC": fine, "USD": dollars, "EUR": Decimal(3)}
    units = Units.of(("USD", "BTC"), held)
    assert units.holdings(units.whole(held)) == {"BTC": fine, "USD": dollars}


@given(
    st.lists(st.integers(1, 10**7).map(lambda cents: cents / 100), min_size=1, max_size=8),
    st.integers(1, 10**14),
    st.sampled_from([0, 5, 25, 300]),
)
def test_what_is_received_is_what_the_paper_exchange_gives_to_the_digit(
    prices: list[float], count: int, cost_bps: int
) -> None:
    sides = np.array(prices)[:, None]
    history = History("a", (Pair("BTC", "USD"),), 60, np.arange(len(prices)) * 60, sides, sides)
    asked = wish(history, Fill.SAME_QUOTE, cost_bps=cost_bps, trade_size_percentage=1)
    units = Units.of(("USD", "BTC"), {})
    filling, kept = Filling(seen(asked), units), 1 - exact(cost_bps / 10_000)
    for row, price in enumerate(prices):
        for source, target in ((0, 1), (1, 0)):
            rates = [(source == 1, exact(price))]
            received = receives_of(units.exact(source, count), rates, kept, units.assets[target])
            filled = filling.amounts(row, source, target, count, lambda row, place: 1.0)
            assert (filled[0], units.exact(target, filled[1])) == (count, received)
