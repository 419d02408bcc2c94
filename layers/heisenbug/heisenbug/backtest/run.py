"""A backtest: what a bot would have done over a history, by the plain loop or, to the same trades, the fast way."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

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


class Move(NamedTuple):
    """What a conversion did: all a summary needs of it. `confidence` to six digits, `source_price` in the base."""

    due: int
    source: str
    target: str
    amount: Decimal
    received: Decimal
    confidence: float
    source_price: float
    cost_bps: float

    @property
    def worth(self) -> float:
        """What it converted, in the base currency at the mid it was decided at."""
        return float(self.amount) * self.source_price

    @property
    def cost(self) -> float:
        """What it paid in the base currency, from its amounts."""
        return self.worth * self.cost_bps / 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What came of it: every conversion as a move, and by `told` its trade with all that the live code writes down.

    `equity` (T,) in the base currency, NaN where a held asset had no price. `gates` counts the conversions that each
    gate stopped first, over all samples; the fast way counts them at their stated cost, without what a cost last
    quoted adds to it for a while, so that a few may stand under the gate after the one that stopped them.
    """

    wish: Wish
    moves: Sequence[Move]
    told: Callable[[], tuple[Trade, ...]]
    dropped: tuple[Trade, ...]
    equity: Floats
    holdings: Mapping[str, Decimal]
    gates: Counter[Gate] = field(default_factory=Counter)
    killed: str = ""

    @property
    def trades(self) -> tuple[Trade, ...]:
        """The trades in full, one a move."""
        return self.told()


def move_of(trade: Trade) -> Move:
    """The move that an executed trade made."""
    return Move(
        trade.due,
        trade.source,
        trade.target,
        trade.amount,
        trade.received or Decimal(0),
        trade.expected.confidence,
        trade.expected.source_price,
        trade.realised_cost_bps or 0.0,
    )


def count_gates(gates: Counter[Gate], decision: Decision) -> None:
    """Add what stopped each conversion of one decision."""
    closed = decision.closed.gate[~np.eye(len(decision.assets), dtype=bool)]
    numbers, counts = np.unique(closed, return_counts=True)
    gates.update({Gate(int(number)): int(count) for number, count in zip(numbers, counts, strict=True)})
