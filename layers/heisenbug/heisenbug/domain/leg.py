"""What a trade knows of the conversion that it is a leg of, where that goes over a bridge."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Part(StrEnum):
    """The way to the bridge, on from there, or back."""

    FIRST = "first"
    SECOND = "second"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Leg:
    """A trade's place in the conversion of `origin` into `goal`, whose first trade is `of`.

    The prices are the mids at the decision, `cost` what the second leg was expected to cost (a fraction); `attempt`
    counts the trades of one part, and until `until` (epoch seconds) another one is tried.
    """

    of: str
    part: Part
    origin: str
    goal: str
    origin_price: float
    goal_price: float
    cost: float
    attempt: int = 1
    until: int = 0

    @property
    def waits(self) -> bool:
        """Whether it is tried again by later ticks while it is only intended: something was converted before it."""
        return self.part is not Part.FIRST

    def plain(self) -> dict[str, Any]:
        """As it is stored."""
        return {**asdict(self), "part": self.part.value}


def leg_of(stored: dict[str, Any] | None) -> Leg | None:
    """The leg that was stored so; none where a trade is a conversion of its own."""
    return None if stored is None else Leg(**{**stored, "part": Part(stored["part"])})
