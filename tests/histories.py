"""Markets' pasts for backtests: generated, recorded where they are at hand, and settings that trade on them."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heisenbug.backtest.rules import Fill, Wish
from heisenbug.domain.assets import Pair, TradingPair
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.settings import DEFAULTS, change
from heisenbug.domain.venue import UPHOLD
from heisenbug.markets.generated import GeneratedMarket
from heisenbug.markets.history import History, history_of
from heisenbug.markets.recorded import read_market

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
# Settings that trade often, so that there is something to compare.
KEEN: Mapping[str, Any] = {
    "forecaster": "drift",
    "drift_weight": 1,
    "cost_bps": 5,
    "cooldown_seconds": 0,
    "min_confidence": 0.55,
    "risk_tolerance": 1,
    "min_expected_return": 0,
    "window": 30,
    "horizon": 30,
}


def generated(samples: int, seed: int = 7, drift: float = 0.006, pairs: int = 4) -> History:
    """The generated market's first samples."""
    market = GeneratedMarket(seed, drift)
    at = np.arange(samples) * 60 + int(market.start)
    names = market.pairs[:pairs]
    quotes = market.quotes_at(at.tolist())
    sides = np.array([[[float(side) for side in row[name]] for name in names] for row in quotes])
    return History("generated", tuple(map(Pair.parse, names)), 60, at, sides[:, :, 0], sides[:, :, 1])


@cache
def recorded(name: str, sample_seconds: int = 60) -> History:
    """A recorded market; the test is skipped where it is not at hand."""
    file = DATA / f"{name}.csv.gz"
    if not file.exists():
        pytest.skip(f"{file.name} is not here: recorded markets lie beside the checkout")
    return history_of(read_market(file), sample_seconds)


def wish(history: History, fill: Fill = Fill.SAME_QUOTE, **changes: Any) -> Wish:
    """A backtest of all pairs with these settings."""
    always = replace(DEFAULTS, is_active=True, check_interval_seconds=1, sample_seconds=history.sample_seconds)
    pairs = tuple(TradingPair(pair) for pair in sorted(history.pairs))
    return Wish(history, Configuration(change(always, changes), pairs, 1), UPHOLD, fill)
