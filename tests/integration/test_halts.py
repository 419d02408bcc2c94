"""Protections at work: told once, seen everywhere, outliving the process, lifted as they say; exits go on meanwhile."""

from decimal import Decimal
from typing import Any

import pytest

from heisenbug.bot import Report
from heisenbug.desk import Desk
from heisenbug.domain.errors import Rejected
from heisenbug.domain.protections import Halt, Protection
from heisenbug.domain.trade import Filled, Settlement, VenueQuote
from heisenbug.store.bot_state import Ledgers, States
from tests.bots import BOT, Process, live, price_of, process, run
from tests.fakes import Clock, raising
from tests.markets import FREE, MONDAY

Fixture = Any
HELD = {"paper_start": {"BTC": "10"}, "min_expected_return": 1}


def tick(bot: Process, number: int, price: float) -> Report:
    bot.tickers.set(BTC=price)
    return bot.tick(MONDAY + 5 * number)


def desk(bot: Process) -> Desk:
    return Desk(BOT, FREE, bot.clock)


def another(bot: Process) -> Process:
    return process(Clock(bot.clock.at))


def stopped(mode: str = "paper") -> set[str]:
    return {name.value for name in States(BOT).read().halts_of(mode)}


def test_a_fall_of_equity_is_told_at_once_shown_everywhere_and_outlives_the_process(tables: Fixture) -> None:
    bot = process(**HELD, max_drawdown=0.05)
    assert tick(bot, 0, 100.0).outcome == "no trade"
    fallen = tick(bot, 1, 94.9)
    assert (fallen.outcome, fallen.halted) == ("halted", True)
    assert "5.1% under its peak 1000" in fallen.detail
    status = desk(bot).standing.status()
    (halt,) = status["halts"]
    assert (status["state"], halt["by"], halt["until"]) == ("halted", "max_drawdown", None)
    assert halt["lift"].startswith("heisenbug rearm")
    problems = desk(bot).problems.all()
    assert any(problem.startswith("Entries are stopped by max_drawdown: Equity 949") for problem in problems)
    again = tick(another(bot), 2, 100.0)
    assert (again.outcome, again.halted, stopped()) == ("no trade", False, {"max_drawdown"})
    assert again.decision is not None
    assert again.decision.halts == ("max_drawdown",)
    desk(bot).standing.rearm()
    assert tick(another(bot), 3, 96.0).outcome == "no trade"
    assert stopped() == set()


def test_a_halt_stops_entries_and_no_exit(tables: Fixture) -> None:
    bot = process(**HELD, max_drawdown=0.03, stop_loss=0.05)
    tick(bot, 0, 100.0)
    assert tick(bot, 1, 96.0).outcome == "halted"
    gone = tick(bot, 2, 95.0)
    assert (gone.outcome, gone.trade and gone.trade.exit) == ("executed", "stop_loss")
    assert stopped() == {"max_drawdown"}


def test_no_more_trades_are_made_than_the_hour_allows_whoever_asks_and_then_again(tables: Fixture) -> None:
    bot = process(max_trades_per_hour=2)
    reports = run(bot, range(45))
    assert [report.outcome for report in reports].count("executed") == 2
    assert stopped() == {"max_trades_per_hour"}
    assert "executed" not in {report.outcome for report in run(another(bot), range(60, 90))}
    bot = another(bot)
    later = range(720, 760)
    assert [report.outcome for report in run(bot, later)].count("executed") == 2


def test_the_limit_is_the_trades_of_the_hour_whatever_it_was_told_before(tables: Fixture) -> None:
    bot = process()
    done = 0
    for number in range(12):
        bot.tickers.set(BTC=price_of(number))
        done += bot.tick(MONDAY + 5 * number).outcome == "executed"
    assert done > 1
    bot.tell(max_trades_per_hour=1)
    assert "executed" not in {report.outcome for report in run(bot, range(12, 15))}


def test_a_venue_that_refuses_again_and_again_is_left_alone_for_an_hour(tables: Fixture) -> None:
    opened = live(max_venue_errors=3)
    bot, exchange = opened.bot, opened.exchange
    exchange.answer = raising(Rejected("The venue says no."))
    assert [report.outcome for report in run(bot, range(10, 15))] == [*["failed"] * 3, "halted", "no trade"]
    assert stopped("live") == {"max_venue_errors"}
    assert exchange.commits == 3
    (halt,) = desk(bot).standing.status()["halts"]
    assert "did" not in halt["why"]
    assert halt["until"] is not None
    assert stopped("paper") == set()


def test_what_costs_more_than_was_quoted_three_times_waits_for_a_person(tables: Fixture) -> None:
    opened = live()
    bot, exchange = opened.bot, opened.exchange
    exchange.answer = short
    outcomes = [report.outcome for report in run(bot, range(10, 15))]
    assert outcomes[:4] == ["executed", "executed", "executed", "halted"]
    assert stopped("live") == {"max_cost_excess_bps"}


def short(quote: VenueQuote) -> Filled:
    """The venue pays a hundredth less than it quoted."""
    return Filled(Settlement.COMPLETED, quote.amount, quote.receives * Decimal("0.99"))


def test_prices_that_stay_away_are_told_once_they_are_too_old_and_lift_themselves(tables: Fixture) -> None:
    bot = process(max_price_age_seconds=12)
    tick(bot, 0, 100.0)
    bot.tickers.failure = "The venue was silent."
    told = [bot.tick(MONDAY + 5 * number).outcome for number in range(1, 6)]
    assert told == ["no trade", "no trade", "halted", "no trade", "no trade"]
    assert stopped() == {"max_price_age_seconds"}
    bot.tickers.failure = None
    assert tick(bot, 6, 100.0).outcome == "no trade"
    assert stopped() == set()


def test_a_day_that_has_lost_enough_goes_on_after_midnight(tables: Fixture) -> None:
    bot = process(**HELD, daily_loss=0.05)
    tick(bot, 0, 100.0)
    assert tick(bot, 1, 95.0).outcome == "halted"
    tick(another(bot), 2, 100.0)
    assert stopped() == {"daily_loss"}
    tick(another(bot), 17_280, 100.0)
    assert stopped() == set()


def test_a_reserve_is_never_spent(tables: Fixture) -> None:
    bot = process(trade_size_percentage=0.5, reserve={"USD": "400"})
    run(bot, range(30))
    ledger, _ = Ledgers(BOT).read("paper") or (None, 0)
    assert ledger is not None
    assert ledger.holdings["USD"] >= 400


def test_another_base_currency_keeps_the_fall_of_equity(tables: Fixture) -> None:
    bot = process(**HELD, max_drawdown=0.05, pairs=["BTC-USD", "EUR-USD"])
    bot.tickers.set(BTC=100.0, EUR=1.0)
    bot.tick(MONDAY)
    bot.tickers.set(BTC=96.0, EUR=1.0)
    assert bot.tick(MONDAY + 5).outcome == "no trade"
    bot.tell(base_currency="EUR")
    assert bot.tick(MONDAY + 10).outcome == "no trade"
    bot.tickers.set(BTC=94.0, EUR=1.0)
    assert bot.tick(MONDAY + 15).outcome == "halted"


@pytest.mark.parametrize("name", [Protection.MAX_DRAWDOWN, Protection.DAILY_LOSS])
def test_a_tick_that_a_later_one_has_overtaken_writes_no_halt(name: Protection, tables: Fixture) -> None:
    bot = process(**HELD)
    tick(bot, 0, 100.0)
    states = States(BOT)
    old = states.read()
    tick(bot, 1, 100.0)
    assert not states.halt(old, "paper", {name: Halt(MONDAY, None, "It fell.")})
    assert stopped() == set()
