"""Brakes that stop the bot by themselves; each says why and how to lift it."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Equity against the highest equity seen, in the base currency; `fraction` is 0 at the peak."""

    equity: Decimal
    peak: Decimal

    @property
    def fraction(self) -> float:
        """How far equity is under its peak."""
        return float(1 - self.equity / self.peak) if self.peak > 0 else 0.0


def drawdown_verdict(drawdown: Drawdown, most: float) -> str | None:
    """Why the bot must stop, or None; `most` is the part of the peak it may lose."""
    if drawdown.fraction < most:
        return None
    return (
        f"Equity {drawdown.equity} is {drawdown.fraction:.1%} under its peak {drawdown.peak}, the limit is {most:.1%}; "
        "nothing trades until a person re-arms the bot (heisenbug rearm)."
    )
