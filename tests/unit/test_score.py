"""All N x N scores at once, against a reference that a person can check by hand."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.assets import Pair
from heisenbug.domain.decide import Decision, decide
from heisenbug.domain.forecasters import Forecast, forecast
from heisenbug.domain.forecasters.drift import Drift
from heisenbug.domain.forecasters.zero_drift import ZeroDrift
from heisenbug.domain.gates import Gate
from heisenbug.domain.portfolio import Portfolio, SeenCost
from heisenbug.domain.prices import assets_of_pairs, paths_to_base
from heisenbug.domain.score import normal_cdf, score
from heisenbug.domain.venue import UPHOLD
from heisenbug.domain.window import Window
from tests.markets import FREE, MONDAY, Prices, active, holding, market, walk

EXACT = 1e-12
AS_THE_SERIES_ALLOWS = 2e-7


def mean(numbers: list[float]) -> float:
    return math.fsum(numbers) / len(numbers)


def covariance(a: list[float], b: list[float]) -> float:
    ma, mb = mean(a), mean(b)
    return math.fsum((x - ma) * (y - mb) for x, y in zip(a, b, strict=True)) / (len(a) - 1)


def returns(log_prices: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(log_prices)]


def phi(z: float) -> float:
    return (1 + math.erf(z / math.sqrt(2))) / 2


def reference(
    log_prices: dict[str, list[float]], cost: dict[tuple[str, str], float], horizon: int, weight: float, ratio: float
) -> dict[tuple[str, str], dict[str, float]]:
    """decision.md, formula by formula, one conversion at a time."""
    moves = {asset: returns(series) for asset, series in log_prices.items()}
    scores = {}
    for i, j in product(log_prices, log_prices):
        c_ii, c_jj, c_ij = (
            covariance(moves[i], moves[i]),
            covariance(moves[j], moves[j]),
            covariance(moves[i], moves[j]),
        )
        s = math.sqrt(max(c_ii + c_jj - 2 * c_ij, 0.0))
        mu = weight * horizon * (mean(moves[j]) - mean(moves[i]))
        deviation = s * math.sqrt(horizon * ratio)
        net = mu + math.log(1 - cost[i, j])
        confidence = phi(net / deviation) if deviation > 0 else float(net > 0)
        expected = math.exp(mu) * (1 - cost[i, j]) - 1
        risk = s / (confidence * expected) if confidence * expected > 0 else math.inf
        scores[i, j] = {"volatility": s, "mu": mu, "confidence": confidence, "expected": expected, "risk": risk}
    return scores


def assert_scores_are(decision: Decision, expected: dict[tuple[str, str], dict[str, float]]) -> None:
    for scored in decision.conversions():
        one = expected[scored.source, scored.target]
        assert scored.volatility == pytest.approx(one["volatility"], abs=EXACT)
        assert scored.expected_log_return == pytest.approx(one["mu"], abs=EXACT)
        assert scored.expected_return == pytest.approx(one["expected"], abs=EXACT)
        assert scored.confidence == pytest.approx(one["confidence"], abs=AS_THE_SERIES_ALLOWS)
        gain = scored.confidence * scored.expected_return
        assert scored.risk == (pytest.approx(scored.volatility / gain, rel=EXACT) if gain > 0 else math.inf)
        if one["confidence"] > 0.01 and gain > 0:
            assert scored.risk == pytest.approx(one["risk"], rel=1e-4)


def eight_pairs(samples: int) -> Prices:
    names = ("BTC", "ETH", "SOL", "XRP", "ADA", "LTC", "BCH", "DOT")
    return {
        f"{name}-USD": walk(seed, samples, 10.0 ** (4 - seed), 0.0004 + 0.0002 * seed, 0.0002 * (seed - 4))
        for seed, name in enumerate(names)
    }


@pytest.mark.parametrize("pairs", [1, 2, 5, 8])
@pytest.mark.parametrize(
    ("forecaster", "weight"), [("zero_drift", 1.0), ("drift", 1.0), ("drift", 0.35), ("drift", -0.4)]
)
def test_every_score_is_the_one_of_the_slow_reference(pairs: int, forecaster: str, weight: float) -> None:
    prices = dict(list(eight_pairs(120).items())[:pairs])
    settings = active(forecaster=forecaster, drift_weight=weight, horizon=37)
    decision = decide(market(prices, spread=0.0004), holding(USD="1000"), settings, UPHOLD)
    logs = {"USD": [0.0] * 120} | {name[:-4]: [math.log(p) for p in series if p] for name, series in prices.items()}
    half = {asset: 0.0 if asset == "USD" else 0.0002 for asset in logs}
    fee = {asset: {"USD": 0.003, "BTC": 0.022, "ETH": 0.022}.get(asset, 0.038) for asset in logs}
    cost = {(i, j): max(fee[i], fee[j]) + half[i] + half[j] for i, j in product(logs, logs)}
    for scored in decision.conversions():
        assert scored.cost == pytest.approx(cost[scored.source, scored.target], abs=EXACT)
    believed = weight if forecaster == "drift" else 0.0
    assert_scores_are(decision, reference(logs, cost, 37, believed, 1.0))


@pytest.mark.parametrize("pairs", range(1, 9))
def test_n_pairs_against_one_base_make_n_plus_one_times_n_conversions(pairs: int) -> None:
    prices = dict(list(eight_pairs(120).items())[:pairs])
    decision = decide(market(prices), holding(USD="1"), active(), FREE)
    assert decision.scores.confidence.shape == (pairs + 1, pairs + 1)
    assert len(list(decision.conversions())) == (pairs + 1) * pairs


def test_a_price_over_two_steps_is_the_product_of_both_and_pays_both_spreads() -> None:
    eur, btc = walk(1, 40, 1.1), walk(2, 40, 50_000.0)
    prices = {"BTC-EUR": btc, "EUR-USD": eur}
    settings = active(window=40, cost_bps=10, forecaster="drift", drift_weight=1)
    decision = decide(market(prices, spread=0.0006), holding(USD="1"), settings, FREE)
    assert decision.assets == ("USD", "BTC", "EUR")
    assert decision.prices == pytest.approx([1.0, btc[-1] * eur[-1], eur[-1]], rel=EXACT)
    logs = {
        "USD": [0.0] * 40,
        "BTC": [math.log(b) + math.log(e) for b, e in zip(btc, eur, strict=True)],
        "EUR": [math.log(e) for e in eur],
    }
    half = {"USD": 0.0, "BTC": 0.0006, "EUR": 0.0003}
    cost = {(i, j): 0.001 + half[i] + half[j] for i, j in product(logs, logs)}
    assert decision.scores.cost[0, 1] == pytest.approx(cost["USD", "BTC"], abs=EXACT)
    assert_scores_are(decision, reference(logs, cost, settings.horizon, 1.0, 1.0))


def test_a_pair_quoted_the_other_way_round_is_turned() -> None:
    yen = walk(3, 30, 150.0)
    straight = decide(market({"JPY-USD": [1 / p for p in yen]}), holding(USD="1"), active(window=30), FREE)
    turned = decide(market({"USD-JPY": yen}), holding(USD="1"), active(window=30), FREE)
    assert turned.prices == pytest.approx(straight.prices, rel=EXACT)
    assert turned.scores.confidence == pytest.approx(straight.scores.confidence, abs=1e-9)


def test_the_shortest_path_is_taken_and_an_asset_without_one_has_no_price() -> None:
    pairs = tuple(map(Pair.parse, ("BTC-EUR", "BTC-USD", "EUR-USD", "XRP-GBP")))
    paths = paths_to_base(pairs, "USD")
    assert [step.column for step in paths["BTC"]] == [1]
    assert "XRP" not in paths
    assert assets_of_pairs(pairs, "USD") == ("USD", "BTC", "EUR", "GBP", "XRP")


def window_of(*series: list[float]) -> Window:
    return Window.of(np.log(np.array(series).T))


def test_a_conversion_and_its_reverse_mirror_each_other() -> None:
    window = window_of([1.0] * 50, walk(1, 50), walk(2, 50))
    believed = forecast(Drift(0.7), window, 20)
    assert believed.expected == pytest.approx(-believed.expected.T, abs=EXACT)
    assert believed.deviation == pytest.approx(believed.deviation.T, abs=EXACT)
    free = score(believed, window.volatility, np.zeros((3, 3)))
    off = ~np.eye(3, dtype=bool)
    assert (free.confidence + free.confidence.T)[off] == pytest.approx(np.ones(6), abs=AS_THE_SERIES_ALLOWS)


@pytest.mark.parametrize("ratio", [0.24, 0.5, 1.0, 1.7])
def test_the_variance_ratio_scales_the_variance_over_the_horizon_and_not_the_risk(ratio: float) -> None:
    window = window_of([1.0] * 50, walk(1, 50))
    for forecaster in (Drift(1.0, ratio), ZeroDrift(ratio)):
        believed = forecast(forecaster, window, 25)
        assert believed.deviation**2 == pytest.approx(window.volatility**2 * 25 * ratio, rel=EXACT)
        assert score(believed, window.volatility, np.full((2, 2), 0.001)).volatility[0, 1] == window.volatility[0, 1]


def test_the_weight_is_the_part_of_the_drift_that_is_believed() -> None:
    window = window_of([1.0] * 50, walk(5, 50, drift=0.001))
    whole = forecast(Drift(1.0), window, 10).expected
    assert forecast(Drift(0.25), window, 10).expected == pytest.approx(whole / 4, rel=EXACT)
    assert not forecast(Drift(0.0), window, 10).expected.any()
    assert not forecast(ZeroDrift(), window, 10).expected.any()


def test_one_asset_alone_has_nothing_to_convert_into() -> None:
    window = window_of([1.0, 1.0, 1.0, 1.0])
    lonely = score(forecast(ZeroDrift(), window, 5), window.volatility, np.full((1, 1), 0.01))
    assert lonely.confidence.shape == (1, 1)
    assert np.isinf(lonely.risk).all()


def test_a_constant_price_is_certain_to_lose_its_cost_and_never_nan() -> None:
    decision = decide(market({"BTC-USD": [100.0] * 20}), holding(USD="1"), active(window=20, cost_bps=10), FREE)
    assert decision.scores.volatility[0, 1] == 0
    assert decision.scores.confidence[0, 1] == 0
    assert decision.scores.expected_return[0, 1] == pytest.approx(-0.001, abs=EXACT)
    assert np.isinf(decision.scores.risk[0, 1])


def test_two_identical_assets_never_gain_on_each_other() -> None:
    same = walk(4, 60, drift=0.002)
    settings = active(window=60, cost_bps=10, forecaster="drift", drift_weight=1)
    decision = decide(market({"BTC-USD": same, "ETH-USD": same}), holding(BTC="1"), settings, FREE)
    assert decision.scores.volatility[1, 2] == pytest.approx(0, abs=1e-9)
    assert decision.scores.confidence[1, 2] == 0
    assert decision.scores.expected_return[1, 2] == pytest.approx(-0.001, abs=EXACT)
    assert decision.conversion(1, 2).gate is Gate.CONFIDENCE


@pytest.mark.parametrize("samples", range(1, 30))
def test_fewer_samples_than_the_window_never_fail_and_never_trade(samples: int) -> None:
    settings = active(window=30, forecaster="drift", drift_weight=1, cost_bps=0, min_confidence=0, risk_tolerance=1)
    decision = decide(market({"BTC-USD": walk(1, samples, drift=0.01)}), holding(USD="1000"), settings, FREE)
    assert decision.samples == samples
    assert decision.chosen is None
    assert {scored.gate for scored in decision.conversions()} == {Gate.WINDOW}
    assert {(scored.value, scored.limit) for scored in decision.conversions()} == {(samples, 30)}


@given(st.floats(-40, 40))
def test_the_normal_distribution_is_within_the_series_error_and_within_0_and_1(z: float) -> None:
    ours = float(normal_cdf(np.array([z]))[0])
    assert 0 <= ours <= 1
    assert ours == pytest.approx(phi(z), abs=1.5e-7)


@given(
    st.floats(-2, 2),
    st.one_of(st.just(0.0), st.floats(1e-12, 1)),
    st.floats(0, 0.99),
)
def test_scores_stay_within_their_ranges(expected: float, deviation: float, cost: float) -> None:
    cell = np.full((1, 1), 1.0)
    scores = score(Forecast(cell * expected, cell * deviation), cell * deviation, cell * cost)
    assert 0 <= scores.confidence[0, 0] <= 1
    assert scores.expected_return[0, 0] > -1
    assert scores.risk[0, 0] >= 0
    assert (scores.expected_return[0, 0] <= 0) <= (scores.risk[0, 0] == np.inf)


@pytest.mark.parametrize(("age_hours", "expected_bps"), [(0, 400), (6, 200), (12, 100), (18, 50), (24, 30), (-1, 400)])
def test_a_cost_once_quoted_halves_every_six_hours_until_the_stated_one_is_higher(
    age_hours: int, expected_bps: float
) -> None:
    seen = {("USD", "BTC"): SeenCost(400, MONDAY - age_hours * 3600)}
    portfolio = Portfolio(holding(USD="1").holdings, seen_costs=seen)
    decision = decide(market({"BTC-USD": walk(1, 20)}), portfolio, active(window=20, cost_bps=30), FREE)
    assert decision.scores.cost[0, 1] == pytest.approx(expected_bps / 10_000, rel=1e-9)
    assert decision.scores.cost[1, 0] == pytest.approx(0.003, rel=1e-9)


@pytest.mark.parametrize(
    ("source", "target", "bps"),
    [("USD", "BTC", 220), ("BTC", "USD", 220), ("BTC", "SOL", 380), ("USD", "USDC", 30), ("USDC", "EUR", 30)],
)
def test_the_dearer_class_sets_the_fee(source: str, target: str, bps: float) -> None:
    names = ("BTC-USD", "SOL-USD", "USDC-USD", "EUR-USD")
    decision = decide(market({n: walk(1, 20) for n in names}), holding(USD="1"), active(window=20), UPHOLD)
    i, j = decision.assets.index(source), decision.assets.index(target)
    assert decision.scores.cost[i, j] == pytest.approx(bps / 10_000)


@pytest.mark.parametrize(
    ("cost_bps", "pair", "source", "target", "expected_bps"),
    [
        (25, "BTC-USD", "USD", "BTC", 25),
        ({"default": 25}, "BTC-USD", "USD", "BTC", 25),
        ({"default": 5, "BTC-USD": 40}, "BTC-USD", "BTC", "USD", 40),
        pytest.param(*({"default": 20, "BTC-USD": 10}, "BTC-USD", "USD", "BTC", 10)),
        pytest.param(*({"BTC-USD": 10}, "BTC-USD", "USD", "BTC", 10)),
        pytest.param(*({"default": 5, "USD-JPY": 40}, "USD-JPY", "USD", "JPY", 40)),
    ],
)
def test_the_cost_that_the_settings_state_for_a_pair_replaces_the_venues(
    cost_bps: object, pair: str, source: str, target: str, expected_bps: float
) -> None:
    decision = decide(market({pair: walk(1, 20)}), holding(USD="1"), active(window=20, cost_bps=cost_bps), UPHOLD)
    i, j = decision.assets.index(source), decision.assets.index(target)
    assert decision.scores.cost[i, j] == pytest.approx(expected_bps / 10_000)
