"""The one decision: no trade on noise, a trade on planted drift, and never more than is held."""

import math
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.assets import precision
from heisenbug.domain.decide import decide, equity
from heisenbug.domain.gates import Gate
from heisenbug.domain.settings import DEFAULTS
from heisenbug.domain.venue import UPHOLD
from heisenbug.domain.words import why
from tests.markets import FREE, Prices, active, climbing, eager, holding, market, walk

COINS = ("BTC-USD", "ETH-USD", "SOL-USD", "XRP-USD")


@pytest.mark.parametrize("seed", range(12))
def test_the_default_settings_trade_nothing_on_a_random_walk_and_say_why(seed: int) -> None:
    prices = {name: walk(seed * 10 + place, 120) for place, name in enumerate(COINS)}
    portfolio = holding(USD="1000", BTC="0.5")
    decision = decide(market(prices, spread=0.0004), portfolio, replace(DEFAULTS, is_active=True), UPHOLD)
    assert decision.chosen is None
    for scored in decision.conversions():
        assert scored.gate is (Gate.CONFIDENCE if portfolio.held(scored.source) else Gate.HELD)
        assert ("edge 0 bp < cost" in why(scored)) == bool(portfolio.held(scored.source))


@pytest.mark.parametrize("seed", range(6))
def test_drift_that_was_planted_is_traded_by_the_drift_forecaster_only(seed: int) -> None:
    prices = {
        "BTC-USD": walk(seed, 120, volatility=0.0007, drift=0.0004),
        "ETH-USD": walk(seed + 50, 120, volatility=0.0007),
    }
    settings = active(forecaster="drift", drift_weight=0.5, cost_bps=10)
    chosen = decide(market(prices), holding(USD="1000"), settings, UPHOLD).chosen
    assert chosen is not None
    assert (chosen.source, chosen.target) == ("USD", "BTC")
    assert decide(market(prices), holding(USD="1000"), active(cost_bps=10), UPHOLD).chosen is None


def test_drift_below_the_cost_is_not_traded() -> None:
    prices = {"BTC-USD": walk(1, 120, volatility=0.0007, drift=0.0004)}
    settings = active(forecaster="drift", drift_weight=0.5)
    decision = decide(market(prices), holding(USD="1000"), settings, UPHOLD)
    assert decision.chosen is None
    assert "< cost 220 bp" in why(decision.conversion(0, 1))


def test_the_conversion_that_grows_value_most_is_taken_and_not_the_surest() -> None:
    prices = {"BTC-USD": climbing(rate=0.001), "ETH-USD": climbing(rate=0.003)}
    decision = decide(market(prices), holding(USD="1000", BTC="100"), eager(), FREE)
    growth = {(c.source, c.target): c.growth for c in decision.conversions() if c.gate is Gate.OPEN}
    assert len(growth) > 1
    assert decision.chosen is not None
    assert (decision.chosen.source, decision.chosen.target) == max(growth, key=lambda pair: growth[pair])
    # 100 BTC at 101 a piece are worth more than 1000 USD: that trade grows value most.
    assert (decision.chosen.source, decision.chosen.target) == ("BTC", "ETH")


def test_growth_is_the_expected_gain_of_value_in_the_base_currency() -> None:
    prices = {"BTC-USD": climbing(rate=0.001), "ETH-USD": climbing(rate=0.003)}
    decision = decide(market(prices), holding(USD="1000", BTC="2"), eager(cost_bps=7), FREE)
    for scored in decision.conversions():
        i, j = decision.assets.index(scored.source), decision.assets.index(scored.target)
        mu = decision.scores.expected_log_return[0]
        value = float(scored.amount) * decision.prices[i]
        assert scored.growth == pytest.approx(
            value * (math.exp(mu[j]) * (1 - scored.cost) - math.exp(mu[i])), abs=1e-12
        )


@pytest.mark.parametrize(("priorities", "expected"), [({}, "AAA"), ({"BBB-USD": 1}, "BBB"), ({"AAA-USD": 99}, "BBB")])
def test_priority_breaks_ties_and_nothing_else_does(priorities: dict[str, int], expected: str) -> None:
    same = {"AAA-USD": climbing(), "BBB-USD": climbing()}
    chosen = decide(market(same, priorities=priorities), holding(USD="1000"), eager(), FREE).chosen
    assert chosen is not None
    assert chosen.target == expected
    better = {"AAA-USD": climbing(rate=0.002), "BBB-USD": climbing()}
    chosen = decide(market(better, priorities=priorities), holding(USD="1000"), eager(), FREE).chosen
    assert chosen is not None
    assert chosen.target == "AAA"


AMOUNTS = st.decimals("0.00000001", "1000000", places=8)


@given(AMOUNTS, st.floats(0.01, 1), st.one_of(st.none(), AMOUNTS), st.floats(0.0001, 100_000))
def test_a_trade_never_converts_more_than_is_held(
    held: Decimal, part: float, fixed: Decimal | None, price: float
) -> None:
    settings = eager(trade_size_percentage=part, trade_size_amount=fixed)
    decision = decide(market({"BTC-USD": climbing(start=price)}), holding(BTC=str(held), USD=str(held)), settings, FREE)
    for scored in decision.conversions():
        assert 0 <= scored.amount <= held
        assert -scored.amount.as_tuple().exponent <= precision(scored.source)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("percentage", "amount", "expected"),
    [
        (0.1, None, {"USD": "100.00", "BTC": "0.20000000"}),
        (1, None, {"USD": "1000.00", "BTC": "2.00000000"}),
        (0.1, "50", {"USD": "50.00", "BTC": "0.39062500"}),
        (0.1, "5000", {"USD": "1000.00", "BTC": "2.00000000"}),
        (0.3333, None, {"USD": "333.30", "BTC": "0.66660000"}),
    ],
)
def test_a_trade_is_a_part_of_the_holding_or_a_fixed_value(
    percentage: float, amount: str | None, expected: dict[str, str]
) -> None:
    prices = {"BTC-USD": [*climbing(9), 128.0]}
    settings = eager(trade_size_percentage=percentage, trade_size_amount=amount)
    decision = decide(market(prices), holding(USD="1000", BTC="2"), settings, FREE)
    assert dict(zip(decision.assets, map(str, decision.amounts), strict=True)) == expected


@pytest.mark.parametrize("budget", [{"BTC": "1.5"}, {"USD": "99"}])
def test_a_budget_is_never_exceeded(budget: dict[str, str]) -> None:
    prices = {"BTC-USD": climbing()}
    decision = decide(market(prices), holding(USD="1000", BTC="1"), eager(budget=budget), FREE)
    bought = decision.conversion(0, 1)
    assert bought.gate is Gate.BUDGET
    smaller = eager(budget=budget, trade_size_percentage=0.01)
    assert decide(market(prices), holding(USD="1000", BTC="1"), smaller, FREE).conversion(0, 1).gate is Gate.OPEN
    full = holding(USD="1000", BTC="1.4999")
    assert decide(market(prices), full, smaller, FREE).conversion(0, 1).gate is (
        Gate.BUDGET if "BTC" in budget else Gate.OPEN
    )


def test_a_pair_that_is_missing_leaves_only_its_own_asset_out() -> None:
    whole = {"BTC-USD": climbing(), "ETH-USD": climbing(rate=0.002)}
    missing: Prices = {**whole, "ETH-USD": [*climbing(9, rate=0.002), None]}
    both = decide(market(whole), holding(USD="1000", BTC="1", ETH="1"), eager(), FREE)
    one = decide(market(missing, guarded={"ETH-USD": "frozen"}), holding(USD="1000", BTC="1", ETH="1"), eager(), FREE)
    assert one.conversion(0, 1) == both.conversion(0, 1)
    for scored in one.conversions():
        assert (scored.gate is Gate.PRICE) == ("ETH" in (scored.source, scored.target))


def test_without_any_price_nothing_trades_and_nothing_fails() -> None:
    nothing = {"BTC-USD": [*climbing(9), None]}
    decision = decide(market(nothing), holding(USD="1000"), eager(), FREE)
    assert decision.chosen is None
    assert {scored.gate for scored in decision.conversions()} == {Gate.PRICE}


def test_a_gap_is_bridged_and_is_neither_a_zero_return_nor_a_zero_volatility() -> None:
    prices: list[float | None] = list(walk(3, 40, drift=0.001))
    gap = [None if row in (10, 11, 25) else price for row, price in enumerate(prices)]
    settings = eager(window=40)
    bridged = decide(market({"BTC-USD": gap}), holding(USD="1000"), settings, FREE).conversion(0, 1)
    flat = [prices[9] if row in (10, 11) else prices[24] if row == 25 else price for row, price in enumerate(prices)]
    carried = decide(market({"BTC-USD": flat}), holding(USD="1000"), settings, FREE).conversion(0, 1)
    logs = [math.log(price) for price in gap if price is not None]
    moves = [after - before for before, after in pairwise(logs)]
    centre = math.fsum(moves) / len(moves)
    expected = math.sqrt(math.fsum((move - centre) ** 2 for move in moves) / (len(moves) - 1))
    assert bridged.volatility == pytest.approx(expected, rel=1e-9)
    assert bridged.volatility != pytest.approx(carried.volatility, rel=1e-3)


def test_equity_is_every_holding_at_mid_and_unknown_while_one_has_no_price() -> None:
    prices: Prices = {"BTC-USD": [*climbing(9), 200.0], "ETH-USD": [*climbing(9), None]}
    decision = decide(market(prices), holding(USD="1"), eager(), FREE)
    assert equity(holding(USD="10.5", BTC="2"), decision) == pytest.approx(Decimal("410.50"), abs=Decimal("0.01"))
    assert equity(holding(USD="10.5", ETH="0"), decision) == Decimal("10.50")
    assert equity(holding(USD="10.5", ETH="1"), decision) is None
    assert equity(holding(DOGE="1"), decision) is None


def test_equity_at_an_exact_price_is_exact() -> None:
    decision = decide(market({"BTC-USD": [*climbing(9), 200.0]}), holding(USD="1"), eager(), FREE)
    assert equity(holding(USD="10.5", BTC="2"), decision) == Decimal("410.50")


def test_the_same_inputs_always_give_the_same_decision() -> None:
    prices = {name: walk(place, 120, drift=0.0003) for place, name in enumerate(COINS)}
    settings = active(forecaster="drift", drift_weight=1, cost_bps=5)
    once = decide(market(prices), holding(USD="1000"), settings, UPHOLD)
    again = decide(market(prices), holding(USD="1000"), settings, UPHOLD)
    assert list(once.conversions()) == list(again.conversions())
    assert once.chosen == again.chosen
