"""How long a venue wants to be left alone; outlives the invocation in the bot's state."""

from dataclasses import dataclass

from heisenbug.domain.errors import Quiet

UNTOLD_SECONDS = 60
LONGEST_SECONDS = 3600


@dataclass(slots=True)
class Patience:
    """Nothing is asked of the venue before `until` (epoch seconds)."""

    until: float = 0.0

    def check(self, now: float) -> None:
        """Raise Quiet while the venue wants to be left alone."""
        if now < self.until:
            raise Quiet(f"the exchange wants to be left alone for another {self.until - now:.0f} s")

    def asked(self, now: float, seconds: float | None) -> None:
        """The venue asked for quiet, `seconds` long where it said so."""
        wanted = UNTOLD_SECONDS if seconds is None else min(max(seconds, 1.0), LONGEST_SECONDS)
        self.until = max(self.until, now + wanted)

    def remember(self, until: float) -> None:
        """What another invocation was told."""
        self.until = max(self.until, until)
