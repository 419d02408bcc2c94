"""The sentences a person reads about a decision; the same on every surface."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite

from heisenbug.domain.decide import Scored
from heisenbug.domain.exits import Exit
from heisenbug.domain.gates import Answer, Gate


def bps(fraction: float) -> str:
    """A fraction in basis points."""
    return f"{fraction * 10_000:.0f} bp" if isfinite(fraction) else "unknown"


def _edge(c: Scored) -> str:
    return (
        f"edge {bps(c.expected_log_return)} < cost {bps(c.cost)}"
        if c.expected_return < 0
        else f"net {bps(c.expected_return)}"
    )


def _number(value: float) -> str:
    return f"{Decimal(f'{value:.6g}'):f}" if isfinite(value) else "infinite"


def _beside(value: float, limit: float) -> str:
    """A number with two decimals, or with as many as tell it from the limit."""
    if not isfinite(value):
        return "infinite"
    digits = next((digits for digits in range(2, 9) if f"{value:.{digits}f}" != f"{limit:.{digits}f}"), 9)
    return f"{value:.{digits}f}"


_WHY: Mapping[Gate, Callable[[Scored], str]] = {
    Gate.OPEN: lambda c: (
        f"every gate is open: confidence {c.confidence:.2f}, risk {c.risk:.2f}, net {bps(c.expected_return)} "
        f"after {bps(c.cost)} of cost"
    ),
    Gate.WINDOW: lambda c: f"the window is filling: {c.value:.0f} of {c.limit:.0f} samples",
    Gate.PRICE: lambda c: (
        f"no price to go by: {c.note}"
        if c.note
        else f"prices are {c.value:.1f} s old, at most {c.limit:.0f} s may decide"
    ),
    Gate.HELD: lambda c: f"not held: {c.source} {_number(c.value)} must be above 0",
    Gate.CONFIDENCE: lambda c: f"confidence {_beside(c.value, c.limit)} < {c.limit:.2f} ({_edge(c)})",
    Gate.RISK: lambda c: f"risk {_beside(c.value, c.limit)} > {c.limit:.2f} ({_edge(c)})",
    Gate.RETURN: lambda c: f"net return {bps(c.value)} is not above {bps(c.limit)}",
    Gate.COOLDOWN: lambda c: f"rests for another {c.value:.0f} s after a trade",
    Gate.MINIMUM: lambda c: f"worth {_number(c.value)}, the venue's least is {_number(c.limit)}",
    Gate.BUDGET: lambda c: f"the budget allows {_number(c.limit)}, it would be {_number(c.value)}",
    Gate.RESERVE: lambda c: f"the reserve is {_number(c.limit)} {c.source}, {_number(c.value)} would be left",
    Gate.OPEN_TRADE: lambda _: "another trade is still open",
    Gate.STOPPED: lambda _: "every other gate is open, but the bot is stopped (heisenbug start)",
    Gate.KILLED: lambda _: "every other gate is open, but the bot was killed (heisenbug rearm)",
    Gate.HALTED: lambda c: f"every other gate is open, but entries are stopped by {c.note} (heisenbug status)",
}


_PASSED: Mapping[Gate, Callable[[Answer], str]] = {
    Gate.WINDOW: lambda a: f"the window is full: {a.value:.0f} of {a.limit:.0f} samples have both prices",
    Gate.PRICE: lambda a: f"prices are {a.value:.1f} s old, at most {a.limit:.0f} s may decide",
    Gate.HELD: lambda a: f"{_number(a.value)} held, above 0",
    Gate.CONFIDENCE: lambda a: f"confidence {_beside(a.value, a.limit)} >= {a.limit:.2f}, by {a.value - a.limit:.2g}",
    Gate.RISK: lambda a: f"risk {_beside(a.value, a.limit)} <= {a.limit:.2f}, by {a.limit - a.value:.2g}",
    Gate.RETURN: lambda a: f"net return {bps(a.value)} > {bps(a.limit)}, by {(a.value - a.limit) * 10_000:.2g} bp",
    Gate.COOLDOWN: lambda _: "it does not rest after a trade",
    Gate.MINIMUM: lambda a: f"worth {_number(a.value)}, the venue's least is {_number(a.limit)}",
    Gate.BUDGET: lambda a: (
        f"the budget allows {_number(a.limit)}, it would be {_number(a.value)}"
        if isfinite(a.limit)
        else "no budget bounds it"
    ),
    Gate.RESERVE: lambda a: (
        f"the reserve is {_number(a.limit)}, {_number(a.value)} would be left" if a.limit else "no reserve bounds it"
    ),
    Gate.OPEN_TRADE: lambda _: "no other trade is open",
    Gate.STOPPED: lambda _: "the bot is started",
    Gate.KILLED: lambda _: "the bot is not killed",
    Gate.HALTED: lambda _: "no protection stops entries",
}


_LEAVES: Mapping[Exit, Callable[[Scored], str]] = {
    Exit.FLATTEN: lambda _: "everything goes back to the base currency, as a person said (heisenbug flatten)",
    Exit.STOP_LOSS: lambda c: f"stop-loss: {c.source} at {_number(c.value)} is not above {_number(c.limit)}",
    Exit.TRAILING_STOP: lambda c: f"trailing stop: {c.source} at {_number(c.value)} is not above {_number(c.limit)}",
    Exit.TAKE_PROFIT: lambda c: (
        f"take-profit: {c.source} brings {_number(c.value)} after the cost of getting out, at least "
        f"{_number(c.limit)} was wanted"
    ),
    Exit.TIME_STOP: lambda c: (
        f"time stop: {c.source} was bought {c.value:.0f} s ago, {c.limit:.0f} s were its time, and is not expected "
        "to gain any more"
    ),
}


def passed(answer: Answer) -> str:
    """How a conversion passed a gate that is open, and by how much."""
    return _PASSED[answer.gate](answer)


def why(conversion: Scored) -> str:
    """Why a conversion does, or does not, trade: its first closed gate with the two numbers, or its exit."""
    if conversion.exit is not None and conversion.gate is Gate.OPEN:
        return _LEAVES[conversion.exit](conversion)
    return _WHY[conversion.gate](conversion)
