"""The generated market: seeded, described here in full, and without end.

Its assets carry the names and price levels of well-known ones against USD, but every price is made up. The demo has
eight coins; other coins, currencies and stablecoins may be asked for, which changes no price of the eight.
With s = 0.0007 a minute (coins; see KINDS) the log mid price of asset a moves from sample to sample by

    r[t, a] = d[t, a] + s v[t] (sqrt(c) f[t] + sqrt(1 - c) e[t, a]) - s^2 / 2

    f, e    independent Student-t with 5 degrees of freedom, scaled to variance 1: fat tails
    c       0.4 for coins: one common factor correlates all assets
    v       market-wide volatility exp(h - w^2), h an AR(1) with a half-life of 60 minutes and standard deviation
            w = 0.35, so that E[v^2] = 1: calm and busy hours follow each other
    d       the planted drift, hidden from whoever trades: an AR(1) for each asset, mean 0, half-life 480 minutes
            (8 hours), standard deviation `drift` an hour for coins, correlated by c as the noise is, so that a
            conversion has no more of it over its own volatility than an asset has; 0 plants none

A stablecoin is drawn back to 1 USD. With `bounce` b each price is published b s above or below its mid, at random, as
last trades are made at bid or ask: Var(r over H samples) is then no more than 1 / (1 + 2 b^2) of H Var(r) for large H.
A sample is a minute unless told otherwise: s and d are then those of its length, and half-lives are the same times but
at least two samples. The quoted bid and ask lie half a spread of the asset (0.5 to 4 bps in all) around, at 7 digits.
Planted drift adds up: prices wander some 45 % in ten days at the default 0.6 % an hour.
Blocks of 1024 samples are made when asked for, each from (seed, block) and the state that the block before left.
"""

import math
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heisenbug.domain.assets import AssetClass, asset_class
from heisenbug.markets.market import Quotes, epoch, iso

Floats = NDArray[np.float64]

FIRST = epoch("2026-01-01T00:00:00Z")
SAMPLE_SECONDS = 60
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
LEAST_HALF_LIFE_SAMPLES = 2.0
MOST_PAIRS = 300

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
COINS = len(PAIRS)
NAMED = {
    **ASSETS,
    "EUR-USD": (1.08, 0.5),
    "GBP-USD": (1.27, 0.5),
    "USDC-USD": (1.0, 1.0),
    "USDT-USD": (1.0, 1.0),
}
_NUMBERED = re.compile(r"GEN(\d{3})-USD", re.ASCII)


class Kind(NamedTuple):
    """How the assets of a class move; `half_life` (minutes) is how fast they are drawn back to 1 USD, if ever."""

    volatility: float
    correlation: float
    drift_share: float
    half_life: float


COIN = Kind(VOLATILITY, CORRELATION, 1.0, math.inf)
KINDS = {
    AssetClass.FIAT: Kind(VOLATILITY / 7, 0.05, 1 / 7, math.inf),
    AssetClass.STABLECOIN: Kind(0.00002, 0.0, 0.0, 240.0),
}


class _Asset(NamedTuple):
    """One asset; `column` is its place among all draws, so that its prices are the same whoever else is asked for."""

    column: int
    level: float
    spread_bps: float
    kind: Kind


def first_pairs(count: int) -> tuple[str, ...]:
    """The demo's coins and, beyond them, coins that have only a number (GEN009-USD); raises ValueError."""
    if not 1 <= count <= MOST_PAIRS:
        raise ValueError(f"{count} pairs cannot be generated: choose 1 to {MOST_PAIRS}.")
    return (*PAIRS[:count], *(f"GEN{number:03}-USD" for number in range(COINS + 1, count + 1)))


def _asset(pair: str) -> _Asset:
    if pair in NAMED:
        kind = KINDS.get(asset_class(pair.partition("-")[0]), COIN)
        return _Asset(list(NAMED).index(pair), *NAMED[pair], kind)
    match = _NUMBERED.fullmatch(pair)
    number = int(match[1]) if match else 0
    if not COINS < number <= MOST_PAIRS:
        names = ", ".join(NAMED)
        raise ValueError(f"{pair!r} is no pair of the generated market: choose among {names} and GEN009-USD onwards.")
    return _Asset(len(NAMED) + number - COINS - 1, round(10 ** (number * 37 % 100 / 20 - 1), 3), 4.0, COIN)


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """Where a block begins: log mids (N,), standardised drifts (N,) and the standardised log volatility."""

    log_mids: Floats
    drifts: Floats
    volatility: float


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """One block: log mids as published and hidden drifts (log return a sample), both (1024, N)."""

    log_mids: Floats
    drifts: Floats


class GeneratedMarket:
    """An endless market of made-up assets; the same arguments give the same prices for ever.

    `drift` is the standard deviation of the planted drift as a log return an hour, `bounce` is in volatilities of a
    sample, `first` (epoch seconds) the time of the first sample. Raises ValueError.
    """

    last = None

    def __init__(
        self,
        seed: int = 7,
        drift: float = DRIFT_AN_HOUR,
        pairs: Sequence[str] = PAIRS,
        bounce: float = 0.0,
        sample_seconds: int = SAMPLE_SECONDS,
        first: float = FIRST,
    ) -> None:
        _check(seed, drift, pairs, bounce, sample_seconds)
        self.pairs = tuple(pairs)
        self.first = first
        self.spacing_seconds = float(sample_seconds)
        self.start = first + PAST_SAMPLES * self.spacing_seconds
        self.name = f"generated market, seed {seed}, planted drift {drift * 100:g} % an hour"
        if (self.pairs, bounce, sample_seconds, first) != (PAIRS, 0, SAMPLE_SECONDS, FIRST):
            self.name += f", {','.join(pairs)}, bounce {bounce:g}, each {sample_seconds} s from {iso(first)}"
        columns, levels, spreads, kinds = zip(*map(_asset, pairs), strict=True)
        self._columns = np.array(columns)
        self._log_levels, self._half_spreads = np.log(np.array(levels)), np.array(spreads) / 20_000
        volatility, self._correlation, share, half_life = np.array(kinds).T
        self._sample_minutes = sample_seconds / SAMPLE_SECONDS
        self._volatility = volatility * math.sqrt(self._sample_minutes)
        self._drift = drift / (SAMPLES_AN_HOUR / self._sample_minutes) * share
        self._persistence = self._persistences(half_life)
        self._seed = seed
        self._bounce = bounce
        self._lock = threading.RLock()
        self._states = [self._first_state()]
        self._block = lru_cache(maxsize=64)(self._make_block)
        self._block_quotes = lru_cache(maxsize=16)(self._make_quotes)

    def quotes_at(self, moments: Sequence[float]) -> list[Quotes]:
        """The prices of the newest sample at each moment; empty before the first."""
        samples = [int((moment - self.first) // self.spacing_seconds) for moment in moments]
        with self._lock:
            return [self._quotes(sample) if sample >= 0 else {} for sample in samples]

    def mids(self, first_sample: int, count: int) -> Floats:
        """Mid prices (count, N) in USD of the samples from `first_sample` on, in the order of `pairs`."""
        mids: Floats = np.exp(
            _cut([block.log_mids for block in self._blocks(first_sample, count)], first_sample, count)
        )
        return mids

    def drifts(self, first_sample: int, count: int) -> Floats:
        """The hidden drift (count, N), as log return a sample, that led to each of the samples."""
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
        bids, asks = (mids * (1 - self._half_spreads)).tolist(), (mids * (1 + self._half_spreads)).tolist()
        return [_quotes(self.pairs, *row) for row in zip(bids, asks, decimals, strict=True)]

    def _make_block(self, number: int) -> _Block:
        while len(self._states) <= number:
            self._run(len(self._states) - 1)
        return self._run(number)

    def _run(self, number: int) -> _Block:
        """Make a block; the first time, remember the state that the next one begins with."""
        random = np.random.default_rng([self._seed, 1, number])
        state = self._states[number]
        own = self._joined(random.standard_normal((BLOCK_SAMPLES, COINS)), self._random(2, number).standard_normal)
        shocks = self._correlated(self._random(6, number).standard_normal((BLOCK_SAMPLES, 1)), own)
        drifts = _autoregression(state.drifts, shocks, self._persistences(DRIFT_HALF_LIFE))
        shocks = random.standard_normal((BLOCK_SAMPLES, 1))
        clustering = _autoregression(np.array([state.volatility]), shocks, self._persistences(VOLATILITY_HALF_LIFE))
        volatility = self._volatility * np.exp(VOLATILITY_SPREAD * clustering - VOLATILITY_SPREAD**2)
        returns = self._drift * drifts + volatility * self._noise(random, number) - self._volatility**2 / 2
        log_mids = _accumulated(state.log_mids, returns, self._persistence)
        if len(self._states) == number + 1:
            self._states.append(_State(log_mids[-1], drifts[-1], float(clustering[-1, 0])))
        return _Block(log_mids + self._bounces(number), self._drift * drifts)

    def _first_state(self) -> _State:
        random = np.random.default_rng([self._seed, 0])
        coins = random.standard_normal(COINS)
        others = self._random(3, 0).standard_normal(self._others)
        own = np.take(np.concatenate([coins, others]), self._columns)
        drifts = self._correlated(self._random(7, 0).standard_normal(1), own)
        return _State(self._log_levels, drifts, float(random.standard_normal()))

    def _noise(self, random: np.random.Generator, number: int) -> Floats:
        """Correlated fat-tailed shocks (1024, N) of variance 1."""
        scale = np.sqrt((DEGREES_OF_FREEDOM - 2) / DEGREES_OF_FREEDOM)
        coins = scale * random.standard_t(DEGREES_OF_FREEDOM, (BLOCK_SAMPLES, 1 + COINS))
        draw = self._random(4, number).standard_t
        own = self._joined(coins[:, 1:], lambda size: scale * draw(DEGREES_OF_FREEDOM, size))
        return self._correlated(coins[:, :1], own)

    def _correlated(self, common: Floats, own: Floats) -> Floats:
        """Shocks of variance 1 that share the common factor as far as their assets do."""
        shocks: Floats = np.sqrt(self._correlation) * common + np.sqrt(1 - self._correlation) * own
        return shocks

    def _bounces(self, number: int) -> Floats | float:
        """How far from its mid each price of a block is published."""
        if not self._bounce:
            return 0.0
        draws = self._random(5, number).random((COINS + self._others, BLOCK_SAMPLES)).T
        sides = np.where(np.take(draws, self._columns, axis=1) < 0.5, -1.0, 1.0)
        bounces: Floats = sides * self._bounce * self._volatility
        return bounces

    def _joined(self, coins: Floats, draw: Callable[[tuple[int, int]], Floats]) -> Floats:
        """The asked columns (1024, N) of the coins' draws and of what is drawn for all others, asset after asset."""
        return np.take(np.column_stack([coins, draw((self._others, BLOCK_SAMPLES)).T]), self._columns, axis=1)

    def _random(self, purpose: int, number: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, purpose, number])

    @property
    def _others(self) -> int:
        return max(0, int(self._columns.max()) + 1 - COINS)

    def _persistences(self, half_life_minutes: Floats | float) -> Floats:
        """What is left of a deviation after one sample."""
        samples = np.maximum(np.asarray(half_life_minutes) / self._sample_minutes, LEAST_HALF_LIFE_SAMPLES)
        left: Floats = 0.5 ** (1 / samples)
        return left


def _check(seed: int, drift: float, pairs: Sequence[str], bounce: float, sample_seconds: int) -> None:
    if seed < 0 or not 0 <= drift < 1:
        raise ValueError(f"seed {seed} must be 0 or more, and drift {drift} an hour from 0 to below 1.")
    if not pairs or len(set(pairs)) < len(pairs):
        raise ValueError("Each pair is generated once: name at least one pair, and none of them twice.")
    if not 0 <= bounce <= 10:
        raise ValueError(f"bounce {bounce} must be 0 to 10 volatilities of a sample.")
    if not 1 <= sample_seconds <= 86_400:
        raise ValueError(f"a sample of {sample_seconds} s cannot be generated: choose 1 to 86400 s.")


def _autoregression(before: Floats, shocks: Floats, persistence: Floats) -> Floats:
    """An AR(1) of stationary variance 1 that goes on from `before`."""
    return _accumulated(before, np.sqrt(1 - persistence**2) * shocks, persistence)


def _accumulated(before: Floats, shocks: Floats, persistence: Floats) -> Floats:
    """Sums of shocks (rows) of which `persistence` is left a row later, without a loop over the rows."""
    decay = persistence ** np.arange(1, len(shocks) + 1)[:, None]
    path: Floats = decay * (before + np.cumsum(shocks / decay, axis=0))
    return path


def _quotes(pairs: Sequence[str], bids: list[float], asks: list[float], decimals: list[int]) -> Quotes:
    prices = zip(pairs, bids, asks, decimals, strict=True)
    return {pair: (f"{bid:.{digits}f}", f"{ask:.{digits}f}") for pair, bid, ask, digits in prices}


def _cut(blocks: list[Floats], first_sample: int, count: int) -> Floats:
    """The asked samples out of the blocks that hold them."""
    offset = first_sample % BLOCK_SAMPLES
    return np.concatenate(blocks)[offset : offset + count]
