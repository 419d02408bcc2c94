"""What a backtest is asked, and what it assumes of the world; every report states it."""

from dataclasses import dataclass
from enum import StrEnum

from heisenbug.domain.configuration import Configuration
from heisenbug.domain.venue import Venue
from heisenbug.markets.history import History


class Fill(StrEnum):
    """At which quote a conversion is filled: the next sample's, or, as the paper exchange does, the one it saw."""

    NEXT_SAMPLE = "next_sample"
    SAME_QUOTE = "same_quote"


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What is to be tested: `told` on `history` at `venue`, filled by the rule `fill`."""

    history: History
    told: Configuration
    venue: Venue
    fill: Fill = Fill.NEXT_SAMPLE
