"""What the bot is told, as one value."""

from dataclasses import dataclass

from heisenbug.domain.assets import TradingPair
from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.exits import too_near
from heisenbug.domain.model import misfit
from heisenbug.domain.settings import Settings
from heisenbug.domain.venue import Venue


@dataclass(frozen=True, slots=True)
class Configuration:
    """Valid settings, the enabled pairs in the order of their names, and the version both are known by."""

    settings: Settings
    pairs: tuple[TradingPair, ...]
    version: int


def check_sides(settings: Settings, sides: set[str], venue: Venue) -> None:
    """Whether the settings fit the assets that are traded: raises InvalidSettings naming each field that does not."""
    check_model(settings, sides)
    errors = too_near(settings, sides, venue)
    if errors:
        raise InvalidSettings(errors)


def check_model(settings: Settings, sides: set[str]) -> None:
    """A model says nothing about assets that it was not fitted on: raises InvalidSettings naming them."""
    model = settings.model
    if model is None or model.kind != settings.forecaster:
        return
    other = misfit(model, model.window, model.horizon, model.sample_seconds, sides - {settings.base_currency})
    if other:
        message = f"model does not fit the enabled pairs: {other}. Fit it anew, or set forecaster=zero_drift."
        raise InvalidSettings([FieldError("model", message)])
