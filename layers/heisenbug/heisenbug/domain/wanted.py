"""Which trades somebody wants to see."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """Trades that give or take `asset`, ended in `state` and were decided from `since` and before `until`.

    Times are epoch seconds; what is empty or None leaves out nothing.
    """

    asset: str = ""
    state: str = ""
    since: float | None = None
    until: float | None = None


EVERY_TRADE = Wanted()
