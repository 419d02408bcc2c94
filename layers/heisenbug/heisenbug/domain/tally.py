"""What came of the newest trades, counted: what protections look at. It moves with the ledger."""

from dataclasses import dataclass, replace

HOUR_SECONDS = 3600
DAY_SECONDS = 86_400
# No protection counts further.
MOST = 20
Times = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many there were in the newest span of time, such as the hour of this number since the epoch."""

    span: int = 0
    count: int = 0

    def more(self, span: int) -> "Count":
        """One more in `span`, with which it begins anew."""
        return Count(max(span, self.span), self.within(span) + 1)

    def within(self, span: int) -> int:
        """How many there were in `span`; a tick that is late stands in the newest one, where its trade would end."""
        return self.count if span <= self.span else 0


@dataclass(frozen=True, slots=True)
class Tally:
    """Trades in the hour and the day (UTC) they ended in; and in a row, when each ended (epoch seconds, oldest first):
    `losses` that brought less than they had cost, and `errors` that the venue refused or failed.

    `excess` is what the newest trades cost above their quote, in basis points, with when each ended.
    """

    hour: Count = Count()
    day: Count = Count()
    losses: Times = ()
    errors: Times = ()
    excess: tuple[tuple[int, float], ...] = ()

    def executed(self, at: int, is_loss: bool | None, excess_bps: float | None) -> "Tally":
        """One more trade that was carried out; `is_loss` is None where it sold nothing with a known cost."""
        losses = self.losses if is_loss is None else (*self.losses, at) if is_loss else ()
        excess = self.excess if excess_bps is None else (*self.excess, (at, round(excess_bps, 2)))
        hour, day = self.hour.more(at // HOUR_SECONDS), self.day.more(at // DAY_SECONDS)
        return Tally(hour, day, losses[-MOST:], (), excess[-MOST:])

    def erred(self, at: int) -> "Tally":
        """One more that the venue would not or could not carry out."""
        return replace(self, errors=(*self.errors, at)[-MOST:])
