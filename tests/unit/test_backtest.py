"""Backtests: the fast way makes the trades of the plain loop, which is the live code, on every kind of market."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from heisenbug.backtest.fast import run_fast
from heisenbug.backtest.plain import run_plainly
from heisenbug.backtest.rules import Fill, Wish
from heisenbug.backtest.run import Run
from heisenbug.backtest.summary import summary_of
from heisenbug.domain.gates import Gate
from heisenbug.domain.trade import TradeState
from heisenbug.markets.history import History, OutOfRange
from tests.crossing import Crossing, believing
from tests.histories import KEEN, generated, recorded, wish
from tests.models import model

SCORED = {Gate.CONFIDENCE, Gate.RISK, Gate.RETURN}


def gates(run: Run) -> Counter[str]:
    """What stopped how many; the three gates of the scores together, see Run."""
    counts: Counter[str] = Counter()
    for gate, count in run.gates.items():
        counts["scores" if gate in SCORED else gate.name] += count
    return counts


def assert_alike(asked: Wish) -> Run:
    fast, plain = run_fast(asked), run_plainly(asked)
    assert fast.trades == plain.trades
    assert [move._replace(confidence=0) for move in fast.moves] == [move._replace(confidence=0) for move in plain.moves]
    assert fast.dropped == plain.dropped
    assert fast.holdings == plain.holdings
    assert (fast.killed, gates(fast)) == (plain.killed, gates(plain))
    assert np.array_equal(np.isnan(fast.equity), np.isnan(plain.equity))
    # The plain loop keeps equity as it is shown: rounded down at the base currency's precision.
    assert np.nanmax(np.abs(fast.equity - plain.equity), initial=0) <= 0.01
    return plain


VARIANTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "keen": KEEN,
    "resting": {**KEEN, "cooldown_seconds": 600},
    "a fixed amount": {**KEEN, "trade_size_amount": 50},
    "all at once": {**KEEN, "trade_size_percentage": 1},
    "a budget": {**KEEN, "budget": {"BTC": "0.002"}},
    "costs by pair": {**KEEN, "cost_bps": {"default": 5, "BTC-USD": 1}},
    "killed": {**KEEN, "max_drawdown": 0.01},
    "no confidence asked": {**KEEN, "min_confidence": 0},
    "all confidence asked": {**KEEN, "min_confidence": 1},
    "another base": {**KEEN, "base_currency": "BTC", "paper_start": {"BTC": "1"}},
    "more digits than are counted": {**KEEN, "paper_start": {"USD": "999.12345", "BTC": "0.0123456789012"}},
    "stopped": {**KEEN, "is_active": False},
    "a stop-loss": {**KEEN, "stop_loss": 0.002},
    "a target": {**KEEN, "take_profit": 0.002},
    "a trailing stop": {**KEEN, "trailing_stop": 0.003},
    "a time stop": {**KEEN, "time_stop": 45, "cooldown_seconds": 600},
    "every exit": {**KEEN, "stop_loss": 0.004, "take_profit": 0.004, "trailing_stop": 0.004, "time_stop": 60},
    "an exit while stopped": {
        **KEEN,
        "is_active": False,
        "trailing_stop": 0.002,
        "paper_start": {"BTC": "1"},
    },
    "an exit and a kill": {**KEEN, "trailing_stop": 0.003, "max_drawdown": 0.01},
}


EXIT_OF = {
    "a stop-loss": "stop_loss",
    "a target": "take_profit",
    "a trailing stop": "trailing_stop",
    "a time stop": "time_stop",
}


@pytest.mark.parametrize("fill", Fill)
@pytest.mark.parametrize("name", VARIANTS)
def test_the_fast_way_makes_the_trades_of_the_plain_loop(name: str, fill: Fill) -> None:
    assert_alike(wish(generated(240), fill, **VARIANTS[name]))


@pytest.mark.parametrize("name", [name for name in VARIANTS if "exit" in name or name in EXIT_OF])
def test_where_an_exit_is_set_it_is_taken(name: str) -> None:
    run = run_fast(wish(generated(400), Fill.NEXT_SAMPLE, **VARIANTS[name]))
    taken = {trade.exit for trade in run.trades if trade.exit}
    assert taken >= {EXIT_OF[name]} if name in EXIT_OF else taken


def test_so_it_does_with_what_was_learned() -> None:
    lags, weights = (1, 5, 20), (-0.1, 0.2, 0.3)
    learned = model(
        "ridge", lags=lags, weights=weights, window=30, horizon=30, assets=("ADA", "BTC", "ETH", "SOL", "XRP")
    )
    changes = {**KEEN, "forecaster": "ridge", "model": learned.plain()}
    assert assert_alike(wish(generated(240), **changes)).trades


def gappy() -> History:
    """Gaps of minutes and of an hour, missing pairs, a frozen one, a jump, a slip and a crossed quote."""
    whole = generated(420)
    bids, asks = whole.bids.copy(), whole.asks.copy()
    bids[50:60, 0] = asks[50:60, 0] = np.nan
    bids[100:125, 1], asks[100:125, 1] = bids[100, 1], asks[100, 1]
    bids[200:, 2], asks[200:, 2] = bids[200:, 2] * 1.3, asks[200:, 2] * 1.3
    bids[230, 3], asks[230, 3] = bids[230, 3] * 1000, asks[230, 3] * 1000
    bids[240, 0] = asks[240, 0] * 1.01
    kept = np.delete(np.arange(420), [*range(130, 140), *range(300, 380)])
    return History("gappy", whole.pairs, 60, whole.at[kept], bids[kept], asks[kept])


@pytest.mark.parametrize("fill", Fill)
def test_so_it_does_where_prices_are_missing_wrong_or_guarded(fill: Fill) -> None:
    plain = assert_alike(wish(gappy(), fill, **KEEN))
    assert plain.trades
    assert plain.gates[Gate.PRICE] > 100
    exits = assert_alike(wish(gappy(), fill, **VARIANTS["every exit"]))
    assert any(trade.exit for trade in exits.trades)


@pytest.mark.parametrize(
    ("name", "sample_seconds"),
    [
        ("crypto8_1m_2025-05", 60),
        ("crypto5_1m_2023-03_outage", 60),
        ("crypto4_bidask_1m_2018-04", 60),
        ("fx2_bidask_1m_2014-05", 60),
        ("fx2_bidask_1s_2014-05-05", 1),
        ("fx_eurusd_1m_times1000", 60),
        ("fx_eurusd_ticks_crossed", 1),
    ],
)
def test_so_it_does_on_recorded_markets(name: str, sample_seconds: int) -> None:
    history = recorded(name, sample_seconds)
    assert_alike(wish(history.between(history.at[0], history.at[400]), **KEEN))


def test_a_conversion_filled_at_the_next_sample_gets_the_next_samples_price() -> None:
    history = generated(240)
    run = run_fast(wish(history, Fill.NEXT_SAMPLE, **KEEN))
    names = [str(pair) for pair in history.pairs]
    bought = [trade for trade in run.trades if trade.source == "USD"]
    assert bought
    for trade in bought:
        row = int(np.searchsorted(history.at, trade.due)) + 1
        ask = Decimal(repr(float(history.asks[row, names.index(f"{trade.target}-USD")])))
        assert trade.received is not None
        assert trade.received <= trade.amount / ask < trade.received * Decimal("1.002")


def test_at_the_last_sample_nothing_can_be_filled_at_the_next_one() -> None:
    history = generated(240)
    run = run_fast(wish(history, Fill.NEXT_SAMPLE, **KEEN))
    assert all(trade.due < history.at[-1] for trade in run.trades)


def test_value_is_only_lost_to_prices_and_stated_costs() -> None:
    history = replace(generated(240), bids=np.full((240, 4), 10.0), asks=np.full((240, 4), 10.0))
    rising = np.exp(np.linspace(0, 0.05, 240))[:, None] * np.array([1, 1.5, 2, 3])
    moving = replace(history, bids=rising, asks=rising)
    run = run_plainly(wish(moving, **{**KEEN, "cost_bps": 0}))
    for trade in run.trades:
        assert trade.state is TradeState.EXECUTED
        assert trade.realised_cost_bps is not None
        assert -1e-6 < trade.realised_cost_bps < 100


def test_the_default_settings_trade_nothing_and_say_what_stopped_each_conversion() -> None:
    run = run_fast(wish(generated(240)))
    assert (run.trades, run.dropped) == ((), ())
    assert sum(run.gates.values()) == 240 * 5 * 4
    assert run.gates[Gate.OPEN] == 0
    assert set(run.equity[~np.isnan(run.equity)]) == {1000.0}


def test_planted_drift_is_traded_and_earns_something() -> None:
    run = run_fast(
        wish(generated(2000, drift=0.012, pairs=8), Fill.NEXT_SAMPLE, **{**KEEN, "window": 120, "horizon": 60})
    )
    assert len(run.trades) > 50
    assert run.equity[-1] > 1000


CROSSING: dict[str, Any] = {
    **KEEN,
    "window": 120,
    "horizon": 1,
    "cost_bps": 10,
    "trade_size_percentage": 1,
    "max_drawdown": 1,
}


@pytest.mark.parametrize("fill", Fill)
@pytest.mark.parametrize("changes", [{}, {"max_drawdown": 0.05}, {"trade_size_percentage": 0.5}, {"cost_bps": 480}])
def test_so_it_does_where_a_moving_average_cross_trades_all_the_time(fill: Fill, changes: dict[str, Any]) -> None:
    with believing(Crossing()):
        plain = assert_alike(wish(generated(700, pairs=1), fill, **{**CROSSING, **changes}))
    assert plain.trades


def test_a_swift_move_says_of_a_trade_what_the_plain_loop_says() -> None:
    asked = wish(generated(700, pairs=1), Fill.NEXT_SAMPLE, **CROSSING)
    with believing(Crossing()):
        fast, plain = run_fast(asked), run_plainly(asked)
        swiftly, plainly = summary_of(fast), summary_of(plain)
    assert len(fast.moves) > 5
    for swift, told in zip(fast.moves, plain.moves, strict=True):
        assert swift._replace(confidence=0) == told._replace(confidence=0)
        assert swift.confidence == pytest.approx(told.confidence, abs=1e-6)
    assert (swiftly.costs, swiftly.judged, swiftly.realised) == (plainly.costs, plainly.judged, plainly.realised)
    assert swiftly.claimed == plainly.claimed


def test_so_it_does_on_a_recorded_market_with_a_cross() -> None:
    history = recorded("crypto8_1m_2025-05")
    one = History(history.name, history.pairs[:1], 60, history.at, history.bids[:, :1], history.asks[:, :1])
    with believing(Crossing()):
        plain = assert_alike(wish(one.between(one.at[0], one.at[0] + 48_000), Fill.NEXT_SAMPLE, **CROSSING))
    assert len(plain.trades) > 10


def test_so_it_does_on_planted_drift_with_many_trades() -> None:
    history = generated(600, drift=0.012, pairs=3)
    assert len(assert_alike(wish(history, Fill.NEXT_SAMPLE, **KEEN)).trades) > 50


def test_a_time_out_of_range_names_the_range() -> None:
    with pytest.raises(OutOfRange, match="it goes from 20"):
        generated(50).between(0, 1)
