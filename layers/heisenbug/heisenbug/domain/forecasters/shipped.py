"""The forecasters a setting can name."""

from heisenbug.domain.forecasters import Forecaster
from heisenbug.domain.forecasters.drift import Drift
from heisenbug.domain.forecasters.ridge import Ridge
from heisenbug.domain.forecasters.zero_drift import ZeroDrift
from heisenbug.domain.model import Model
from heisenbug.domain.settings import Settings


def forecaster_of(settings: Settings) -> Forecaster:
    """The forecaster that the settings name: with the fitted model's parameters where there is one of its kind.

    Without a model there is only `drift_weight` to go by; ridge then believes in nothing.
    """
    model = settings.model
    if settings.forecaster != "zero_drift" and model is not None and model.kind == settings.forecaster:
        return learned(model)
    if settings.forecaster == "drift":
        return Drift(settings.drift_weight)
    return ZeroDrift(1.0 if model is None else model.variance_ratio)


def learned(model: Model) -> Forecaster:
    """The forecaster with the parameters that were learned."""
    if model.kind == "drift":
        return Drift(model.weights[0], model.variance_ratio)
    return Ridge(model.lags, model.weights, model.variance_ratio)
