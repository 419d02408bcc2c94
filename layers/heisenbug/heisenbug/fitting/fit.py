"""Walk-forward fitting of the shipped forecasters: what is believed, and what that was worth on what came after."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import log1p, sqrt

import numpy as np

from heisenbug.domain.model import MOST_ASSETS, Model
from heisenbug.domain.prices import Floats
from heisenbug.domain.score import normal_cdf
from heisenbug.fitting.calibration import Outcomes, losses, worth
from heisenbug.fitting.history import History, on_the_grid, prices_in
from heisenbug.fitting.learning import Learned, learn
from heisenbug.fitting.luck import p_value
from heisenbug.fitting.seen import Rows, Seen, look
from heisenbug.markets.market import iso

LAGS = (1, 5, 15, 30, 60, 119)
BLOCKS = 5
# The all-in cost of a conversion that forecasts are judged by, unless told otherwise.
COST_BPS = 10.0
# The least there must be of the first part of the history, which is only learned from, and of each block after it.
LEAST_HORIZONS = 2
MOST_SLOTS_A_ROW = 10


class CannotFit(ValueError):
    """A history that nothing can be learned from; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class _Aim:
    """What is fitted; `reach` is the largest weight that may be learned."""

    kind: str
    lags: tuple[int, ...]
    horizon: int
    log_cost: float
    reach: float


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """Forecasts from what was known before: the forecaster's and the baseline's probabilities, what came, and when."""

    claims: Floats
    baselines: Floats
    came: Outcomes
    rows: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A model, all that was seen for it, and the forecasts out of sample that its worth is of."""

    model: Model
    seen: Seen
    ahead: Ahead


def fit(
    history: History,
    kind: str,
    window: int,
    horizon: int,
    sample_seconds: int,
    cost_bps: float,
    base: str,
    progress: Callable[[str], None] = lambda step: None,
) -> Model:
    """The model of `fitted`."""
    return fitted(history, kind, window, horizon, sample_seconds, cost_bps, base, progress).model


def fitted(
    history: History,
    kind: str,
    window: int,
    horizon: int,
    sample_seconds: int,
    cost_bps: float,
    base: str,
    progress: Callable[[str], None] = lambda step: None,
) -> Fitted:
    """The forecaster `kind` (drift or ridge) fitted on all of `history`; raises CannotFit and Unpriceable.

    `sample_seconds` are the bot's: less than the history's own where the market runs faster for it than the clock.
    Its worth is that of P(net return > 0) at `cost_bps` for all conversions: five blocks of time, each forecast by what
    was fitted on outcomes known before it began, and zero-drift's with the same variance ratio on the same samples.
    """
    assets, prices = _prices(history, window, horizon, base)
    aim = _aim(kind, window, horizon, cost_bps)
    progress("looking at every window")
    seen = look(prices, window, horizon, aim.lags)
    if not seen.known.any():
        raise CannotFit(_unseen(history, window, horizon))
    ahead = _walk_forward(seen, aim, progress)
    progress("fitting on everything")
    learned = learn(seen, horizon, aim.reach)
    model = Model(
        kind,
        tuple((learned.weights / aim.reach if kind == "drift" else learned.weights).tolist()),
        () if kind == "drift" else aim.lags,
        learned.variance_ratio,
        window,
        horizon,
        sample_seconds,
        assets[1:],
        iso(float(history.at[0])),
        iso(float(history.at[-1])),
        len(history.at),
        worth(ahead.claims, ahead.came),
        worth(ahead.baselines, ahead.came),
        p_value(losses(ahead.baselines, ahead.came) - losses(ahead.claims, ahead.came), ahead.rows, horizon),
    )
    return Fitted(model, seen, ahead)


def probabilities(seen: Seen, learned: Learned, log_cost: float) -> Floats:
    """P(net return over the horizon > 0) of every conversion seen and of its reverse (2 x conversions seen)."""
    deviation = seen.deviation[seen.known]
    expected = (seen.lagged[seen.known] @ learned.weights) * deviation
    scale = deviation * sqrt(learned.variance_ratio)
    return normal_cdf(np.stack([expected + log_cost, log_cost - expected]) / scale)


def outcomes(seen: Seen, log_cost: float) -> Outcomes:
    """Whether the net return was above 0, in the same order."""
    came = seen.came[seen.known]
    above: Outcomes = np.stack([came + log_cost, log_cost - came]) > 0
    return above


def _aim(kind: str, window: int, horizon: int, cost_bps: float) -> _Aim:
    """The drift forecaster is a regression on the whole window's return: weight = k sqrt(H / (W - 1))."""
    if not 0 <= cost_bps < 10_000:
        raise CannotFit(f"A cost of {cost_bps} bp is none: choose 0 to below 10000.")
    log_cost = log1p(-cost_bps / 10_000)
    if kind == "drift":
        return _Aim(kind, (window - 1,), horizon, log_cost, sqrt(horizon / (window - 1)))
    if kind != "ridge":
        raise CannotFit(f"{kind!r} cannot be fitted: choose drift or ridge.")
    lags = tuple(sorted({min(lag, window - 1) for lag in LAGS}))
    return _Aim(kind, lags, horizon, log_cost, np.inf)


def _walk_forward(seen: Seen, aim: _Aim, progress: Callable[[str], None]) -> Ahead:
    """What the forecaster and zero-drift claimed, each block forecast by what was fitted before it."""
    parts = []
    for number, (past, block) in enumerate(blocks(seen, aim.horizon), 1):
        progress(f"block {number} of {BLOCKS}: fitting on what was known before it")
        learned = learn(past, aim.horizon, aim.reach)
        claims = probabilities(block, learned, aim.log_cost).ravel()
        baselines = probabilities(block, _without_drift(learned), aim.log_cost).ravel()
        rows = np.tile(block.rows[np.nonzero(block.known)[0]], 2)
        parts.append((claims, baselines, outcomes(block, aim.log_cost).ravel(), rows))
    ahead = Ahead(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    if not ahead.rows.size:
        raise CannotFit("After the first part of the history no window was fit to forecast from: take a longer one.")
    return ahead


def blocks(seen: Seen, horizon: int) -> Iterator[tuple[Seen, Seen]]:
    """Each block with its past, which ends a horizon before it, so that every outcome in it was known."""
    edges = np.linspace(seen.rows[0], seen.rows[-1] + 1, BLOCKS + 2)
    for first, last in pairwise(edges[1:]):
        yield seen.between(0, first - horizon), seen.between(first, last)


def _without_drift(learned: Learned) -> Learned:
    return Learned(np.zeros_like(learned.weights), learned.variance_ratio)


def _prices(history: History, window: int, horizon: int, base: str) -> tuple[tuple[str, ...], Floats]:
    """The assets and their log prices on the grid, where there is enough of them."""
    assets, prices = prices_in(base, history)
    if len(assets) > MOST_ASSETS:
        raise CannotFit(f"{history.name} has {len(assets)} assets, and a model holds at most {MOST_ASSETS}.")
    slots = int(history.at[-1] - history.at[0]) // history.sample_seconds + 1
    least = window + horizon + (BLOCKS + 1) * LEAST_HORIZONS * horizon
    if slots < least:
        raise CannotFit(
            f"{history.name} is {slots} samples of {history.sample_seconds} s long, and a window of {window} with a "
            f"horizon of {horizon} needs {least}: take a longer history, a shorter horizon or shorter samples."
        )
    if slots > MOST_SLOTS_A_ROW * len(history.at):
        raise CannotFit(_unseen(history, window, horizon))
    return assets, on_the_grid(history, prices)


def _unseen(history: History, window: int, horizon: int) -> str:
    return (
        f"{history.name} has no window of {window} samples of {history.sample_seconds} s with prices in nine of ten "
        f"and one {horizon} samples later: choose longer samples, or a market with fewer gaps."
    )
