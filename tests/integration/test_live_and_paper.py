"""What live and paper money must not do to each other: watches, peaks, and a credential that cannot be read."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from heisenbug.domain.errors import MarketUnavailable
from heisenbug.domain.trade import TradeState
from heisenbug.store.bot_state import Ledgers, States
from heisenbug.store.trade_history import TradeHistory
from tests.bots import BOT, Live, live, run
from tests.fakes import completed, raising
from tests.tables import Cloud
from tests.trades import DOUBT

pytestmark = pytest.mark.usefixtures("tables")
GRACE_TICKS = 40


@pytest.fixture
def opened(tables: Cloud) -> Live:
    """A bot with live money."""
    return live()


def fails(opened: Live) -> None:
    """A commit that is in doubt, is never found, and is taken for failed."""
    opened.exchange.answer = raising(DOUBT)
    opened.exchange.found = lambda _: None
    run(opened.bot, range(10, 11))
    opened.bot.tell(is_active=False)
    run(opened.bot, range(10 + GRACE_TICKS, 11 + GRACE_TICKS))
    assert TradeHistory(BOT, "live").newest(1)[0].state is TradeState.FAILED


def test_a_live_trade_that_lands_while_the_bot_is_on_paper_is_found_booked_and_halts(opened: Live) -> None:
    fails(opened)
    opened.bot.tell(mode="paper")
    run(opened.bot, range(52, 53))
    assert States(BOT).read().mode == "paper"
    quote = TradeHistory(BOT, "live").newest(1)[0].quote
    assert quote is not None
    opened.exchange.found = None
    opened.exchange.land(quote, completed(quote))
    (report,) = run(opened.bot, range(70, 71))
    trade = TradeHistory(BOT, "live").newest(1)[0]
    ledger = Ledgers(BOT).read("live")
    assert (trade.state, report.halted) == (TradeState.EXECUTED, True)
    assert ledger is not None
    assert ledger[0].watched == ()
    assert ledger[0].holdings[trade.target] == trade.received
    assert "landed after all" in (States(BOT).read().killed_why or "")


def test_a_token_that_is_gone_does_not_stop_paper_for_a_watch(opened: Live) -> None:
    fails(opened)
    opened.bot.tell(mode="paper")
    opened.exchange.found = lambda _: (_ for _ in ()).throw(MarketUnavailable("no answer"))
    run(opened.bot, range(52, 80))
    state, ledger = States(BOT).read(), Ledgers(BOT).read("live")
    assert (state.mode, state.killed_at) == ("paper", None)
    assert ledger is not None
    assert len(ledger[0].watched) == 1


def changes_budget(opened: Live) -> None:
    opened.bot.tell(budget={"USD": "999", "BTC": "5"})


def pins_other_cards(opened: Live) -> None:
    opened.bot.tell(cards={"USD": "48ce2ac5-c038-4426-b2f8-a2bdbcc93053"})


def believes_what_was_never_proven(opened: Live) -> None:
    opened.bot.tell(model=None, drift_weight=1)


@pytest.mark.parametrize("change", [changes_budget, pins_other_cards, believes_what_was_never_proven])
def test_a_credential_that_cannot_be_read_now_excuses_nothing_else(
    opened: Live, change: Callable[[Live], None]
) -> None:
    run(opened.bot, range(10, 12))
    assert States(BOT).read().mode == "live"
    change(opened)
    opened.bot.missing_credential = raising(MarketUnavailable("throttled"))  # type: ignore[assignment]
    run(opened.bot, range(12, 13))
    assert States(BOT).read().mode == "paper"


def test_a_credential_that_cannot_be_read_now_changes_nothing_by_itself(opened: Live) -> None:
    run(opened.bot, range(10, 12))
    opened.bot.missing_credential = raising(MarketUnavailable("throttled"))  # type: ignore[assignment]
    run(opened.bot, range(12, 14))
    assert States(BOT).read().mode == "live"


def test_a_tick_on_paper_does_not_forget_how_high_live_equity_was(opened: Live) -> None:
    run(opened.bot, range(10, 14))
    before = States(BOT).read().peak_of("live")
    assert before[0] >= Decimal(200)
    consent = States(BOT).read().consent
    opened.bot.tell(mode="paper")
    run(opened.bot, range(14, 16))
    assert States(BOT).read().peak_of("live") == before
    assert States(BOT).read().peak_of("paper")[0] >= Decimal(1000)
    assert consent is not None


def test_money_given_anew_counts_its_drawdown_anew(opened: Live) -> None:
    run(opened.bot, range(10, 14))
    opened.bot.tell(is_active=False)
    opened.consent()
    assert States(BOT).read().peak_of("live") == (Decimal(0), None)


def test_a_process_that_slept_does_not_bring_a_withdrawn_consent_back(opened: Live) -> None:
    state = States(BOT).read()
    States(BOT).stand("paper", "", None)
    assert not States(BOT).stand("live", "", state.consent, state.version)
    assert (States(BOT).read().mode, States(BOT).read().consent) == ("paper", None)
