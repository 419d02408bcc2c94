"""Whether what was fitted anew is better than what is in use, on samples that neither was fitted on."""

from dataclasses import dataclass
from math import log1p, sqrt

import numpy as np

from heisenbug.domain.forecasters import Forecaster
from heisenbug.domain.forecasters.drift import Drift
from heisenbug.domain.forecasters.ridge import Ridge
from heisenbug.domain.model import LUCK
from heisenbug.fitting.calibration import losses
from heisenbug.fitting.fit import Fitted, blocks, probabilities
from heisenbug.fitting.learning import Learned
from heisenbug.fitting.luck import p_value


class CannotCompare(ValueError):
    """Two forecasters that cannot be held against each other; the text says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much lower the new forecaster's log-loss was over `count` forecasts, and how often luck does as much."""

    gain: float
    p_value: float
    count: int

    @property
    def is_better(self) -> bool:
        """Whether it was better, beyond luck."""
        return self.gain > 0 and self.p_value <= LUCK


def compare(fitted: Fitted, used: Forecaster, first_row: int, cost_bps: float) -> Comparison:
    """What was fitted held against `used` on forecasts out of sample, from grid row `first_row` on.

    `used` was fitted, if at all, on what was known before that row; raises CannotCompare.
    """
    horizon = fitted.model.horizon
    learned, log_cost = _as_learned(used, fitted), log1p(-cost_bps / 10_000)
    theirs = np.concatenate([probabilities(b, learned, log_cost).ravel() for _, b in blocks(fitted.seen, horizon)])
    ahead = fitted.ahead
    gains = losses(theirs, ahead.came) - losses(ahead.claims, ahead.came)
    recent = ahead.rows >= first_row
    if not recent.any():
        raise CannotCompare("there is no forecast yet that the one in use was not fitted on")
    return Comparison(
        float(gains[recent].mean()), p_value(gains[recent], ahead.rows[recent], horizon), int(recent.sum())
    )


def _as_learned(used: Forecaster, fitted: Fitted) -> Learned:
    """The weights in use, as they are applied to what was seen for the fit."""
    model = fitted.model
    if isinstance(used, Drift) and model.kind == "drift":
        reach = sqrt(model.horizon / (model.window - 1))
        return Learned(np.array([used.weight * reach]), used.variance_ratio)
    if isinstance(used, Ridge) and tuple(used.lags) == model.lags:
        return Learned(np.array(used.weights), used.variance_ratio)
    raise CannotCompare("the one in use looks back on other lags; heisenbug fit --use replaces it")
