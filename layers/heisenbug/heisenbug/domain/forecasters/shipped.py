"""The forecasters a setting can name."""

from heisenbug.domain.forecasters import Forecaster
from heisenbug.domain.forecasters.drift import Drift
from heisenbug.domain.forecasters.zero_drift import ZeroDrift
from heisenbug.domain.settings import Settings


def forecaster_of(settings: Settings) -> Forecaster:
    """The forecaster that the settings name, with its weight."""
    return Drift(settings.drift_weight) if settings.forecaster == "drift" else ZeroDrift()
