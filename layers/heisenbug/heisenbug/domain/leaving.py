"""Which holdings leave for the base currency, how much of each, and what still bars them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from math import isfinite

from heisenbug.domain.assets import round_received
from heisenbug.domain.exits import Due, Held, due_exit
from heisenbug.domain.gates import BIND_EXITS, Answer, Closed, Situation, every_answer, first_closed_gate

# The place of the base currency among the assets.
BASE = 0


@dataclass(frozen=True, slots=True)
class Leaving:
    """A holding whose exit is due, and how much of it goes: all of it."""

    due: Due
    amount: Decimal


Exits = Mapping[int, Leaving]


def leaving_of(situation: Situation) -> Exits:
    """The exits that are due, by the asset's place; an asset without a price has to wait for one."""
    found, assets, portfolio = {}, situation.seen.assets, situation.portfolio
    for place in range(BASE + 1, len(assets) if portfolio.entries else 0):
        due = _due(situation, place)
        if due is not None:
            found[place] = Leaving(due, round_received(portfolio.held(assets[place]), assets[place]))
    return found


def closed_gates(situation: Situation, exits: Exits) -> Closed:
    """The first closed gate of every conversion: an exit's is one of those that bind exits."""
    closed = first_closed_gate(situation)
    if exits:
        leaving, cells = first_closed_gate(_all_of(situation, exits), BIND_EXITS), (list(exits), BASE)
        closed.gate[cells], closed.value[cells] = leaving.gate[cells], leaving.value[cells]
        closed.limit[cells] = leaving.limit[cells]
    return closed


def answers(situation: Situation, exits: Exits, i: int, j: int) -> tuple[Answer, ...]:
    """What every gate that binds it says of the conversion of asset `i` into asset `j`."""
    if j == BASE and i in exits:
        return every_answer(_all_of(situation, exits), i, j, BIND_EXITS)
    return every_answer(situation, i, j)


def _due(situation: Situation, place: int) -> Due | None:
    seen, scores = situation.seen, situation.scores
    price, entry = float(seen.prices[place]), situation.portfolio.entries.get(seen.assets[place])
    if entry is None or not isfinite(price):
        return None
    cost, expected = float(scores.cost[place, BASE]), float(scores.expected_log_return[BASE, place])
    return due_exit(Held(price, cost, entry, expected, situation.market.at), situation.settings)


def _all_of(situation: Situation, exits: Exits) -> Situation:
    """The situation where of what leaves all would be converted."""
    amounts = situation.amounts.copy()
    for place, leaving in exits.items():
        amounts[place] = float(leaving.amount)
    return replace(situation, amounts=amounts)
