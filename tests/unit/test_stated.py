"""What a person states of a trade is typed in full and understood to the letter, or refused in words."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.stated import FAILED, may_be_typed, stated
from heisenbug.domain.trade import Expected, Filled, Settlement, Trade, TradeState, VenueQuote
from tests.markets import MONDAY

QUOTE = VenueQuote("q", "USD", "BTC", Decimal("100.00"), Decimal("0.00155731"), MONDAY + 18)
TRADE = Trade(
    "t",
    "live",
    MONDAY,
    "USD",
    "BTC",
    Decimal("100.00"),
    Expected(0.8, 0.01, 0.012, 0.1, 0.002, 1.0, 64000.0),
    "because",
    TradeState.UNRESOLVED,
    quote=QUOTE,
)


def test_that_it_failed_is_understood() -> None:
    assert stated(TRADE, "failed, nothing moved") == Filled(Settlement.FAILED, Decimal("100.00"), Decimal(0))


@pytest.mark.parametrize(
    ("statement", "amount", "received"),
    [
        ("executed 100.00 USD for 0.00155731 BTC", "100.00", "0.00155731"),
        ("executed 100 USD for 0.00155731 BTC", "100", "0.00155731"),
        ("executed 99.99 USD for 0.001 BTC", "99.99", "0.001"),
        ("executed 0.01 USD for 900000000000000 BTC", "0.01", "900000000000000"),
    ],
)
def test_that_it_was_executed_is_understood_with_its_amounts(statement: str, amount: str, received: str) -> None:
    assert stated(TRADE, statement) == Filled(Settlement.COMPLETED, Decimal(amount), Decimal(received))


NOT_UNDERSTOOD: list[Any] = [
    "executed 100 USD for 0.001 ETH",
    "executed 100 EUR for 0.001 BTC",
    "executed 0.001 BTC for 100 USD",
    "executed 100.01 USD for 0.001 BTC",
    "executed 0 USD for 0.001 BTC",
    "executed 0.00 USD for 0.001 BTC",
    "executed 100 USD for 0 BTC",
    "executed -100 USD for 0.001 BTC",
    "executed 100 USD for -0.001 BTC",
    "executed 1e2 USD for 0.001 BTC",
    "executed 1,000 USD for 0.001 BTC",
    "executed .5 USD for 0.001 BTC",
    "executed 100. USD for 0.001 BTC",
    "executed NaN USD for 0.001 BTC",
    "executed \u0661\u0660 USD for 0.001 BTC",
    "executed 100 USD for 0.0000000000000000001 BTC",
    "executed 1000000000000000 USD for 0.001 BTC",
    "executed 100 usd for 0.001 btc",
    "Executed 100 USD for 0.001 BTC",
    "executed 100 USD for 0.001 BTC.",
    " executed 100 USD for 0.001 BTC",
    "executed 100 USD for 0.001 BTC\n",
    "executed  100 USD for 0.001 BTC",
    "executed 100USD for 0.001BTC",
    "executed 100 USD",
    "executed",
    "failed",
    "failed, nothing moved.",
    "Failed, nothing moved",
    "it failed, nothing moved",
    "failed, nothing moved\n",
    "yes",
    "",
    None,
    True,
    100,
    ["failed, nothing moved"],
    {"executed": 100},
    "executed " + "9" * 5000 + " USD for 1 BTC",
    "executed 100 USD for 0.001 BTC" * 1000,
]


@pytest.mark.parametrize("statement", NOT_UNDERSTOOD, ids=lambda item: repr(item)[:40])
def test_anything_else_is_refused_with_what_may_be_typed(statement: Any) -> None:
    with pytest.raises(InvalidSettings) as refused:
        stated(TRADE, statement)
    (error,) = refused.value.fields
    assert error.field == "statement"
    assert "'executed 100.00 USD for 0.00155731 BTC' or 'failed, nothing moved'" in error.message
    assert len(error.message) < 500


def test_too_much_is_refused_with_the_most_there_can_be() -> None:
    with pytest.raises(InvalidSettings, match=r"at most 100\.00 USD\), not one over 100\.01 USD"):
        stated(TRADE, "executed 100.01 USD for 0.001 BTC")


def test_what_may_be_typed_is_understood_as_it_is() -> None:
    first, _, second = may_be_typed(TRADE).partition(" or ")
    assert stated(TRADE, first.strip("'")) == Filled(Settlement.COMPLETED, QUOTE.amount, QUOTE.receives)
    assert stated(TRADE, second.strip("'")).settlement is Settlement.FAILED
    assert FAILED in second


def test_without_a_quote_it_still_says_what_may_be_typed() -> None:
    assert may_be_typed(replace(TRADE, quote=None)).startswith("'executed 100.00 USD for 1 BTC' or ")


@given(st.text(max_size=60))
def test_no_text_is_taken_for_a_statement_that_it_is_not(text: str) -> None:
    with pytest.raises(InvalidSettings):
        stated(TRADE, text if text != FAILED else "")


MONEY = st.decimals("0.01", "100", places=2)


@given(MONEY, st.decimals("0.00000001", "1000000", places=8))
def test_every_amount_that_can_be_is_taken_to_the_last_digit(amount: Decimal, received: Decimal) -> None:
    assert stated(TRADE, f"executed {amount:f} USD for {received:f} BTC") == Filled(
        Settlement.COMPLETED, amount, received
    )
