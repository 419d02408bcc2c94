"""The positive control: what a fitted forecaster believes of another market, and whether that comes true."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from heisenbug.domain.assets import Pair
from heisenbug.domain.model import Model
from heisenbug.domain.settings import DEFAULTS
from heisenbug.fitting.fit import outcomes, probabilities
from heisenbug.fitting.history import History, on_the_grid, prices_in
from heisenbug.fitting.learning import Learned
from heisenbug.fitting.seen import Seen, look
from heisenbug.markets.generated import GeneratedMarket


def history(mids: np.ndarray, pairs: Sequence[str], seconds: int = 60) -> History:
    """Mids (T x pairs) as published at each slot from 2026 on."""
    at = 1_767_225_600 + seconds * np.arange(len(mids))
    return History("made up", tuple(map(Pair.parse, pairs)), seconds, at, mids, mids)


@lru_cache(maxsize=8)
def generated(seed: int, drift: float, samples: int = 10_000) -> History:
    market = GeneratedMarket(seed, drift)
    return history(market.mids(0, samples), market.pairs)


def seen_of(past: History, fitted: Model) -> tuple[Seen, Learned]:
    """What windows saw in `past`, and what the model believes of it."""
    lags, weights = fitted.lags, np.array(fitted.weights)
    if fitted.kind == "drift":
        lags, weights = (fitted.window - 1,), weights * (fitted.horizon / (fitted.window - 1)) ** 0.5
    _, prices = prices_in("USD", past)
    return look(on_the_grid(past, prices), fitted.window, fitted.horizon, lags), Learned(weights, fitted.variance_ratio)


def passing(past: History, fitted: Model, cost_bps: float) -> tuple[float, float, float]:
    """The part of all conversions that passes the default gates, their mean confidence, and how often it came true."""
    seen, learned = seen_of(past, fitted)
    log_cost = np.log1p(-cost_bps / 10_000)
    claimed = probabilities(seen, learned, log_cost)
    deviation = seen.deviation[seen.known]
    expected = (seen.lagged[seen.known] @ learned.weights) * deviation
    gain = np.expm1(np.stack([expected, -expected]) + log_cost)
    with np.errstate(divide="ignore"):
        risk = np.where(gain > 0, deviation / fitted.horizon**0.5 / np.maximum(claimed * gain, 1e-300), np.inf)
    opens = (claimed >= DEFAULTS.min_confidence) & (risk <= DEFAULTS.risk_tolerance)
    opens &= gain > DEFAULTS.min_expected_return
    if not opens.any():
        return 0.0, 0.0, 0.0
    return float(opens.mean()), float(claimed[opens].mean()), float(outcomes(seen, log_cost)[opens].mean())
