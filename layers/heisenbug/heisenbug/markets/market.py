"""What every market offers to the simulated exchange, whether it was recorded or generated."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

Prices = tuple[str, str]
"""Bid and ask of one pair, as decimal texts."""

Quotes = Mapping[str, Prices]
"""The prices of every quoted pair (`BTC-USD`) at one moment."""


class Market(Protocol):
    """Prices by market time; all times are epoch seconds (UTC)."""

    @property
    def name(self) -> str:
        """What this market is, in a few words; a saved position belongs to the market of that name."""

    @property
    def pairs(self) -> tuple[str, ...]:
        """Every pair that is quoted at some time."""

    @property
    def first(self) -> float:
        """The time of the first prices."""

    @property
    def last(self) -> float | None:
        """The time of the last prices; none for a market without end."""

    @property
    def spacing_seconds(self) -> float:
        """The usual time between two prices of this market."""

    @property
    def start(self) -> float:
        """Where a replay begins unless told otherwise: late enough to have a past to look back on."""

    def quotes_at(self, moments: Sequence[float]) -> list[Quotes]:
        """The newest prices known at each of the moments; a pair without one is left out."""


def epoch(at: str) -> float:
    """Epoch seconds of an ISO-8601 time; one without a zone is UTC. Raises ValueError."""
    time = datetime.fromisoformat(at)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def iso(moment: float) -> str:
    """An epoch time as UTC ISO-8601 text that ends in Z."""
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
