"""Small markets, portfolios and settings, said in one line each."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from heisenbug.domain.assets import AssetClass, Pair, TradingPair
from heisenbug.domain.market import Guarded, Market, Sample
from heisenbug.domain.portfolio import Portfolio
from heisenbug.domain.quotes import Quote
from heisenbug.domain.settings import DEFAULTS, Settings, change
from heisenbug.domain.venue import Venue

# 2025-05-05T00:00:00Z, on the grid of every interval up to a day's divisors.
MONDAY = 1_746_403_200
FREE = Venue("free", dict.fromkeys(AssetClass, 0.0))
Prices = Mapping[str, Sequence[float | None]]


def quote(name: str, mid: float, spread: float = 0.0) -> Quote:
    """A quote around `mid`; `spread` is ask less bid as a fraction of it."""
    half = mid * spread / 2
    return Quote(Pair.parse(name), Decimal(repr(mid - half)), Decimal(repr(mid + half)))


def market(
    prices: Prices,
    *,
    at: int = MONDAY,
    spacing: int = 60,
    spread: float = 0.0,
    age: float = 0.0,
    priorities: Mapping[str, int] | None = None,
    guarded: Mapping[str, str] | None = None,
) -> Market:
    """The market whose pairs had these mids, oldest first; the last is the newest quote, None was not to be had."""
    length = max(len(series) for series in prices.values())
    quotes = {Pair.parse(n): quote(n, s[-1], spread) for n, s in prices.items() if s[-1] is not None}
    samples = tuple(
        Sample(
            at - (length - 1 - row) * spacing,
            {name: math.log(mid) for name, series in prices.items() if (mid := _at(series, row - length)) is not None},
        )
        for row in range(length - 1)
    )
    trading = tuple(TradingPair(Pair.parse(name), True, (priorities or {}).get(name, 50)) for name in prices)
    reasons = {Pair.parse(name): Guarded(reason, at) for name, reason in (guarded or {}).items()}
    return Market(at, age, trading, quotes, reasons, samples)


def _at(series: Sequence[float | None], row: int) -> float | None:
    return series[row] if len(series) >= -row else None


def walk(seed: int, samples: int, start: float = 100.0, volatility: float = 0.0007, drift: float = 0.0) -> list[float]:
    """A random walk of `samples` prices; both moments are log returns a sample."""
    dice = random.Random(seed)
    prices = [start]
    for _ in range(samples - 1):
        prices.append(prices[-1] * math.exp(dice.gauss(drift, volatility)))
    return prices


def active(**changes: Any) -> Settings:
    """The default settings of a bot that is on, changed."""
    return change(replace(DEFAULTS, is_active=True), changes)


def eager(**changes: Any) -> Settings:
    """Settings whose gates all stand open on any market that climbs a little; no fee, a window of 10 samples."""
    wide = {
        "window": 10,
        "horizon": 10,
        "forecaster": "drift",
        "drift_weight": 1,
        "min_confidence": 0.5,
        "risk_tolerance": 1,
        "min_expected_return": 0,
        "cost_bps": 0,
        "max_drawdown": 1,
    }
    return active(**{**wide, **changes})


def climbing(samples: int = 10, start: float = 100.0, rate: float = 0.001) -> list[float]:
    """Prices that climb steadily, with a small wobble so that they have a volatility."""
    return [start * math.exp(rate * row + 0.0002 * (row % 2)) for row in range(samples)]


def falling() -> list[float]:
    """The same the other way round."""
    return list(reversed(climbing()))


def holding(**amounts: str) -> Portfolio:
    """A portfolio of these amounts and nothing else."""
    return Portfolio({asset: Decimal(amount) for asset, amount in amounts.items()})
