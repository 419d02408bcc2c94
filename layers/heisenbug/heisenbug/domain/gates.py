"""What must hold before a conversion may trade; and the first gate that stopped it, with its two numbers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from heisenbug.domain.market import Market
from heisenbug.domain.portfolio import Portfolio
from heisenbug.domain.prices import Floats
from heisenbug.domain.score import Scores
from heisenbug.domain.settings import Settings
from heisenbug.domain.venue import Venue
from heisenbug.domain.view import View

Bools = npt.NDArray[np.bool_] | np.bool_


class Gate(IntEnum):
    """The gates by the numbers that are stored; OPEN stopped nothing. They are asked in the order of ASKED."""

    OPEN = 0
    WINDOW = 1
    PRICE = 2
    HELD = 3
    CONFIDENCE = 4
    RISK = 5
    RETURN = 6
    COOLDOWN = 7
    MINIMUM = 8
    BUDGET = 9
    OPEN_TRADE = 10
    STOPPED = 11
    KILLED = 12
    RESERVE = 13
    HALTED = 14


# What binds an exit; an entry is bound by all.
BIND_EXITS = (Gate.PRICE, Gate.HELD, Gate.MINIMUM, Gate.OPEN_TRADE, Gate.KILLED)


@dataclass(frozen=True, slots=True)
class Asked:
    """One gate asked of all conversions: where it is closed, the number it looked at and the limit it needs."""

    closed: Bools
    value: Floats | float
    limit: Floats | float


@dataclass(frozen=True, slots=True)
class Answer:
    """What one gate says of one conversion: whether it is open, the number it looked at and the limit it needs."""

    gate: Gate
    is_open: bool
    value: float
    limit: float


@dataclass(frozen=True, slots=True)
class Closed:
    """Per conversion (N x N) the first closed gate, the number it looked at and the limit it needs."""

    gate: npt.NDArray[np.int8]
    value: Floats
    limit: Floats


@dataclass(frozen=True, slots=True)
class Situation:
    """All that gates look at; `held`, `amounts` and their values are per asset, as floats for comparison only."""

    market: Market
    seen: View
    scores: Scores
    portfolio: Portfolio
    settings: Settings
    venue: Venue
    held: Floats
    amounts: Floats

    @property
    def worth(self) -> Floats:
        """Value in the base currency of what one trade would convert of each asset."""
        return self.amounts * self.seen.prices

    def square(self, cells: Mapping[tuple[str, str], float]) -> Floats:
        """`cells` as an N x N array with zeros elsewhere."""
        place = {asset: index for index, asset in enumerate(self.seen.assets)}
        array = np.zeros((len(place), len(place)))
        for (source, target), number in cells.items():
            if source in place and target in place:
                array[place[source], place[target]] = number
        return array


def _window(s: Situation) -> Asked:
    least = np.minimum(s.seen.seen[:, None], s.seen.seen[None, :])
    unfit = ~s.seen.included & np.isfinite(s.seen.log_prices[-1])
    return Asked((s.seen.rows < s.settings.window) | unfit[:, None] | unfit[None, :], least, s.settings.window)


def _price(s: Situation) -> Asked:
    missing = ~np.isfinite(s.seen.log_prices[-1])
    stale = s.market.price_age_seconds > s.settings.max_price_age_seconds
    return Asked(
        missing[:, None] | missing[None, :] | stale, s.market.price_age_seconds, s.settings.max_price_age_seconds
    )


def _held(s: Situation) -> Asked:
    return Asked(~(s.held > 0)[:, None], s.held[:, None], 0)


def _confidence(s: Situation) -> Asked:
    return Asked(~(s.scores.confidence >= s.settings.min_confidence), s.scores.confidence, s.settings.min_confidence)


def _risk(s: Situation) -> Asked:
    return Asked(~(s.scores.risk <= s.settings.risk_tolerance), s.scores.risk, s.settings.risk_tolerance)


def _return(s: Situation) -> Asked:
    least = s.settings.min_expected_return
    return Asked(~(s.scores.expected_return > least), s.scores.expected_return, least)


def _cooldown(s: Situation) -> Asked:
    left = s.square({pair: float(until - s.market.at) for pair, until in s.portfolio.resting.items()})
    return Asked(left > 0, left, 0)


def _minimum(s: Situation) -> Asked:
    least = float(s.venue.least_value)
    return Asked(~(s.worth >= least)[:, None], s.worth[:, None], least)


def _budget(s: Situation) -> Asked:
    bounds = (s.settings.most_of(asset) for asset in s.seen.assets)
    most = np.array([np.inf if bound is None else float(bound) for bound in bounds])
    bought = s.held[None, :] + s.worth[:, None] / s.seen.prices[None, :]
    spends_too_much = (s.amounts > most)[:, None]
    value = np.where(spends_too_much, s.amounts[:, None], bought)
    return Asked(
        spends_too_much | (bought > most[None, :]), value, np.where(spends_too_much, most[:, None], most[None, :])
    )


def _reserve(s: Situation) -> Asked:
    least = np.array([float(s.settings.least_of(asset)) for asset in s.seen.assets])
    left = s.held - s.amounts
    return Asked(((left < least) & (least > 0))[:, None], left[:, None], least[:, None])


def _open_trade(s: Situation) -> Asked:
    return Asked(np.bool_(s.portfolio.open_trade is not None), 1, 0)


def _stopped(s: Situation) -> Asked:
    return Asked(np.bool_(not s.settings.is_active), 0, 1)


def _killed(s: Situation) -> Asked:
    return Asked(np.bool_(s.portfolio.killed), 1, 0)


def _halted(s: Situation) -> Asked:
    return Asked(np.bool_(bool(s.portfolio.halts)), len(s.portfolio.halts), 0)


_GATES: Mapping[Gate, Callable[[Situation], Asked]] = {
    Gate.WINDOW: _window,
    Gate.PRICE: _price,
    Gate.HELD: _held,
    Gate.CONFIDENCE: _confidence,
    Gate.RISK: _risk,
    Gate.RETURN: _return,
    Gate.COOLDOWN: _cooldown,
    Gate.MINIMUM: _minimum,
    Gate.BUDGET: _budget,
    Gate.RESERVE: _reserve,
    Gate.OPEN_TRADE: _open_trade,
    Gate.STOPPED: _stopped,
    Gate.KILLED: _killed,
    Gate.HALTED: _halted,
}
ASKED = tuple(_GATES)


def first_closed_gate(situation: Situation, gates: Iterable[Gate] = _GATES) -> Closed:
    """The first closed one of the gates, asked in this order, of every conversion; Gate.OPEN where all are open."""
    shape = situation.scores.cost.shape
    gate = np.zeros(shape, np.int8)
    value, limit = np.zeros(shape), np.zeros(shape)
    for name in gates:
        asked = _GATES[name](situation)
        first = asked.closed & (gate == Gate.OPEN)
        if first.any():
            gate = np.where(first, np.int8(name), gate)
            value = np.where(first, asked.value, value)
            limit = np.where(first, asked.limit, limit)
    return Closed(gate, value, limit)


def every_answer(situation: Situation, i: int, j: int, gates: Iterable[Gate] = _GATES) -> tuple[Answer, ...]:
    """What each of the gates says of the conversion of asset `i` into asset `j`, in the order they are asked."""
    shape = situation.scores.cost.shape

    def at(numbers: Bools | Floats | float) -> float:
        return float(np.broadcast_to(numbers, shape)[i, j])

    asked = ((gate, _GATES[gate](situation)) for gate in gates)
    return tuple(Answer(gate, not at(one.closed), at(one.value), at(one.limit)) for gate, one in asked)
