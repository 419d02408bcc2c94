"""A market's time: where a replay stands, and what lies behind it. No clock of its own."""

import math
from dataclasses import dataclass, replace

from heisenbug.markets.market import Market, iso
from local.ticker import plain

# Where in a sample a look on the grid stands: what is left of it is for looks that come late.
INTO_SAMPLE = 0.6


class InvalidPosition(ValueError):
    """A speed, time or saved state that a market cannot be replayed from; the text says what to give instead."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A market that stood at `position` at wall time `since` and moves `speed` market seconds a second from there.

    All times are epoch seconds. The position never leaves `first`..`last`; without `last` the market has no end.
    """

    first: float
    last: float | None
    position: float
    since: float
    speed: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.speed) and self.speed >= 0):
            raise InvalidPosition(f"speed {self.speed} must be a number of market seconds a second, 0 or more.")
        if not self.first <= self.position <= self._end:
            end = "without end" if self.last is None else f"to {iso(self.last)}"
            raise InvalidPosition(
                f"market time {iso(self.position)} lies outside this market: choose one from {iso(self.first)} {end}."
            )

    def market_time(self, now: float) -> float:
        """The market's time when the wall clock shows `now` (which may lie in the past)."""
        return min(max(self.reach(now), self.first), self._end)

    def reach(self, now: float) -> float:
        """As `market_time`, but not held at the ends: also before the market began and after it ended."""
        return self.position + (now - self.since) * self.speed

    def ended(self, now: float) -> bool:
        """Whether the recording is over; its last prices stay."""
        return self.reach(now) >= self._end

    def moved(self, position: float, now: float) -> "Replay":
        """The same replay, standing at `position` at `now`."""
        return replace(self, position=position, since=now)

    @property
    def _end(self) -> float:
        return math.inf if self.last is None else self.last


def begin(market: Market, speed: float, now: float, position: float | None = None) -> Replay:
    """A replay of the market from `position`, or from where the market itself starts."""
    return Replay(market.first, market.last, market.start if position is None else position, now, speed)


def in_step(replay: Replay, spacing: float, now: float) -> Replay:
    """The same replay, moved on by less than one `spacing` of its market.

    Looks come on a grid of spacing / speed wall seconds, each a little late; in step, they come when a sample of the
    market is not about to change, so that every look sees the next sample, none twice and none skipped.
    """
    if replay.speed <= 0:
        return replay
    period = spacing / replay.speed
    into = (replay.reach(math.floor(now / period) * period) - replay.first) % spacing
    ahead = (INTO_SAMPLE * spacing - into) % spacing
    position = min(replay.position + ahead, math.inf if replay.last is None else replay.last)
    return replay.moved(position, replay.since)


def samples(
    market: Market, replay: Replay, now: float, seconds: int, count: int, before: float | None = None
) -> list[dict[str, object]]:
    """The market's past on wall-clock slots, oldest first: at most `count` samples spaced `seconds` wall seconds.

    Slot k begins at wall time k x seconds. Only slots strictly before the one that holds `before` (default and
    latest: the one that holds `now`) are given, each with the prices that the replay shows at its beginning.
    Slots before the market began, and those without any price, are left out.
    """
    end = int(min(now, now if before is None else before) // seconds)
    slots = [slot * seconds for slot in range(end - count, end) if replay.reach(slot * seconds) >= replay.first]
    quotes = market.quotes_at([replay.market_time(slot) for slot in slots])
    return [
        {"at": iso(slot), "quotes": {pair: (plain(bid), plain(ask)) for pair, (bid, ask) in prices.items()}}
        for slot, prices in zip(slots, quotes, strict=True)
        if prices
    ]
