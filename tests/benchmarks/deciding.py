"""How long one decision over all conversions takes."""

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from cli.paths import Home
from heisenbug.domain.assets import Pair, TradingPair
from heisenbug.domain.decide import decide
from heisenbug.domain.market import Market, Sample
from heisenbug.domain.portfolio import Portfolio
from heisenbug.domain.quotes import Quote
from heisenbug.domain.settings import Settings
from heisenbug.domain.venue import UPHOLD
from tests.benchmarks.figures import Figure, cpu_milliseconds

GOALS = {10: "<= 10", 100: "-", 300: "-"}


def deciding(_: Home) -> Iterator[Figure]:
    """One whole decide(): window, scores, gates, choice."""
    for size, goal in GOALS.items():
        market = _market(size)
        portfolio, settings = Portfolio({"USD": Decimal(1000)}), Settings(is_active=True)
        taken = cpu_milliseconds(lambda m=market, p=portfolio, s=settings: decide(m, p, s, UPHOLD), 50)  # type: ignore[misc]
        yield Figure(f"decide() over {size} pairs, {(size + 1) * size} conversions", taken, goal, "ms CPU")


def _market(size: int) -> Market:
    steps = np.random.default_rng(7).normal(0, 0.0007, (120, size)).cumsum(axis=0) + 5
    pairs = [Pair(f"A{number}", "USD") for number in range(10, 10 + size)]
    samples = tuple(
        Sample(60 * row, dict(zip(map(str, pairs), steps[row].tolist(), strict=True))) for row in range(119)
    )
    prices = [Decimal(f"{price:.6f}") for price in np.exp(steps[119])]
    quotes = {pair: Quote(pair, price, price) for pair, price in zip(pairs, prices, strict=True)}
    return Market(60 * 119, 0.1, tuple(map(TradingPair, pairs)), quotes, {}, samples)
