"""One packed item a tick, under 1 KB, from which its decision is computed again."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.assets import Pair
from heisenbug.domain.decide import Decision, decide
from heisenbug.domain.guards import Watch
from heisenbug.domain.market import Guarded, Market
from heisenbug.domain.portfolio import Portfolio, SeenCost
from heisenbug.domain.settings import Settings
from heisenbug.domain.snapshot import Snapshot, pack, unpack
from heisenbug.domain.venue import UPHOLD
from tests.markets import MONDAY, active, holding, market, walk
from tests.snapshots import COINS, PRICES, believed, full


def test_a_snapshot_is_read_as_it_was_written() -> None:
    assert unpack(MONDAY, pack(full())) == full()


def test_guarded_pairs_equity_unknown_and_a_killed_bot_are_read_as_they_were_written() -> None:
    watch = Watch(100.5, "100", "101", 21, 3, 120.25, 2, Guarded("crossed quote: bid 2 is above ask 1", MONDAY - 60))
    btc = Pair("BTC", "USD")
    few = {pair: quote for pair, quote in full().quotes.items() if pair != btc}
    strange = replace(
        full(),
        quotes=few,
        watches={**{pair: believed(quote) for pair, quote in few.items()}, btc: watch},
        portfolio=Portfolio({}, killed=True),
        equity=None,
    )
    again = unpack(MONDAY, pack(strange))
    assert again == strange
    assert again.guarded == {btc: watch.guarded}


def stored_bytes(packed: bytes) -> int:
    """What DynamoDB counts: the names and values of all attributes."""
    names = sum(map(len, ("bot_id", "at", "packed", "expires_at")))
    return names + len("default:60") + len("2025-05-05T00:00:00Z") + len(packed) + 7


def test_ten_pairs_with_everything_held_resting_and_seen_stay_under_a_kilobyte() -> None:
    assert stored_bytes(pack(full())) < 1024


def test_a_snapshot_with_every_pair_guarded_stays_under_a_kilobyte() -> None:
    snapshot = full()
    watches = {
        pair: replace(
            watch, held=1.2345 * (watch.mid or 1), confirmed=2, guarded=Guarded(f"jump to {watch.mid}", MONDAY)
        )
        for pair, watch in snapshot.watches.items()
    }
    calm = replace(snapshot.portfolio, resting={}, seen_costs={})
    assert stored_bytes(pack(replace(snapshot, quotes={}, watches=watches, portfolio=calm))) < 1024


def assert_same(one: Decision, other: Decision) -> None:
    assert one.chosen == other.chosen
    assert (one.assets, one.amounts, one.samples) == (other.assets, other.amounts, other.samples)
    for name in ("confidence", "expected_return", "risk", "cost", "volatility", "expected_log_return"):
        assert np.array_equal(getattr(one.scores, name), getattr(other.scores, name), equal_nan=True)
    for name in ("gate", "value", "limit"):
        assert np.array_equal(getattr(one.closed, name), getattr(other.closed, name), equal_nan=True)


def decided_again(seen: Market, portfolio: Portfolio, settings: Settings) -> Decision:
    watches = {pair: believed(quote) for pair, quote in seen.quotes.items()}
    snapshot = Snapshot(seen.at, seen.price_age_seconds, 0, 1, seen.quotes, watches, portfolio, None, Decimal(0))
    kept = unpack(seen.at, pack(snapshot))
    again = Market(kept.at, kept.price_age_seconds, seen.pairs, kept.quotes, kept.guarded, seen.samples)
    return decide(again, kept.portfolio, settings, UPHOLD)


@given(st.integers(0, 10_000), st.floats(0, 29.9), st.integers(0, 2))
def test_a_decision_recomputed_from_what_is_stored_is_the_first_one_exactly(seed: int, age: float, rests: int) -> None:
    prices = {
        f"{coin}-USD": walk(seed + place, 30, price, drift=0.0005)
        for place, (coin, price) in enumerate(zip(COINS[:3], PRICES, strict=False))
    }
    seen = market(prices, spread=0.0003, age=age)
    resting = dict([(("USD", "BTC"), MONDAY + 50), (("ETH", "USD"), MONDAY + 9)][:rests])
    portfolio = replace(holding(USD="1000.00", ETH="0.123456789"), resting=resting)
    portfolio = replace(portfolio, seen_costs={("USD", "SOL"): SeenCost(123.45, MONDAY - 777)})
    settings = active(window=30, forecaster="drift", drift_weight=0.8, cost_bps=20)
    assert_same(decide(seen, portfolio, settings, UPHOLD), decided_again(seen, portfolio, settings))


@pytest.mark.parametrize("age", [30.0004, 31.23456])
def test_a_decision_on_old_prices_is_recomputed_exactly_too(age: float) -> None:
    seen = market({"BTC-USD": walk(1, 30)}, age=age)
    settings = active(window=30)
    portfolio = holding(USD="1000")
    assert_same(decide(seen, portfolio, settings, UPHOLD), decided_again(seen, portfolio, settings))
