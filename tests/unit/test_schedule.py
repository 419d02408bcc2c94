"""One minute event, many ticks: none missed, none doubled, none early, none much too late."""

from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heisenbug.domain.schedule import Planned, delay_seconds, is_stale, newest_due, on_grid, plan_minute
from tests.markets import MONDAY

MINUTES = 180


@dataclass(frozen=True)
class Started:
    """One tick that an event started, and when it runs at the earliest."""

    due: int
    at: float


def events(phase: float, jitters: list[float]) -> list[float]:
    """When the minute events come: a minute apart, some a little late."""
    return [MONDAY + phase + 60 * minute + jitters[minute % len(jitters)] for minute in range(MINUTES)]


def simulate(interval: int, moments: list[float]) -> list[Started]:
    planned, started = Planned(), list[Started]()
    for now in moments:
        last_tick = max((tick.due for tick in started if tick.at <= now), default=0)
        plan = plan_minute(now, interval, planned, last_tick)
        planned = plan.planned
        started += [Started(plan.now, now)] if plan.now is not None else []
        started += [Started(due, now + delay_seconds(due, now)) for due in plan.later]
    return started


def assert_each_due_once(interval: int, moments: list[float]) -> None:
    started = simulate(interval, moments)
    dues = [tick.due for tick in started]
    assert len(set(dues)) == len(dues), "doubled"
    last = newest_due(moments[-1], interval)
    expected = set(range(newest_due(moments[0], interval), last + 1, interval))
    assert expected <= set(dues), f"missed {sorted(expected - set(dues))[:3]}"
    assert all(on_grid(due, interval) for due in dues)


JITTERS = st.lists(st.floats(0, 9.5), min_size=1, max_size=7)
PHASES = st.floats(0, 60, exclude_max=True)


@given(st.integers(1, 59), PHASES, JITTERS)
@example(7, 59.99, [0.0, 9.5])
@example(59, 0.0, [9.5, 0.0])
@example(1, 30.5, [0.0])
def test_below_a_minute_no_due_time_is_missed_and_none_doubled(interval: int, phase: float, late: list[float]) -> None:
    assert_each_due_once(interval, events(phase, late))


@given(st.integers(60, 300), PHASES)
@example(60, 0.0)
@example(61, 59.9)
@example(300, 0.0)
def test_from_a_minute_on_events_that_come_on_time_miss_and_double_none(interval: int, phase: float) -> None:
    assert_each_due_once(interval, events(phase, [0.0]))


@pytest.mark.parametrize(("interval", "phase"), [(60, 59.0), (61, 5.0)])
def test_from_a_minute_on_events_that_come_late_miss_none(interval: int, phase: float) -> None:
    assert_each_due_once(interval, events(phase, [0.0, 3.0, 9.5, 1.0, 5.0, 0.0, 8.0]))


@given(st.integers(1, 59), PHASES, JITTERS)
def test_a_delayed_tick_is_never_early_and_at_most_a_second_late(
    interval: int, phase: float, late: list[float]
) -> None:
    first, *rest = simulate(interval, events(phase, late))
    assert first.at - first.due < interval
    assert all(0 <= tick.at - tick.due < 1.001 for tick in rest)


@pytest.mark.parametrize("interval", [60, 90, 120, 300])
def test_from_a_minute_on_a_tick_comes_within_1_5_seconds_of_its_due_time_too(interval: int) -> None:
    _, *rest = simulate(interval, events(37.0, [0.0]))
    assert all(0 <= tick.at - tick.due <= 1.5 for tick in rest)


@given(st.integers(1, 59), PHASES)
def test_no_tick_is_sent_off_further_ahead_than_the_queue_keeps_it(interval: int, phase: float) -> None:
    planned = Planned()
    for now in events(phase, [0.0])[:10]:
        plan = plan_minute(now, interval, planned, 0)
        planned = plan.planned
        assert all(delay_seconds(due, now) <= 71 for due in plan.later)
        assert len(plan.later) <= 71


def test_an_event_delivered_twice_plans_nothing_twice() -> None:
    first = plan_minute(MONDAY + 0.5, 5, Planned(), 0)
    again = plan_minute(MONDAY + 0.9, 5, first.planned, MONDAY)
    assert first.now == MONDAY
    assert (again.now, again.later) == (None, ())


def test_after_a_pause_ticks_begin_again_at_once() -> None:
    before = plan_minute(MONDAY, 5, Planned(), 0)
    after = plan_minute(MONDAY + 7200, 5, before.planned, MONDAY + 60)
    assert after.now == MONDAY + 7200
    assert after.later[:2] == (MONDAY + 7205, MONDAY + 7210)


@pytest.mark.parametrize(("before", "after"), [(5, 7), (7, 5), (1, 60), (300, 5), (30, 59)])
def test_a_changed_interval_takes_over_at_the_next_event_on_its_own_grid(before: int, after: int) -> None:
    old = plan_minute(MONDAY + 10, before, Planned(), 0)
    new = plan_minute(MONDAY + 70, after, old.planned, newest_due(MONDAY + 70, before))
    dues = [due for due in (new.now, *new.later) if due is not None]
    assert all(on_grid(due, after) for due in dues)
    assert after >= 60 or dues[0] <= MONDAY + 70 + after


@pytest.mark.parametrize(
    ("interval", "late", "stale"),
    [
        (1, 3, False),
        (1, 3.01, True),
        (2, 3, False),
        (5, 5, False),
        (5, 5.01, True),
        (300, 300, False),
        (300, 301, True),
    ],
)
def test_a_tick_older_than_its_interval_or_three_seconds_is_stale(interval: int, late: float, stale: bool) -> None:
    assert is_stale(MONDAY, MONDAY + late, interval) == stale


@given(st.integers(1, 300), st.floats(0, 2e9))
def test_the_newest_due_time_is_on_the_grid_and_not_in_the_future(interval: int, now: float) -> None:
    due = newest_due(now, interval)
    assert on_grid(due, interval)
    assert due <= now < due + interval
