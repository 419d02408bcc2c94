"""How a trade ends: what is written down, what the ledger does, and from where the next trade goes on."""

from dataclasses import replace
from decimal import Decimal

import pytest

from heisenbug.domain.ledger import Ledger, Watched
from heisenbug.domain.trade import Expected, Filled, Settlement, Trade, TradeState, VenueQuote
from heisenbug.settling import Ended, Position, Settling, nothing_moved
from tests.fakes import Clock, FakeBook, completed
from tests.markets import MONDAY, eager

EXPECTED = Expected(0.8, 0.01, 0.012, 0.1, 0.002, 1.0, 100.0)
QUOTE = VenueQuote("q", "USD", "BTC", Decimal(100), Decimal("0.99"), MONDAY + 18)
OPEN = Trade(
    "t", "paper", MONDAY, "USD", "BTC", Decimal(100), EXPECTED, "because", TradeState.COMMITTING, MONDAY + 21, QUOTE
)
START = Position(Ledger({"USD": Decimal(1000)}), 41, 7)


def settling(book: FakeBook | None = None, after: float = 5.9, **changes: object) -> Settling:
    opened = book or FakeBook(version=7, open_trade="t", running=OPEN)
    return Settling(opened, eager(cooldown_seconds=300, **changes), Clock(MONDAY + after))


def finished(filled: Filled, trade: Trade = OPEN) -> Ended:
    return settling().finish(trade, filled, START, b"record")


def test_an_executed_trade_takes_the_next_sequence_and_its_time_in_whole_seconds() -> None:
    ended = finished(completed(QUOTE))
    assert (ended.trade.state, ended.trade.sequence, ended.trade.finished_at) == (TradeState.EXECUTED, 42, MONDAY + 5)
    assert (ended.position.sequence, ended.position.version) == (42, 8)
    assert ended.position.ledger.holdings == {"USD": Decimal(900), "BTC": Decimal("0.99")}
    assert ended.trade.realised_cost_bps == pytest.approx(100)
    assert (ended.trade.outcome, ended.halt) == ("", "")


@pytest.mark.parametrize("settlement", [Settlement.FAILED, Settlement.PROCESSING])
def test_what_is_not_completed_is_failed_and_moves_nothing(settlement: Settlement) -> None:
    ended = finished(Filled(settlement, Decimal(100), Decimal("0.99")))
    assert (ended.trade.state, ended.trade.received) == (TradeState.FAILED, None)
    assert ended.position.ledger.holdings == START.ledger.holdings
    assert ended.position.ledger.watched == (Watched(42, MONDAY + 5, MONDAY + 65),)


@pytest.mark.parametrize(("told", "kept"), [("", "It never landed at the venue."), ("It says no.", "It says no.")])
def test_a_failure_says_why(told: str, kept: str) -> None:
    assert finished(nothing_moved(OPEN), replace(OPEN, outcome=told)).trade.outcome == kept


def test_nothing_moved_says_so_in_amounts_too() -> None:
    assert nothing_moved(OPEN) == Filled(Settlement.FAILED, Decimal(100), Decimal(0))


def test_the_book_gets_the_limit_of_the_settings_and_the_ledger_of_the_end() -> None:
    book = FakeBook(version=7, open_trade="t", running=OPEN)
    ended = settling(book, history_limit=33).finish(OPEN, completed(QUOTE), START, None)
    assert (book.limits, book.ledger, book.finished) == ([33], ended.position.ledger, [ended.trade])


@pytest.mark.parametrize("state", [TradeState.SKIPPED, TradeState.ABANDONED])
def test_a_dropped_trade_takes_no_sequence_and_rests(state: TradeState) -> None:
    book = FakeBook(version=7, open_trade="t", running=OPEN)
    ended = settling(book).drop(replace(OPEN, state=TradeState.INTENDED), state, "too dear", START)
    assert (ended.trade.state, ended.trade.outcome, ended.trade.sequence) == (state, "too dear", 0)
    assert (ended.trade.finished_at, ended.position.sequence, ended.position.version) == (MONDAY + 5, 41, 8)
    assert ended.position.ledger.holdings == START.ledger.holdings
    assert set(ended.position.ledger.resting) == {("USD", "BTC"), ("BTC", "USD")}
    assert ended.position.ledger.watched == ()


def test_a_doubt_is_written_down_once_and_leaves_the_position_as_it_was() -> None:
    book = FakeBook(version=7, open_trade="t", running=OPEN)
    first = settling(book).unresolved(OPEN, "The answer was lost.", START)
    again = settling(book).unresolved(first.trade, "Something else.", START)
    assert (first.trade.state, first.trade.outcome) == (TradeState.UNRESOLVED, "The answer was lost.")
    assert again.trade == first.trade
    assert first.position is again.position is START
    assert book.steps == ["unresolved"]


def test_the_clock_is_the_only_one_that_says_when() -> None:
    assert settling().now() == MONDAY + 5
    assert settling().moment() == MONDAY + 5.9


def watched() -> tuple[FakeBook, Trade, Position]:
    """A trade that failed, nine trades ago."""
    failed = replace(OPEN, state=TradeState.FAILED, sequence=42, finished_at=MONDAY, outcome="It says no.")
    ledger = Ledger({"USD": Decimal(40)}, watched=(Watched(42, MONDAY, MONDAY + 60),))
    return FakeBook(version=9, finished=[failed]), failed, Position(ledger, 51, 9)


def test_a_landing_corrects_its_own_trade_and_leaves_the_newest_sequence_as_it_was() -> None:
    book, failed, position = watched()
    ended = settling(book).landed(position.ledger.watched[0], failed, completed(QUOTE), position)
    assert (ended.trade.sequence, ended.trade.state) == (42, TradeState.EXECUTED)
    assert (ended.position.sequence, ended.position.version) == (51, 10)
    assert ended.trade.outcome.endswith("Before: It says no.")
    assert ended.position.ledger.holdings == {"USD": Decimal(-60), "BTC": Decimal("0.99")}
    assert ended.position.ledger.watched == ()
    assert "Trade 42 (100 USD into BTC)" in ended.halt
    assert book.killed


def test_what_was_quoted_a_day_ago_is_no_cost_of_today() -> None:
    book, failed, position = watched()
    old = replace(failed, quoted_cost_bps=99.0)
    ended = settling(book, 86_400).landed(position.ledger.watched[0], old, completed(QUOTE), position)
    assert ended.position.ledger.seen_costs == {}
