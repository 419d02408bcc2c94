"""Every protection: not before its limit, at it, until its time, and lifted as it says; none forgets for a setting."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.entries import Entry
from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.ledger import Ledger, settle
from heisenbug.domain.protections import (
    Day,
    Drawdown,
    Halts,
    Moment,
    Protection,
    day_of,
    drawdown_verdict,
    halts,
    lifted_by,
    needs_person,
    restated,
)
from heisenbug.domain.settings import DEFAULTS, change
from heisenbug.domain.tally import MOST, Tally
from heisenbug.domain.trade import Expected, Trade, TradeState, VenueQuote
from tests.markets import MONDAY, active

HOUR, DAY = 3600, 86_400
ALL = Decimal(1000)


@pytest.mark.parametrize(
    ("equity", "peak", "fraction", "stops"),
    [
        ("800", "1000", 0.2, True),
        ("800.01", "1000", 0.19999, False),
        ("0", "1000", 1.0, True),
        ("1000", "1000", 0.0, False),
        ("0", "0", 0.0, False),
    ],
)
def test_equity_stops_entries_at_the_limit_and_not_before(equity: str, peak: str, fraction: float, stops: bool) -> None:
    drawdown = Drawdown(Decimal(equity), Decimal(peak))
    assert drawdown.fraction == pytest.approx(fraction)
    assert (drawdown_verdict(drawdown, 0.2) is not None) == stops


# ------------------------------------------------------------------ each of them


@dataclass(frozen=True)
class Case:
    """What a protection is asked with, and what of it is just not enough."""

    name: Protection
    told: dict[str, Any]
    short: Callable[["Case"], "Case"]
    until: int | None
    tally: Tally = Tally()
    moment: Moment = Moment(MONDAY, ALL, ALL, ALL)
    after: Moment | None = None
    person: bool = False

    def halts(self, before: Halts | None = None, moment: Moment | None = None, **told: Any) -> Halts:
        return halts(before or {}, self.tally, active(**{**self.told, **told}), moment or self.moment)


def tally(count: int, at: int = MONDAY, is_loss: bool | None = None, excess: float | None = None) -> Tally:
    done = Tally()
    for number in range(count):
        done = done.executed(at + number, is_loss, excess)
    return done


def erred(count: int) -> Tally:
    done = Tally()
    for number in range(count):
        done = done.erred(MONDAY + number)
    return done


def worth(equity: int, at: int = MONDAY, **changes: Any) -> Moment:
    return replace(Moment(at, Decimal(equity), ALL, ALL), **changes)


def moved(**changes: Any) -> Callable[[Case], Case]:
    return lambda case: replace(case, **changes)


CASES = [
    Case(
        Protection.MAX_DRAWDOWN, {}, moved(moment=worth(801)), None, moment=worth(800), after=worth(1000), person=True
    ),
    Case(
        Protection.DAILY_LOSS,
        {"daily_loss": 0.1},
        moved(moment=worth(901)),
        MONDAY + DAY,
        moment=worth(900, MONDAY + 7),
        after=worth(1000, MONDAY + DAY - 1),
    ),
    Case(
        Protection.LOSING_STREAK,
        {"losing_streak": 3},
        moved(tally=tally(2, is_loss=True)),
        MONDAY + 2 + HOUR,
        tally=tally(3, is_loss=True),
        moment=worth(1000, MONDAY + 3),
        after=worth(1000, MONDAY + 1 + HOUR),
    ),
    Case(
        Protection.MAX_TRADES_PER_HOUR,
        {"max_trades_per_hour": 3},
        moved(tally=tally(2)),
        MONDAY + HOUR,
        tally=tally(3),
        after=worth(1000, MONDAY + HOUR - 1),
    ),
    Case(
        Protection.MAX_TRADES_PER_DAY,
        {"max_trades_per_day": 3},
        moved(tally=tally(2)),
        MONDAY + DAY,
        tally=tally(3),
        after=worth(1000, MONDAY + DAY - 1),
    ),
    Case(
        Protection.MAX_PRICE_AGE_SECONDS,
        {},
        moved(moment=worth(1000, price_age_seconds=30.0)),
        None,
        moment=worth(1000, price_age_seconds=30.1, failure="The venue was silent."),
    ),
    Case(
        Protection.MAX_VENUE_ERRORS,
        {"max_venue_errors": 3},
        moved(tally=erred(2)),
        MONDAY + 2 + HOUR,
        tally=erred(3),
        after=worth(1000, MONDAY + 1 + HOUR),
    ),
    Case(
        Protection.MAX_COST_EXCESS_BPS,
        {},
        moved(tally=tally(3, excess=25.0)),
        None,
        tally=tally(3, excess=25.01),
        after=worth(1000, MONDAY + 30 * DAY),
        person=True,
    ),
]
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.value)


def test_every_protection_is_in_the_table() -> None:
    assert [case.name for case in CASES] == list(Protection)


@EACH
def test_it_stops_entries_at_its_limit_and_not_before(case: Case) -> None:
    assert case.short(case).halts() == {}
    ((name, halt),) = case.halts().items()
    assert (name, halt.since, halt.until) == (case.name, case.moment.at, case.until)
    assert halt.why.endswith((".", "silent.", "(heisenbug rearm)."))
    assert lifted_by(name).endswith(".")
    assert needs_person({name: halt}) == case.person


@EACH
def test_it_lasts_as_long_as_it_says_with_the_reason_of_its_beginning(case: Case) -> None:
    begun = case.halts()
    if case.after is not None:
        assert case.halts(begun, case.after) == begun
    if case.until is not None:
        later = replace(case.moment, at=case.until, equity=ALL)
        assert case.halts(begun, later) == {}


@EACH
def test_a_new_process_that_knows_the_ledger_and_the_kept_halts_says_the_same(case: Case) -> None:
    begun = case.halts()
    assert case.halts(begun, case.moment) == begun
    if case.after is None or case.name in (Protection.MAX_DRAWDOWN, Protection.DAILY_LOSS):
        return
    # These follow from the ledger alone: what was kept of them may even be lost.
    assert case.halts({}, case.after).keys() == begun.keys()


@EACH
def test_a_person_lifts_it_where_it_says_so(case: Case) -> None:
    at = case.moment.at + 10
    rearmed = replace(case.moment, at=at, rearmed_at=at, peak=case.moment.equity, day_began=case.moment.equity)
    lifts = "heisenbug rearm lifts it" in lifted_by(case.name)
    assert (case.halts({}, rearmed) == {}) == lifts


@pytest.mark.parametrize(("equity", "lifted"), [(899, False), (900, True), (1000, True), (None, False)])
def test_a_drawdown_lifts_itself_only_where_equity_has_come_back_far_enough(equity: int | None, lifted: bool) -> None:
    case = CASES[0]
    begun = case.halts()
    back = replace(worth(0, MONDAY + 60), equity=None if equity is None else Decimal(equity))
    assert case.halts(begun, back) == begun
    assert (case.halts(begun, back, drawdown_resume=0.1) == {}) == lifted
    assert case.halts(begun, back, max_drawdown=1) == begun


def test_unknown_equity_stops_nothing_and_lifts_nothing() -> None:
    unknown = replace(worth(0), equity=None)
    assert halts({}, Tally(), active(daily_loss=0.1), unknown) == {}
    begun = CASES[1].halts()
    assert CASES[1].halts(begun, replace(unknown, at=MONDAY + HOUR)) == begun


def test_each_further_loss_of_a_streak_lets_entries_rest_anew_and_a_gain_ends_it() -> None:
    case = CASES[2]
    rested = worth(1000, MONDAY + 2 + HOUR)
    assert case.halts({}, rested) == {}
    lost = replace(case, tally=case.tally.executed(MONDAY + 3 + HOUR, True, None))
    assert lost.halts({}, rested)[Protection.LOSING_STREAK].until == MONDAY + 3 + 2 * HOUR
    gained = replace(case, tally=case.tally.executed(MONDAY + 3, False, None))
    assert gained.halts() == {}
    neither = replace(case, tally=case.tally.executed(MONDAY + 3, None, None))
    assert neither.halts().keys() == {Protection.LOSING_STREAK}


def test_a_trade_that_costs_what_was_quoted_ends_the_doubt() -> None:
    case = CASES[-1]
    assert replace(case, tally=case.tally.executed(MONDAY + 9, None, 0.0)).halts() == {}


# ------------------------------------------------------------------- the tally

EXPECTED = Expected(0.8, 0.01, 0.012, 0.1, 0.002, 100.0, 1.0)
QUOTE = VenueQuote("q", "BTC", "USD", Decimal(1), Decimal(99), MONDAY + 18)


def sold(received: str | None, state: TradeState = TradeState.EXECUTED, **changes: Any) -> Trade:
    got = None if received is None else Decimal(received)
    done = Trade("t", "paper", MONDAY, "BTC", "USD", Decimal(1), EXPECTED, "because", state, received=got, quote=QUOTE)
    return replace(done, **changes)


HELD = Ledger({"BTC": Decimal(9)}, {"BTC": Entry(Decimal(100), MONDAY, Decimal(100))}, base="USD")


@pytest.mark.parametrize(("received", "losses"), [("99.99", 1), ("100", 0), ("101", 0)])
def test_a_loss_is_what_brought_less_than_it_had_cost(received: str, losses: int) -> None:
    assert len(settle(HELD, sold(received), MONDAY, 0).tally.losses) == losses
    unknown = settle(replace(HELD, entries={}), sold(received), MONDAY, 0)
    assert unknown.tally.losses == ()


@pytest.mark.parametrize(
    ("trade", "errors"),
    [
        (sold("99"), 0),
        (sold(None, TradeState.FAILED), 1),
        (sold(None, TradeState.SKIPPED, quote=None), 1),
        (sold(None, TradeState.SKIPPED), 0),
        (sold(None, TradeState.ABANDONED, quote=None), 0),
    ],
    ids=lambda item: getattr(item, "state", ""),
)
def test_an_error_is_what_the_venue_did_not_carry_out_and_no_word_of_ours(trade: Trade, errors: int) -> None:
    assert len(settle(HELD, trade, MONDAY, 0).tally.errors) == errors


def test_what_was_carried_out_ends_the_errors_in_a_row() -> None:
    failed = settle(HELD, sold(None, TradeState.FAILED), MONDAY, 0)
    assert settle(failed, sold("99"), MONDAY, 0).tally.errors == ()


def test_what_a_trade_costs_above_its_quote_is_kept() -> None:
    done = settle(HELD, sold("99", quoted_cost_bps=40.0, realised_cost_bps=70.129), MONDAY + 3, 0)
    assert done.tally.excess == ((MONDAY + 3, 30.13),)


@given(st.lists(st.tuples(st.integers(0, 3 * DAY), st.booleans()), max_size=60))
def test_the_counts_are_those_of_the_hour_and_the_day_and_nothing_grows(trades: list[tuple[int, bool]]) -> None:
    done, times = Tally(), []
    for after, is_loss in sorted(trades):
        times.append(MONDAY + after)
        done = done.executed(times[-1], is_loss, 1.0)
        assert done.hour.within(times[-1] // HOUR) == sum(at // HOUR == times[-1] // HOUR for at in times)
        assert done.day.within(times[-1] // DAY) == sum(at // DAY == times[-1] // DAY for at in times)
    assert max(len(done.losses), len(done.excess)) <= MOST


def test_a_tick_that_is_late_stands_in_the_hour_in_which_its_trade_would_end() -> None:
    done = tally(1, MONDAY + HOUR + 1)
    late = worth(1000, MONDAY + HOUR - 5)
    assert halts({}, done, active(max_trades_per_hour=1), late).keys() == {Protection.MAX_TRADES_PER_HOUR}
    assert halts({}, done, active(max_trades_per_hour=1), worth(1000, MONDAY + 2 * HOUR)) == {}
    assert done.executed(MONDAY + HOUR - 5, None, None).hour.within((MONDAY + HOUR) // HOUR) == 2


# ------------------------------------------------------------------ days, bases


def test_a_day_begins_with_its_first_equity_that_is_known() -> None:
    first = day_of(None, MONDAY + 5, None, "USD", {})
    assert first is None
    begun = day_of(first, MONDAY + 10, ALL, "USD", {})
    assert begun == Day(MONDAY, ALL, "USD")
    assert day_of(begun, MONDAY + DAY - 1, Decimal(1), "USD", {}) == begun
    assert day_of(begun, MONDAY + DAY, None, "USD", {}) == begun
    assert day_of(begun, MONDAY + DAY, Decimal(900), "USD", {}) == Day(MONDAY + DAY, Decimal(900), "USD")


def test_another_base_currency_does_not_begin_the_day_anew() -> None:
    begun = Day(MONDAY, ALL, "USD")
    assert day_of(begun, MONDAY + 5, Decimal(400), "EUR", {"USD": 0.5}) == Day(MONDAY, Decimal("500.00"), "EUR")
    assert day_of(begun, MONDAY + 5, Decimal(400), "EUR", {}) == Day(MONDAY, Decimal(400), "EUR")
    assert restated(ALL, "USD", "USD", {}) == ALL


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"drawdown_resume": 0.2}, "drawdown_resume", "entries would begin again where they end"),
        ({"drawdown_resume": 0.1, "max_drawdown": 0.1}, "drawdown_resume", "must be under max_drawdown, 0.1, not 0.1"),
        ({"daily_loss": 0.2}, "daily_loss", "that would always end entries first"),
        ({"max_trades_per_hour": 9, "max_trades_per_day": 8}, "max_trades_per_hour", "it would never be reached"),
        ({"reserve": {"USD": "5"}, "budget": {"USD": "5"}}, "reserve", "reserve of USD must be under its budget, 5"),
    ],
)
def test_limits_that_contradict_each_other_are_refused(changes: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        change(DEFAULTS, changes)
    (error,) = refused.value.fields
    assert error.field == field
    assert says in error.message
