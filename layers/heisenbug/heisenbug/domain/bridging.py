"""A conversion over a bridge: two trades, and what becomes of the second where it does not go through.

It is tried again for a while, then the way back is, and where neither goes, a person is told. It is never forgotten:
the trade that follows is intended in the same step that ends the one before.
"""

import hashlib
from dataclasses import dataclass, replace
from decimal import Decimal
from math import log

from heisenbug.domain.leg import Leg, Part
from heisenbug.domain.trade import Expected, Trade, TradeState

# How long a leg is tried, and how many orders of it may come to nothing.
PATIENCE_SECONDS = 180
MOST_ATTEMPTS = 3
# A second leg that could begin only so long after its decision is left to a person.
OLDEST_SECONDS = 600
# What the way back may cost at most, as a fraction of what was converted.
MOST_COST_BACK = 0.03
# No conversion loses all of it.
LEAST_KEPT = 1e-9


@dataclass(frozen=True, slots=True)
class Onward:
    """What follows a trade: another one, or the word to a person that nothing does; or neither."""

    trade: Trade | None = None
    halt: str = ""


def first_leg(whole: Trade, bridge: str, bridge_price: float, cost: float) -> Trade:
    """The trade to the bridge that a conversion begins with; `cost` is expected of the leg from there."""
    expected = whole.expected
    leg = Leg(whole.id, Part.FIRST, whole.source, whole.target, expected.source_price, expected.target_price, cost)
    told = f"{whole.reason} (over {bridge}: the first of two legs)"
    return replace(whole, target=bridge, expected=replace(expected, target_price=bridge_price), reason=told, leg=leg)


def second_leg(first: Trade, amount: Decimal, cost: float, now: int) -> Trade:
    """The trade from the bridge on, after the first leg brought `amount` at this cost (a fraction)."""
    leg, expected = _leg(first), first.expected
    gain = expected.expected_log_return + log(max(1 - cost, LEAST_KEPT))
    told = replace(
        expected,
        expected_log_return=gain,
        cost=leg.cost,
        source_price=expected.target_price,
        target_price=leg.goal_price,
    )
    reason = f"The second leg of {leg.origin} into {leg.goal} over {first.target}."
    part = replace(leg, part=Part.SECOND, attempt=1, until=now + PATIENCE_SECONDS)
    return _anew(first, first.target, leg.goal, amount, told, reason, part)


def onward(begun: Trade, done: Trade, now: int, least: Decimal, is_sure: bool) -> Onward:
    """What follows a leg that was `begun` and is `done`; what is worth less than `least` is left where it is.

    One that failed but might still land (not `is_sure`) is followed by nothing: a person is told.
    """
    if begun.leg is None or done.state is TradeState.ABANDONED:
        return Onward()
    if begun.leg.part is Part.FIRST:
        return _after_first(done, now, least) if done.state is TradeState.EXECUTED else Onward()
    if done.state is TradeState.EXECUTED:
        left = begun.amount - done.amount
        return Onward() if _is_dust(begun, left, least) else _again(begun, left, now)
    if done.state is TradeState.SKIPPED:
        return _turned(begun, begun.amount, now)
    return _again(begun, begun.amount, now) if is_sure else Onward(halt=_stuck(begun, "may still land"))


def is_too_dear_back(trade: Trade, cost: float) -> bool:
    """Whether a way back at this cost (a fraction) is one that no bot should go."""
    return trade.leg is not None and trade.leg.part is Part.BACK and cost > MOST_COST_BACK


def _after_first(first: Trade, now: int, least: Decimal) -> Onward:
    received = first.received or Decimal(0)
    second = second_leg(first, received, (first.realised_cost_bps or 0) / 10_000, now)
    if _is_dust(second, received, least):
        return Onward()
    if now - first.due > OLDEST_SECONDS:
        return Onward(halt=_stuck(second, "was not begun: its decision is too old"))
    return Onward(second)


def _again(begun: Trade, amount: Decimal, now: int) -> Onward:
    """The same leg with what is left of it, as another trade."""
    leg = _leg(begun)
    if leg.attempt >= MOST_ATTEMPTS or now >= leg.until:
        return _turned(begun, amount, now)
    part = replace(leg, attempt=leg.attempt + 1)
    return Onward(_anew(begun, begun.source, begun.target, amount, begun.expected, begun.reason, part))


def _turned(begun: Trade, amount: Decimal, now: int) -> Onward:
    """The way back to where the conversion began; from there is none."""
    leg, expected = _leg(begun), begun.expected
    if leg.part is Part.BACK:
        return Onward(halt=_stuck(begun, "did not go through, nor did the way back"))
    told = replace(expected, expected_log_return=0.0, target_price=leg.origin_price)
    reason = f"The way back to {leg.origin}: {begun.source} into {leg.goal} did not go through."
    part = replace(leg, part=Part.BACK, attempt=1, until=now + PATIENCE_SECONDS)
    return Onward(_anew(begun, begun.source, leg.origin, amount, told, reason, part))


def _anew(before: Trade, source: str, target: str, amount: Decimal, expected: Expected, reason: str, leg: Leg) -> Trade:
    # Whatever goes on for an exit is one, and bound as one; the way back leads into the holding again.
    exit = "" if leg.part is Part.BACK else before.exit
    return Trade(leg_id(leg), before.mode, before.due, source, target, amount, expected, reason, exit=exit, leg=leg)


def leg_id(leg: Leg) -> str:
    """The one id of a leg that follows another: the same leg always has the same id."""
    return hashlib.sha256(f"{leg.of}|{leg.part.value}|{leg.attempt}".encode()).hexdigest()[:24]


def _is_dust(trade: Trade, amount: Decimal, least: Decimal) -> bool:
    return amount <= 0 or amount * Decimal(repr(trade.expected.source_price)) < least


def _stuck(trade: Trade, what: str) -> str:
    leg = _leg(trade)
    return (
        f"The conversion of {leg.origin} into {leg.goal} is stuck at its bridge: the leg from {trade.source} {what}. "
        f"The bot holds {trade.amount:f} {trade.source} of it, in its ledger. Look at the market, "
        "then: heisenbug rearm; it converts from there on."
    )


def _leg(trade: Trade) -> Leg:
    if trade.leg is None:
        raise ValueError("A trade of its own has no leg.")
    return trade.leg
