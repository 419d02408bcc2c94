"""The generated market has the statistics that its description states, and is the same every time."""

import hashlib
import json
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest
from numpy.typing import NDArray

from heisenbug.markets.generated import ASSETS, FIRST, NAMED, PAIRS, GeneratedMarket, first_pairs

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


@pytest.mark.parametrize(
    ("seed", "drift", "digest"),
    [(7, 0.006, "c22c81b1538363f5"), (7, 0.0, "485ba1c03f80cca3"), (11, 0.003, "de315ab0b3a16c7c")],
)
def test_the_demo_is_the_same_to_the_byte_as_it_ever_was(seed: int, drift: float, digest: str) -> None:
    quotes = GeneratedMarket(seed, drift).quotes_at([FIRST + minute * 60 for minute in range(5000)])
    assert hashlib.sha256(json.dumps(quotes).encode()).hexdigest().startswith(digest)


EVERY_KIND = ("BTC-USD", "LINK-USD", "EUR-USD", "USDC-USD", "GEN009-USD", "GEN300-USD")


@pytest.mark.parametrize("pairs", [PAIRS, ("LINK-USD", "BTC-USD"), ("USDC-USD",), first_pairs(12), EVERY_KIND])
def test_prices_of_a_pair_are_the_same_whoever_else_is_asked_for(pairs: tuple[str, ...]) -> None:
    moments = [FIRST + minute * 60 for minute in range(0, 1200, 111)]
    everyone = GeneratedMarket(pairs=(*NAMED, *first_pairs(300)[len(PAIRS) :]), bounce=0.3)
    for quotes, all_quotes in zip(
        GeneratedMarket(pairs=pairs, bounce=0.3).quotes_at(moments), everyone.quotes_at(moments), strict=True
    ):
        assert tuple(quotes) == pairs
        assert quotes == {pair: all_quotes[pair] for pair in pairs}


def logs(pairs: Sequence[str], bounce: float = 0.0, sample_seconds: int = 60) -> NDArray[np.float64]:
    """Log mids (samples, N) of a market without planted drift."""
    market = GeneratedMarket(11, 0, pairs, bounce, sample_seconds)
    return np.log(market.mids(0, SAMPLES))


def test_currencies_are_calm_and_nearly_alone_and_a_stablecoin_stays_at_one_dollar() -> None:
    prices = logs(("BTC-USD", "EUR-USD", "GBP-USD", "USDC-USD"))
    moves = np.diff(prices, axis=0)
    assert moves.std(axis=0) == pytest.approx([0.0007, 0.0001, 0.0001, 0.00002], rel=0.03)
    matrix = np.corrcoef(moves.T)
    assert matrix[1, 2] == pytest.approx(0.05, abs=0.02)
    assert abs(matrix[0, 3]) < 0.02
    assert np.abs(prices[:, 3]).max() < 0.0025
    assert prices[:, 3].std() == pytest.approx(0.00026, rel=0.2)


def test_planted_drift_is_a_seventh_for_currencies_and_none_for_stablecoins() -> None:
    drifts = GeneratedMarket(11, 0.006, ("BTC-USD", "EUR-USD", "USDC-USD")).drifts(0, SAMPLES)
    assert drifts.std(axis=0) * 60 == pytest.approx([0.006, 0.006 / 7, 0], rel=0.12)


@pytest.mark.parametrize("bounce", [0.0, 0.5, 1.0])
def test_prices_bounce_between_minutes_as_much_as_is_stated(bounce: float) -> None:
    prices = logs(("BTC-USD", "EUR-USD", "ETH-USD"), bounce)
    ratio = (prices[240:] - prices[:-240]).var(axis=0) / (240 * np.diff(prices, axis=0).var(axis=0))
    assert ratio == pytest.approx(np.full(3, 1 / (1 + 2 * bounce**2)), rel=0.12)


@pytest.mark.parametrize("sample_seconds", [5, 60, 3600, 86_400])
def test_volatility_and_drift_are_those_of_the_samples_length(sample_seconds: int) -> None:
    minutes = sample_seconds / 60
    moves = np.diff(logs(("BTC-USD", "EUR-USD"), 0, sample_seconds), axis=0)
    assert moves.std(axis=0) == pytest.approx(np.array([0.0007, 0.0001]) * np.sqrt(minutes), rel=0.1)
    drifts = GeneratedMarket(11, 0.006, ("BTC-USD",), 0, sample_seconds).drifts(0, SAMPLES)
    assert drifts.std() == pytest.approx(0.006 / 60 * minutes, rel=0.2)


def test_a_market_may_begin_at_another_time() -> None:
    later = GeneratedMarket(first=FIRST + 5)
    assert later.quotes_at([FIRST + 4, FIRST + 65]) == [{}, GeneratedMarket().quotes_at([FIRST + 60])[0]]
    assert later.start - later.first == GeneratedMarket().start - FIRST


def test_another_market_has_another_name() -> None:
    others: list[dict[str, object]] = [
        {"pairs": ("BTC-USD",)},
        {"bounce": 0.5},
        {"sample_seconds": 5},
        {"first": FIRST + 60},
        {},
    ]
    assert len({GeneratedMarket(**other).name for other in others}) == len(others)  # type: ignore[arg-type]
    assert GeneratedMarket().name == "generated market, seed 7, planted drift 0.6 % an hour"


@pytest.mark.parametrize("pair", ["FOO-USD", "BTC-EUR", "btc-usd", "GEN008-USD", "GEN301-USD", "GEN9-USD", ""])
def test_an_unknown_pair_is_refused_with_those_that_there_are(pair: str) -> None:
    with pytest.raises(ValueError, match="is no pair of the generated market: choose among BTC-USD"):
        GeneratedMarket(pairs=(pair,))
