"""What the bot owns moves by finished trades only, and by exactly their amounts."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.entries import Entry
from heisenbug.domain.ledger import Ledger, Watched, settle
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
    before = Ledger({"USD": Decimal(1000)}, {"BTC": Entry(Decimal(1))})
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
    assert first.entries["BTC"] == Entry(Decimal(100), MONDAY, Decimal(100))
    second = settle(first, trade("300", "1"), MONDAY, 0)
    assert second.entries["BTC"].price == Decimal(200)


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


# ------------------------------------------------------- failed, and watched


def test_a_trade_that_failed_after_its_commit_is_watched_and_no_other_end_is() -> None:
    failed = replace(trade(state=TradeState.FAILED), sequence=7)
    before = Ledger({"USD": Decimal(1000)}, watched=(Watched(3, MONDAY - 9, MONDAY + 51),))
    after = settle(before, failed, MONDAY, 0)
    assert after.watched == (Watched(3, MONDAY - 9, MONDAY + 51), Watched(7, MONDAY, MONDAY + 60))
    for state in (TradeState.EXECUTED, TradeState.SKIPPED, TradeState.ABANDONED):
        assert settle(before, replace(failed, state=state), MONDAY, 0).watched == before.watched


@pytest.mark.parametrize(
    ("now", "ask_at"), [(60, 120), (90, 180), (120, 240), (43_000, 86_000), (43_201, 86_400), (86_399, 86_400)]
)
def test_the_pauses_double_and_the_last_question_is_when_the_day_is_over(now: int, ask_at: int) -> None:
    one = Watched(7, MONDAY, MONDAY + 60)
    assert one.later(MONDAY + now) == Watched(7, MONDAY, MONDAY + ask_at)


@pytest.mark.parametrize("now", [86_400, 86_401, 10**6])
def test_after_its_day_a_failure_is_not_asked_for_any_more(now: int) -> None:
    assert Watched(7, MONDAY, MONDAY + 60).later(MONDAY + now) is None


@given(st.lists(st.integers(1, 20_000), max_size=60))
def test_a_failure_is_asked_for_a_dozen_times_or_two_however_the_ticks_fall(gaps: list[int]) -> None:
    one: Watched | None = Watched(7, MONDAY, MONDAY + 60)
    now, asked = MONDAY, 0
    for gap in gaps:
        now += gap
        if one is not None and one.ask_at <= now:
            asked, one = asked + 1, one.later(now)
            assert one is None or now < one.ask_at <= MONDAY + 86_400
    assert asked <= 12
    assert one is not None or now >= MONDAY + 86_400


def test_the_first_failure_that_is_due_is_asked_for() -> None:
    ledger = Ledger({}, watched=(Watched(1, 0, 100), Watched(2, 0, 50), Watched(3, 0, 50)))
    assert ledger.to_ask(49) is None
    assert ledger.to_ask(50) == Watched(2, 0, 50)
    assert ledger.to_ask(100) == Watched(1, 0, 100)
    assert Ledger({}).to_ask(10**10) is None


def test_one_that_waits_longer_lets_the_others_go_first_and_one_that_is_over_is_gone() -> None:
    first, second = Watched(1, 0, 60), Watched(2, 0, 60)
    ledger = Ledger({}, watched=(first, second))
    assert ledger.watching(first, Watched(1, 0, 120)).watched == (second, Watched(1, 0, 120))
    assert ledger.watching(first, None).watched == (second,)


# -------------------------------------------------------- less than nothing


@given(MONEY, MONEY, MONEY)
def test_a_late_trade_leaves_a_debt_where_its_money_is_gone(held: Decimal, spent: Decimal, received: Decimal) -> None:
    before = Ledger({"USD": held} if held < spent else {})
    after = settle(before, replace(trade(), amount=spent, received=received), MONDAY, 0)
    assert after.holdings == {"USD": before.holdings.get("USD", Decimal(0)) - spent, "BTC": received}
    assert after.holdings["USD"] < 0


def test_a_debt_that_is_paid_back_is_gone_and_does_not_spoil_the_entry_price() -> None:
    owing = Ledger({"BTC": Decimal("-0.5")})
    paid = settle(owing, trade("150", "1.5"), MONDAY, 0)
    assert paid.holdings == {"USD": Decimal(-150), "BTC": Decimal("1.0")}
    assert paid.entries["BTC"].price == Decimal(100)
    assert "BTC" not in settle(owing, trade("50", "0.5"), MONDAY, 0).holdings


def test_a_trade_that_brought_nothing_has_no_entry_price() -> None:
    after = settle(Ledger({"USD": Decimal(100)}), trade("100", None), MONDAY, 0)
    assert after.holdings == {}
    assert after.entries == {}
