"""A backtest's figures, against runs that are made or counted by hand."""

from dataclasses import replace
from math import isfinite, log
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from heisenbug.backtest.claims import claims_of
from heisenbug.backtest.fast import run_fast
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.seen import seen
from heisenbug.backtest.summary import figures_of, summary_of
from heisenbug.backtest.thinned import thinned
from heisenbug.backtest.words import headline, money, percent, span
from heisenbug.domain.assets import Pair
from heisenbug.markets.history import History
from tests.histories import KEEN, generated, wish

Floats = np.ndarray[Any, np.dtype[np.float64]]


def moving(btc: Floats, spacing: int = 60) -> History:
    """One pair at these prices, without spread."""
    at = np.arange(len(btc)) * spacing
    return History("made", (Pair.parse("BTC-USD"),), spacing, at, btc[:, None], btc[:, None])


def wavy(count: int) -> Floats:
    """A price that goes up and down by a tenth."""
    waves: Floats = 100 * (1 + 0.1 * np.sin(np.arange(count) / 3))
    return waves


def test_a_summary_follows_from_its_run() -> None:
    made = run_fast(wish(generated(600), Fill.NEXT_SAMPLE, **KEEN))
    summary = summary_of(made)
    worth = [float(t.amount) * t.expected.source_price for t in made.trades]
    costs = [each * (t.realised_cost_bps or 0) / 1e4 for each, t in zip(worth, made.trades, strict=True)]
    assert (summary.trades, summary.dropped) == (len(made.trades), len(made.dropped))
    assert summary.final == made.equity[-1]
    assert summary.gain == pytest.approx(made.equity[-1] / 1000 - 1)
    assert 0 < summary.drawdown < 0.2
    assert summary.costs == pytest.approx(sum(costs))
    assert summary.costs_bps == pytest.approx(sum(costs) / sum(worth) * 1e4)
    assert summary.judged == sum(t.due <= made.wish.history.at[-31] for t in made.trades)
    assert summary.claimed is not None
    assert summary.claimed >= 0.55
    assert summary.realised is not None
    assert 0 <= summary.realised <= 1


def test_holding_is_equal_parts_of_everything_bought_at_what_the_bot_would_pay() -> None:
    history = generated(100)
    mids = (history.bids + history.asks) / 2
    half_spreads = (history.asks - history.bids)[0] / 2 / mids[0]
    grown = np.concatenate(([1.0], mids[-1] / mids[0] * (1 - 0.003 - half_spreads))).mean() - 1
    summary = summary_of(run_fast(wish(history, cost_bps=30)))
    assert summary.holding == pytest.approx(grown)
    assert summary.held == 5


def test_the_drawdown_of_holding_counts_what_buying_cost() -> None:
    summary = summary_of(run_fast(wish(moving(np.full(50, 100.0)), cost_bps=100, window=10)))
    assert summary.holding == pytest.approx(-0.005)
    assert summary.holding_drawdown == pytest.approx(0.005)


def test_doing_nothing_moves_with_what_was_there_in_the_beginning() -> None:
    prices = np.concatenate((np.linspace(100, 200, 25), np.linspace(200, 150, 25)))
    changes = {"window": 10, "max_drawdown": 1, "paper_start": {"BTC": "2", "USD": "100"}}
    summary = summary_of(run_fast(wish(moving(prices), **changes)))
    assert summary.start == pytest.approx(300)
    assert summary.nothing == pytest.approx(400 / 300 - 1)
    assert summary.nothing_drawdown == pytest.approx(1 - 400 / 500)


def test_where_a_price_is_missing_the_worth_is_not_known_and_the_drawdown_of_the_rest_is() -> None:
    run = run_fast(wish(moving(np.full(5, 100.0)), window=10))
    holed = replace(run, equity=np.array([1000.0, np.nan, 1100.0, 990.0, np.nan]))
    curves = figures_of(holed).curves
    assert curves.drawdown(holed.equity)[[0, 2, 3]] == pytest.approx([0, 0, 0.1])
    assert np.isnan(curves.drawdown(holed.equity)[[1, 4]]).all()
    assert summary_of(holed).drawdown == pytest.approx(0.1)


def test_what_came_of_a_trade_is_its_move_a_horizon_of_time_later_less_its_cost() -> None:
    made = run_fast(wish(generated(240), Fill.NEXT_SAMPLE, **KEEN))
    history, trade, came = made.wish.history, made.trades[0], figures_of(made).came[0]
    row = int(np.searchsorted(history.at, trade.due))
    mids = dict(zip((pair.base for pair in history.pairs), ((history.bids + history.asks) / 2).T, strict=True))
    assert trade.source == "USD"
    gross = log(mids[trade.target][row + 30] / mids[trade.target][row])
    assert came == pytest.approx(gross + log(1 - (trade.realised_cost_bps or 0) / 1e4))


def test_what_a_gap_swallowed_a_horizon_later_is_not_judged() -> None:
    whole = generated(240)
    kept = np.delete(np.arange(240), range(100, 140))
    holed = History("holed", whole.pairs, 60, whole.at[kept], whole.bids[kept], whole.asks[kept])
    made = run_fast(wish(holed, Fill.NEXT_SAMPLE, **KEEN))
    into_gap = [trade.due + 1800 in whole.at[100:140] for trade in made.trades]
    assert any(into_gap)
    judged = [isfinite(came) for came, lost in zip(figures_of(made).came, into_gap, strict=True) if lost]
    assert not any(judged)
    gaps = summary_of(made).gaps
    assert (gaps.gaps, gaps.missing, gaps.longest) == (1, 40, 41 * 60)


def test_claims_are_counted_and_scored_by_hand() -> None:
    changes = {"forecaster": "drift", "drift_weight": 1, "cost_bps": 500, "window": 20, "horizon": 5}
    claims = claims_of(seen(wish(moving(wavy(60)), **changes)))
    assert claims is not None
    logs, cost = np.log(wavy(60)), log(1 - 0.05)
    drift, zero, came = [], [], []
    for row in range(19, 55):
        returns = np.diff(logs[row - 19 : row + 1])
        deviation, move = returns.std(ddof=1) * 5**0.5, logs[row + 5] - logs[row]
        drift += [NormalDist().cdf((sign * 5 * returns.mean() + cost) / deviation) for sign in (1, -1)]
        zero += [NormalDist().cdf(cost / deviation)] * 2
        came += [move + cost > 0, -move + cost > 0]
    assert (claims.samples, claims.of, claims.measured.count) == (36, 36, 72)
    assert 0 < sum(came) < 36
    assert claims.measured.brier == pytest.approx(np.mean((np.array(drift) - came) ** 2), abs=1e-6)
    assert claims.baseline.brier == pytest.approx(np.mean((np.array(zero) - came) ** 2), abs=1e-6)
    assert claims.baseline.log_loss == pytest.approx(
        -np.mean(np.log(np.where(came, zero, 1 - np.array(zero)))), abs=1e-5
    )
    assert sum(bin.count for bin in claims.bins) == 72


def test_of_many_samples_some_are_judged_and_both_numbers_are_said() -> None:
    claims = claims_of(seen(wish(moving(wavy(200)), window=20, horizon=5)), most=10)
    assert claims is not None
    assert (claims.samples, claims.of, claims.measured.count) == (10, 176, 20)


def test_without_a_full_window_nothing_is_judged() -> None:
    assert summary_of(run_fast(wish(generated(50)))).claims is None


def test_the_headline_of_a_run_without_trades_says_its_best_edge_and_that_conversions_cost() -> None:
    rising = moving(100 * np.exp(np.arange(60) * 1e-5 + 1e-4 * np.sin(np.arange(60))))
    changes = {"forecaster": "drift", "drift_weight": 1, "cost_bps": 80, "window": 20, "horizon": 10}
    run = run_fast(wish(rising, **changes))
    summary = summary_of(run)
    logs = np.log(rising.bids[:, 0])
    best = max((logs[row] - logs[row - 19]) / 19 * 10 for row in range(19, 60))
    assert run.trades == ()
    assert summary.closest is not None
    assert summary.closest.edge == pytest.approx(best)
    assert (summary.closest.source, summary.closest.target, summary.closest.gate) == ("USD", "BTC", "confidence")
    assert headline(summary) == f"No trade in 60 minutes: best edge {best * 1e4:.0f} bp < cost 80 bp"


def test_an_edge_above_the_cost_is_told_with_the_gate_that_stopped_it() -> None:
    changes = {**KEEN, "risk_tolerance": 0, "paper_start": {"USD": "1000"}}
    summary = summary_of(run_fast(wish(generated(240), **changes)))
    assert summary.trades == 0
    assert summary.closest is not None
    assert summary.closest.edge > summary.closest.cost
    assert headline(summary) == f"No trade in 4 hours: {summary.closest.why}"


def test_other_headlines() -> None:
    none = summary_of(run_fast(wish(generated(50))))
    assert headline(none) == "No trade in 50 minutes: no window was full and without a gap"
    assert headline(replace(none, dropped=1)) == "No trade in 50 minutes: 1 decision came to nothing"
    lost = replace(none, trades=1, final=950.0, holding=0.1)
    assert headline(lost) == "1 trade in 50 minutes: -5.00%; holding +10.00%, doing nothing 0.00%"


@pytest.mark.parametrize(
    ("seconds", "says"), [(59, "59 seconds"), (119, "2 minutes"), (86_400, "24 hours"), (604_860, "7 days")]
)
def test_a_span_is_told_in_its_greatest_unit(seconds: int, says: str) -> None:
    assert span(seconds) == says


def test_no_percentage_is_minus_zero() -> None:
    assert (percent(-0.00001), percent(-0.0123), percent(0.5), percent(0.5, "")) == (
        "0.00%",
        "-1.23%",
        "+50.00%",
        "50.00%",
    )


def test_money_is_told_at_its_assets_precision() -> None:
    assert (money(1234.5, "USD"), money(0.5, "BTC"), money(1234.5, "JPY")) == (
        "1,234.50 USD",
        "0.50000000 BTC",
        "1,234 JPY",
    )


def test_a_thinned_line_keeps_its_first_its_last_and_every_extreme() -> None:
    at = np.arange(50_000) * 60
    line = np.cumsum(np.random.default_rng(1).normal(size=50_000))
    thin = thinned(at, {"line": line}, 60)
    kept = thin.lines["line"]
    assert len(thin.at) == len(kept) <= 2002
    assert (kept[0], kept[-1], kept.min(), kept.max()) == (line[0], line[-1], line.min(), line.max())
    assert (np.diff(thin.at) > 0).all()
    assert set(kept) <= set(line)


def test_a_thinned_line_keeps_its_gaps_where_and_as_long_as_they_were() -> None:
    at = np.delete(np.arange(10_000) * 60, range(4000, 6000))
    thin = thinned(at, {"line": np.ones(8000)}, 60)
    missing = thin.at[np.isnan(thin.lines["line"])]
    assert missing.min() == pytest.approx(4000 * 60, abs=1200)
    assert missing.max() == pytest.approx(6000 * 60, abs=1200)
    assert len(missing) == pytest.approx(400, abs=4)


def test_a_short_line_is_drawn_sample_by_sample_with_its_gaps() -> None:
    thin = thinned(np.array([60, 125, 300]), {"line": np.array([1.0, 2.0, 3.0])}, 60)
    assert thin.at.tolist() == [60, 125, 180, 240, 300]
    assert thin.lines["line"][[0, 1, 4]].tolist() == [1, 2, 3]
    assert np.isnan(thin.lines["line"][2:4]).all()
    assert thin.stretch_seconds == 0


@pytest.mark.parametrize("seconds", [1, 2, 60])
def test_thinned_times_rise_however_close_the_samples_are(seconds: int) -> None:
    at = np.arange(2001) * seconds
    assert (np.diff(thinned(at, {"line": np.arange(2001.0)}, seconds).at) > 0).all()
