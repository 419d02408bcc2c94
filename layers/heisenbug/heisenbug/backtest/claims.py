"""How well a run's confidence was claimed: P(net return > 0) of conversions, held against what came."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from heisenbug.backtest.seen import Seen
from heisenbug.domain.costs import HIGHEST, conversion_costs
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
    full = np.flatnonzero(_windows_are_full(seen))
    later = a_horizon_later(seen.wish.history, seen.wish.told.settings.horizon, full)
    known = np.flatnonzero(later >= 0)
    some = known[np.linspace(0, len(known) - 1, min(most, len(known))).astype(np.int64)]
    scored = list(_scored(seen, full[some], later[some]))
    if not sum(each.came.size for each in scored):
        return None
    expected, deviation, cost, came = (
        np.concatenate([getattr(each, column.name) for each in scored]) for column in fields(_Scored)
    )
    claimed = confidence_of(Forecast(expected, deviation), cost)
    baseline = worth(confidence_of(Forecast(np.zeros_like(expected), deviation), cost), came)
    bins = reliability(claimed, came)
    return Claims(len(some), len(known), worth(claimed, came), baseline, expected_calibration_error(bins), bins)


def a_horizon_later(history: History, horizon: int, rows: Ints) -> Ints:
    """For each of the samples the row of the one `horizon` slots of time later; -1 where there is none then."""
    at, spacing, last = history.at, history.sample_seconds, len(history) - 1
    later = np.minimum(rows + horizon, last)
    # Where no slot is missing in between, it is as many rows later.
    if at[-1] // spacing - at[0] // spacing == last:
        return np.where(rows + horizon <= last, later, -1)
    slots, wanted = at // spacing, at[rows] // spacing + horizon
    other = np.flatnonzero(slots[later] != wanted)
    later[other] = np.minimum(np.searchsorted(slots, wanted[other]), last)
    return np.where(slots[later] == wanted, later, -1)


def _windows_are_full(seen: Seen) -> Outcomes:
    full: Outcomes = np.arange(len(seen.logs)) - seen.first + 1 == seen.wish.told.settings.window
    return full


def _scored(seen: Seen, rows: Ints, later: Ints) -> Iterator[_Scored]:
    settings, none = seen.wish.told.settings, np.zeros(len(seen.assets))
    fees = conversion_costs(seen.assets, none, {}, 0, settings, seen.wish.venue)
    forecaster = forecaster_of(settings)
    for row, then in zip(rows.tolist(), later.tolist(), strict=True):
        yield _score(seen, row, then, fees, forecaster)


def _score(seen: Seen, row: int, later: int, fees: Floats, forecaster: Forecaster) -> _Scored:
    """The conversions of one sample as a decision scores them."""
    logs, spreads = seen.logs[seen.first[row] : row + 1], seen.half_spreads[row]
    moved = seen.logs[later] - logs[-1]
    is_known = np.isfinite(moved)
    if not (seen.full[row] and is_known.all()):
        some = np.flatnonzero(seen.view(row).included & is_known)
        logs, spreads, moved, fees = logs[:, some], spreads[some], moved[some], fees[np.ix_(some, some)]
    cost = np.minimum(fees + spreads[:, None] + spreads, HIGHEST)
    came = moved - moved[:, None] + np.log1p(-cost) > 0
    said = forecast(forecaster, Window.of(logs), seen.wish.told.settings.horizon)
    others = ~np.eye(len(moved), dtype=bool)
    return _Scored(said.expected[others], said.deviation[others], cost[others], came[others])
