"""One check of the market, end to end over the tables: claimed once, whatever happens, and consistent afterwards."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from heisenbug.bot import Report
from heisenbug.configuration import Configurations
from heisenbug.domain.assets import Pair
from heisenbug.domain.decide import Decision
from heisenbug.domain.gates import Gate
from heisenbug.domain.ledger import Ledger, settle
from heisenbug.domain.quotes import RawQuote
from heisenbug.domain.record import unpack_record
from heisenbug.domain.trade import Trade, TradeState
from heisenbug.domain.window_slots import sample_of
from heisenbug.exchange.port import PastQuotes
from heisenbug.minute import run_minute
from heisenbug.recall import decide_again, inputs_of
from heisenbug.store.bot_state import TICK, BotStateItem, Ledgers, States
from heisenbug.store.price_snapshot import PriceSnapshots
from heisenbug.store.trade_archive import TradeArchive
from heisenbug.store.trade_history import TradeHistory
from heisenbug.tick import run_tick
from tests.bots import BOT, EAGER, FakePast, Process, price_of, process, run, seasoned
from tests.fakes import Clock, Died, FakeTickers
from tests.markets import FREE, MONDAY
from tests.tables import WRITES, Cloud

START = Decimal(1000)

pytestmark = pytest.mark.usefixtures("tables")


def trades() -> list[Trade]:
    """Every kept trade, oldest first."""
    return TradeHistory(BOT, "paper").newest(1000)[::-1]


def outcomes(reports: list[Report]) -> set[str]:
    return {report.outcome for report in reports}


def assert_ledger_follows_from_history() -> None:
    """The ledger is what the trades make of the start, to the last digit; the archive has every one of them."""
    ledger, expected = Ledgers(BOT).read("paper"), Ledger({"USD": START})
    done = trades()
    for one in done:
        expected = settle(expected, one, one.finished_at or 0, 0)
    assert ledger is not None
    assert ledger[0].holdings == expected.holdings
    assert [one.sequence for one in done] == list(range(1, len(done) + 1))
    assert ledger[1] == len(done)
    assert len({one.id for one in done}) == len(done)


def assert_same_decision(one: Decision | None, other: Decision | None) -> None:
    assert one is not None
    assert other is not None
    assert (one.chosen, one.samples, one.assets, one.amounts) == (
        other.chosen,
        other.samples,
        other.assets,
        other.amounts,
    )
    for name in ("confidence", "expected_return", "risk", "cost", "volatility"):
        assert np.array_equal(getattr(one.scores, name), getattr(other.scores, name), equal_nan=True)
    for name in ("gate", "value", "limit"):
        assert np.array_equal(getattr(one.closed, name), getattr(other.closed, name), equal_nan=True)


# -------------------------------------------------------------- the ordinary


def test_the_first_tick_of_a_fresh_deployment_opens_the_ledger_and_trades_nothing(tables: Cloud) -> None:
    clock = Clock(MONDAY)
    bot = Process(clock, FakeTickers(clock, {"BTC-USD": ("100", "101"), "ETH-USD": ("10", "11")}))
    report = bot.tick(MONDAY)
    assert (report.outcome, report.guarded) == ("no trade", 0)
    assert report.decision is not None
    assert report.decision.assets == ("USD", "BTC", "ETH")
    assert Ledgers(BOT).read("paper") == (Ledger({"USD": START}), 0)
    snapshot = PriceSnapshots(BOT).newest(60, 1)[0]
    assert (snapshot.equity, snapshot.settings_version, snapshot.sample_seconds) == (START, 1, 60)


def test_a_climbing_market_is_traded_and_every_trade_is_kept(tables: Cloud) -> None:
    reports = run(process(), range(45))
    assert outcomes(reports) == {"no trade", "executed"}
    done = trades()
    assert len(done) >= 10
    reported = [report.trade for report in reports if report.trade]
    assert [(one.id, one.amount, one.received, one.state) for one in reported] == [
        (one.id, one.amount, one.received, one.state) for one in done
    ]
    assert {one.state for one in done} == {TradeState.EXECUTED}
    assert {one.source for one in done} == {"USD", "BTC"}
    assert_ledger_follows_from_history()


def test_while_the_window_fills_the_report_counts_it_up() -> None:
    reports = run(process(), range(12))
    counted = [report.decision.samples for report in reports if report.decision]
    assert counted == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10]
    waiting = reports[3].decision
    assert waiting is not None
    assert {(one.gate, one.value, one.limit) for one in waiting.conversions()} == {(Gate.WINDOW, 4, 10)}


def test_the_default_settings_trade_nothing_and_give_every_conversion_its_reason() -> None:
    bot = process(is_active=True, forecaster="zero_drift", drift_weight=0, min_confidence=0.7, cost_bps=20)
    reports = run(bot, range(30))
    assert outcomes(reports) == {"no trade"}
    assert all(
        one.gate is not Gate.OPEN for report in reports if report.decision for one in report.decision.conversions()
    )


def test_a_stopped_bot_looks_and_scores_but_does_not_trade() -> None:
    bot = process(is_active=False)
    reports = run(bot, range(14))
    assert outcomes(reports) == {"no trade"}
    assert reports[-1].decision is not None
    assert Gate.STOPPED in {one.gate for one in reports[-1].decision.conversions()}
    bot.tell(is_active=True)
    assert "executed" in outcomes(run(bot, range(30, 45)))


def test_a_market_with_a_past_fills_the_window_at_once_and_asks_only_once(tables: Cloud) -> None:
    pair = Pair("BTC", "USD")
    slots = [
        PastQuotes(MONDAY - 5 * back, {pair: RawQuote(str(price_of(-back)), str(price_of(-back)))})
        for back in range(50, 0, -1)
    ]
    past = FakePast(slots)
    bot = process()
    bot.past = past
    first = run(bot, range(1))[0]
    assert first.decision is not None
    assert first.decision.samples == 10
    run(bot, range(1, 5))
    assert past.asked == 1
    cold = Process(bot.clock, bot.tickers, past)
    report = run(cold, range(5, 6))[0]
    assert report.decision is not None
    assert report.decision.samples == 10
    assert past.asked == 1


def test_bad_slots_of_a_past_are_left_out() -> None:
    pair = Pair("BTC", "USD")
    bad = [("NaN", "1"), ("0", "1"), ("2", "1"), (None, None)]
    slots = [PastQuotes(MONDAY - 5 * (5 - place), {pair: RawQuote(*sides)}) for place, sides in enumerate(bad)]
    bot = process()
    bot.past = FakePast([*slots, PastQuotes(MONDAY - 5, {})])
    report = run(bot, range(1))[0]
    assert report.decision is not None
    assert report.decision.samples == 1


# ------------------------------------------------------ at most once, in order


def test_the_same_tick_five_times_at_once_is_one_tick_and_one_trade(tables: Cloud) -> None:
    run(process(), range(10))
    for tick in range(10, 16):
        before = len(trades())
        clock = Clock(MONDAY + 5 * tick)
        processes = [process(clock) for _ in range(5)]
        start = threading.Barrier(5)

        def at_once(bot: Process, tick: int = tick, start: threading.Barrier = start) -> Report:
            bot.tickers.set(BTC=price_of(tick))
            start.wait()
            return run_tick(bot.bot(), MONDAY + 5 * tick)

        with ThreadPoolExecutor(5) as pool:
            reports = list(pool.map(at_once, processes))
        assert [report.outcome for report in reports].count("claimed before") == 4
        assert len(trades()) - before <= 1
    assert States(BOT).read().ticks == 16
    assert len(tables.items("PriceSnapshot")) == 16
    assert trades()
    assert_ledger_follows_from_history()


def test_ticks_delivered_late_twice_and_out_of_order_change_nothing_twice(tables: Cloud) -> None:
    straight = process()
    run(straight, range(40))
    expected = [(one.due, one.amount, one.received) for one in trades()]
    again = run(process(straight.clock), range(40))
    assert outcomes(again) == {"claimed before"}
    assert [(one.due, one.amount, one.received) for one in trades()] == expected
    assert States(BOT).read().ticks == 40


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_deliveries_leaves_a_ledger_that_follows_from_its_trades(seed: int) -> None:
    dice = random.Random(seed)
    clock = Clock(MONDAY)
    processes = [process(clock) for _ in range(3)]
    ticks = [tick for tick in range(40) for _ in range(dice.choice([1, 1, 2, 3]))]
    deliveries = sorted((MONDAY + 5 * tick + dice.choice([0, 0, 0, 0.5, 3, 6, 11]), tick) for tick in ticks)
    executed = 0
    for at, tick in deliveries:
        clock.at = at
        bot = dice.choice(processes)
        bot.tickers.set(BTC=price_of(int((at - MONDAY) // 5)))
        report = run_tick(bot.bot(), MONDAY + 5 * tick, 5)
        executed += report.outcome == "executed"
    assert executed == len(trades()) > 0
    assert_ledger_follows_from_history()


def test_a_stale_tick_drops_itself_before_it_is_claimed(tables: Cloud) -> None:
    bot = process()
    bot.clock.at = MONDAY + 5.5
    tables.calls.clear()
    report = run_tick(bot.bot(), MONDAY, 5)
    assert (report.outcome, report.detail, report.late_seconds) == ("stale", "5.5 s late", 5.5)
    assert tables.calls == []


def test_a_tick_of_an_interval_that_has_changed_looks_at_nothing() -> None:
    bot = process()
    bot.tell(check_interval_seconds=7)
    due = MONDAY + next(step for step in range(5, 35, 5) if (MONDAY + step) % 7)
    report = bot.tick(due)
    assert report.outcome == "off the grid"
    assert bot.tickers.calls == 0


# ------------------------------------------------------------ cold and warm


def test_a_cold_process_decides_as_the_warm_one_does() -> None:
    warm = process(is_active=False)
    run(warm, range(25))
    decision = run(warm, range(25, 26))[0].decision
    cold = process(warm.clock)
    # The same tick again, as if the warm one had never come: only the claim is turned back.
    BotStateItem(BOT, TICK).update(
        actions=[BotStateItem.last_tick.set(MONDAY + 5 * 24), BotStateItem.previous_tick.set(MONDAY + 5 * 23)]
    )
    assert_same_decision(run(cold, range(25, 26))[0].decision, decision)


@pytest.mark.parametrize("sample_seconds", [5, 15])
def test_changing_processes_at_every_tick_makes_the_same_trades_as_one_that_stays(
    tables: Cloud, sample_seconds: int
) -> None:
    warm = process(sample_seconds=sample_seconds, window=10)
    one = [
        (r.outcome, r.trade and (r.trade.amount, r.trade.received))
        for r in run(warm, range(10 * sample_seconds // 5 + 12))
    ]
    for table in ("BotState", "TradeHistory", "TradeArchive", "PriceSnapshot"):
        keys = ["bot_id", {"BotState": "item", "PriceSnapshot": "at"}.get(table, "sequence")]
        for item in tables.items(table):
            tables.client.delete_item(TableName=f"test-{table}", Key={key: item[key] for key in keys})
    clock, other = Clock(MONDAY), []
    for tick in range(len(one)):
        other += run(process(clock), range(tick, tick + 1))
    assert [(r.outcome, r.trade and (r.trade.amount, r.trade.received)) for r in other] == one


def test_a_cold_process_still_knows_the_price_before_and_guards_a_thousandfold_one() -> None:
    bot = process()
    run(bot, range(12))
    cold = process(bot.clock)
    cold.tickers.set(BTC=price_of(12) * 1000)
    report = cold.tick(MONDAY + 5 * 12)
    assert (report.outcome, report.guarded) == ("no trade", 1)


def test_one_tick_of_each_slot_is_kept_as_a_sample_and_the_others_for_an_hour(tables: Cloud) -> None:
    run(process(sample_seconds=15, is_active=False), range(12))
    kept = [(item["bot_id"]["S"], item["at"]["S"][-3:-1]) for item in tables.items("PriceSnapshot")]
    assert sorted(second for partition, second in kept if partition == "default:15") == ["00", "15", "30", "45"]
    assert len([partition for partition, _ in kept if partition == "default"]) == 8


def test_a_slot_whose_first_tick_got_no_answer_is_sampled_by_the_next_one(tables: Cloud) -> None:
    bot = process(sample_seconds=15, is_active=False)
    bot.tickers.failure = "503"
    run(bot, range(1))
    bot.tickers.failure = None
    run(bot, range(1, 4))
    kept = [(item["bot_id"]["S"], item["at"]["S"][-3:-1]) for item in tables.items("PriceSnapshot")]
    assert sorted(second for partition, second in kept if partition == "default:15") == ["05", "15"]


def test_a_process_that_missed_trades_of_another_does_not_settle_on_its_old_ledger(tables: Cloud) -> None:
    old = seasoned()
    run(old, range(9, 10))
    other = seasoned(old.clock)
    run(other, range(10, 12))

    def dies(name: str, call: dict[str, Any]) -> None:
        if name == "TransactWriteItems" and step_of(call) == "finish":
            raise Died("before the finish")

    tables.before = dies
    with pytest.raises(Died):
        run(other, range(12, 13))
    tables.before = lambda *_: None
    old.tell(is_active=False)
    run(old, range(13, 14))
    assert States(BOT).read().open_trade is None
    assert_ledger_follows_from_history()


def test_every_decision_is_computed_again_from_what_is_stored() -> None:
    bot = process()
    reports = run(bot, range(40))
    snapshots = PriceSnapshots(BOT)
    kept = {snapshot.at: snapshot for snapshot in snapshots.newest(5, 100)}
    samples = [sample_of(snapshot.at, snapshot.quotes) for snapshot in snapshots.samples(5, 1000, 2**40)]
    configurations = Configurations(BOT)
    for report in reports:
        told = configurations.version(kept[report.due].settings_version)
        assert told is not None
        again = decide_again(kept[report.due], told, [s for s in samples if s.at < report.due], FREE)
        assert_same_decision(again, report.decision)


def test_a_trade_keeps_the_inputs_of_its_decision(tables: Cloud) -> None:
    run(process(), range(20))
    first = trades()[0]
    trade, record = TradeArchive(BOT, "paper").get(first.sequence)
    assert trade == first
    assert record is not None
    kept = unpack_record(first.due, record)
    assert kept.snapshot.portfolio.holdings == {"USD": START}
    assert kept.window == tuple(
        sample_of(one.at, one.quotes) for one in PriceSnapshots(BOT).samples(5, 9, before=first.due)
    )


def test_a_trade_can_be_explained_after_its_samples_have_expired(tables: Cloud) -> None:
    reports = run(process(), range(20))
    tables.forget("PriceSnapshot")
    trade, record = TradeArchive(BOT, "paper").get(1)
    assert record is not None
    kept = unpack_record(trade.due, record)
    told = Configurations(BOT).version(kept.snapshot.settings_version)
    assert told is not None
    assert kept.window is not None
    again = inputs_of(kept.snapshot, told, kept.window, FREE).decide()
    assert_same_decision(again, next(report.decision for report in reports if report.due == trade.due))


# ---------------------------------------------------------- what a tick costs


def units(name: str, call: dict[str, Any], tables: Cloud) -> tuple[float, float]:
    """Write and read units of one request, for items under 1 KB written and 4 KB read."""
    if name in WRITES:
        return (2.0 * len(call["TransactItems"]) if name == "TransactWriteItems" else 1.0), 0.0
    return 0.0, 1.0 if call.get("ConsistentRead") else 0.5


def size_of(item: Any) -> int:
    """What DynamoDB counts of an item, names included."""
    if isinstance(item, dict):
        return sum((len(key) if key not in "SNBOOLLMNULL" else 0) + size_of(value) for key, value in item.items())
    if isinstance(item, list):
        return sum(map(size_of, item))
    return len(item) if isinstance(item, str | bytes) else 1


def test_a_warm_tick_without_a_trade_costs_two_write_units_and_at_most_three_read_units(tables: Cloud) -> None:
    names = [f"{coin}-USD" for coin in ("BTC", "ETH", "SOL", "XRP", "ADA", "LTC", "BCH", "DOT", "AVAX", "LINK")]
    bot = process(pairs=names, is_active=False, sample_seconds=60)
    dice = random.Random(3)
    for tick in range(30):
        bot.tickers.set(**{name[:-4]: round(100 * dice.uniform(0.99, 1.01), 6) for name in names})
        tables.calls.clear()
        bot.tick(MONDAY + 5 * tick)
        if tick:
            spent = [units(name, call, tables) for name, call in tables.calls]
            assert sum(write for write, _ in spent) <= 2
            assert sum(read for _, read in spent) <= 3
    assert max(size_of(item) for item in tables.items("PriceSnapshot")) < 1024
    assert max(size_of(item) for item in tables.items("BotState")) < 1024
    assert size_of(tables.items("BotConfig")[0]) < 4096


# ----------------------------------------------------------- limits of history


def test_history_keeps_the_newest_and_a_lowered_limit_deletes_the_rest(tables: Cloud) -> None:
    bot = process(history_limit=20)
    run(bot, range(50))
    done = len(tables.items("TradeArchive"))
    assert done > 25
    assert [one.sequence for one in trades()] == list(range(done - 19, done + 1))
    bot.tell(history_limit=10, is_active=False)
    run(bot, range(50, 52))
    assert [one.sequence for one in trades()] == list(range(done - 9, done + 1))
    assert len(tables.items("TradeArchive")) == done


def test_a_limit_raised_and_then_lowered_deletes_the_rest_too(tables: Cloud) -> None:
    bot = process(history_limit=10)
    run(bot, range(12))
    bot.tell(history_limit=40)
    run(bot, range(12, 45))
    assert len(trades()) > 20
    bot.tell(history_limit=15, is_active=False)
    run(bot, range(45, 48))
    assert len(trades()) == 15


def test_a_much_lower_limit_deletes_at_most_fifty_a_tick(tables: Cloud) -> None:
    bot = process(history_limit=1000)
    run(bot, range(12))
    pattern = tables.items("TradeHistory")[0]
    for sequence in range(1, 81):
        tables.put("TradeHistory", {**pattern, "sequence": {"N": str(sequence)}})
    tables.edit("BotState", {"bot_id": {"S": BOT}, "item": {"S": "ledger-paper"}}, sequence={"N": "80"})
    bot.tell(history_limit=10, is_active=False)
    cold = process(bot.clock)
    run(cold, range(12, 13))
    assert [one.sequence for one in trades()] == list(range(51, 81))
    run(cold, range(13, 14))
    assert [one.sequence for one in trades()] == list(range(71, 81))


# -------------------------------------------------------------- bad settings


def test_a_bad_item_stops_trading_and_names_the_field_until_it_is_mended(tables: Cloud) -> None:
    bot = process()
    run(bot, range(14))
    before = len(trades())
    tables.edit("BotConfig", {"bot_id": {"S": BOT}}, risk_tolerance={"S": "high"})
    reports = run(bot, range(14, 20))
    assert outcomes(reports) == {"invalid settings"}
    assert all("risk_tolerance" in report.detail for report in reports)
    assert len(trades()) == before
    tables.edit("BotConfig", {"bot_id": {"S": BOT}}, risk_tolerance={"N": "1"})
    assert "executed" in outcomes(run(bot, range(30, 45)))
    assert_ledger_follows_from_history()


def test_the_minutes_go_on_at_the_interval_before_while_the_settings_are_bad(tables: Cloud) -> None:
    bot = process(check_interval_seconds=7)
    run_minute(bot.bot())
    tables.edit("BotConfig", {"bot_id": {"S": BOT}}, check_interval_seconds={"N": "0"})
    bot.clock.at = MONDAY + 60
    assert {interval for _, _, interval in bot.queue.sent} == {7}
    assert {due % 7 for due in run_minute(bot.bot()).later} == {0}


def test_a_setting_changed_by_hand_acts_on_the_next_tick(tables: Cloud) -> None:
    bot = process()
    run(bot, range(12))
    tables.edit("BotConfig", {"bot_id": {"S": BOT}}, is_active={"BOOL": False})
    assert outcomes(run(bot, range(12, 15))) == {"no trade"}


# -------------------------------------------------------------- kill, drawdown


def test_a_drawdown_ends_entries_until_the_bot_is_rearmed() -> None:
    bot = process(max_drawdown=0.05, trade_size_percentage=1, history_limit=1000)
    run(bot, range(14))
    assert Ledgers(BOT).read("paper")[0].holdings.get("BTC")  # type: ignore[index]
    falling = []
    for tick in range(14, 30):
        bot.tell(is_active=False)
        bot.tickers.set(BTC=price_of(13) * 0.99 ** (tick - 13))
        falling.append(bot.tick(MONDAY + 5 * tick))
    halted = [report for report in falling if report.outcome == "halted"]
    assert len(halted) == 1
    assert "under its peak" in halted[0].detail
    assert halted[0].halted
    state = States(BOT).read()
    assert (state.killed_at, list(state.halts_of("paper"))) == (None, ["max_drawdown"])
    bot.tell(is_active=True)
    assert outcomes(run(bot, range(60, 73))) == {"no trade"}
    assert outcomes(run(process(bot.clock), range(73, 76))) == {"no trade"}
    States(BOT).rearm(bot.clock())
    after = run(bot, range(76, 104))
    assert "halted" not in outcomes(after)
    assert "executed" in outcomes(after)


def test_the_tick_that_ends_entries_does_not_even_choose_one(tables: Cloud) -> None:
    bot = process(max_drawdown=0.03, trade_size_percentage=0.5)
    for tick in range(12):
        bot.tickers.set(BTC=round(100 * 1.02**tick, 4))
        bot.tick(MONDAY + 5 * tick)
    assert Ledgers(BOT).read("paper")[0].holdings["BTC"]  # type: ignore[index]
    tables.calls.clear()
    bot.tickers.set(BTC=round(100 * 1.02**11 * 0.945, 4))
    report = bot.tick(MONDAY + 60)
    assert report.outcome == "halted"
    assert report.decision is not None
    assert report.decision.chosen is None
    assert "HALTED" in {scored.gate.name for scored in report.decision.conversions()}
    assert tables.counted()["TransactWriteItems"] == 0


def test_after_rearming_drawdown_counts_from_the_equity_of_that_moment() -> None:
    bot = process(max_drawdown=0.05, trade_size_percentage=1)
    run(bot, range(14))
    bot.tell(is_active=False)
    bot.tickers.set(BTC=price_of(13) * 0.92)
    assert bot.tick(MONDAY + 5 * 14).outcome == "halted"
    States(BOT).rearm(bot.clock())
    fallen = []
    for tick, fall in ((15, 0.92), (16, 0.91), (17, 0.90), (18, 0.85)):
        bot.tickers.set(BTC=price_of(13) * fall)
        fallen.append(bot.tick(MONDAY + 5 * tick).outcome)
    assert fallen == ["no trade", "no trade", "no trade", "halted"]


def test_a_killed_bot_intends_nothing_but_brings_an_open_trade_to_its_end(tables: Cloud) -> None:
    bot = process()
    run(bot, range(10))
    die_after(tables, "committing")
    with pytest.raises(Died):
        run(bot, range(10, 15))
    tables.after = lambda *_: None
    States(BOT).kill(datetime.fromtimestamp(bot.clock.at, UTC), "anna", "enough")
    late = process(bot.clock)
    run(late, range(60, 62))
    assert States(BOT).read().open_trade is None
    assert [one.state for one in trades()][-1] is TradeState.FAILED
    assert_ledger_follows_from_history()


def test_the_peak_survives_a_pause_longer_than_the_snapshots_live(tables: Cloud) -> None:
    bot = process(max_drawdown=0.05, trade_size_percentage=1)
    run(bot, range(15))
    for item in tables.items("PriceSnapshot"):
        tables.client.delete_item(TableName="test-PriceSnapshot", Key={key: item[key] for key in ("bot_id", "at")})
    cold = process(bot.clock)
    cold.tickers.set(BTC=price_of(14) * 0.9)
    assert cold.tick(MONDAY + 5 * 1000).outcome == "halted"


def test_another_base_currency_is_not_a_drawdown(tables: Cloud) -> None:
    bot = process(max_drawdown=0.2)
    run(bot, range(12))
    bot.tell(base_currency="BTC", is_active=False)
    assert outcomes(run(bot, range(12, 16))) == {"no trade"}


# ------------------------------------------------------------- the ticker fails


BAD_ANSWERS: list[dict[str, tuple[object, object]]] = [
    {"BTC-USD": ("NaN", "NaN")},
    {"BTC-USD": (float("nan"), 1.0)},
    {"BTC-USD": ("0", "0")},
    {"BTC-USD": ("-100", "-100")},
    {"BTC-USD": (None, None)},
    {"BTC-USD": ("<html>", "<html>")},
    {"BTC-USD": ("102", "101")},
    {"BTC-USD": ("101000", "101000")},
    {},
]


@pytest.mark.parametrize("raw", BAD_ANSWERS, ids=str)
def test_a_bad_price_guards_its_asset_trades_nothing_and_the_next_good_tick_goes_on(
    raw: dict[str, tuple[object, object]],
) -> None:
    bot = seasoned()
    run(bot, range(8, 10))
    before = len(trades())
    assert before
    bot.tickers.raw = raw
    report = bot.tick(MONDAY + 5 * 10)
    assert (report.outcome, report.guarded) == ("no trade", 1)
    assert report.decision is not None
    assert {one.gate for one in report.decision.conversions()} == {Gate.PRICE}
    assert len(trades()) == before
    good = run(bot, range(11, 14))
    assert all(report.guarded == 0 for report in good)
    assert "executed" in outcomes(good)
    assert_ledger_follows_from_history()


@pytest.mark.parametrize(
    "failure", ["the exchange answered 500", "it took too long", "answered 429, to be asked again"]
)
def test_no_answer_guards_everything_and_is_named(failure: str) -> None:
    bot = process()
    run(bot, range(12))
    bot.tickers.failure = failure
    report = bot.tick(MONDAY + 5 * 12)
    assert (report.outcome, report.failure, report.guarded) == ("no trade", failure, 1)
    bot.tickers.failure = None
    assert run(bot, range(13, 14))[0].failure == ""


def test_a_thousandfold_price_moves_neither_equity_nor_peak() -> None:
    bot = process(max_drawdown=0.05)
    run(bot, range(14))
    peak = PriceSnapshots(BOT).newest(5, 1)[0].peak
    bot.tickers.set(BTC=price_of(14) * 1000)
    bot.tick(MONDAY + 5 * 14)
    snapshot = PriceSnapshots(BOT).newest(5, 1)[0]
    assert (snapshot.equity, snapshot.peak) == (None, peak)
    assert outcomes(run(bot, range(15, 20))) <= {"no trade", "executed"}


def test_a_price_younger_than_its_time_to_live_is_not_asked_for_again() -> None:
    bot = process(cache_ttl_seconds=12, is_active=False)
    run(bot, range(12))
    assert bot.tickers.calls == 4


def test_old_prices_do_not_decide() -> None:
    bot = process(cache_ttl_seconds=60, max_price_age_seconds=4)
    reports = run(bot, range(14))
    decisions = [report.decision for report in reports[9:12] if report.decision]
    assert {one.gate for decision in decisions for one in decision.conversions()} == {Gate.PRICE}


def test_a_clock_that_jumps_back_does_not_make_an_old_price_fresh() -> None:
    bot = process(is_active=False, sample_seconds=60)
    run(bot, range(3))
    calls = bot.tickers.calls
    assert bot.memory.ticker is not None
    bot.memory.ticker = replace(bot.memory.ticker, received_at=datetime.fromtimestamp(bot.clock.at + 3600, UTC))
    run(bot, range(3, 6))
    assert bot.tickers.calls == calls + 3


# ------------------------------------------------------------------- the minute


@pytest.mark.parametrize("interval", [1, 5, 7, 30, 59])
def test_the_ticks_of_a_minute_are_delivered_on_their_second(interval: int) -> None:
    bot = process(check_interval_seconds=interval)
    bot.clock.at = MONDAY + 17.3
    run_minute(bot.bot())
    assert bot.queue.sent
    assert all(0 <= bot.clock.at + delay - due < 0.5 for due, delay, _ in bot.queue.sent)


@pytest.mark.parametrize("interval", [1, 5, 7, 30, 59])
def test_the_ticks_of_a_minute_are_sent_off_once_and_never_early(interval: int) -> None:
    bot = process(check_interval_seconds=interval)
    for minute in range(3):
        bot.clock.at = MONDAY + 17.3 + 60 * minute
        run_minute(bot.bot())
        assert all(bot.clock.at + delay - due < 2 for due, delay, _ in bot.queue.sent[-1:])
    dues = [due for due, _, _ in bot.queue.sent]
    assert dues == list(range(dues[0], dues[-1] + 1, interval))
    assert {sent for _, _, sent in bot.queue.sent} == {interval}


def test_a_minute_event_delivered_twice_sends_nothing_twice() -> None:
    bot = process()
    run_minute(bot.bot())
    sent = list(bot.queue.sent)
    run_minute(bot.bot())
    assert bot.queue.sent == sent


# -------------------------------------------------------------- crash and go on


def die_after(tables: Cloud, step: str) -> None:
    """The process ends right after this step of a trade is written down."""

    def dies(name: str, call: dict[str, Any]) -> None:
        if name == "TransactWriteItems" and step == step_of(call):
            raise Died(step)

    tables.after = dies


def step_of(call: dict[str, Any]) -> str:
    kinds = [next(iter(item)) for item in call["TransactItems"]]
    if "ConditionCheck" in kinds:
        return "committing"
    return {(1, 1): "intend"}.get((kinds.count("Update"), len(kinds) - 1), "finish")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, 13))
def test_wherever_a_tick_dies_the_bot_goes_on_and_its_ledger_follows_from_its_history(
    tables: Cloud, when: str, nth: int
) -> None:
    """The n-th request of a trading tick is the last one of its process; then another process runs on."""
    bot = seasoned()
    run(bot, range(10, 11))
    seen = 0

    def dies(name: str, call: dict[str, Any]) -> None:
        nonlocal seen
        seen += 1
        if seen == nth:
            raise Died(name)

    cold = seasoned(bot.clock) if nth % 2 else bot
    setattr(tables, when, dies)
    died = False
    try:
        run(cold, range(11, 12))
    except Died:
        died = True
    tables.before = tables.after = lambda *_: None
    assert died or seen < nth
    later = seasoned(bot.clock)
    reports = [*run(later, range(12, 14)), *run(later, range(68, 72))]
    assert States(BOT).read().open_trade is None
    assert "executed" in outcomes(reports)
    assert_ledger_follows_from_history()
    assert sum(one.due == MONDAY + 55 for one in trades()) <= 1


def test_a_trade_whose_process_died_after_the_paper_fill_is_executed_by_a_later_tick(tables: Cloud) -> None:
    bot = process()
    run(bot, range(11))

    def dies(name: str, call: dict[str, Any]) -> None:
        if name == "TransactWriteItems" and step_of(call) == "finish":
            raise Died("before the finish")

    tables.before = dies
    with pytest.raises(Died):
        run(bot, range(11, 16))
    tables.before = lambda *_: None
    running = TradeHistory(BOT, "paper").running()
    assert running is not None
    assert running.state is TradeState.COMMITTING
    run(process(bot.clock), range(16, 17))
    done = next(one for one in trades() if one.id == running.id)
    assert done.state is TradeState.EXECUTED
    assert running.quote is not None
    assert done.received == running.quote.receives
    assert_ledger_follows_from_history()


def test_while_a_trade_is_open_no_other_one_begins(tables: Cloud) -> None:
    bot = process()
    run(bot, range(11))
    die_after(tables, "intend")
    with pytest.raises(Died):
        run(bot, range(11, 14))
    tables.after = lambda *_: None
    reports = run(process(bot.clock), range(14, 15))
    assert reports[0].outcome == "no trade"
    assert reports[0].decision is not None
    assert Gate.OPEN_TRADE in {one.gate for one in reports[0].decision.conversions()}


def kill_it() -> None:
    States(BOT).kill(datetime.fromtimestamp(MONDAY, UTC), "anna", "enough")


@pytest.mark.parametrize("step", ["intend", "committing"])
def test_a_kill_that_comes_between_two_steps_is_obeyed_at_the_next_one(tables: Cloud, step: str) -> None:
    bot = seasoned()
    run(bot, range(9, 11))
    before = len(trades())

    def killed_first(name: str, call: dict[str, Any]) -> None:
        if name == "TransactWriteItems" and step_of(call) == step:
            tables.before = lambda *_: None
            kill_it()

    tables.before = killed_first
    reports = run(bot, range(11, 20))
    assert "overtaken" in outcomes(reports)
    assert len(trades()) == before
    assert States(BOT).read().open_trade is None
    assert_ledger_follows_from_history()


def test_a_first_start_by_five_processes_at_once_opens_one_ledger(tables: Cloud) -> None:
    clock = Clock(MONDAY)
    processes = [Process(clock, FakeTickers(clock, {"BTC-USD": ("100", "101")})) for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        reports = list(pool.map(lambda bot: bot.tick(MONDAY), processes))
    assert [report.outcome for report in reports].count("claimed before") == 4
    assert len([item for item in tables.items("BotState") if item["item"]["S"].startswith("ledger")]) == 1
    assert [item["pair"]["S"] for item in tables.items("TradingPair")] == ["BTC-USD", "ETH-USD"]


def test_eager_is_what_the_scenarios_think_it_is() -> None:
    assert EAGER["cooldown_seconds"] == 0
    assert max(price_of(tick) for tick in range(60)) < 102
