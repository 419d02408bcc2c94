"""Deciding again on what a tick saw: the inputs are stored, the answers are computed."""

from collections.abc import Sequence
from dataclasses import replace

from heisenbug.configuration import Configuration
from heisenbug.domain.decide import Decision, decide
from heisenbug.domain.market import Market, Sample
from heisenbug.domain.settings import Settings
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.venue import Venue
from heisenbug.domain.window_slots import earlier_slots, oldest_sample


def decide_again(snapshot: Snapshot, told: Configuration, samples: Sequence[Sample], venue: Venue) -> Decision:
    """The decision of the tick that left `snapshot`; `samples` are those kept before it, oldest first."""
    settings = replace(told.settings, mode=snapshot.mode)
    return decide(market_of(snapshot, told, samples), snapshot.portfolio, settings, venue)


def market_of(snapshot: Snapshot, told: Configuration, samples: Sequence[Sample]) -> Market:
    """The market as the tick saw it."""
    earlier = window_of(samples, snapshot.at, told.settings)
    return Market(snapshot.at, snapshot.price_age_seconds, told.pairs, snapshot.quotes, snapshot.guarded, earlier)


def window_of(samples: Sequence[Sample], at: int, settings: Settings) -> tuple[Sample, ...]:
    """The samples a decision at `at` looks back on."""
    young = [sample for sample in samples if oldest_sample(at, settings) < sample.at < at]
    return earlier_slots(young, at, settings)
