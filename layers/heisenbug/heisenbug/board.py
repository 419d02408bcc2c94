"""The opportunity board and the list of decisions, as plain rows."""

from math import isfinite
from typing import Any

from heisenbug.domain.decide import Decision, Scored
from heisenbug.domain.gates import ASKED, Gate
from heisenbug.domain.words import why
from heisenbug.messages import utc


def rank(scored: Scored) -> tuple[int, float]:
    """How near a conversion came to trading: the nearest first, then the one that promises most."""
    passed = len(ASKED) if scored.gate is Gate.OPEN else ASKED.index(scored.gate)
    return -passed, -scored.expected_return if isfinite(scored.expected_return) else float("inf")


def _number(value: float) -> float | None:
    return value if isfinite(value) else None


def opportunity(scored: Scored) -> dict[str, Any]:
    """A conversion with its numbers, its first closed gate and why; None for what is not known."""
    return {
        "from": scored.source,
        "to": scored.target,
        "amount": f"{scored.amount:f}",
        "confidence": _number(scored.confidence),
        "risk": _number(scored.risk),
        "expected_return": _number(scored.expected_return),
        "cost_bps": _number(round(scored.cost * 10_000, 2)),
        "volatility": _number(scored.volatility),
        "gate": scored.gate.name.lower(),
        "value": _number(scored.value),
        "limit": _number(scored.limit),
        "exit": scored.exit,
        "why": why(scored),
    }


def decision_row(decision: Decision) -> dict[str, Any]:
    """A decision: what was chosen, or how near the best conversion came."""
    best = decision.chosen or min(decision.conversions(), key=rank, default=None)
    return {
        "at": utc(decision.at),
        "samples": decision.samples,
        "chosen": opportunity(decision.chosen) if decision.chosen else None,
        "best": opportunity(best) if best else None,
    }
