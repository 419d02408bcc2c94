"""The daily refit: what the bot has recorded, fitted as `heisenbug fit` does it, and used only where that is better."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from heisenbug.configuration import Configurations
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.errors import InvalidSettings, StaleVersion
from heisenbug.domain.forecasters.shipped import forecaster_of
from heisenbug.domain.model import Model
from heisenbug.domain.settings import Settings
from heisenbug.domain.state import State
from heisenbug.fitting.fit import COST_BPS, CannotFit, Fitted, fitted
from heisenbug.fitting.history import Unpriceable
from heisenbug.fitting.kept import history_kept
from heisenbug.fitting.rival import CannotCompare, Comparison, compare
from heisenbug.markets.history import History
from heisenbug.markets.market import epoch
from heisenbug.store.bot_state import States
from heisenbug.store.price_snapshot import PriceSnapshots

WHO = "refit"
MOST_SAMPLES = 43_200  # a month of minutes


@dataclass(frozen=True, slots=True)
class Refit:
    """What became of a refit, why, and the version of the settings that uses what was learned, if any does."""

    at: str
    outcome: str
    why: str
    version: int | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON carries it."""
        return asdict(self)


class Refitting:
    """Refits the forecaster of one bot."""

    def __init__(
        self,
        configurations: Configurations,
        states: States,
        snapshots: PriceSnapshots,
        clock: Callable[[], datetime],
    ) -> None:
        self._configurations = configurations
        self._states = states
        self._snapshots = snapshots
        self._clock = clock

    def run(self) -> Refit:
        """Fit, compare, and use what is better; what became of it is remembered for everyone who looks."""
        refit = self._refit(self._clock())
        self._states.refitted(refit.plain())
        return refit

    def _refit(self, at: datetime) -> Refit:
        moment = at.astimezone(UTC).isoformat(timespec="milliseconds")
        try:
            told = self._configurations.now()
            barred = _barred(told.settings, self._states.read())
            if barred:
                return Refit(moment, "not fitted", barred)
            fitted, comparison = self._fit(told, int(at.timestamp()))
        except (InvalidSettings, CannotFit, Unpriceable) as bad:
            return Refit(moment, "not fitted", str(bad))
        except CannotCompare as bad:
            return Refit(moment, "kept", f"What is in use stays: {bad}.")
        # What stopped working gives way to what is better, even where that believes in nothing any more.
        if not (comparison.is_better and (fitted.beats_baseline or told.settings.model is not None)):
            return Refit(moment, "kept", f"What is in use stays: {_words(fitted, comparison)}.")
        return self._use(fitted, comparison, told, at, moment)

    def _fit(self, told: Configuration, now: int) -> tuple[Model, Comparison]:
        settings = told.settings
        kept = self._snapshots.kept(settings.sample_seconds, now - MOST_SAMPLES * settings.sample_seconds)
        history = history_kept(kept, [trading.pair for trading in told.pairs], settings.sample_seconds)
        new = fitted(
            history,
            settings.forecaster,
            settings.window,
            settings.horizon,
            settings.sample_seconds,
            COST_BPS,
            settings.base_currency,
        )
        return new.model, _compared(new, settings, history)

    def _use(self, model: Model, comparison: Comparison, told: Configuration, at: datetime, moment: str) -> Refit:
        try:
            used = self._configurations.change({"model": model.plain()}, WHO, at, told.version)
        except (StaleVersion, InvalidSettings) as bad:
            return Refit(moment, "kept", f"What is in use stays: {bad}")
        undo = f"heisenbug config restore {told.version} model; to keep it so, heisenbug config set refit=off"
        why = f"{_words(model, comparison)}. Undo: {undo}"
        return Refit(moment, "put into use", why, used.version)


def _barred(settings: Settings, state: State) -> str:
    """Why nothing is fitted, or nothing."""
    if settings.refit == "off":
        return "It is switched off: refit is off."
    if settings.forecaster == "zero_drift":
        return "There is nothing to fit: the forecaster is zero_drift."
    if settings.refit == "paper" and "live" in (settings.mode, state.mode):
        return "Live money takes what was learned from a person, or from here with refit=live."
    return ""


def _compared(new: Fitted, settings: Settings, history: History) -> Comparison:
    """What was learned held against what is in use, on the samples after those that the latter was fitted on."""
    model = settings.model
    first_row = 0
    if model is not None and model.kind == settings.forecaster:
        try:
            end = epoch(model.end)
        except ValueError as bad:
            raise CannotCompare(f"the end of the data it was fitted on is no time ({bad})") from bad
        first_row = int(end // history.sample_seconds - history.at[0] // history.sample_seconds) + 1
    return compare(new, forecaster_of(settings), first_row, COST_BPS)


def _words(model: Model, comparison: Comparison) -> str:
    baseline = model.baseline.log_loss - model.worth.log_loss
    return (
        f"{model.kind} fitted on {model.samples} samples from {model.begin} to {model.end} gains {baseline:+.5f} of "
        f"log-loss on zero_drift (p-value {model.p_value:.2g}) and {comparison.gain:+.5f} on what was in use (p-value "
        f"{comparison.p_value:.2g}, {comparison.count} forecasts since that was fitted)"
    )
