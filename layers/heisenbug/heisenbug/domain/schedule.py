"""When the bot looks: one minute event, many ticks, each known by its due time on the interval's grid."""

from dataclasses import dataclass
from math import ceil, floor

MINUTE = 60
# How far past the next minute event ticks are planned, so that a late event leaves no hole.
LEAD_SECONDS = 10
LEAST_PATIENCE_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Planned:
    """How far ticks have been planned (epoch seconds, inclusive) and on which interval's grid."""

    until: int = 0
    interval: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The ticks a minute event starts: the one due `now`, if any, and those to send off with a delay."""

    now: int | None
    later: tuple[int, ...]
    planned: Planned


def newest_due(now: float, interval: int) -> int:
    """The newest due time on the grid of `interval` seconds at or before `now` (epoch seconds)."""
    return floor(now / interval) * interval


def on_grid(due: int, interval: int) -> bool:
    """Whether `due` is one of the interval's due times."""
    return due % interval == 0


def is_stale(due: int, now: float, interval: int) -> bool:
    """Whether a tick comes too late to act on: older than its interval, or than 3 s where that is less."""
    return now - due > max(interval, LEAST_PATIENCE_SECONDS)


def is_early(due: int, now: float, interval: int) -> bool:
    """Whether a tick is of a time so far ahead that claiming it would shut out the ticks before it."""
    return due - now > max(interval, LEAST_PATIENCE_SECONDS)


def delay_seconds(due: int, now: float) -> int:
    """Whole seconds from `now` until `due`, rounded up so that no tick comes early."""
    return max(ceil(due - now), 0)


def plan_minute(now: float, interval: int, planned: Planned, last_tick: int) -> Plan:
    """What a minute event at `now` has to start, given what was `planned` before and the last tick claimed."""
    done = planned.until if _holds(planned, now, interval) else 0
    due = newest_due(now, interval)
    current = due if due > max(done, last_tick) else None
    first = max(due, done // interval * interval) + interval
    later = tuple(range(first, floor(now) + MINUTE + LEAD_SECONDS + 1, interval))
    until = later[-1] if later else max(done, due)
    return Plan(current, later, Planned(until, interval))


def _holds(planned: Planned, now: float, interval: int) -> bool:
    return planned.interval == interval and planned.until <= now + MINUTE + LEAD_SECONDS + interval
