"""`heisenbug fit`: learn a forecaster from a market's past, and say plainly what it is worth."""

import json as jsonlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import show
from cli.asking import Json
from cli.markets import DEMO_SPEED
from cli.stack import call
from heisenbug.domain.model import LUCK, Model
from heisenbug.fitting.fit import COST_BPS, CannotFit, fit
from heisenbug.fitting.history import History, Unpriceable, history_between, history_of
from heisenbug.markets.generated import GeneratedMarket
from heisenbug.markets.recorded import InvalidMarket, read_market

DEMO = "demo"
PAPER_ONLY = "It cannot be selected for live money."


class Kind(StrEnum):
    """What can be fitted."""

    DRIFT = "drift"
    RIDGE = "ridge"


def fit_command(
    market: Annotated[str, typer.Option(help="A recorded market file, or `demo`: the week before its replay begins.")],
    forecaster: Annotated[Kind, typer.Option(help="What to fit.")],
    window: Annotated[int, typer.Option(min=10, max=1000, help="Samples that a decision looks back on.")] = 120,
    horizon: Annotated[int, typer.Option(min=1, max=1000, help="Samples that a decision looks ahead.")] = 60,
    sample_seconds: Annotated[int, typer.Option(min=1, max=86400, help="Market seconds from sample to sample.")] = 60,
    cost_bps: Annotated[
        float, typer.Option(min=0, max=1000, help="All-in cost of a conversion to judge by.")
    ] = COST_BPS,
    base: Annotated[str, typer.Option(help="The asset that everything is counted in.")] = "USD",
    speed: Annotated[
        float | None, typer.Option(min=0.1, max=3600, help="Market seconds a second for the bot; 12 for demo, else 1.")
    ] = None,
    use: Annotated[bool, typer.Option("--use", help="Set the bot's forecaster and model to it.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write the model, as the setting `model` takes it.")] = None,
    json: Json = False,
) -> None:
    """Fit a forecaster on a market's past and hold it against zero-drift; only --use needs a bot."""
    try:
        _check(output)
        with _progress() as step:
            step(f"reading {market}")
            history = _history(market, sample_seconds)
            seconds = _seconds_of_the_bot(market, sample_seconds, speed)
            model = fit(history, forecaster, window, horizon, seconds, cost_bps, base, step)
        if output:
            _write(output, model)
    except (CannotFit, Unpriceable, InvalidMarket) as bad:
        show.talk.print(str(bad), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from bad
    show.as_json(_plain(model, history, cost_bps)) if json else _tell(model, history, cost_bps)
    if use:
        _use(model)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Says each step in one line that goes away, where somebody looks."""
    if not show.talk.is_terminal:
        yield lambda step: None
        return
    with show.talk.status("") as line:
        yield line.update


def _history(market: str, sample_seconds: int) -> History:
    if market == DEMO:
        generated = GeneratedMarket()
        return history_between(generated, generated.first, generated.start, sample_seconds)
    recorded = read_market(Path(market).expanduser())
    try:
        return history_of(recorded, sample_seconds)
    except ValueError as bad:
        raise CannotFit(f"{recorded.name}: {bad}") from bad


def _seconds_of_the_bot(market: str, sample_seconds: int, speed: float | None) -> int:
    """What the setting `sample_seconds` is where the bot looks at the market at this speed."""
    times_faster = speed or (DEMO_SPEED if market == DEMO else 1)
    return max(round(sample_seconds / times_faster), 1)


def _check(output: Path | None) -> None:
    if output and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise CannotFit(f"{output} cannot be written: name a file in a folder that is there.")


def _write(output: Path, model: Model) -> None:
    """The whole file or none."""
    unfinished = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        unfinished.write_text(jsonlib.dumps(model.plain(), indent=1) + "\n", "utf-8")
        unfinished.replace(output)
    except OSError as bad:
        unfinished.unlink(missing_ok=True)
        raise CannotFit(f"{output} cannot be written ({bad.strerror}): name another file.") from bad


def _plain(model: Model, history: History, cost_bps: float) -> dict[str, Any]:
    return {
        "market": history.name,
        "samples": len(history.at),
        "market_sample_seconds": history.sample_seconds,
        "cost_bps": cost_bps,
        "beats_zero_drift": model.beats_baseline,
        "model": model.plain(),
    }


def _tell(model: Model, history: History, cost_bps: float) -> None:
    show.facts(
        {
            "Market": history.name,
            "Range": f"{model.begin} to {model.end}, {len(history.at):,} samples of {history.sample_seconds} s",
            "Assets": f"{', '.join(model.assets)} against the base currency, and each against each",
            "Looks": f"back on {model.window} samples, {model.horizon} ahead; sample_seconds {model.sample_seconds}",
            _weights_name(model): _weights(model),
            "Variance ratio": f"{model.variance_ratio:.3f}",
            "Judged at": f"{cost_bps:g} bp a conversion, by {model.worth.count:,} forecasts from what was known before",
            "P-value": f"{model.p_value:.2g}, how often luck alone would be as much better than zero-drift",
        }
    )
    worths = {model.kind: model.worth, "zero_drift": model.baseline}
    rows = [
        {"name": name, "brier": f"{worth.brier:.5f}", "log_loss": f"{worth.log_loss:.5f}"}
        for name, worth in worths.items()
    ]
    show.table(rows, {"name": "Out of sample", "brier": "Brier score", "log_loss": "Log-loss"}, "")
    show.out.print(verdict(model), soft_wrap=True)


def _weights_name(model: Model) -> str:
    return "Drift that survives" if model.kind == "drift" else "Weights"


def _weights(model: Model) -> str:
    if model.kind == "drift":
        return f"{model.weights[0]:.4f}"
    return ", ".join(f"{weight:+.4f} of {lag}" for lag, weight in zip(model.lags, model.weights, strict=True))


def verdict(model: Model) -> str:
    """What the figures mean for a person who wants to trade."""
    better = model.baseline.log_loss - model.worth.log_loss
    if not any(model.weights):
        return (
            "It found nothing to believe in: like zero-drift it forecasts no return, and no conversion will pass its "
            f"gates. On real markets that is mostly the honest answer. {'' if model.beats_baseline else PAPER_ONLY}"
        ).rstrip()
    luck = f"luck alone would gain as much with a chance of {model.p_value:.2g}"
    if model.beats_baseline:
        return (
            f"It beats zero-drift by {better:.5f} of log-loss out of sample, and {luck}, "
            "so it may be selected for live money."
        )
    if better > 0:
        return (
            f"It was better than zero-drift by {better:.5f} of log-loss out of sample, but {luck}, "
            f"which is above {LUCK:g}: a longer history would tell. {PAPER_ONLY}"
        )
    return f"It does not beat zero-drift out of sample (log-loss {-better:.5f} worse or equal). {PAPER_ONLY}"


def _use(model: Model) -> None:
    answer = call("PATCH", "config", {"forecaster": model.kind, "model": model.plain()})
    show.say(f"The bot uses it, saved as version {answer['version']}. Next: heisenbug opportunities.")
