"""A trade that nobody knows the end of: it is shown, bars all others, is asked for on, and a person may end it."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from heisenbug.bot import Report
from heisenbug.domain.errors import MarketUnavailable
from heisenbug.domain.ledger import FIRST_PAUSE_SECONDS, WATCH_SECONDS, Ledger, Watched
from heisenbug.domain.trade import Trade, TradeState
from heisenbug.messages import utc
from heisenbug.observing import tell
from heisenbug.store.bot_state import Ledgers, States
from heisenbug.store.trade_history import TradeHistory
from tests.bots import BOT, Live, live, run
from tests.fakes import completed, processing, raising
from tests.lambdas import Http, Reply, load, shelve_page
from tests.markets import MONDAY
from tests.tables import WRITES, Cloud, without_record
from tests.trades import DOUBT

FIRST = 10
AT = MONDAY + 5 * FIRST
STARTED = {"USD": Decimal(200)}
EXECUTED = "executed 100 USD for 0.98 BTC"
FAILED = "failed, nothing moved"


@pytest.fixture
def opened(tables: Cloud) -> Live:
    """A bot whose only commit got no answer, at a venue that does not say what became of it."""
    bot = live(trade_size_amount="100", trade_size_percentage=1)
    bot.exchange.answer = raising(DOUBT)
    bot.exchange.found = raising(MarketUnavailable("it took too long"))
    assert run(bot.bot, range(FIRST, FIRST + 1))[0].outcome == "unresolved"
    return bot


@pytest.fixture
def api(opened: Live, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Http:
    """The API, on the bot's clock."""
    shelve_page(monkeypatch, tmp_path)
    monkeypatch.setattr("heisenbug.wiring.now", opened.bot.clock)
    return Http(load(monkeypatch, "api").handler)


def running() -> Trade:
    trade = TradeHistory(BOT, "live").running()
    assert trade is not None
    return trade


def kept() -> Sequence[Trade]:
    """The finished trades, newest first."""
    return TradeHistory(BOT, "live").newest(10)


def ledger() -> Ledger:
    stored = Ledgers(BOT).read("live")
    assert stored is not None
    return stored[0]


def state(api: Http, statement: Any, trade_id: str | None = None) -> Reply:
    """A person states what became of the trade."""
    return api("POST", f"/api/trades/{trade_id or running().id}/resolve", {"statement": statement})


def go_on(opened: Live, first: int, count: int = 1) -> Sequence[Report]:
    return run(opened.bot, range(first, first + count))


def written(tables: Cloud) -> list[str]:
    return [name for name, _ in tables.calls if name in WRITES]


# ------------------------------------------------------------- while nobody knows


def test_it_is_shown_with_what_is_known_wherever_one_looks(opened: Live, api: Http) -> None:
    trade = running()
    shown = api("GET", "/api/status").data
    assert shown["open_trade"]["id"] == trade.id
    assert (shown["open_trade"]["state"], shown["open_trade"]["outcome"]) == ("UNRESOLVED", str(DOUBT))
    assert (shown["open_trade"]["sequence"], shown["open_trade"]["finished_at"]) == (0, None)
    assert (shown["state"], shown["recent_trades"], shown["dropped"]) == ("running", [], [])
    health = api("GET", "/api/health").data
    assert health["status"] == "attention"
    assert health["problems"] == [
        f"Trade {trade.id} ({trade.amount} USD into BTC) is unresolved, nothing else is traded: The answer was lost."
    ]
    assert health["unresolved"] == shown["open_trade"]


def test_it_bars_every_other_trade_and_is_asked_for_at_every_tick(opened: Live, api: Http) -> None:
    trade = running()
    opened.exchange.asked.clear()
    reports = go_on(opened, FIRST + 1, 80)
    assert {report.outcome for report in reports} == {"no trade"}
    assert opened.exchange.asked == ["find"] * 80
    assert running() == trade
    assert (kept(), ledger().holdings, States(BOT).read().open_trade) == ([], STARTED, trade.id)
    barred = [found["gate"] for found in api("GET", "/api/opportunities").data["opportunities"]]
    assert "open" not in barred


def test_a_new_process_asks_on(opened: Live) -> None:
    trade = running()
    opened.exchange.found = completed_by(opened)
    again = live_again(opened)
    go_on(again, FIRST + 1)
    assert [(one.id, one.state) for one in kept()[-1:]] == [(trade.id, TradeState.EXECUTED)]


def completed_by(opened: Live) -> Any:
    """The venue says after all that it carried the quote out."""
    quote = running().quote
    assert quote is not None
    filled = completed(quote)
    opened.exchange.land(quote, filled)
    return lambda _: filled


def live_again(opened: Live) -> Live:
    """The same bot and venue in a process that remembers nothing."""
    bot = type(opened.bot)(
        opened.bot.clock,
        opened.bot.tickers,
        opened.bot.past,
        deployment=opened.bot.deployment,
        live=opened.exchange,
    )
    return Live(bot, opened.exchange)


def metric(capsys: pytest.CaptureFixture[str], report: Report, name: str = "TradesUnresolved") -> float:
    """What a metric of the tick's line says."""
    capsys.readouterr()
    tell(report, "default")
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    [metrics] = line["_aws"]["CloudWatchMetrics"]
    assert name in {each["Name"] for each in metrics["Metrics"]}
    [value] = line[name]
    return float(value)


def test_every_tick_that_finds_it_open_counts_it_for_the_alarm_and_none_after_it_ended(
    opened: Live, api: Http, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = go_on(opened, FIRST + 1, 2)
    assert (metric(capsys, first), metric(capsys, second)) == (1, 1)
    assert first.detail == "The answer was lost."
    assert metric(capsys, first, "TradesExecuted") == 0
    state(api, FAILED)
    opened.exchange.answer = completed
    assert [metric(capsys, report) for report in go_on(opened, FIRST + 3, 3)] == [0, 0, 0]


def test_the_tick_that_falls_into_doubt_counts_it_too(tables: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    bot = live()
    bot.exchange.answer = raising(DOUBT)
    [report] = run(bot.bot, range(FIRST, FIRST + 1))
    assert (report.outcome, metric(capsys, report)) == ("unresolved", 1)


# ----------------------------------------------------------------- what is stated


def test_stated_as_executed_it_is_booked_with_the_amounts_that_were_stated(
    opened: Live, api: Http, tables: Cloud
) -> None:
    trade = running()
    reply = state(api, EXECUTED)
    assert reply.status == 200
    assert (reply.data["state"], reply.data["amount"], reply.data["received"]) == ("EXECUTED", "100", "0.98")
    assert (reply.data["id"], reply.data["sequence"]) == (trade.id, 1)
    assert reply.data["outcome"] == "Stated by a person (api). Before: The answer was lost."
    [done] = kept()
    assert (done.id, done.state, done.amount, done.received) == (
        trade.id,
        TradeState.EXECUTED,
        Decimal(100),
        Decimal("0.98"),
    )
    assert without_record(tables.items("TradeArchive")) == tables.items("TradeHistory")
    expected = done.expected
    assert done.realised_cost_bps == pytest.approx(
        (1 - 0.98 * expected.target_price / (100 * expected.source_price)) * 10_000
    )
    assert (ledger().holdings, ledger().watched) == ({"USD": Decimal(100), "BTC": Decimal("0.98")}, ())
    assert (States(BOT).read().open_trade, TradeHistory(BOT, "live").running()) == (None, None)
    status = api("GET", "/api/status").data
    assert (status["open_trade"], status["recent_trades"][0]["id"]) == (None, trade.id)
    health = api("GET", "/api/health").data
    assert (health["problems"], health["unresolved"], health["watched"]) == ([], None, [])
    explained = api("GET", "/api/trades/1").data
    assert explained.pop("explanation")["again"]["same"] is True
    assert explained == reply.data


def test_stated_as_executed_for_less_than_was_meant_only_that_is_booked(opened: Live, api: Http) -> None:
    state(api, "executed 40.5 USD for 0.4 BTC")
    assert ledger().holdings == {"USD": Decimal("159.5"), "BTC": Decimal("0.4")}


def test_stated_as_failed_nothing_moves_and_it_stays_under_watch(opened: Live, api: Http) -> None:
    trade = running()
    reply = state(api, FAILED)
    assert (reply.status, reply.data["state"], reply.data["received"]) == (200, "FAILED", None)
    assert reply.data["outcome"] == "Stated by a person (api). Before: The answer was lost."
    assert ledger().holdings == STARTED
    assert ledger().watched == (Watched(1, AT, AT + FIRST_PAUSE_SECONDS),)
    [watched] = api("GET", "/api/health").data["watched"]
    assert (watched["sequence"], watched["failed_at"]) == (1, utc(AT))
    assert (watched["ask_at"], watched["until"]) == (utc(AT + FIRST_PAUSE_SECONDS), utc(AT + WATCH_SECONDS))
    assert (States(BOT).read().open_trade, [one.id for one in kept()]) == (None, [trade.id])


@pytest.mark.parametrize("statement", [EXECUTED, FAILED])
def test_once_it_is_stated_the_bot_trades_again(opened: Live, api: Http, statement: str) -> None:
    state(api, statement)
    opened.exchange.answer = completed
    opened.exchange.holdings = {"USD": Decimal(1000), "BTC": Decimal(10)}
    go_on(opened, FIRST + 1, 30)
    newest = kept()[0]
    assert (newest.state, newest.sequence > 1) == (TradeState.EXECUTED, True)
    assert States(BOT).read().open_trade is None


def test_one_that_was_stated_as_failed_and_lands_is_corrected_and_the_bot_stands_still(opened: Live, api: Http) -> None:
    trade = running()
    found = completed_by(opened)
    state(api, FAILED)
    opened.bot.tell(is_active=False)
    opened.exchange.asked.clear()
    go_on(opened, FIRST + 1, 11)
    assert opened.exchange.asked == []
    opened.exchange.found = found
    [report] = go_on(opened, FIRST + 12)
    assert opened.exchange.asked == ["find"]
    assert report.halted
    [done] = kept()
    assert (done.id, done.sequence, done.state) == (trade.id, 1, TradeState.EXECUTED)
    assert done.outcome == (
        "It landed at the venue after it was taken for failed. "
        "Before: Stated by a person (api). Before: The answer was lost."
    )
    assert trade.quote is not None
    assert ledger().holdings == {"USD": Decimal(100), "BTC": trade.quote.receives}
    assert ledger().watched == ()
    killed = api("GET", "/api/status").data["killed"]
    assert killed["by"] == "a late conversion"
    assert killed["why"] == report.detail == done_late(trade)
    assert api("GET", "/api/trades/1").data["state"] == "EXECUTED"


def done_late(trade: Trade) -> str:
    return (
        f"Trade 1 ({trade.amount} USD into BTC) was taken for failed and landed after all; the ledger is corrected. "
        "Look at what the bot holds, then: heisenbug rearm."
    )


def test_a_killed_bot_lets_a_person_state_it_and_stays_killed(opened: Live, api: Http) -> None:
    api("POST", "/api/kill")
    assert state(api, EXECUTED).status == 200
    assert ledger().holdings["BTC"] == Decimal("0.98")
    assert States(BOT).read().killed_at is not None


def test_it_can_be_stated_while_the_settings_are_not_understood(opened: Live, api: Http, tables: Cloud) -> None:
    tables.edit("BotConfig", {"bot_id": {"S": BOT}}, window={"S": "many"})
    assert api("GET", "/api/status").data["state"] == "settings not understood"
    assert state(api, FAILED).status == 200
    assert States(BOT).read().open_trade is None


# ------------------------------------------------------------------- what is not

REFUSED: Sequence[tuple[Any, str]] = [
    ("", "an empty text"),
    (None, "nothing"),
    (1, "1"),
    (["failed, nothing moved"], "a list"),
    ("failed", "the text 'failed'"),
    ("Failed, nothing moved", "the text 'Failed, nothing moved'"),
    ("failed, nothing moved ", "the text 'failed, nothing moved '"),
    ("executed", "the text 'executed'"),
    ("executed 100 BTC for 0.98 USD", "the text 'executed 100 BTC for 0.98 USD'"),
    ("executed 100 USD for 0.98 ETH", "the text 'executed 100 USD for 0.98 ETH'"),
    ("executed -1 USD for 0.98 BTC", "the text 'executed -1 USD for 0.98 BTC'"),
    ("executed 1e2 USD for 0.98 BTC", "the text 'executed 1e2 USD for 0.98 BTC'"),
    ("executed 1٠ USD for 0.98 BTC", "the text 'executed 1٠ USD for 0.98 BTC'"),
    ("executed 100.01 USD for 0.98 BTC", "one over 100.01 USD"),
    ("executed 0 USD for 0.98 BTC", "one over 0 USD"),
    ("executed 100 USD for 0 BTC", "one over 100 USD"),
]


@pytest.mark.parametrize(("statement", "instead"), REFUSED, ids=lambda item: str(item)[:40])
def test_a_statement_that_is_not_understood_changes_nothing_and_names_what_may_be_typed(
    opened: Live, api: Http, tables: Cloud, statement: Any, instead: str
) -> None:
    trade, version = running(), States(BOT).read().version
    assert trade.quote is not None
    tables.calls.clear()
    reply = state(api, statement)
    assert (reply.status, reply.error["code"]) == (400, "invalid")
    [named] = reply.error["fields"]
    assert named["field"] == "statement"
    assert named["message"].startswith(
        f"statement must be typed in full, 'executed {trade.amount:f} USD for {trade.quote.receives:f} BTC' or "
        f"'failed, nothing moved', with the amounts that Uphold's own list shows (at most {trade.amount:f} USD), not "
    )
    assert named["message"].endswith(f"not {instead}.")
    assert written(tables) == []
    assert (running(), States(BOT).read().version) == (trade, version)
    assert (ledger().holdings, kept()) == (STARTED, [])


@pytest.mark.parametrize("body", ["", "{}", "[]", "failed, nothing moved", '{"outcome": "failed, nothing moved"}'])
def test_a_body_without_a_statement_is_refused(opened: Live, api: Http, tables: Cloud, body: str) -> None:
    trade = running()
    tables.calls.clear()
    reply = api("POST", f"/api/trades/{trade.id}/resolve", text=body)
    assert reply.status == 400
    assert written(tables) == []
    assert running() == trade


@pytest.mark.parametrize("trade_id", ["3b0c44298fc1c149afbf4c89", "1", "0", "x" * 5000, "%00", "²"])
def test_a_trade_that_is_not_open_is_not_found_and_the_open_one_is_named(
    opened: Live, api: Http, tables: Cloud, trade_id: str
) -> None:
    tables.calls.clear()
    reply = state(api, EXECUTED, trade_id)
    assert (reply.status, reply.error["code"]) == (404, "not_found")
    assert f"the open one is {running().id}." in reply.error["message"]
    assert len(reply.text) < 400
    assert written(tables) == []


def test_one_that_was_stated_cannot_be_stated_again(opened: Live, api: Http) -> None:
    trade = running()
    assert state(api, EXECUTED, trade.id).status == 200
    again = state(api, FAILED, trade.id)
    assert (again.status, again.error["message"]) == (404, f"Trade {trade.id} is not open; no trade is open.")
    assert ledger().holdings == {"USD": Decimal(100), "BTC": Decimal("0.98")}


def test_a_trade_that_the_bot_is_still_at_cannot_be_stated(
    tables: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bot = live()
    bot.exchange.answer = processing
    run(bot.bot, range(FIRST, FIRST + 1))
    shelve_page(monkeypatch, tmp_path)
    api = Http(load(monkeypatch, "api").handler)
    trade = running()
    tables.calls.clear()
    reply = state(api, FAILED)
    assert (reply.status, reply.error["message"]) == (
        404,
        f"Trade {trade.id} is COMMITTING, not UNRESOLVED: the bot is still at it.",
    )
    assert written(tables) == []
    assert (running(), ledger().holdings) == (trade, STARTED)


@pytest.mark.parametrize(("role", "refusal"), [("reader", (403, "forbidden")), (None, (401, "unauthorized"))])
def test_who_may_only_look_states_nothing(
    opened: Live, api: Http, tables: Cloud, role: str | None, refusal: tuple[int, str]
) -> None:
    trade = running()
    tables.calls.clear()
    reply = state(api.as_role(role), EXECUTED, trade.id)
    assert (reply.status, reply.error["code"]) == refusal
    assert tables.calls == []
    assert running() == trade


# ------------------------------------------------------------------- both at once


def test_a_statement_that_comes_just_after_the_bot_found_out_is_refused_and_books_nothing_twice(
    opened: Live, api: Http, tables: Cloud
) -> None:
    trade = running()
    opened.exchange.found = completed_by(opened)
    opened.bot.tell(is_active=False)

    def first(name: str, _: Any) -> None:
        if name == "TransactWriteItems":
            tables.before = lambda *_: None
            go_on(opened, FIRST + 1)

    tables.before = first
    reply = state(api, FAILED)
    assert reply.status == 409
    assert [(one.id, one.state) for one in kept()] == [(trade.id, TradeState.EXECUTED)]
    assert ledger().holdings["USD"] == Decimal(100)


def test_a_tick_that_finds_out_just_after_a_person_stated_it_books_nothing_twice(
    opened: Live, api: Http, tables: Cloud
) -> None:
    trade = running()
    opened.exchange.found = completed_by(opened)
    opened.bot.tell(is_active=False)
    answers: list[Reply] = []

    def first(name: str, _: Any) -> None:
        if name == "TransactWriteItems":
            tables.before = lambda *_: None
            answers.append(state(api, EXECUTED, trade.id))

    tables.before = first
    go_on(opened, FIRST + 1)
    assert [reply.status for reply in answers] == [200]
    assert [(one.id, one.sequence, one.received) for one in kept()] == [(trade.id, 1, Decimal("0.98"))]
    assert ledger().holdings == {"USD": Decimal(100), "BTC": Decimal("0.98")}
