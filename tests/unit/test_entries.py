"""What a holding cost, since when, and how high it has been: moved by trades and by looks, and by nothing else."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.entries import STEPS, Entry, bought, step_of
from heisenbug.domain.ledger import Ledger, settle
from heisenbug.domain.trade import Expected, Trade, TradeState
from tests.markets import MONDAY

USD = {"USD": Decimal(1000)}


def look(
    ledger: Ledger, at: int = MONDAY, base: str = "USD", trailing_stop: float | None = None, **prices: float
) -> Ledger:
    return ledger.looked_at(base, {base: 1.0, **prices}, at, trailing_stop)


def sold(amount: str, received: str, **changes: Any) -> Trade:
    expected = Expected(0.8, 0.01, 0.012, 0.1, 0.002, 100.0, 1.0)
    done = Trade("t", "paper", MONDAY, "BTC", "USD", Decimal(amount), expected, "because", TradeState.EXECUTED)
    return replace(done, received=Decimal(received), **changes)


def test_what_came_without_a_price_is_entered_at_the_first_that_is_seen() -> None:
    begun = Ledger({**USD, "BTC": Decimal(1)})
    unseen = look(begun, BTC=float("nan"))
    assert unseen.entries == {}
    assert look(unseen, BTC=90.0).entries == {"BTC": Entry(Decimal(90), MONDAY, Decimal(90))}


def test_the_base_currency_and_what_is_owed_have_no_entry() -> None:
    ledger = look(Ledger({**USD, "BTC": Decimal(-1)}, base="USD"), BTC=100.0)
    assert ledger.entries == {}
    assert settle(look(Ledger({"BTC": Decimal(2)}), BTC=100.0), sold("1", "100"), MONDAY, 0).entries.keys() == {"BTC"}


def test_a_part_that_is_sold_leaves_the_entry_and_all_of_it_takes_it_away() -> None:
    held = look(Ledger({"BTC": Decimal(2)}), BTC=90.0)
    part = settle(held, sold("1", "100"), MONDAY + 60, 0)
    assert part.entries == held.entries
    gone = settle(part, sold("1", "100"), MONDAY + 120, 0)
    assert gone.entries == {}
    again = look(replace(gone, holdings={"BTC": Decimal(1)}), MONDAY + 180, BTC=50.0)
    assert again.entries["BTC"] == Entry(Decimal(50), MONDAY + 180, Decimal(50))


def test_buying_more_averages_the_cost_counts_time_anew_and_keeps_the_high() -> None:
    first = bought(None, Decimal(0), Decimal(102), Decimal(1), MONDAY, 100.0)
    assert first == Entry(Decimal(102), MONDAY, Decimal(100))
    more = bought(replace(first, high=Decimal(130)), Decimal(1), Decimal(98), Decimal(1), MONDAY + 60, 96.0)
    assert more == Entry(Decimal(100), MONDAY + 60, Decimal(130))


@pytest.mark.parametrize(("price", "high"), [(100.5, 100), (100.51, 100.51), (99.0, 100), (150.0, 150)])
def test_a_high_moves_on_in_steps_of_a_twentieth_of_the_distance(price: float, high: float) -> None:
    held = Ledger({"BTC": Decimal(1)}, {"BTC": Entry(Decimal(90), MONDAY, Decimal(100))}, base="USD")
    after = look(held, MONDAY + 5, trailing_stop=0.1, BTC=price)
    assert after.entries["BTC"] == Entry(Decimal(90), MONDAY, Decimal(repr(high)))


@given(st.lists(st.floats(1, 1000), min_size=1, max_size=50), st.floats(0.01, 0.9))
def test_the_high_is_at_most_one_step_under_the_highest_price_seen(prices: list[float], distance: float) -> None:
    ledger = Ledger({"BTC": Decimal(1)}, base="USD")
    for price in prices:
        ledger = look(ledger, trailing_stop=distance, BTC=price)
    highest, high = Decimal(repr(max(prices))), ledger.entries["BTC"].high
    assert high <= highest <= high * (1 + Decimal(repr(step_of(distance))))
    assert step_of(distance) == distance / STEPS


def test_another_base_currency_states_the_same_cost_in_other_words() -> None:
    held = Ledger({"BTC": Decimal(1)}, {"BTC": Entry(Decimal(100), MONDAY, Decimal(120))}, base="USD")
    euros = look(held, MONDAY + 60, base="EUR", BTC=88.0, USD=0.8)
    assert (euros.base, euros.entries) == ("EUR", {"BTC": Entry(Decimal(80), MONDAY, Decimal(96))})
    back = look(euros, MONDAY + 120, BTC=110.0, EUR=1.25)
    assert (back.base, back.entries) == ("USD", held.entries)


def test_where_nothing_leads_from_one_base_to_the_other_the_cost_is_counted_from_now_on() -> None:
    held = Ledger({"BTC": Decimal(1)}, {"BTC": Entry(Decimal(100), MONDAY, Decimal(120))}, base="USD")
    assert look(held, MONDAY + 60, base="EUR", BTC=88.0).entries == {
        "BTC": Entry(Decimal(88), MONDAY + 60, Decimal(88))
    }
