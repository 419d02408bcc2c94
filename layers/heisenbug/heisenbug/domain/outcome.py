"""What a tick decided in few bytes, against which deciding again is held.

Not bit by bit: another processor may add up in another order. Gates are exact; numbers are compared together, to six
digits.
"""

from collections.abc import Iterator
from math import isclose
from zlib import crc32

import numpy as np

from heisenbug.domain.decide import Decision
from heisenbug.domain.prices import Floats
from heisenbug.domain.snapshot import Outcome

SCORED = ("confidence", "expected return", "volatility", "growth")
DIGITS = 7
SAME = 1e-6


def outcome_of(decision: Decision) -> Outcome:
    """The chosen conversion, a checksum of every first closed gate, and what was scored of all conversions together."""
    chosen = decision.chosen
    gates = ",".join(decision.assets).encode() + decision.closed.gate.astype(np.int8).tobytes()
    scores = decision.scores
    scored = (scores.confidence, scores.expected_return, scores.volatility, decision.growth)
    return Outcome(
        f"{chosen.source}-{chosen.target}" if chosen else "", crc32(gates), tuple(_together(each) for each in scored)
    )


def differences(kept: Outcome, again: Outcome) -> tuple[str, ...]:
    """What of the outcome that was kept is not so again, a sentence each."""
    return tuple(_differences(kept, again))


def _differences(kept: Outcome, again: Outcome) -> Iterator[str]:
    if kept.chosen != again.chosen:
        yield f"It chose {kept.chosen or 'nothing'}; now it chooses {again.chosen or 'nothing'}."
    if kept.gates != again.gates:
        yield "Not all conversions are stopped by the gates that stopped them."
    for name, before, now in zip(SCORED, kept.scored, again.scored, strict=True):
        if not isclose(before, now, rel_tol=SAME):
            yield f"The {name} of all conversions comes to {now:.{DIGITS}g} together; it was {before:.{DIGITS}g}."


def _together(numbers: Floats) -> float:
    """The root of the sum of squares of all that is known: nothing cancels out, as P and 1 - P would in a plain sum."""
    known = numbers[np.isfinite(numbers)]
    return float(f"{np.sqrt((known * known).sum()):.{DIGITS}g}")
