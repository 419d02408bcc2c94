"""What a person may be told away from the panel, which way it goes, and how much of it is enough."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from heisenbug.domain.settings import Settings

HOUR_SECONDS = 3600
# What was told is remembered longer than anything is delivered again (the function's streams give up after an hour).
REMEMBERED_SECONDS = 2 * HOUR_SECONDS


class Kind(StrEnum):
    """What a notice is about; each has a setting of its own."""

    TRADES = "trades"
    PROTECTIONS = "protections"
    UNRESOLVED = "unresolved"
    DEAD = "dead"


class Way(StrEnum):
    """How a notice gets to a person."""

    TELEGRAM = "telegram"
    SNS = "sns"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell, as a person reads it; the same thing always has the same `key`."""

    kind: Kind
    key: str
    says: str


def ways_of(kind: Kind, settings: Settings) -> tuple[Way, ...]:
    """The ways that notices of this kind go; none unless a person chose one."""
    chosen = getattr(settings, f"notify_{kind.value}")
    return tuple(way for way in Way if chosen in (way.value, "both"))


@dataclass(frozen=True, slots=True)
class Told:
    """What was told lately of one kind, one way: the key of each notice and when (epoch seconds), oldest first."""

    entries: tuple[tuple[str, int], ...] = ()

    def add(self, key: str, now: int, most: int) -> Self | None:
        """This and `key`, told at `now`; None where it was told before, or `most` were told within the hour."""
        if key in dict(self.entries) or self.left(now, most) <= 0:
            return None
        kept = tuple(entry for entry in self.entries if now - entry[1] < REMEMBERED_SECONDS)
        return type(self)((*kept, (key, now)))

    def left(self, now: int, most: int) -> int:
        """How many more may be told now."""
        return most - sum(now - at < HOUR_SECONDS for _, at in self.entries)

    def without(self, key: str) -> Self:
        """This without `key`, which surely did not arrive."""
        return type(self)(tuple(entry for entry in self.entries if entry[0] != key))
