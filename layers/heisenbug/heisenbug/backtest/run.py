"""A backtest: what a bot would have done over a history, by the plain loop or, to the same trades, the fast way."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import nan
from typing import Any, NamedTuple

import numpy as np

from heisenbug.backtest.rules import Wish
from heisenbug.backtest.seen import Seen
from heisenbug.backtest.units import Units
from heisenbug.domain.decide import Decision
from heisenbug.domain.gates import Gate
from heisenbug.domain.protections import Halts, Protection
from heisenbug.domain.trade import Trade
from heisenbug.markets.history import Floats

Progress = Callable[[int], None]


class Move(NamedTuple):
    """What a conversion did: all a summary needs of it. `confidence` to six digits, `source_price` in the base.

    An exit claims nothing: its confidence is NaN.
    """

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


@dataclass(frozen=True, slots=True)
class Moves:
    """Moves in columns, oldest first, their assets by place and their amounts in `units`: there may be very many."""

    units: Units
    due: list[int] = field(default_factory=list)
    source: list[int] = field(default_factory=list)
    target: list[int] = field(default_factory=list)
    amount: list[int] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)
    source_price: list[float] = field(default_factory=list)
    cost_bps: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.due)

    def __iter__(self) -> Iterator[Move]:
        units = self.units
        for due, source, target, amount, received, *stated in zip(*self._columns(), strict=True):
            exact = units.exact(source, amount), units.exact(target, received)
            yield Move(due, units.assets[source], units.assets[target], *exact, *stated)

    def add(self, trades: Iterable[Trade]) -> None:
        """Put the moves that executed trades made behind those that are there."""
        for move in map(move_of, trades):
            source, target = self.units.assets.index(move.source), self.units.assets.index(move.target)
            amounts = self.units.count(source, move.amount), self.units.count(target, move.received)
            for column, value in zip(self._columns(), (move.due, source, target, *amounts, *move[5:]), strict=True):
                column.append(value)

    def add_all(self, other: "Moves") -> None:
        """Put all of the others behind those that are there."""
        for column, values in zip(self._columns(), other._columns(), strict=True):
            column.extend(values)

    @property
    def worth(self) -> Floats:
        """What each converted, in the base currency at the mid it was decided at."""
        amounts = self.units.floats(np.array(self.source, np.intp), self.amount)
        worth: Floats = amounts * np.array(self.source_price, float)
        return worth

    @property
    def costs(self) -> float:
        """What all of them paid in the base currency, from their amounts."""
        return float(self.worth @ np.array(self.cost_bps, float)) / 10_000

    def _columns(self) -> tuple[list[Any], ...]:
        return tuple(getattr(self, name) for name in Move._fields)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What came of it: every conversion as a move, and by `told` its trade with all that the live code writes down.

    `equity` (T,) in the base currency, NaN where a held asset had no price. `gates` counts the conversions that each
    gate stopped first, over all samples; the fast way counts them at their stated cost, without what a cost last
    quoted adds to it for a while, so that a few may stand under the gate after the one that stopped them.
    """

    seen: Seen
    moves: Moves
    told: Callable[[], tuple[Trade, ...]]
    dropped: tuple[Trade, ...]
    equity: Floats
    holdings: Mapping[str, Decimal]
    gates: Counter[Gate] = field(default_factory=Counter)
    killed: str = ""

    @property
    def wish(self) -> Wish:
        """What was asked for."""
        return self.seen.wish

    @property
    def trades(self) -> tuple[Trade, ...]:
        """The trades in full, one a move."""
        return self.told()


def why_killed(halts: Halts) -> str:
    """Why equity has ended entries; empty where it has not."""
    halt = halts.get(Protection.MAX_DRAWDOWN)
    return halt.why if halt else ""


def move_of(trade: Trade) -> Move:
    """The move that an executed trade made."""
    return Move(
        trade.due,
        trade.source,
        trade.target,
        trade.amount,
        trade.received or Decimal(0),
        nan if trade.exit else trade.expected.confidence,
        trade.expected.source_price,
        trade.realised_cost_bps or 0.0,
    )


def count_gates(gates: Counter[Gate], decision: Decision) -> None:
    """Add what stopped each conversion of one decision."""
    closed = decision.closed.gate[~np.eye(len(decision.assets), dtype=bool)]
    numbers, counts = np.unique(closed, return_counts=True)
    gates.update({Gate(int(number)): int(count) for number, count in zip(numbers, counts, strict=True)})
