"""What is held goes back at its stop, its target or after its time; that needs no confidence and comes first."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.decide import Decision, decide
from heisenbug.domain.entries import Entry
from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.exits import Due, Exit, Held, due_exit, levels, too_near
from heisenbug.domain.gates import BIND_EXITS, Gate
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.portfolio import Portfolio
from heisenbug.domain.settings import DEFAULTS, change
from heisenbug.domain.venue import UPHOLD
from heisenbug.domain.words import why
from tests.markets import FREE, MONDAY, active, climbing, eager, market

BOUGHT = Entry(Decimal(100), MONDAY, Decimal(120))
HOUR = 3600


def held(price: float, *, cost: float = 0.0, expected: float = 0.0, at: int = MONDAY, entry: Entry = BOUGHT) -> Held:
    return Held(price, cost, entry, expected, at)


@pytest.mark.parametrize(
    ("changes", "seen", "due"),
    [
        ({"stop_loss": 0.25}, held(75.0), Due(Exit.STOP_LOSS, 75.0, 75.0)),
        ({"stop_loss": 0.25}, held(75.01), None),
        ({"take_profit": 0.5}, held(150.0), Due(Exit.TAKE_PROFIT, 150.0, 150.0)),
        ({"take_profit": 0.5}, held(149.9), None),
        ({"take_profit": 0.5}, held(187.5, cost=0.25), None),
        ({"take_profit": 0.5}, held(200.0, cost=0.25), Due(Exit.TAKE_PROFIT, 150.0, 150.0)),
        ({"trailing_stop": 0.25}, held(90.0), Due(Exit.TRAILING_STOP, 90.0, 90.0)),
        ({"trailing_stop": 0.25}, held(90.1), None),
        ({"time_stop": 60}, held(100.0, at=MONDAY + HOUR), Due(Exit.TIME_STOP, HOUR, HOUR)),
        ({"time_stop": 60}, held(100.0, at=MONDAY + HOUR - 1), None),
        ({"time_stop": 60}, held(100.0, at=MONDAY + HOUR, expected=1e-9), None),
        ({"time_stop": 60}, held(100.0, at=MONDAY + HOUR, expected=float("nan")), None),
        ({"time_stop": 60}, held(100.0, at=MONDAY + HOUR, entry=Entry(Decimal(100))), None),
        ({}, held(1e-9, at=MONDAY + 10**9), None),
    ],
)
def test_an_exit_is_due_where_its_limit_is_crossed_and_not_before(
    changes: dict[str, Any], seen: Held, due: Due | None
) -> None:
    assert due_exit(seen, active(**changes)) == due


@pytest.mark.parametrize("first", [0, 1, 2])
def test_where_several_are_crossed_at_once_the_worse_is_assumed(first: int) -> None:
    everything = {"stop_loss": 0.25, "trailing_stop": 0.3, "take_profit": 0.001, "time_stop": 60}
    order = [Exit.STOP_LOSS, Exit.TRAILING_STOP, Exit.TAKE_PROFIT, Exit.TIME_STOP]
    # Bought on average at 100 after it had been at 200: between 100.1 and 140 stop and target are both crossed.
    seen = held((75.0, 120.0, 150.0)[first], at=MONDAY + HOUR, entry=Entry(Decimal(100), MONDAY, Decimal(200)))
    due = due_exit(seen, active(**everything))
    assert due is not None
    assert due.exit is order[first]


@given(st.floats(1, 1000), st.floats(0.001, 0.99), st.floats(0.001, 100), st.floats(0, 0.5))
def test_a_stop_lies_under_what_was_paid_and_a_target_brings_more(
    paid: float, stop: float, target: float, cost: float
) -> None:
    settings = active(stop_loss=stop, take_profit=target)
    entry = Entry(Decimal(repr(paid)), MONDAY, Decimal(repr(paid)))
    at = levels(entry, settings)
    assert at[Exit.STOP_LOSS] < paid < at[Exit.TAKE_PROFIT]
    due = due_exit(held(paid, cost=cost, entry=entry), settings)
    assert due is None
    gone = due_exit(held(at[Exit.TAKE_PROFIT] / (1 - cost) * 1.000001, cost=cost, entry=entry), settings)
    assert gone is not None
    assert gone.exit is Exit.TAKE_PROFIT
    assert gone.value > paid


# ------------------------------------------------------------- in a decision


def holds(entries: dict[str, Entry], **amounts: str) -> Portfolio:
    return Portfolio({asset: Decimal(amount) for asset, amount in amounts.items()}, entries=entries)


def dear(price: int) -> Entry:
    """What cost far more than the market's 100."""
    return Entry(Decimal(price), MONDAY - 600, Decimal(price))


FALLEN = {"BTC-USD": climbing(), "ETH-USD": climbing(rate=0.003)}


def decided(portfolio: Portfolio, **changes: Any) -> Decision:
    return decide(market(FALLEN), portfolio, eager(**{"stop_loss": 0.1, **changes}), FREE)


def test_an_exit_converts_all_of_the_holding_and_says_what_was_crossed() -> None:
    chosen = decided(holds({"BTC": dear(200)}, BTC="1.5", USD="1000")).chosen
    assert chosen is not None
    assert (chosen.source, chosen.target, chosen.amount) == ("BTC", "USD", Decimal("1.5"))
    assert (chosen.exit, chosen.gate, chosen.limit) == (Exit.STOP_LOSS, Gate.OPEN, 180.0)
    assert why(chosen).startswith("stop-loss: BTC at 100.")
    assert why(chosen).endswith("is not above 180")


def test_an_exit_comes_before_every_entry_and_of_two_exits_the_larger() -> None:
    entry = decided(holds({"BTC": dear(101)}, BTC="1", USD="1000")).chosen
    assert entry is not None
    assert (entry.exit, entry.target) == (None, "ETH")
    both = decided(holds({"BTC": dear(200), "ETH": dear(200)}, BTC="1", ETH="2", USD="1000")).chosen
    assert both is not None
    assert (both.source, both.exit) == ("ETH", Exit.STOP_LOSS)


@pytest.mark.parametrize(
    "changes",
    [
        {"min_confidence": 1},
        {"risk_tolerance": 0},
        {"min_expected_return": 1},
        {"window": 1000},
        {"is_active": False},
        {"budget": {"USD": "1", "BTC": "0.5"}},
    ],
    ids=str,
)
def test_what_bars_an_entry_bars_no_exit(changes: dict[str, Any]) -> None:
    held = holds({"BTC": dear(200)}, BTC="1", USD="1000")
    resting = replace(held, resting={("BTC", "USD"): MONDAY + 300})
    chosen = decided(resting, **changes).chosen
    assert chosen is not None
    assert chosen.exit is Exit.STOP_LOSS


@pytest.mark.parametrize(
    ("gate", "held", "age"),
    [
        (Gate.PRICE, holds({"BTC": dear(200)}, BTC="1"), 31.0),
        (Gate.MINIMUM, holds({"BTC": dear(200)}, BTC="0.00001"), 0.0),
        (Gate.OPEN_TRADE, replace(holds({"BTC": dear(200)}, BTC="1"), open_trade="abc"), 0.0),
        (Gate.KILLED, replace(holds({"BTC": dear(200)}, BTC="1"), killed=True), 0.0),
    ],
    ids=lambda item: getattr(item, "name", ""),
)
def test_an_exit_is_barred_by_what_makes_it_impossible_or_unsafe(gate: Gate, held: Portfolio, age: float) -> None:
    decision = decide(market(FALLEN, age=age), held, eager(stop_loss=0.1), FREE)
    assert decision.chosen is None
    scored = decision.conversion(1, 0)
    assert (scored.exit, scored.gate) == (Exit.STOP_LOSS, gate)
    assert gate in BIND_EXITS


def test_an_asset_without_a_price_waits_for_one() -> None:
    unseen = decide(
        market({"BTC-USD": [*climbing(9), None], "ETH-USD": climbing()}, guarded={"BTC-USD": "silent"}),
        holds({"BTC": dear(200)}, BTC="1"),
        eager(stop_loss=0.1),
        FREE,
    )
    assert (unseen.chosen, dict(unseen.exits)) == (None, {})


def test_the_first_tick_after_a_long_pause_can_exit_before_its_window_is_full() -> None:
    two = {"BTC-USD": climbing(1)}
    chosen = decide(market(two), holds({"BTC": dear(200)}, BTC="1"), eager(stop_loss=0.1), FREE).chosen
    assert chosen is not None
    assert chosen.exit is Exit.STOP_LOSS


def test_without_an_exit_set_no_decision_looks_at_entries() -> None:
    held = holds({"BTC": dear(200)}, BTC="1", USD="1000")
    with_them, without = decided(held, stop_loss=None), decided(replace(held, entries={}), stop_loss=None)
    assert with_them.chosen == without.chosen
    assert dict(with_them.exits) == {}


# ------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"stop_loss": -0.1}, "stop_loss", "a stop lies under what was paid"),
        ({"take_profit": -0.1}, "take_profit", "a target lies above what was paid"),
        ({"trailing_stop": 0}, "trailing_stop", "a stop trails at a distance"),
        ({"time_stop": 59}, "time_stop", "would go before they are over"),
        (
            {"mode": "live", "stop_loss": 0.1, "budget": {"BTC": "1"}},
            "budget",
            "budget must name USD, which it does not",
        ),
    ],
)
def test_what_can_make_no_sense_is_refused_with_the_reason(changes: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        change(DEFAULTS, changes)
    (error,) = refused.value.fields
    assert error.field == field
    assert says in error.message


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"stop_loss": 0.022},
            "must be above what a conversion costs, not 0.022: BTC costs 220 bp at Uphold",
        ),
        ({"stop_loss": 0.001, "cost_bps": 10}, "BTC costs 10 bp"),
        ({"max_exit_cost_bps": 219}, "max_exit_cost_bps must not be under what a conversion costs, not 219"),
        ({"stop_loss": 0.0221}, None),
        ({"stop_loss": 0.0011, "cost_bps": 10}, None),
        ({}, None),
    ],
)
def test_a_stop_above_the_price_of_entry_is_refused(changes: dict[str, Any], says: str | None) -> None:
    errors = too_near(active(**changes), ["USD", "BTC"], UPHOLD)
    assert [says in error.message for error in errors if says] == ([True] if says else [])
    assert bool(errors) == (says is not None)


def test_what_was_entered_by_a_trade_is_what_an_exit_goes_by() -> None:
    ledger = Ledger({"BTC": Decimal(1)}, {"BTC": dear(200)}, base="USD")
    assert levels(ledger.entries["BTC"], active(stop_loss=0.5)) == {Exit.STOP_LOSS: 100.0}
