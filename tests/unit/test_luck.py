"""Luck: what is no better than the baseline looks so one time in twenty, and what is better is told from it."""

import numpy as np
import pytest

from heisenbug.fitting.luck import p_value, t_tail

HORIZON = 60
ROWS = np.arange(20_000)


def gains(seed: int, edge: float = 0.0) -> np.ndarray:
    """Gains of variance 1 that depend on each other as those of overlapping horizons do, around `edge`."""
    steps = np.random.default_rng(seed).standard_normal(len(ROWS) + HORIZON)
    sums = np.cumsum(steps)
    return (sums[HORIZON:] - sums[:-HORIZON]) / HORIZON**0.5 + edge


@pytest.mark.parametrize(
    ("t", "freedom", "tail"),
    # The quantiles that every table of Student's t has.
    [(6.314, 1, 0.05), (2.920, 2, 0.05), (2.132, 4, 0.05), (1.833, 9, 0.05), (4.297, 9, 0.001), (0, 9, 0.5)],
)
def test_the_tail_is_that_of_the_tables(t: float, freedom: int, tail: float) -> None:
    assert t_tail(t, freedom) == pytest.approx(tail, rel=0.002)
    assert t_tail(-t, freedom) == pytest.approx(1 - tail, rel=0.002)


def test_luck_alone_is_taken_for_more_one_time_in_twenty() -> None:
    values = np.array([p_value(gains(seed), ROWS, HORIZON) for seed in range(1000)])
    assert 0.03 <= (values <= 0.05).mean() <= 0.065
    assert values.mean() == pytest.approx(0.5, abs=0.03)


def test_what_is_better_is_told_from_luck_and_what_is_worse_is_not() -> None:
    better, worse = ([p_value(gains(seed, edge), ROWS, HORIZON) for seed in range(50)] for edge in (0.3, -0.3))
    assert np.mean(np.array(better) <= 0.05) > 0.9
    assert min(worse) > 0.5


def test_many_conversions_at_a_time_are_no_more_proof_than_one() -> None:
    each = gains(3, 0.1)
    assert p_value(np.tile(each, 9), np.tile(ROWS, 9), HORIZON) == pytest.approx(p_value(each, ROWS, HORIZON))


def test_no_gain_at_all_and_a_history_too_short_prove_nothing() -> None:
    assert p_value(np.zeros(len(ROWS)), ROWS, HORIZON) == 1
    few = ROWS[: 3 * HORIZON]
    assert p_value(np.ones(len(few)) + gains(4)[: len(few)], few, HORIZON) == 1
