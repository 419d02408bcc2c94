"""What settings say against each other: each is named under the one that is to be changed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from heisenbug.domain.errors import FieldError
from heisenbug.domain.model import misfit

if TYPE_CHECKING:
    from heisenbug.domain.settings import Settings


def contradictions(settings: "Settings") -> list[FieldError]:
    """Every contradiction within settings whose values are each allowed."""
    return [*_model(settings), *_exits(settings), *_protections(settings)]


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


def _protections(settings: "Settings") -> Iterator[FieldError]:
    most = settings.max_drawdown
    if settings.drawdown_resume is not None and settings.drawdown_resume >= most:
        yield FieldError(
            "drawdown_resume",
            f"drawdown_resume must be under max_drawdown, {most:g}, not {settings.drawdown_resume:g}: entries would "
            "begin again where they end.",
        )
    if settings.daily_loss is not None and settings.daily_loss >= most:
        yield FieldError(
            "daily_loss",
            f"daily_loss must be under max_drawdown, {most:g}, not {settings.daily_loss:g}: that would always end "
            "entries first.",
        )
    hour, day = settings.max_trades_per_hour, settings.max_trades_per_day
    if hour is not None and day is not None and hour > day:
        yield FieldError(
            "max_trades_per_hour",
            f"max_trades_per_hour must not be over max_trades_per_day, {day}, not {hour}: it would never be reached.",
        )
    for asset, least in (settings.reserve or {}).items():
        budget = (settings.budget or {}).get(asset)
        if budget is not None and least >= budget:
            yield FieldError(
                "reserve",
                f"reserve of {asset} must be under its budget, {budget:f}, not {least:f}: nothing of it could be "
                "spent.",
            )
