"""A holding goes back to the base currency through the life of a trade, whatever died or was told in between."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from heisenbug.bot import Report
from heisenbug.domain.trade import TradeState
from heisenbug.explaining import Explaining
from heisenbug.store.bot_state import Ledgers, States
from heisenbug.store.trade_history import TradeHistory
from tests.bots import BOT, Process, live, process
from tests.fakes import Clock
from tests.markets import FREE, MONDAY

Fixture = Any
HELD = {"paper_start": {"BTC": "10"}, "min_expected_return": 1, "horizon": 10}


def tick(bot: Process, number: int, price: float) -> Report:
    bot.tickers.set(BTC=price)
    return bot.tick(MONDAY + 5 * number)


def same(bot: Process) -> Process:
    return bot


def another(bot: Process) -> Process:
    """A new process: nothing is remembered but what is stored."""
    return process(Clock(bot.clock.at))


def explained() -> dict[str, Any]:
    newest = TradeHistory(BOT, "paper").newest(1)[0]
    opened = process(Clock())
    told: dict[str, Any] = Explaining(BOT, FREE, opened.configurations, opened.clock).trade(newest.id, "paper")
    return told


EXITS: list[tuple[str, dict[str, Any], list[float], float]] = [
    ("stop_loss", {"stop_loss": 0.05}, [100.0, 95.1], 95.0),
    ("stop_loss", {"stop_loss": 0.05}, [100.0, 108.0, 99.0], 95.0),
    ("take_profit", {"take_profit": 0.05}, [100.0, 104.9], 105.0),
    ("trailing_stop", {"trailing_stop": 0.05}, [100.0, 108.0, 102.7], 102.6),
    ("trailing_stop", {"trailing_stop": 0.05, "stop_loss": 0.5}, [100.0, 95.1], 95.0),
    ("time_stop", {"time_stop": 12, "drift_weight": 0}, [100.0 + place % 2 for place in range(12)], 100.0),
]


@pytest.mark.parametrize("after", [same, another], ids=["warm", "restarted"])
@pytest.mark.parametrize(("exit", "told", "before", "crossed"), EXITS, ids=lambda item: str(item)[:30])
def test_an_exit_waits_for_its_limit_and_goes_at_the_tick_that_crosses_it(
    exit: str,
    told: dict[str, Any],
    before: list[float],
    crossed: float,
    after: Callable[[Process], Process],
    tables: Fixture,
) -> None:
    bot = process(**HELD, **told)
    for number, price in enumerate(before):
        assert tick(bot, number, price).outcome == "no trade"
        bot = after(bot)
    report = tick(bot, len(before), crossed)
    assert (report.outcome, report.trade is not None and report.trade.exit) == ("executed", exit)
    ledger, _ = Ledgers(BOT).read("paper") or (None, 0)
    assert ledger is not None
    assert (ledger.holdings, ledger.entries) == ({"USD": Decimal(10) * Decimal(repr(crossed))}, {})
    assert tick(bot, len(before) + 1, crossed).outcome == "no trade"
    again = explained()
    assert again["explanation"]["again"]["same"] is True, again["explanation"]["again"]["why"]
    assert again["exit"] == exit
    assert {gate["gate"] for gate in again["explanation"]["gates"]} == {
        *("price", "held", "minimum", "open_trade", "killed")
    }


def test_an_exit_of_what_was_bought_goes_by_what_it_cost(tables: Fixture) -> None:
    bot = process(stop_loss=0.02, cost_bps=100, trade_size_percentage=1, window=10, horizon=10, max_exit_cost_bps=200)
    number = 0
    for number in range(20):
        report = tick(bot, number, round(100 * 1.01**number + 0.01 * (number % 2), 4))
        if report.outcome == "executed":
            break
    ledger, _ = Ledgers(BOT).read("paper") or (None, 0)
    assert ledger is not None
    entry = ledger.entries["BTC"]
    assert float(entry.price) == pytest.approx(float(bot.tickers.raw["BTC-USD"][0]) / 0.99, rel=1e-6)
    assert tick(bot, number + 1, float(entry.price) * 0.981).outcome == "no trade"
    assert tick(bot, number + 2, float(entry.price) * 0.979).trade is not None
    done = TradeHistory(BOT, "paper").newest(1)[0]
    assert (done.exit, done.source, done.state) == ("stop_loss", "BTC", TradeState.EXECUTED)


def test_an_exit_goes_on_while_the_bot_is_stopped_and_not_while_it_is_killed(tables: Fixture) -> None:
    bot = process(**HELD, stop_loss=0.05)
    tick(bot, 0, 100.0)
    States(BOT).kill(bot.clock(), "anna", "I want to look.")
    killed = tick(bot, 1, 94.0)
    assert killed.outcome == "no trade"
    assert killed.decision is not None
    assert killed.decision.conversion(1, 0).gate.name == "KILLED"
    States(BOT).rearm(bot.clock())
    bot.tell(is_active=False)
    assert tick(bot, 2, 94.0).outcome == "executed"


def test_an_exit_that_is_quoted_too_dear_is_tried_again_and_no_entry_goes_before_it(tables: Fixture) -> None:
    opened = live(stop_loss=0.05, min_expected_return=1, max_exit_cost_bps=500)
    bot, exchange = opened.bot, opened.exchange
    exchange.holdings = {"USD": Decimal(0), "BTC": Decimal(5)}
    opened.consent()
    tick(bot, 0, 100.0)
    exchange.cost = Decimal("0.06")
    dear = tick(bot, 1, 94.0)
    assert (dear.outcome, dear.detail) == (
        "skipped",
        "Getting out would cost 600 bp, at most 500 bp may be paid (max_exit_cost_bps).",
    )
    exchange.cost = Decimal("0.04")
    done = tick(bot, 2, 94.0)
    assert (done.outcome, done.trade and done.trade.exit) == ("executed", "stop_loss")
    assert exchange.commits == 1


def test_an_exit_brings_more_than_the_budget_and_never_what_is_not_named(tables: Fixture) -> None:
    opened = live(stop_loss=0.05, min_expected_return=1, budget={"USD": "1", "BTC": "5"})
    opened.exchange.holdings = {"USD": Decimal(0), "BTC": Decimal(5)}
    opened.consent()
    tick(opened.bot, 0, 100.0)
    assert tick(opened.bot, 1, 94.0).outcome == "executed"
    ledger, _ = Ledgers(BOT).read("live") or (None, 0)
    assert ledger is not None
    assert ledger.holdings == {"USD": Decimal("470.00")}


def test_exits_that_are_set_later_count_from_what_was_paid_before(tables: Fixture) -> None:
    bot = process(**HELD)
    tick(bot, 0, 100.0)
    bot = another(bot)
    tick(bot, 1, 94.0)
    bot.tell(stop_loss=0.05)
    assert tick(another(bot), 2, 94.0).outcome == "executed"
