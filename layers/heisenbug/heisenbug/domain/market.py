"""What the bot sees at one tick: the newest accepted quotes, what is guarded and why, and the samples before."""

from collections.abc import Mapping
from dataclasses import dataclass

from heisenbug.domain.assets import Pair, TradingPair
from heisenbug.domain.quotes import Quote


@dataclass(frozen=True, slots=True)
class Guarded:
    """Why a pair is left out of the tick, and since when (epoch seconds)."""

    reason: str
    since: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The log mids kept of one slot of time, by the pairs' names; `at` is its tick's due time in epoch seconds."""

    at: int
    log_mids: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Market:
    """One look at the market; `at` is its due time (epoch seconds), `samples` are of earlier slots, oldest first."""

    at: int
    price_age_seconds: float
    pairs: tuple[TradingPair, ...]
    quotes: Mapping[Pair, Quote]
    guarded: Mapping[Pair, Guarded]
    samples: tuple[Sample, ...]
