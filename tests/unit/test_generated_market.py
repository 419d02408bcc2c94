"""The generated market has the statistics that its description states, and is the same every time."""

from decimal import Decimal

import numpy as np
import pytest
from numpy.typing import NDArray

from heisenbug.markets.generated import ASSETS, FIRST, GeneratedMarket

SAMPLES = 200_000


@pytest.fixture(scope="module")
def returns() -> NDArray[np.float64]:
    """Log returns (samples, 8) of a market without planted drift."""
    return np.diff(np.log(GeneratedMarket(seed=11, drift=0).mids(0, SAMPLES)), axis=0)


@pytest.fixture(scope="module")
def drifts() -> NDArray[np.float64]:
    """The planted drifts (samples, 8), standardised by what they should be."""
    return GeneratedMarket(seed=11, drift=0.006).drifts(0, SAMPLES) / (0.006 / 60)


def test_volatility_is_seven_basis_points_a_sample(returns: NDArray[np.float64]) -> None:
    assert returns.std(axis=0) == pytest.approx(np.full(8, 0.0007), rel=0.03)


def test_without_planted_drift_prices_go_nowhere_on_average(returns: NDArray[np.float64]) -> None:
    simple = np.expm1(returns)
    assert np.all(np.abs(simple.mean(axis=0)) < 4 * 0.0007 / np.sqrt(SAMPLES))


def test_tails_are_fat(returns: NDArray[np.float64]) -> None:
    kurtosis = (returns**4).mean(axis=0) / (returns**2).mean(axis=0) ** 2
    assert np.all(kurtosis > 4.5)


def test_assets_move_together_with_the_stated_correlation(returns: NDArray[np.float64]) -> None:
    matrix = np.asarray(np.corrcoef(returns.T))
    correlation = matrix[np.triu_indices(8, 1)]
    assert correlation == pytest.approx(np.full(28, 0.4), abs=0.04)


def test_volatility_clusters_and_returns_do_not(returns: NDArray[np.float64]) -> None:
    btc = returns[:, 0]
    assert np.corrcoef(np.abs(btc[1:]), np.abs(btc[:-1]))[0, 1] > 0.05
    assert abs(np.corrcoef(btc[1:], btc[:-1])[0, 1]) < 0.02


def test_planted_drift_has_the_stated_deviation_and_half_life(drifts: NDArray[np.float64]) -> None:
    assert drifts.std() == pytest.approx(1, rel=0.08)
    assert abs(drifts.mean()) < 0.15
    assert (drifts[480:] * drifts[:-480]).mean() / (drifts**2).mean() == pytest.approx(0.5, abs=0.08)


def test_planted_drift_is_in_the_prices_hour_by_hour() -> None:
    market = GeneratedMarket(seed=3, drift=0.006)
    hours = np.diff(np.log(market.mids(0, SAMPLES)[::60]), axis=0)
    planted = market.drifts(1, SAMPLES - 1)[: len(hours) * 60].reshape(len(hours), 60, 8).sum(axis=1)
    slope = (hours * planted).sum() / (planted**2).sum()
    assert slope == pytest.approx(1, abs=0.05)


def test_no_planted_drift_is_none() -> None:
    assert not GeneratedMarket(drift=0).drifts(0, 5000).any()


def test_the_same_seed_gives_the_same_market_in_whatever_order_it_is_asked() -> None:
    forward, backward = GeneratedMarket(seed=7), GeneratedMarket(seed=7)
    moments = [FIRST + minute * 60 for minute in range(0, 200_000, 9_973)]
    late_first = [backward.quotes_at([moment])[0] for moment in reversed(moments)]
    assert forward.quotes_at(moments) == late_first[::-1]
    assert forward.quotes_at(moments) == forward.quotes_at(moments)


def test_another_seed_gives_another_market() -> None:
    one, other = (GeneratedMarket(seed=seed) for seed in (7, 8))
    assert one.quotes_at([one.start]) != other.quotes_at([one.start])


def test_blocks_join_without_a_jump() -> None:
    moves = np.abs(np.diff(np.log(GeneratedMarket(seed=7).mids(0, 20_000)), axis=0))
    assert moves[1023::1024].mean() < 2 * moves.mean()


def test_mids_are_where_the_quotes_are() -> None:
    market = GeneratedMarket(seed=7)
    for sample in (0, 1023, 1024, 5000):
        quotes = market.quotes_at([FIRST + sample * 60])[0]
        middle = [sum(map(float, quotes[pair])) / 2 for pair in market.pairs]
        assert middle == pytest.approx(market.mids(sample, 1)[0], rel=1e-6)


def test_quotes_have_the_spread_of_their_asset_and_seven_digits() -> None:
    market = GeneratedMarket(seed=7)
    for quotes in market.quotes_at([FIRST + minute * 60 for minute in range(0, 50_000, 777)]):
        for pair, prices in quotes.items():
            bid, ask = map(Decimal, prices)
            assert 0 < bid < ask
            assert float(2 * (ask - bid) / (ask + bid)) * 1e4 == pytest.approx(ASSETS[pair][1], abs=0.03)
            assert 6 <= len(bid.as_tuple().digits) <= 8


def test_a_sample_lasts_a_minute_and_nothing_comes_before_the_first() -> None:
    market = GeneratedMarket(seed=7)
    first, same, following, before = market.quotes_at([FIRST, FIRST + 59.9, FIRST + 60, FIRST - 0.1])
    assert first == same != following
    assert before == {}


@pytest.mark.parametrize(("seed", "drift"), [(-1, 0.0), (1, -0.1), (1, 1.0), (1, float("nan"))])
def test_impossible_parameters_are_refused(seed: int, drift: float) -> None:
    with pytest.raises(ValueError, match="must be 0 or more"):
        GeneratedMarket(seed, drift)
