"""What a bot remembers of its ticks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from heisenbug.domain.live import Consent
from heisenbug.domain.protections import Day, Halts
from heisenbug.domain.schedule import Planned


@dataclass(frozen=True, slots=True)
class State:
    """The tick item: the newest tick claimed and the one before, how many there were, and what bars trading."""

    last_tick: int = 0
    previous_tick: int = 0
    ticks: int = 0
    version: int = 0
    open_trade: str | None = None
    killed_at: str | None = None
    killed_by: str | None = None
    killed_why: str | None = None
    mode: str = "paper"
    held_back: str = ""
    consent: Consent | None = None
    quiet_until: float = 0.0
    planned: Planned = Planned()
    peak: Decimal = Decimal(0)
    peak_base: str | None = None
    live_peak: Decimal = Decimal(0)
    live_peak_base: str | None = None
    days: Mapping[str, Day] = field(default_factory=dict)
    halts: Mapping[str, Halts] = field(default_factory=dict)
    rearmed_at: int = 0

    def halts_of(self, mode: str) -> Halts:
        """What stops entries of a mode's money."""
        return self.halts.get(mode, {})

    def peak_of(self, mode: str) -> tuple[Decimal, str | None]:
        """The highest equity seen of a mode's money, and the currency it was counted in."""
        return (self.live_peak, self.live_peak_base) if mode == "live" else (self.peak, self.peak_base)
