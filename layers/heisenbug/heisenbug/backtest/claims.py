"""How well a run's confidence was claimed: P(net return > 0) of conversions, held against what came."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from heisenbug.backtest.seen import Seen
from heisenbug.domain.costs import conversion_costs
from heisenbug.domain.forecasters import Forecast, Forecaster, forecast
from heisenbug.domain.forecasters.shipped import forecaster_of
from heisenbug.domain.model import Worth
from heisenbug.domain.score import confidence_of
from heisenbug.domain.window import Window
from heisenbug.fitting.calibration import Bin, Outcomes, expected_calibration_error, reliability, worth
from heisenbug.markets.history import Floats, History, Ints

MOST_SAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Claims:
    """The confidence of every conversion, held or not, that was scored at `samples` evenly spaced samples of `of`.

    `of` are all samples with a full window whose outcome, a horizon later, is known. `measured` is what the run's
    forecaster was worth and `baseline` zero-drift with the same variance ratio, on the same conversions at their stated
    costs. Neighbouring horizons overlap: the counts are of claims, not of independent outcomes.
    """

    samples: int
    of: int
    measured: Worth
    baseline: Worth
    calibration_error: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Scored:
    """The conversions of one sample: what was expected over the horizon, how far it may be off, cost, and what came."""

    expected: Floats
    deviation: Floats
    cost: Floats
    came: Outcomes


def claims_of(seen: Seen, most: int = MOST_SAMPLES) -> Claims | None:
    """What the claims of a run were worth; None where none can be judged."""
    later = a_horizon_later(seen.wish.history, seen.wish.told.settings.horizon)
    known = np.flatnonzero(_windows_are_full(seen) & (later >= 0))
    rows = known[np.linspace(0, len(known) - 1, min(most, len(known))).astype(np.int64)]
    scored = list(_scored(seen, rows, later))
    if not sum(each.came.size for each in scored):
        return None
    expected, deviation, cost, came = (
        np.concatenate([getattr(each, column.name) for each in scored]) for column in fields(_Scored)
    )
    claimed = confidence_of(Forecast(expected, deviation), cost)
    baseline = worth(confidence_of(Forecast(np.zeros_like(expected), deviation), cost), came)
    bins = reliability(claimed, came)
    return Claims(len(rows), len(known), worth(claimed, came), baseline, expected_calibration_error(bins), bins)


def a_horizon_later(history: History, horizon: int) -> Ints:
    """For each sample the row of the one `horizon` slots of time later; -1 where there is none then."""
    slots = history.at // history.sample_seconds
    last = len(slots) - 1
    rows = np.arange(horizon, len(slots) + horizon)
    # Where no slot is missing in between, it is as many rows later.
    if slots[-1] - slots[0] == last:
        rows[max(len(slots) - horizon, 0) :] = -1
        return rows
    np.minimum(rows, last, out=rows)
    other = np.flatnonzero(slots[rows] != slots + horizon)
    rows[other] = np.minimum(np.searchsorted(slots, slots[other] + horizon), last)
    return np.where(slots[rows] == slots + horizon, rows, -1)


def _windows_are_full(seen: Seen) -> Outcomes:
    full: Outcomes = np.arange(len(seen.logs)) - seen.first + 1 == seen.wish.told.settings.window
    return full


def _scored(seen: Seen, rows: Ints, later: Ints) -> Iterator[_Scored]:
    forecaster = forecaster_of(seen.wish.told.settings)
    for row in rows.tolist():
        yield _score(seen, row, int(later[row]), forecaster)


def _score(seen: Seen, row: int, later: int, forecaster: Forecaster) -> _Scored:
    """The conversions of one sample as a decision scores them."""
    settings, view = seen.wish.told.settings, seen.view(row)
    some = np.flatnonzero(view.included & np.isfinite(seen.logs[later]))
    at = int(seen.wish.history.at[row])
    cost = conversion_costs(seen.assets, view.half_spreads, {}, at, settings, seen.wish.venue)[np.ix_(some, some)]
    window = Window.of(view.log_prices[:, some])
    moved = seen.logs[later, some] - seen.logs[row, some]
    came = moved[None, :] - moved[:, None] + np.log1p(-cost) > 0
    others = ~np.eye(len(some), dtype=bool)
    said = forecast(forecaster, window, settings.horizon)
    return _Scored(said.expected[others], said.deviation[others], cost[others], came[others])
