"""The generated demo market: seeded, described here in full, and without end.

Eight assets against USD carry the names and price levels of well-known cryptocurrencies, but every price is made up.
One sample a market minute. With s = 0.0007 (`volatility`, per sample) the log mid price of asset a moves by

    r[t, a] = d[t, a] + s v[t] (sqrt(c) f[t] + sqrt(1 - c) e[t, a]) - s^2 / 2

    f, e    independent Student-t with 5 degrees of freedom, scaled to variance 1: fat tails
    c       0.4: one common factor correlates all assets
    v       market-wide volatility exp(h - w^2), h an AR(1) with a half-life of 60 samples and standard deviation
            w = 0.35, so that E[v^2] = 1: calm and busy hours follow each other
    d       the planted drift, hidden from whoever trades: an AR(1) for each asset by itself, mean 0, half-life 480
            samples (8 hours), standard deviation `drift` an hour (60 samples); 0 plants none

The quoted bid and ask lie half a spread of the asset (1 to 4 bps in all) below and above the mid, at 7 digits.
Planted drift adds up: prices wander some 45 % in ten days at the default 0.6 % an hour.
Blocks of 1024 samples are made when asked for, each from (seed, block) and the state that the block before left.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from heisenbug.markets.market import Quotes, epoch

Floats = NDArray[np.float64]

FIRST = epoch("2026-01-01T00:00:00Z")
SAMPLE_SECONDS = 60.0
SAMPLES_AN_HOUR = 60
PAST_SAMPLES = 10_000
BLOCK_SAMPLES = 1024
DIGITS = 7

VOLATILITY = 0.0007
CORRELATION = 0.4
DEGREES_OF_FREEDOM = 5
VOLATILITY_HALF_LIFE = 60
VOLATILITY_SPREAD = 0.35
DRIFT_HALF_LIFE = 480
DRIFT_AN_HOUR = 0.006

ASSETS = {
    # pair: (price at the first sample in USD, whole bid-ask spread in bps)
    "BTC-USD": (60_000.0, 1.0),
    "ETH-USD": (3_000.0, 1.0),
    "SOL-USD": (150.0, 2.0),
    "XRP-USD": (0.6, 2.0),
    "ADA-USD": (0.45, 3.0),
    "LTC-USD": (80.0, 3.0),
    "DOT-USD": (6.0, 4.0),
    "LINK-USD": (15.0, 3.0),
}
PAIRS = tuple(ASSETS)
_LEVELS = np.log(np.array([level for level, _ in ASSETS.values()]))
_HALF_SPREADS = np.array([spread for _, spread in ASSETS.values()]) / 20_000


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """Where a block begins: log mids (8,), standardised drifts (8,) and the standardised log volatility."""

    log_mids: Floats
    drifts: Floats
    volatility: float


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """One block: log mids and hidden drifts (log return a sample), both (1024, 8)."""

    log_mids: Floats
    drifts: Floats


class GeneratedMarket:
    """An endless market of eight made-up assets; the same seed and drift give the same prices for ever.

    `drift` is the standard deviation of the planted drift as a log return an hour; 0 plants none.
    """

    last = None
    first = FIRST
    pairs = PAIRS
    spacing_seconds = SAMPLE_SECONDS
    start = FIRST + PAST_SAMPLES * SAMPLE_SECONDS

    def __init__(self, seed: int = 7, drift: float = DRIFT_AN_HOUR) -> None:
        if seed < 0 or not 0 <= drift < 1:
            raise ValueError(f"seed {seed} must be 0 or more, and drift {drift} an hour from 0 to below 1.")
        self.name = f"generated market, seed {seed}, planted drift {drift * 100:g} % an hour"
        self._seed = seed
        self._drift = drift / SAMPLES_AN_HOUR
        self._lock = threading.RLock()
        self._states = [_first_state(seed)]
        self._block = lru_cache(maxsize=64)(self._make_block)
        self._block_quotes = lru_cache(maxsize=16)(self._make_quotes)

    def quotes_at(self, moments: Sequence[float]) -> list[Quotes]:
        """The prices of the newest sample at each moment; empty before the first."""
        samples = [int((moment - FIRST) // SAMPLE_SECONDS) for moment in moments]
        with self._lock:
            return [self._quotes(sample) if sample >= 0 else {} for sample in samples]

    def mids(self, first_sample: int, count: int) -> Floats:
        """Mid prices (count, 8) in USD of the samples from `first_sample` on, in the order of `pairs`."""
        mids: Floats = np.exp(
            _cut([block.log_mids for block in self._blocks(first_sample, count)], first_sample, count)
        )
        return mids

    def drifts(self, first_sample: int, count: int) -> Floats:
        """The hidden drift (count, 8), as log return a sample, that led to each of the samples."""
        return _cut([block.drifts for block in self._blocks(first_sample, count)], first_sample, count)

    def _blocks(self, first_sample: int, count: int) -> list[_Block]:
        if first_sample < 0 or count < 1:
            raise ValueError(f"sample {first_sample} must be 0 or more and the count {count} 1 or more.")
        last = (first_sample + count - 1) // BLOCK_SAMPLES
        with self._lock:
            return [self._block(number) for number in range(first_sample // BLOCK_SAMPLES, last + 1)]

    def _quotes(self, sample: int) -> Quotes:
        number, offset = divmod(sample, BLOCK_SAMPLES)
        return self._block_quotes(number)[offset]

    def _make_quotes(self, number: int) -> list[Quotes]:
        mids = np.exp(self._block(number).log_mids)
        decimals = np.maximum(0, DIGITS - 1 - np.floor(np.log10(mids)).astype(int)).tolist()
        bids, asks = (mids * (1 - _HALF_SPREADS)).tolist(), (mids * (1 + _HALF_SPREADS)).tolist()
        return [_quotes(*row) for row in zip(bids, asks, decimals, strict=True)]

    def _make_block(self, number: int) -> _Block:
        while len(self._states) <= number:
            self._run(len(self._states) - 1)
        return self._run(number)

    def _run(self, number: int) -> _Block:
        """Make a block; the first time, remember the state that the next one begins with."""
        random = np.random.default_rng([self._seed, 1, number])
        state = self._states[number]
        drifts = _autoregression(state.drifts, random.standard_normal((BLOCK_SAMPLES, len(PAIRS))), DRIFT_HALF_LIFE)
        shocks = random.standard_normal((BLOCK_SAMPLES, 1))
        clustering = _autoregression(np.array([state.volatility]), shocks, VOLATILITY_HALF_LIFE)
        volatility = VOLATILITY * np.exp(VOLATILITY_SPREAD * clustering - VOLATILITY_SPREAD**2)
        returns = self._drift * drifts + volatility * _noise(random) - VOLATILITY**2 / 2
        log_mids = state.log_mids + np.cumsum(returns, axis=0)
        if len(self._states) == number + 1:
            self._states.append(_State(log_mids[-1], drifts[-1], float(clustering[-1, 0])))
        return _Block(log_mids, self._drift * drifts)


def _first_state(seed: int) -> _State:
    random = np.random.default_rng([seed, 0])
    return _State(_LEVELS, random.standard_normal(len(PAIRS)), float(random.standard_normal()))


def _noise(random: np.random.Generator) -> Floats:
    """Correlated fat-tailed shocks (1024, 8) of variance 1."""
    scale = np.sqrt((DEGREES_OF_FREEDOM - 2) / DEGREES_OF_FREEDOM)
    draws = scale * random.standard_t(DEGREES_OF_FREEDOM, (BLOCK_SAMPLES, 1 + len(PAIRS)))
    common: Floats = np.sqrt(CORRELATION) * draws[:, :1] + np.sqrt(1 - CORRELATION) * draws[:, 1:]
    return common


def _autoregression(before: Floats, shocks: Floats, half_life: float) -> Floats:
    """An AR(1) of stationary variance 1 that goes on from `before`, without a loop over the samples (rows)."""
    persistence = 0.5 ** (1 / half_life)
    decay = persistence ** np.arange(1, len(shocks) + 1)[:, None]
    path: Floats = decay * (before + np.cumsum(np.sqrt(1 - persistence**2) * shocks / decay, axis=0))
    return path


def _quotes(bids: list[float], asks: list[float], decimals: list[int]) -> Quotes:
    prices = zip(PAIRS, bids, asks, decimals, strict=True)
    return {pair: (f"{bid:.{digits}f}", f"{ask:.{digits}f}") for pair, bid, ask, digits in prices}


def _cut(blocks: list[Floats], first_sample: int, count: int) -> Floats:
    """The asked samples out of the blocks that hold them."""
    offset = first_sample % BLOCK_SAMPLES
    return np.concatenate(blocks)[offset : offset + count]
