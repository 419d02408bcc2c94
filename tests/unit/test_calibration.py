"""Probabilities held against what came: the scores favour the truth, and a claim that is too bold shows."""

from math import log

import numpy as np
import pytest

from heisenbug.domain.model import Worth
from heisenbug.fitting.calibration import brier, expected_calibration_error, log_loss, reliability, worth


def claimed_and_came(seed: int, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities from 0 to 1 and outcomes that come true just as often as they say."""
    random = np.random.default_rng(seed)
    claimed = random.random(count)
    return claimed, random.random(count) < claimed


def test_to_know_what_comes_costs_nothing_and_to_say_one_half_costs_the_same_whatever_comes() -> None:
    came = np.array([True, False, True])
    assert worth(came.astype(float), came) == Worth(0.0, 0.0, 3)
    half = np.full(3, 0.5)
    assert (brier(half, came), log_loss(half, came)) == pytest.approx((0.25, log(2)))


def test_to_be_sure_and_wrong_costs_much_but_not_everything() -> None:
    assert log_loss(np.array([1.0, 0.0]), np.array([False, True])) == pytest.approx(log(1e6))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("bent", [0.8, 1.25])
def test_the_truth_scores_better_than_what_is_bolder_or_meeker(seed: int, bent: float) -> None:
    claimed, came = claimed_and_came(seed)
    other = claimed**bent / (claimed**bent + (1 - claimed) ** bent)
    assert log_loss(claimed, came) < log_loss(other, came)
    assert brier(claimed, came) < brier(other, came)


def test_every_probability_is_in_the_bin_that_it_claims() -> None:
    claimed, came = claimed_and_came(1)
    bins = reliability(claimed.reshape(2, -1), came.reshape(2, -1), 20)
    assert sum(bin.count for bin in bins) == claimed.size
    assert all(bin.low <= bin.claimed < bin.high for bin in bins)
    assert sum(bin.count * bin.realised for bin in bins) == pytest.approx(came.sum())


def test_bins_without_a_probability_are_left_out_and_certainty_is_in_the_last() -> None:
    (low, high) = reliability(np.array([0.0, 1.0, 1.0]), np.array([False, True, False]))
    assert (low.low, low.high, low.count, low.claimed, low.realised) == (0.0, 0.1, 1, 0.0, 0.0)
    assert (high.low, high.high, high.count, high.claimed, high.realised) == (0.9, 1.0, 2, 1.0, 0.5)


def test_what_comes_as_often_as_it_was_claimed_has_next_to_no_calibration_error() -> None:
    assert expected_calibration_error(reliability(*claimed_and_came(2))) < 0.01


def test_the_calibration_error_is_how_far_the_claims_are_off() -> None:
    came = np.array([True] * 42 + [False] * 58)
    assert expected_calibration_error(reliability(np.full(100, 0.79), came)) == pytest.approx(0.37)
    assert expected_calibration_error(()) == 0
