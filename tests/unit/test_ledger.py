"""What the bot owns moves by finished trades only, and by exactly their amounts."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.ledger import Ledger, settle
from heisenbug.domain.portfolio import SeenCost
from heisenbug.domain.trade import Expected, Trade, TradeState, cost_fraction, trade_id
from tests.markets import MONDAY

EXPECTED = Expected(0.8, 0.01, 0.012, 0.1, 0.002, 1.0, 100.0)
MONEY = st.decimals("0.00000001", "100000000", places=8)


def trade(amount: str = "100", received: str | None = "0.99", state: TradeState = TradeState.EXECUTED) -> Trade:
    got = None if received is None else Decimal(received)
    done = Trade("t", "paper", MONDAY, "USD", "BTC", Decimal(amount), EXPECTED, "because", state, received=got)
    return replace(done, quoted_cost_bps=41.237)


@given(MONEY, MONEY, MONEY, MONEY)
def test_a_trade_moves_exactly_its_amounts_and_nothing_else(
    held: Decimal, spent: Decimal, received: Decimal, other: Decimal
) -> None:
    before = Ledger({"USD": held + spent, "BTC": other, "ETH": other})
    after = settle(before, replace(trade(), amount=spent, received=received), MONDAY, 300)
    assert after.holdings == {"USD": held, "BTC": other + received, "ETH": other}
    assert before.holdings == {"USD": held + spent, "BTC": other, "ETH": other}


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 1)), max_size=25))
def test_value_at_fixed_prices_changes_only_by_the_stated_costs(steps: list[tuple[bool, float]]) -> None:
    ledger, paid = Ledger({"USD": Decimal("1000.00")}), Decimal(0)
    for buys, part in steps:
        source, target, rate = ("USD", "BTC", Decimal("0.01")) if buys else ("BTC", "USD", Decimal(100))
        amount = (ledger.holdings.get(source, Decimal(0)) * Decimal(repr(part))).quantize(Decimal("1e-8"))
        received = (amount * rate * Decimal("0.99")).quantize(Decimal("1e-10"))
        paid += (amount * rate - received) * (100 if buys else 1)
        moved = replace(trade(), source=source, target=target, amount=amount, received=received)
        ledger = settle(ledger, moved, MONDAY, 0) if amount else ledger
    value = ledger.holdings.get("USD", Decimal(0)) + ledger.holdings.get("BTC", Decimal(0)) * 100
    assert value + paid == Decimal(1000)


@pytest.mark.parametrize("state", [TradeState.FAILED, TradeState.SKIPPED, TradeState.ABANDONED])
def test_a_trade_that_came_to_nothing_moves_nothing_but_rests_all_the_same(state: TradeState) -> None:
    before = Ledger({"USD": Decimal(1000)}, {"USD": Decimal(1)})
    after = settle(before, trade(state=state), MONDAY, 300)
    assert (after.holdings, after.entries) == (before.holdings, before.entries)
    assert after.resting == {("USD", "BTC"): MONDAY + 300, ("BTC", "USD"): MONDAY + 300}


def test_a_conversion_and_its_reverse_rest_and_those_that_rested_enough_are_forgotten() -> None:
    before = Ledger({"USD": Decimal(1000)}, resting={("ETH", "USD"): MONDAY, ("SOL", "USD"): MONDAY + 1})
    after = settle(before, trade(), MONDAY, 300)
    assert set(after.resting) == {("SOL", "USD"), ("USD", "BTC"), ("BTC", "USD")}
    assert settle(before, trade(), MONDAY, 0).resting == {("SOL", "USD"): MONDAY + 1}


def test_a_quoted_cost_is_remembered_for_its_own_direction_and_forgotten_after_a_day() -> None:
    old = {("ETH", "USD"): SeenCost(50, MONDAY - 86400), ("SOL", "USD"): SeenCost(50, MONDAY - 86399)}
    after = settle(Ledger({"USD": Decimal(1000)}, seen_costs=old), trade(), MONDAY, 300)
    assert after.seen_costs == {("SOL", "USD"): SeenCost(50, MONDAY - 86399), ("USD", "BTC"): SeenCost(41.24, MONDAY)}


def test_an_asset_that_is_spent_to_the_last_digit_is_gone() -> None:
    after = settle(Ledger({"USD": Decimal("100.00")}), trade("100"), MONDAY, 0)
    assert after.holdings == {"BTC": Decimal("0.99")}


def test_the_entry_price_is_the_average_paid_in_the_base_currency() -> None:
    first = settle(Ledger({"USD": Decimal(1000)}), trade("100", "1"), MONDAY, 0)
    assert first.entries["BTC"] == Decimal(100)
    second = settle(first, trade("300", "1"), MONDAY, 0)
    assert second.entries["BTC"] == Decimal(200)


def test_the_portfolio_knows_what_still_rests_and_what_bars_trading() -> None:
    ledger = Ledger({"USD": Decimal(1)}, resting={("USD", "BTC"): MONDAY + 1, ("BTC", "USD"): MONDAY})
    portfolio = ledger.portfolio(MONDAY, "abc", True)
    assert portfolio.resting == {("USD", "BTC"): MONDAY + 1}
    assert (portfolio.open_trade, portfolio.killed) == ("abc", True)
    assert portfolio.held("USD") == 1
    assert portfolio.held("BTC") == 0


def test_a_decision_has_one_id_and_no_other_decision_has_it() -> None:
    parts = ("default", "paper", MONDAY, "USD", "BTC")
    assert trade_id(*parts) == trade_id(*parts)
    others = [("other", *parts[1:]), (parts[0], "live", *parts[2:]), (*parts[:2], MONDAY + 5, *parts[3:])]
    others += [(*parts[:3], "BTC", "USD"), (*parts[:3], "USDB", "TC")]
    assert len({trade_id(*one) for one in (parts, *others)}) == 6


@pytest.mark.parametrize(
    ("amount", "received", "source_price", "target_price", "cost"),
    [("100", "1", 1.0, 100.0, 0.0), ("100", "0.98", 1.0, 100.0, 0.02), ("1", "101", 100.0, 1.0, -0.01)],
)
def test_the_realised_cost_is_what_is_missing_of_the_value(
    amount: str, received: str, source_price: float, target_price: float, cost: float
) -> None:
    assert cost_fraction(Decimal(amount), Decimal(received), source_price, target_price) == pytest.approx(cost)
