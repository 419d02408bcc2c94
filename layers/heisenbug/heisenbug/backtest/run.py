"""A backtest: what a bot would have done over a history, by the plain loop or, to the same trades, the fast way."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from heisenbug.backtest.rules import Fill
from heisenbug.configuration import Configuration
from heisenbug.domain.decide import Decision
from heisenbug.domain.gates import Gate
from heisenbug.domain.trade import Trade
from heisenbug.domain.venue import Venue
from heisenbug.markets.history import Floats, History

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What is to be tested: `told` on `history` at `venue`, filled by the rule `fill`."""

    history: History
    told: Configuration
    venue: Venue
    fill: Fill = Fill.NEXT_SAMPLE


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What came of it.

    `equity` (T,) in the base currency, NaN where a held asset had no price. `gates` counts the conversions that each
    gate stopped first, over all samples; the fast way counts them at their stated cost, without what a cost last
    quoted adds to it for a while, so that a few may stand under the gate after the one that stopped them.
    """

    wish: Wish
    trades: tuple[Trade, ...]
    dropped: tuple[Trade, ...]
    equity: Floats
    holdings: Mapping[str, Decimal]
    gates: Counter[Gate] = field(default_factory=Counter)
    killed: str = ""


def count_gates(gates: Counter[Gate], decision: Decision) -> None:
    """Add what stopped each conversion of one decision."""
    closed = decision.closed.gate[~np.eye(len(decision.assets), dtype=bool)]
    numbers, counts = np.unique(closed, return_counts=True)
    gates.update({Gate(int(number)): int(count) for number, count in zip(numbers, counts, strict=True)})
