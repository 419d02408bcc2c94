"""What settings say against each other: each is named under the one that is to be changed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from heisenbug.domain.errors import FieldError
from heisenbug.domain.model import misfit

if TYPE_CHECKING:
    from heisenbug.domain.settings import Settings


def contradictions(settings: "Settings") -> list[FieldError]:
    """Every contradiction within settings whose values are each allowed."""
    return [*_model(settings), *_exits(settings)]


def _model(settings: "Settings") -> Iterator[FieldError]:
    """What keeps the forecaster from being used: no model of its kind, or one that was fitted otherwise."""
    model, name = settings.model, settings.forecaster
    if name == "ridge" and (model is None or model.kind != "ridge"):
        yield FieldError("forecaster", "forecaster ridge needs a fitted model: heisenbug fit makes one.")
    elif model is not None and model.kind == name:
        other = misfit(model, settings.window, settings.horizon, settings.sample_seconds)
        advice = "Fit it anew (heisenbug fit), or set forecaster=zero_drift."
        if other:
            yield FieldError("model", f"model does not fit the settings: {other}. {advice}")


def _exits(settings: "Settings") -> Iterator[FieldError]:
    if settings.time_stop is not None and settings.time_stop < settings.horizon:
        yield FieldError(
            "time_stop",
            f"time_stop must not be under horizon, not {settings.time_stop}: what was bought for the next "
            f"{settings.horizon} samples would go before they are over.",
        )
    budget, base = settings.budget, settings.base_currency
    if settings.mode == "live" and settings.has_exits and budget and base not in budget:
        yield FieldError(
            "budget",
            f"budget must name {base}, which it does not: live money touches no asset that is not named, and {base} "
            "is where exits go.",
        )
