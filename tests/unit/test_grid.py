"""Grids of settings as they are typed: what they mean, and what is said of those that mean nothing."""

import json

import pytest

from heisenbug.backtest.grid import EXAMPLE, BadGrid, grid_of
from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.settings import DEFAULTS


def values(text: str) -> dict[str, list[object]]:
    return {name: list(each) for name, each in grid_of(text, DEFAULTS).values.items()}


def test_a_range_has_both_its_ends_and_a_list_goes_on_until_the_next_name() -> None:
    confidences = [0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9]
    assert values(EXAMPLE) == {"min_confidence": confidences, "horizon": [15, 60, 240]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("risk_tolerance=0:0.3:0.1", [0, 0.1, 0.2, 0.3]),
        ("risk_tolerance=0.3:0:-0.1", [0.3, 0.2, 0.1, 0]),
        ("risk_tolerance=0.1:0.35:0.1", [0.1, 0.2, 0.3]),
        ("risk_tolerance=0.1:0.1:1", [0.1]),
        ("drift_weight=-1:1:1,0.5", [-1, 0, 1, 0.5]),
        (" forecaster = zero_drift , drift ", ["zero_drift", "drift"]),
        ("trade_size_amount=null,50.5", [None, "50.5"]),
        ("is_active=true,false", [True, False]),
    ],
)
def test_values_are_exact_and_as_json_carries_them(text: str, expected: list[object]) -> None:
    (found,) = values(text).values()
    assert found == expected
    assert json.loads(json.dumps(found)) == expected


def test_every_value_meets_every_other_once_and_the_last_setting_varies_fastest() -> None:
    grid = grid_of("window=60,120,cooldown_seconds=0,300,600", DEFAULTS)
    points = [grid.point(number) for number in range(len(grid))]
    assert [tuple(point.values()) for point in points] == [
        (60, 0),
        (60, 300),
        (60, 600),
        (120, 0),
        (120, 300),
        (120, 600),
    ]
    assert all(list(point) == ["window", "cooldown_seconds"] for point in points)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must be NAME=VALUES, as in min_confidence="),
        ("0.5,0.6", "'0.5' is not a part of one"),
        ("horizon=", "'horizon=' is not a part of one"),
        ("horizon=15,,60", "'' is not a part of one"),
        ("horizon=15,horizon=60", "names horizon twice"),
        ("horizon=15,60,15", "gives horizon the value 15 twice"),
        ("min_confidence=0.6,0.5:0.7:0.1", "gives min_confidence the value 0.6 twice"),
        ("horizon=15:60", "15:60 is not a range: it is FIRST:LAST:STEP"),
        ("horizon=15:60:many", "15:60:many is not a range"),
        ("horizon=15:NaN:1", "15:NaN:1 is not a range"),
        ("horizon=15:60:0", "has a step of 0 and would never end"),
        ("min_confidence=0.9:0.55:0.05", "is empty: its step leads away from its end; try 0.9:0.55:-0.05"),
        ("min_confidence=0.55:0.9:-0.05", "is empty: its step leads away from its end; try 0.55:0.9:0.05"),
        ("min_confidence=0:1:0.001,risk_tolerance=0:1:0.001", "has 1,002,001 configurations, the limit is 10,000"),
        ("min_confidence=0:999999999999:0.000000000001", "configurations, the limit is 10,000"),
    ],
)
def test_a_grid_that_is_not_understood_or_too_large_says_what_to_type_instead(text: str, says: str) -> None:
    with pytest.raises(BadGrid) as bad:
        grid_of(text, DEFAULTS)
    assert says in str(bad.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("min_confidense=0.5", "min_confidense is not a setting; did you mean min_confidence?"),
        ("min_confidence=0.5,2", "min_confidence must be a number from 0 to 1, not 2."),
        ("horizon=15:17:0.5", "horizon must be a whole number from 1 to 1000, not 15.5."),
        ("forecaster=ridge", "forecaster ridge needs a fitted model"),
        ("mode=paper,live", "mode cannot vary: a backtest is on paper"),
        ("sample_seconds=60,300", "sample_seconds cannot vary: all configurations are compared on the same samples"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_in_the_words_of_all_surfaces(text: str, says: str) -> None:
    with pytest.raises(InvalidSettings) as bad:
        grid_of(text, DEFAULTS)
    assert says in str(bad.value)
