"""What must hold before a conversion may trade: each gate alone, their order, their exact limits, their sentences."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from heisenbug.domain.decide import Decision, Scored, decide
from heisenbug.domain.gates import ASKED, Gate
from heisenbug.domain.market import Market
from heisenbug.domain.portfolio import Portfolio
from heisenbug.domain.settings import Settings
from heisenbug.domain.venue import Venue
from heisenbug.domain.words import why
from tests.markets import FREE, MONDAY, climbing, eager, holding, market

GUARDED = {"BTC-USD": "frozen: no change"}
DEAR = replace(FREE, least_value=Decimal(100))


@dataclass(frozen=True)
class Case:
    """A situation in which USD -> BTC passes every gate, until something is changed."""

    market: Market = field(default_factory=lambda: market({"BTC-USD": climbing()}))
    portfolio: Portfolio = field(default_factory=lambda: holding(USD="1000", BTC="1"))
    settings: Settings = field(default_factory=eager)
    venue: Venue = FREE

    def decide(self) -> Decision:
        return decide(self.market, self.portfolio, self.settings, self.venue)

    def buy(self) -> Scored:
        return self.decide().conversion(0, 1)


def told(**changes: Any) -> Callable[[Case], Case]:
    return lambda case: replace(case, settings=replace(case.settings, **changes))


def with_portfolio(**changes: Any) -> Callable[[Case], Case]:
    return lambda case: replace(case, portfolio=replace(case.portfolio, **changes))


def with_market(**changes: Any) -> Callable[[Case], Case]:
    return lambda case: replace(case, market=replace(case.market, **changes))


def shorter(case: Case) -> Case:
    return with_market(samples=case.market.samples[-6:])(case)


def guarded(case: Case) -> Case:
    return replace(case, market=market({"BTC-USD": [*climbing(9), None]}, guarded=GUARDED))


def risky(case: Case) -> Case:
    return told(risk_tolerance=case.buy().risk / 2)(case)


# In the order of decision.md; each closes its own gate and leaves the ones before it open.
CLOSING: list[tuple[Gate, Callable[[Case], Case], float, float]] = [
    (Gate.WINDOW, shorter, 7, 10),
    (Gate.PRICE, with_market(price_age_seconds=31.0), 31, 30),
    (Gate.HELD, with_portfolio(holdings={}), 0, 0),
    (Gate.CONFIDENCE, told(min_confidence=1.1), 1.0, 1.1),
    (Gate.RISK, risky, math.nan, math.nan),
    (Gate.RETURN, told(min_expected_return=0.5), math.nan, 0.5),
    (Gate.COOLDOWN, with_portfolio(resting={("USD", "BTC"): MONDAY + 42}), 42, 0),
    (Gate.MINIMUM, lambda case: replace(case, venue=replace(FREE, least_value=Decimal(101))), 100, 101),
    (Gate.BUDGET, told(budget={"BTC": Decimal(1)}), math.nan, 1),
    (Gate.RESERVE, told(reserve={"USD": Decimal(901)}), 900, 901),
    (Gate.OPEN_TRADE, with_portfolio(open_trade="abc"), 1, 0),
    (Gate.STOPPED, told(is_active=False), 0, 1),
    (Gate.KILLED, with_portfolio(killed=True), 1, 0),
    (Gate.HALTED, with_portfolio(halts=("max_drawdown", "daily_loss")), 2, 0),
]


def test_with_every_gate_open_the_conversion_trades() -> None:
    case = Case()
    assert case.buy().gate is Gate.OPEN
    assert case.decide().chosen == case.buy()


@pytest.mark.parametrize(("gate", "close", "value", "limit"), CLOSING, ids=lambda item: getattr(item, "name", ""))
def test_each_gate_alone_stops_the_trade_and_states_its_two_numbers(
    gate: Gate, close: Callable[[Case], Case], value: float, limit: float
) -> None:
    case = close(Case())
    bought = case.buy()
    assert bought.gate is gate
    chosen = case.decide().chosen
    assert chosen is None or chosen.source != "USD"
    assert math.isnan(value) or bought.value == pytest.approx(value, rel=1e-6)
    assert math.isnan(limit) or bought.limit == pytest.approx(limit, rel=1e-6)


def test_risk_and_return_state_the_scores_they_compared() -> None:
    risk = risky(Case()).buy()
    assert (risk.value, risk.limit) == (risk.risk, risk.risk / 2)
    gain = told(min_expected_return=0.5)(Case()).buy()
    assert gain.value == gain.expected_return
    budget = told(budget={"BTC": Decimal(1)})(Case()).buy()
    assert budget.value == pytest.approx(1 + 100 / Case().decide().prices[1])


def test_of_many_closed_gates_the_first_in_order_is_named() -> None:
    order = [gate for gate, *_ in CLOSING]
    assert order == list(ASKED)
    assert set(ASKED) == set(Gate) - {Gate.OPEN}
    # HELD takes the holding away, so worth and amounts go with it: the gates after it are checked without it.
    for first in range(len(CLOSING)):
        case = Case()
        for gate, close, *_ in reversed(CLOSING[first:]):
            if gate is not Gate.HELD or first == order.index(Gate.HELD):
                case = close(case)
        assert case.buy().gate is order[first]


def spends_too_much(case: Case) -> Case:
    return told(budget={"USD": Decimal(99)})(case)


def test_a_budget_binds_what_is_spent_as_well_as_what_is_held() -> None:
    spent = spends_too_much(Case()).buy()
    assert (spent.gate, spent.value, spent.limit) == (Gate.BUDGET, 100, 99)


CONFIDENT = Case(settings=eager(cost_bps=90, min_expected_return=0))


@pytest.mark.parametrize(
    ("gate", "at_limit", "beyond"),
    [
        (Gate.WINDOW, told(window=10), told(window=11)),
        (Gate.PRICE, with_market(price_age_seconds=30.0), with_market(price_age_seconds=math.nextafter(30, 31))),
        (
            Gate.CONFIDENCE,
            lambda case: told(min_confidence=case.buy().confidence)(case),
            lambda case: told(min_confidence=math.nextafter(case.buy().confidence, 2))(case),
        ),
        (
            Gate.RISK,
            lambda case: told(risk_tolerance=case.buy().risk)(case),
            lambda case: told(risk_tolerance=math.nextafter(case.buy().risk, 0))(case),
        ),
        (
            Gate.RETURN,
            lambda case: told(min_expected_return=math.nextafter(case.buy().expected_return, 0))(case),
            lambda case: told(min_expected_return=case.buy().expected_return)(case),
        ),
        (
            Gate.COOLDOWN,
            with_portfolio(resting={("USD", "BTC"): MONDAY}),
            with_portfolio(resting={("USD", "BTC"): MONDAY + 1}),
        ),
        (
            Gate.MINIMUM,
            lambda case: replace(case, venue=DEAR),
            lambda case: replace(case, venue=replace(FREE, least_value=Decimal("100.01"))),
        ),
        (Gate.BUDGET, told(budget={"USD": Decimal(100)}), told(budget={"USD": Decimal("99.99")})),
    ],
    ids=lambda item: getattr(item, "name", ""),
)
def test_a_gate_is_open_exactly_at_its_limit_and_closed_just_beyond(
    gate: Gate, at_limit: Callable[[Case], Case], beyond: Callable[[Case], Case]
) -> None:
    assert at_limit(Case()).buy().gate is Gate.OPEN
    assert beyond(Case()).buy().gate is gate


def test_confidence_and_risk_are_compared_with_what_was_computed_from_costs() -> None:
    bought = CONFIDENT.buy()
    assert 0.5 < bought.confidence < 1
    assert bought.gate is Gate.OPEN


def test_a_resting_conversion_rests_in_its_own_direction_only() -> None:
    portfolio = replace(Case().portfolio, resting={("BTC", "USD"): MONDAY + 300})
    assert replace(Case(), portfolio=portfolio).buy().gate is Gate.OPEN


@pytest.mark.parametrize("missing", [1, 2])
def test_an_asset_seen_in_nine_of_ten_samples_is_bridged_and_one_seen_less_waits(missing: int) -> None:
    gaps: list[float | None] = list(climbing(20))
    for row in range(4, 4 + 2 * missing, 2):
        gaps[row] = None
    gaps[12] = None
    case = Case(market({"BTC-USD": gaps}), settings=eager(window=20))
    assert case.buy().gate is (Gate.OPEN if missing == 1 else Gate.WINDOW)
    assert missing == 1 or (case.buy().value, case.buy().limit) == (17, 20)


@pytest.mark.parametrize(
    ("close", "sentence"),
    [
        (shorter, "the window is filling: 7 of 10 samples"),
        (with_market(price_age_seconds=31.0), "prices are 31.0 s old, at most 30 s may decide"),
        (guarded, "no price to go by: BTC-USD is guarded: frozen: no change"),
        (with_portfolio(holdings={}), "not held: USD 0 must be above 0"),
        (told(min_confidence=1.1), "confidence 1.00 < 1.10 (net 103 bp)"),
        (told(min_confidence=1.1, cost_bps=220.0), "confidence 0.00 < 1.10 (edge 102 bp < cost 220 bp)"),
        (told(min_confidence=0, cost_bps=220.0), "risk infinite > 1.00 (edge 102 bp < cost 220 bp)"),
        (told(min_expected_return=0.5), "net return 103 bp is not above 5000 bp"),
        (with_portfolio(resting={("USD", "BTC"): MONDAY + 42}), "rests for another 42 s after a trade"),
        (
            lambda case: replace(case, venue=replace(FREE, least_value=Decimal(101))),
            "worth 100, the venue's least is 101",
        ),
        (spends_too_much, "the budget allows 99, it would be 100"),
        (with_portfolio(open_trade="abc"), "another trade is still open"),
        (told(is_active=False), "every other gate is open, but the bot is stopped (heisenbug start)"),
        (with_portfolio(killed=True), "every other gate is open, but the bot was killed (heisenbug rearm)"),
        (lambda case: case, "every gate is open: confidence 1.00, risk 0.02, net 103 bp after 0 bp of cost"),
    ],
)
def test_every_gate_says_why_in_one_sentence(close: Callable[[Case], Case], sentence: str) -> None:
    assert why(close(Case()).buy()) == sentence


@pytest.mark.parametrize("gate", Gate)
@pytest.mark.parametrize("number", [0.0, 1.0, -1.0, math.inf, 1e-9, 1e12])
def test_no_sentence_ever_says_nan(gate: Gate, number: float) -> None:
    scored = Case().buy()
    strange = replace(scored, gate=gate, value=number, limit=number, expected_return=math.nan, risk=math.inf)
    assert "nan" not in why(strange)


def test_assets_whose_gaps_never_coincide_are_told_apart_from_low_confidence() -> None:
    names = [f"{letter}{letter}-USD" for letter in "ABCDEFGHIJ"]
    prices = {
        name: [None if row % 10 == place and row < 19 else price for row, price in enumerate(climbing(20))]
        for place, name in enumerate(names)
    }
    decision = Case(market(prices), holding(USD="1000"), eager(window=20)).decide()
    assert "nan" not in why(decision.conversion(0, 1))


def test_a_full_window_is_never_decided_on_a_fraction_of_it() -> None:
    names = [f"{letter}{letter}-USD" for letter in "ABCDEFGH"]
    prices = {
        name: [None if row % 10 == place else price for row, price in enumerate(climbing(100))]
        for place, name in enumerate(names)
    }
    case = Case(market(prices), holding(USD="1000"), eager(window=100))
    alone = Case(market({names[0]: prices[names[0]]}), holding(USD="1000"), eager(window=100))
    # One asset more must not take samples away from the others: their volatility is theirs.
    assert case.decide().conversion(0, 1).volatility == pytest.approx(alone.decide().conversion(0, 1).volatility)
