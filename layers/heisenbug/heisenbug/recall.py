"""Deciding again on what a tick saw: the inputs are stored, the answers are computed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from heisenbug.domain.configuration import Configuration
from heisenbug.domain.decide import Decision, decide, gates_of
from heisenbug.domain.gates import Answer
from heisenbug.domain.market import Market, Sample
from heisenbug.domain.portfolio import Portfolio
from heisenbug.domain.settings import Settings
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.venue import Venue
from heisenbug.domain.window_slots import earlier_slots, oldest_sample


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a decision is made on."""

    market: Market
    portfolio: Portfolio
    settings: Settings
    venue: Venue

    def decide(self) -> Decision:
        """The decision on them."""
        return decide(self.market, self.portfolio, self.settings, self.venue)

    def gates(self, decision: Decision, source: str, target: str) -> tuple[Answer, ...]:
        """What every gate said of a conversion in the decision on them; nothing of assets that are not among its."""
        if not {source, target} <= set(decision.assets):
            return ()
        i, j = decision.assets.index(source), decision.assets.index(target)
        return gates_of(decision, i, j, self.market, self.portfolio, self.settings, self.venue)


def inputs_of(snapshot: Snapshot, told: Configuration, window: Sequence[Sample], venue: Venue) -> Inputs:
    """What the tick that left `snapshot` decided on; `window` are the very samples that it looked back on."""
    settings = replace(told.settings, mode=snapshot.mode)
    return Inputs(_market(snapshot, told, tuple(window)), snapshot.portfolio, settings, venue)


def decide_again(snapshot: Snapshot, told: Configuration, samples: Sequence[Sample], venue: Venue) -> Decision:
    """The decision of the tick that left `snapshot`; `samples` are those kept before it, oldest first."""
    return inputs_of(snapshot, told, window_of(samples, snapshot.at, told.settings), venue).decide()


def market_of(snapshot: Snapshot, told: Configuration, samples: Sequence[Sample]) -> Market:
    """The market as the tick saw it."""
    return _market(snapshot, told, window_of(samples, snapshot.at, told.settings))


def window_of(samples: Sequence[Sample], at: int, settings: Settings) -> tuple[Sample, ...]:
    """The samples a decision at `at` looks back on."""
    young = [sample for sample in samples if oldest_sample(at, settings) < sample.at < at]
    return earlier_slots(young, at, settings)


def _market(snapshot: Snapshot, told: Configuration, window: tuple[Sample, ...]) -> Market:
    return Market(snapshot.at, snapshot.price_age_seconds, told.pairs, snapshot.quotes, snapshot.guarded, window)
