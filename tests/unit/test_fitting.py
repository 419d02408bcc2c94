"""Fitting: noise teaches nothing, planted drift is found, and nothing is forecast by what came after it."""

import gzip
import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from cli import fitting as command
from heisenbug.domain.forecasters import forecast
from heisenbug.domain.forecasters.shipped import learned as forecaster_of
from heisenbug.domain.model import Model, Worth, model_from
from heisenbug.domain.score import confidence_of
from heisenbug.domain.settings import DEFAULTS, change
from heisenbug.domain.window import Window
from heisenbug.fitting import seen as seeing
from heisenbug.fitting.calibration import expected_calibration_error, log_loss, reliability
from heisenbug.fitting.fit import CannotFit, blocks, fit, outcomes, probabilities
from heisenbug.fitting.history import History, Unpriceable, history_between, history_of, on_the_grid, prices_in
from heisenbug.fitting.learning import learn, variance_ratio
from heisenbug.fitting.seen import look, volatilities
from heisenbug.markets.generated import GeneratedMarket
from heisenbug.markets.recorded import read_market
from tests.models import model
from tests.planted import generated, history, passing, seen_of

DATA = Path(__file__).parents[3] / "shared" / "data"
LAGS = (1, 5, 30)


def walks(seed: int, samples: int, assets: int = 3) -> np.ndarray:
    """Log prices of the base and of walks with 0.1 % a sample."""
    steps = np.random.default_rng(seed).normal(0, 0.001, (samples, assets))
    return np.column_stack([np.zeros(samples), np.cumsum(steps, axis=0)])


def test_a_crossed_a_missing_and_a_misplaced_price_teach_nothing() -> None:
    past = history(np.exp(walks(1, 50)[:, 1:2]), ["BTC-USD"])
    bids, asks = past.bids.copy(), past.asks.copy()
    bids[3] = asks[3] * 1.1
    bids[5] = asks[5] = np.nan
    bids[7] = 0.0
    bids[20:28] *= 1000
    asks[20:28] *= 1000
    assets, prices = prices_in("USD", replace(past, bids=bids, asks=asks))
    assert assets == ("USD", "BTC")
    assert np.flatnonzero(np.isnan(prices[:, 1])).tolist() == [3, 5, 7, *range(20, 28)]


def test_a_slot_without_prices_is_a_row_without_prices() -> None:
    past = history(np.exp(walks(1, 10)[:, 1:]), ["A1-USD", "B1-USD", "C1-USD"])
    rows = [0, 1, 4, 9]
    few = replace(past, at=past.at[rows], bids=past.bids[rows], asks=past.asks[rows])
    grid = on_the_grid(few, prices_in("USD", few)[1])
    assert np.flatnonzero(np.isfinite(grid).all(axis=1)).tolist() == rows


def test_any_market_gives_the_history_that_it_quotes() -> None:
    market = GeneratedMarket(3)
    past = history_between(market, market.first - 120, market.first + 300 * 60, 120)
    assert past.at[0] == market.first
    assert np.diff(past.at).tolist() == [120] * 149
    assert (past.bids + past.asks) / 2 == pytest.approx(market.mids(0, 300)[::2], rel=1e-6)


@pytest.mark.parametrize("gaps", [0.0, 0.05])
def test_the_volatility_is_the_decisions_own(gaps: float) -> None:
    prices = walks(2, 400)
    prices[np.random.default_rng(3).random(prices.shape) < gaps] = np.nan
    prices[:, 0] = 0
    prices[[0, 200, 300]] = walks(2, 400)[[0, 200, 300]]
    rows = np.array([59, 259, 359])
    at_once = volatilities(prices, rows, 60)
    others = ~np.eye(prices.shape[1], dtype=bool)
    for number, row in enumerate(rows):
        one = Window.of(prices[row - 59 : row + 1]).volatility
        assert at_once[number][others] == pytest.approx(one[others], rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("fitted", [model(weights=(0.4,)), model("ridge", weights=(0.2, -0.1, 0.3), lags=LAGS)])
def test_what_is_judged_is_the_confidence_that_a_decision_states(fitted: Model) -> None:
    fitted = replace(fitted, window=60, horizon=15, variance_ratio=0.8)
    mids = np.exp(walks(4, 300))
    past = history(mids[:, 1:], ["BTC-USD", "ETH-USD", "SOL-USD"])
    seen, believed = seen_of(past, fitted)
    judged = probabilities(seen, believed, np.log1p(-0.001)).reshape(2, len(seen.rows), -1)
    _, prices = prices_in("USD", past)
    sources, targets = np.triu_indices(4, 1)
    for number in (0, 77, len(seen.rows) - 1):
        row = seen.rows[number]
        window = Window.of(prices[row - 59 : row + 1])
        stated = confidence_of(forecast(forecaster_of(fitted), window, 15), np.full((4, 4), 0.001))
        assert judged[0, number] == pytest.approx(stated[sources, targets], abs=1e-9)
        assert judged[1, number] == pytest.approx(stated[targets, sources], abs=1e-9)


def test_what_came_is_the_return_over_the_horizon_less_the_cost() -> None:
    prices = walks(5, 100)
    seen = look(prices, 10, 7, (1,))
    came = outcomes(seen, np.log1p(-0.002)).reshape(2, len(seen.rows), -1)
    first, last = prices[seen.rows, 1], prices[seen.rows + 7, 1]
    assert (came[0, :, 0] == (np.exp(last - first) * 0.998 > 1)).all()
    assert (came[1, :, 0] == (np.exp(first - last) * 0.998 > 1)).all()


def test_a_window_with_too_many_holes_and_a_horizon_without_a_price_are_left_out() -> None:
    prices = walks(6, 200)
    prices[50:70] = np.nan
    seen = look(prices, 40, 10, (1,))
    fit_rows = set(seen.rows[seen.known.all(axis=1)].tolist())
    holes = {row for row in range(39, 190) if 50 <= row + 10 < 70 or 50 <= row < 70}
    holes |= {row for row in range(39, 190) if np.isnan(prices[row - 39 : row + 1, 1]).sum() > 4}
    assert fit_rows == set(range(39, 190)) - holes


def test_a_long_history_of_many_assets_is_looked_at_from_place_to_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeing, "MOST_CELLS", 300)
    seen = look(walks(7, 1000), 50, 10, (1,))
    assert seen.known.size <= 300
    assert len(set(np.diff(seen.rows).tolist())) == 1
    assert seen.rows[-1] > 950


def test_no_block_is_forecast_by_what_came_after_it_began() -> None:
    seen = look(walks(8, 2000), 50, 30, (1, 5))
    pasts = list(blocks(seen, 30))
    assert len(pasts) == 5
    for past, block in pasts:
        assert past.rows[-1] + 30 < block.rows[0] <= past.rows[-1] + 32
        assert past.rows[0] == seen.rows[0]
    forecast_rows = np.concatenate([block.rows for _, block in pasts])
    assert forecast_rows.tolist() == seen.rows[seen.rows >= pasts[0][1].rows[0]].tolist()


def test_the_future_changes_nothing_of_what_was_learned_before_it() -> None:
    prices = walks(9, 2000)
    other = prices.copy()
    other[1000:, 1:] += walks(10, 1000)[:, 1:]
    told, otherwise = (look(some, 50, 30, (49,)).between(0, 970) for some in (prices, other))
    assert np.array_equal(told.came, otherwise.came)
    assert learn(told, 30).variance_ratio == learn(otherwise, 30).variance_ratio


@pytest.mark.parametrize("kind", ["drift", "ridge"])
@pytest.mark.parametrize("seed", [31, 32, 33])
def test_noise_teaches_nothing(kind: str, seed: int) -> None:
    fitted = fit(generated(seed, 0.0), kind, 120, 60, 60, 10, "USD")
    assert not any(fitted.weights)
    assert fitted.worth == fitted.baseline
    assert fitted.p_value == 1
    assert not fitted.beats_baseline


@pytest.mark.parametrize("kind", ["drift", "ridge"])
def test_planted_drift_is_found_and_the_confidence_in_it_is_borne_out_on_another_market(kind: str) -> None:
    fitted = fit(generated(7, 0.003, 20_000), kind, 120, 60, 60, 10, "USD")
    assert fitted.beats_baseline
    assert fitted.worth.brier < fitted.baseline.brier - 0.002
    part, claimed, came = passing(generated(22, 0.003, 20_000), fitted, 10)
    assert 0.005 < part < 0.03
    assert came == pytest.approx(claimed, abs=0.05)
    assert passing(generated(22, 0.003, 20_000), fitted, 220)[0] == 0


def test_on_a_market_without_drift_nothing_passes() -> None:
    fitted = fit(generated(31, 0.0), "ridge", 120, 60, 60, 10, "USD")
    assert passing(generated(32, 0.0), fitted, 10)[0] == 0


def test_prices_that_come_back_teach_that_drift_turns_but_no_more_than_whole() -> None:
    noise = np.random.default_rng(11).normal(0, 0.01, (5000, 2))
    # half of the window's return comes back: -0.95 of its drift in 10 samples, and -1.9 in 5
    near, far = (fit(history(np.exp(noise), ["A1-USD", "B1-USD"]), "drift", 20, h, 60, 10, "USD") for h in (5, 10))
    assert near.weights == (-1.0,)
    assert far.weights[0] == pytest.approx(-0.95, abs=0.1)
    assert near.beats_baseline
    assert far.beats_baseline


def test_of_a_drift_that_lasts_as_much_survives_as_is_not_noise() -> None:
    drifting = walks(17, 8000, 2) + np.arange(8000)[:, None] * np.array([0, 0.0003, -0.0003])
    fitted = fit(history(np.exp(drifting[:, 1:]), ["BTC-USD", "ETH-USD"]), "drift", 20, 40, 60, 10, "USD")
    # the square of drift over volatility: of each against USD and of one against the other
    signal = 0.09 + 0.09 + 0.18
    assert fitted.weights[0] == pytest.approx(signal / (signal + 3 / 19), abs=0.06)


def test_the_variance_ratio_of_a_walk_is_one_and_of_a_bouncing_price_less() -> None:
    prices = walks(12, 20_000)
    assert variance_ratio(look(prices, 120, 15, (1,))) == pytest.approx(1, abs=0.06)
    bounce = np.random.default_rng(13).normal(0, 0.001, prices.shape) * [0, 1, 1, 1]
    # Var(r) = 1 + 2 and Var(r over 15) = 15 + 2, in variances of a step
    assert variance_ratio(look(prices + bounce, 120, 15, (1,))) == pytest.approx(17 / 45, abs=0.04)


def test_the_same_history_teaches_the_same() -> None:
    past = generated(7, 0.003)
    assert fit(past, "ridge", 120, 60, 60, 10, "USD") == fit(past, "ridge", 120, 60, 60, 10, "USD")


def test_the_settings_take_the_model_that_was_fitted() -> None:
    fitted = fit(generated(7, 0.003), "ridge", 60, 30, 60, 10, "USD")
    assert fitted.lags == (1, 5, 15, 30, 59)
    assert fitted.assets == ("ADA", "BTC", "DOT", "ETH", "LINK", "LTC", "SOL", "XRP")
    assert (fitted.begin, fitted.end) == ("2026-01-01T00:00:00Z", "2026-01-07T22:39:00Z")
    told = change(DEFAULTS, {"forecaster": "ridge", "model": fitted.plain(), "window": 60, "horizon": 30})
    assert told.model == fitted


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"horizon": 1000}, r"1000 samples of 60 s long, and a window of 20 with a horizon of 1000 needs 13020"),
        ({"kind": "oracle"}, "choose drift or ridge"),
        ({"cost_bps": 10_000}, "cost of 10000 bp"),
        ({"cost_bps": float("nan")}, "cost of nan bp"),
        ({"base": "EUR"}, r"no pair with EUR \(BTC-USD ETH-XRP\)"),
        ({}, r"ETH, XRP cannot be counted in USD"),
    ],
)
def test_what_cannot_be_fitted_says_why(changes: dict[str, Any], words: str) -> None:
    pairs = ["BTC-USD", "ETH-XRP" if changes.get("base") or not changes else "ETH-USD"]
    past = history(np.exp(walks(14, 1000)[:, 1:3]), pairs)
    asked = {"kind": "drift", "window": 20, "horizon": 10, "sample_seconds": 60, "cost_bps": 10, "base": "USD"}
    with pytest.raises((CannotFit, Unpriceable), match=words):
        fit(past, **{**asked, **changes})


def test_a_market_that_is_mostly_holes_cannot_be_fitted() -> None:
    past = history(np.exp(walks(15, 3000)[:, 1:2]), ["BTC-USD"])
    some = replace(past, at=past.at[::3], bids=past.bids[::3], asks=past.asks[::3])
    with pytest.raises(CannotFit, match="choose longer samples"):
        fit(some, "drift", 20, 10, 60, 10, "USD")


# The command


@pytest.fixture
def market_file(tmp_path: Path) -> Path:
    """1,500 minutes of two walks."""
    mids = 100 * np.exp(walks(16, 1500, 2)[:, 1:])
    at = np.datetime_as_string(np.datetime64("2026-01-01T00:00:00") + 60 * np.arange(1500))
    rows = [
        f"{moment}Z,{pair},{price:.6f},{price:.6f}"
        for moment, prices in zip(at, mids, strict=True)
        for pair, price in zip(("BTC-USD", "ETH-USD"), prices, strict=True)
    ]
    file = tmp_path / "walks.csv.gz"
    file.write_bytes(gzip.compress("\n".join(["at,pair,bid,ask", *rows, ""]).encode()))
    return file


def run(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(command.fit_command)
    return CliRunner().invoke(app, arguments)


def test_the_command_says_what_was_learned_and_what_it_is_worth(market_file: Path) -> None:
    answer = run("--market", str(market_file), "--forecaster", "ridge", "--horizon", "15")
    assert answer.exit_code == 0
    assert "2026-01-01T00:00:00Z to 2026-01-02T00:59:00Z, 1,500 samples of 60 s" in answer.stdout
    assert "+0.0000 of 119" in answer.stdout
    assert "cannot be selected for live money" in answer.stdout
    assert not answer.stderr


def test_json_is_the_whole_of_stdout_and_the_file_what_the_setting_takes(market_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    asked = ("--market", str(market_file), "--forecaster", "drift", "--horizon", "15", "--output", str(file), "--json")
    told = json.loads(run(*asked).stdout)
    assert told["beats_zero_drift"] is False
    assert told["samples"] == 1500
    assert model_from(json.loads(file.read_text())) == model_from(told["model"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "walks.csv.gz"]


def test_use_sets_forecaster_and_model_together_with_the_spacing_that_the_bot_has(
    market_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(command, "call", lambda *asked: calls.append(asked) or {"version": 3})
    asked = ("--market", str(market_file), "--forecaster", "drift", "--horizon", "15", "--speed", "12", "--use")
    assert run(*asked).exit_code == 0
    ((method, path, body),) = calls
    assert (method, path, body["forecaster"]) == ("PATCH", "config", "drift")
    assert model_from(body["model"]).sample_seconds == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--market", "no.csv.gz"), "There is no market file no.csv.gz."),
        (("--market", "FILE", "--horizon", "1000"), "needs 13120"),
        (("--market", "FILE", "--base", "EUR"), "has no pair with EUR (BTC-USD ETH-USD)"),
        (("--market", "FILE", "--output", "/none/model.json"), "/none/model.json cannot be written"),
        (("--market", "BAD"), "bad.csv.gz line 1: not gzip data."),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written_or_set(
    arguments: tuple[str, ...], words: str, market_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "call", lambda *asked: pytest.fail("the bot was told"))
    bad = market_file.with_name("bad.csv.gz")
    bad.write_text("nothing")
    files = {"FILE": str(market_file), "BAD": str(bad)}
    output = ("--output", str(market_file.with_name("model.json"))) if "--output" not in arguments else ()
    answer = run("--forecaster", "drift", "--use", *output, *(files.get(text, text) for text in arguments))
    assert answer.exit_code == 2
    assert words in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert not answer.stdout
    assert sorted(path.name for path in market_file.parent.iterdir()) == ["bad.csv.gz", "walks.csv.gz"]


def test_a_file_that_cannot_be_written_is_said_before_anything_is_fitted(
    market_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "fit", lambda *asked: pytest.fail("it was fitted"))
    asked = ("--market", str(market_file), "--forecaster", "drift", "--output", str(market_file.parent))
    assert run(*asked).exit_code == 2


def test_the_verdict_names_what_live_money_may_believe() -> None:
    assert "may be selected for live money" in command.verdict(model())
    worse = model(worth=Worth(0.21, 0.62, 9))
    assert "does not beat zero-drift out of sample (log-loss 0.01000 worse or equal)" in command.verdict(worse)
    lucky = model(p_value=0.18)
    assert "luck alone would gain as much with a chance of 0.18, which is above 0.05" in command.verdict(lucky)
    nothing = replace(worse, weights=(0.0,))
    assert command.verdict(nothing).startswith("It found nothing to believe in")
    assert all(command.verdict(each).endswith(command.PAPER_ONLY) for each in (worse, lucky, nothing))


# Recorded markets


@lru_cache(maxsize=2)
def recorded(name: str) -> History:
    return history_of(read_market(DATA / f"{name}.csv.gz"), 60)


@pytest.mark.skipif(not DATA.exists(), reason="the recorded markets of ../shared/data are not here")
@pytest.mark.parametrize("horizon", [15, 60])
@pytest.mark.parametrize(
    ("learned_on", "held_against"),
    [("crypto6_1m_2023-04", "crypto8_1m_2025-05"), ("crypto8_1m_2025-05", "crypto6_1m_2023-04")],
)
def test_what_a_recorded_market_teaches_is_honest_about_another(
    learned_on: str, held_against: str, horizon: int
) -> None:
    fitted = fit(recorded(learned_on), "ridge", 120, horizon, 60, 10, "USD")
    seen, believed = seen_of(recorded(held_against), fitted)
    log_cost = np.log1p(-0.001)
    claimed, came = probabilities(seen, believed, log_cost), outcomes(seen, log_cost)
    zero = probabilities(seen, replace(believed, weights=0 * believed.weights), log_cost)
    assert log_loss(claimed, came) <= log_loss(zero, came)
    assert expected_calibration_error(reliability(claimed, came)) <= 0.02
    for cost_bps in (10, 220):
        assert passing(recorded(held_against), fitted, cost_bps)[0] == 0
