"""Trades as CSV: nothing is lost, nothing is a formula, and tax programs find what they look for."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from heisenbug.domain.leg import Leg, Part
from heisenbug.domain.trade import Trade, TradeState
from heisenbug.exports import TAX_COLUMNS, TRADE_COLUMNS, tax_csv, trades_csv
from heisenbug.messages import trade_message
from tests.trades import Desk


def executed() -> Trade:
    return Desk().convert().trade


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_trade_keeps_every_digit_and_everything_clients_are_told() -> None:
    trade = executed()
    [row] = rows(trades_csv([trade]))
    told = trade_message(trade)
    assert set(TRADE_COLUMNS) == set(told)
    assert row == {name: "" if told[name] is None else str(told[name]) for name in TRADE_COLUMNS}


def test_the_tax_columns_are_those_of_cointracking_in_its_order() -> None:
    trade = replace(executed(), finished_at=int(datetime(2026, 3, 1, 23, 59, 58, tzinfo=UTC).timestamp()))
    text = tax_csv([trade], "Uphold")
    assert text.splitlines()[0] == ",".join(TAX_COLUMNS)
    [row] = rows(text)
    assert (row["Type"], row["Buy Cur"], row["Sell Cur"]) == ("Trade", trade.target, trade.source)
    assert (Decimal(row["Buy Amount"]), Decimal(row["Sell Amount"])) == (trade.received, trade.amount)
    assert (row["Fee"], row["Exchange"], row["Group"]) == ("", "Paper", "paper")
    assert row["Date"] == "2026-03-01 23:59:58"
    assert trade.id in row["Comment"]


def test_live_money_names_its_venue() -> None:
    [row] = rows(tax_csv([replace(executed(), mode="live")], "Uphold"))
    assert (row["Exchange"], row["Group"]) == ("Uphold", "live")


@pytest.mark.parametrize("state", [state for state in TradeState if state is not TradeState.EXECUTED])
def test_what_never_happened_is_no_income(state: TradeState) -> None:
    assert rows(tax_csv([replace(executed(), state=state)], "Uphold")) == []


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_becomes_a_formula(start: str) -> None:
    trade = replace(executed(), reason=f'{start}cmd("rm"),\n"x"', realised_cost_bps=None)
    [kept], [tax] = rows(trades_csv([trade])), rows(tax_csv([trade], "Uphold"))
    assert kept["reason"] == f"'{trade.reason}"
    assert tax["Comment"].startswith("'")


def test_a_leg_says_of_which_conversion_it_is_which_part() -> None:
    [row] = rows(trades_csv([replace(executed(), leg=Leg("0a1b2c", Part.SECOND, "BTC", "DOT", 60_000.0, 5.0, 0.004))]))
    assert row["leg"] == "second of 0a1b2c"
