"""Which card stands for an asset, and what may be spent of it."""

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.errors import MarketUnavailable, NeedsPerson
from heisenbug.exchange.uphold_cards import Card, card_for, cards_of
from heisenbug.exchange.words import decimal
from tests.canned import BTC_CARD, EUR_CARD, USD_CARD, card

DOCUMENTED = {
    "address": {"bitcoin": "ms22..."},
    "available": "146.38",
    "balance": "146.38",
    "currency": "EUR",
    "id": "bc9b3911-4bc1-4c6d-ac05-0ae87dcfc9b3",
    "label": "EUR card",
    "lastTransactionAt": "2018-08-01T09:53:51.258Z",
    "normalized": [{"available": "170.96", "balance": "170.96", "currency": "USD"}],
    "settings": {"position": 0, "protected": False, "starred": True},
}
REARM = "Then: heisenbug rearm."


def test_the_documented_card_is_read_and_what_is_not_known_of_it_is_ignored() -> None:
    plain = Card("bc9b3911-4bc1-4c6d-ac05-0ae87dcfc9b3", "EUR", Decimal("146.38"), "EUR card", 0)
    assert cards_of([DOCUMENTED]) == (plain,)
    captured = {**DOCUMENTED, "CreatedByApplicationId": "x", "createdByApplicationClientId": None, "wire": [{}]}
    assert cards_of([captured]) == (plain,)


def test_what_is_pending_may_not_be_spent() -> None:
    (read,) = cards_of([card(USD_CARD, "USD", "12.34", balance="99.99")])
    assert read.available == Decimal("12.34")


@pytest.mark.parametrize(
    ("available", "amount"), [("0.00", "0.00"), (5, "5"), ("1e-8", "1E-8"), ("0.000000000000000001", "1E-18")]
)
def test_an_amount_is_read_exactly_as_text_or_as_a_number(available: Any, amount: str) -> None:
    assert cards_of([card(USD_CARD, "USD", available)])[0].available == Decimal(amount)


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        "card",
        {},
        card(USD_CARD, "USD", None),
        card(USD_CARD, "USD", "lots"),
        card(USD_CARD, "USD", "NaN"),
        card(USD_CARD, "USD", "Infinity"),
        card(USD_CARD, "USD", True),
        card(USD_CARD, "USD", {"amount": "5"}),
        card(USD_CARD, "USD", "1e999999"),
        card("", "USD", "5"),
        card("../../tokens", "USD", "5"),
        card("48ce2ac5-c038?commit=true", "USD", "5"),
        {**card(USD_CARD, "USD", "5"), "id": 48},
        {**card(USD_CARD, "USD", "5"), "currency": None},
    ],
)
def test_a_card_without_id_currency_or_amount_is_left_out(row: Any) -> None:
    assert cards_of([row]) == ()
    assert [one.asset for one in cards_of([row, card(BTC_CARD, "BTC", "1"), row])] == ["BTC"]


@pytest.mark.parametrize("settings", [None, [], {}, {"position": None}, {"position": "1"}, {"position": 1.5}])
def test_a_card_whose_place_is_not_told_stands_first(settings: Any) -> None:
    assert cards_of([card(USD_CARD, "USD", "1", settings=settings)])[0].position == 0


def test_a_label_is_shortened_and_stripped_of_what_is_not_text() -> None:
    (read,) = cards_of([card(USD_CARD, "USD", "1", label="\x1b[2J\u202ecard " + "x" * 1000)])
    assert read.label.isprintable()
    assert len(read.label) <= 160
    assert cards_of([card(USD_CARD, "USD", "1", label=None)])[0].label == ""


# ---------------------------------------------------------------------- choice


FIRST, SECOND, THIRD = (f"0000000{number}-c038-4426-b2f8-a2bdbcc93053" for number in (1, 2, 3))
MANY = (
    Card(THIRD, "USD", Decimal(3), "", 0),
    Card(SECOND, "USD", Decimal(2), "", 0),
    Card(FIRST, "USD", Decimal(1), "", 7),
    Card(BTC_CARD, "BTC", Decimal(9), "", 0),
)


@pytest.mark.parametrize("seed", range(10))
def test_without_a_pin_the_first_by_place_and_then_by_id_is_chosen_in_any_order_of_the_list(seed: int) -> None:
    cards = list(MANY)
    random.Random(seed).shuffle(cards)
    assert card_for("USD", cards, {}).id == SECOND
    assert card_for("USD", cards, {"BTC": BTC_CARD}).id == SECOND


@pytest.mark.parametrize("pinned", [FIRST, SECOND, THIRD])
def test_a_pinned_card_is_the_one_whatever_its_place(pinned: str) -> None:
    assert card_for("USD", MANY, {"USD": pinned}).id == pinned


def test_an_asset_without_a_card_needs_a_person_to_create_one() -> None:
    with pytest.raises(NeedsPerson) as error:
        card_for("ETH", MANY, {})
    assert str(error.value) == (
        f"There is no ETH card at Uphold. Create one there, or take ETH out of the budget. {REARM}"
    )


def test_a_pinned_card_that_has_vanished_is_not_replaced_by_another() -> None:
    with pytest.raises(NeedsPerson) as error:
        card_for("USD", MANY, {"USD": USD_CARD})
    assert str(error.value) == (
        f"The card {USD_CARD} that the settings name for USD is not there any more. Name another in the setting cards, "
        f"say again what may be risked (heisenbug live), then: heisenbug rearm."
    )


def test_a_pinned_card_of_another_currency_is_not_spent_from() -> None:
    cards = (*MANY, Card(EUR_CARD, "EU\x00R", Decimal(9)))
    for pinned, holds in ((BTC_CARD, "BTC"), (EUR_CARD, "EUR")):
        with pytest.raises(NeedsPerson) as error:
            card_for("USD", cards, {"USD": pinned})
        assert f"The card {pinned} that the settings name for USD holds {holds}. " in str(error.value)


# --------------------------------------------------------------------- decimals


@pytest.mark.parametrize("value", ["10.00", "0", "-1.5", 7, "1E-8", "000.10"])
def test_a_number_is_taken_as_it_is(value: Any) -> None:
    assert decimal(value, "amount") == Decimal(str(value))


@pytest.mark.parametrize(
    "value",
    [None, "", " ", "NaN", "sNaN", "-Infinity", True, [], {}, b"1", "1,5", "0x1", "1e31", "1e-31", "1" * 39, "5 USD"],
)
def test_what_is_no_finite_number_of_a_reasonable_size_is_none(value: Any) -> None:
    with pytest.raises(MarketUnavailable, match=r"^the exchange's answer states no amount$"):
        decimal(value, "amount")


@given(st.text() | st.floats() | st.integers() | st.none() | st.booleans())
def test_whatever_is_a_number_can_be_kept_and_counted_with(value: Any) -> None:
    try:
        number = decimal(value, "amount")
    except MarketUnavailable:
        return
    assert number.is_finite()
    assert len(number.as_tuple().digits) <= 38
    assert abs(float(number)) < 1e31
