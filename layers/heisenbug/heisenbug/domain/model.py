"""What was learned from a market: a forecaster's parameters as data, with what they are worth out of sample."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

LONGEST_LAG = 999
MOST_LAGS = 20
MOST_ASSETS = 101
# A forecaster whose better score luck alone would make more often than this is taken for no better.
LUCK = 0.05


class BadModel(ValueError):
    """Why something is no model, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Worth:
    """How good probabilities were, out of sample: the mean Brier score and log-loss of `count` of them."""

    brier: float
    log_loss: float
    count: int


# Models of before say nothing of luck: they are understood, and not believed.
UNTOLD: Mapping[str, Any] = {"samples": 0, "p_value": 1.0}


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted forecaster: `kind` drift (one weight, no lags) or ridge (a weight a lag).

    It was learned on returns of `assets` against the base, from `samples` samples `sample_seconds` apart between
    `begin` and `end` (UTC), to look `horizon` samples ahead from windows of `window`. `worth` and `baseline`,
    zero-drift's on the same samples with the same variance ratio, are walk-forward: each forecast was made by what was
    learned before it. `p_value` is how often luck alone makes its log-loss as much better (fitting/luck.py).
    """

    kind: str
    weights: tuple[float, ...]
    lags: tuple[int, ...]
    variance_ratio: float
    window: int
    horizon: int
    sample_seconds: int
    assets: tuple[str, ...]
    begin: str
    end: str
    samples: int
    worth: Worth
    baseline: Worth
    p_value: float

    def __post_init__(self) -> None:
        if self.kind not in ("drift", "ridge"):
            raise BadModel(f"kind is {self.kind!r}, not drift or ridge")
        if len(self.weights) != (1 if self.kind == "drift" else len(self.lags)):
            raise BadModel("there is not one weight a lag")
        if any(not 1 <= lag <= min(LONGEST_LAG, self.window - 1) for lag in self.lags):
            raise BadModel("a lag is longer than the window")
        if not 0 < self.variance_ratio <= 10:
            raise BadModel(f"variance_ratio is {self.variance_ratio}, not above 0 and at most 10")
        if not 0 <= self.p_value <= 1:
            raise BadModel(f"p_value is {self.p_value}, not 0 to 1")

    @property
    def beats_baseline(self) -> bool:
        """Whether it was better than zero-drift out of sample, beyond luck; else it is not used for live money."""
        return self.worth.log_loss < self.baseline.log_loss and self.p_value <= LUCK

    def plain(self) -> dict[str, Any]:
        """As JSON carries it."""
        return {**asdict(self), "weights": list(self.weights), "lags": list(self.lags), "assets": list(self.assets)}


def model_from(plain: Any) -> Model:
    """The model that `plain` states; raises BadModel."""
    if not isinstance(plain, Mapping) or {*UNTOLD, *plain} != {field.name for field in fields(Model)}:
        raise BadModel(f"it needs exactly {', '.join(field.name for field in fields(Model))}")
    plain = {**UNTOLD, **plain}
    try:
        return Model(
            str(plain["kind"]),
            tuple(float(weight) for weight in _few(plain["weights"], MOST_LAGS)),
            tuple(int(lag) for lag in _few(plain["lags"], MOST_LAGS)),
            float(plain["variance_ratio"]),
            int(plain["window"]),
            int(plain["horizon"]),
            int(plain["sample_seconds"]),
            tuple(str(asset) for asset in _few(plain["assets"], MOST_ASSETS)),
            str(plain["begin"]),
            str(plain["end"]),
            int(plain["samples"]),
            _worth(plain["worth"]),
            _worth(plain["baseline"]),
            float(plain["p_value"]),
        )
    except (TypeError, ValueError, OverflowError, KeyError) as bad:
        raise BadModel(str(bad) if isinstance(bad, BadModel) else f"a value of it is not understood ({bad})") from bad


def misfit(model: Model, window: int, horizon: int, sample_seconds: int, assets: Iterable[str] = ()) -> str:
    """Why a bot that looks so at `assets` cannot use the model, or nothing: it holds only as it was learned."""
    for name, mine, its in (
        ("window", window, model.window),
        ("horizon", horizon, model.horizon),
        ("sample_seconds", sample_seconds, model.sample_seconds),
    ):
        if mine != its:
            return f"it was fitted with {name} {its}, not {mine}"
    others = sorted(set(assets) - set(model.assets))
    return f"it was fitted on {', '.join(model.assets)}, not on {', '.join(others)}" if others else ""


def _few(values: Any, most: int) -> list[Any]:
    if not isinstance(values, list | tuple) or len(values) > most:
        raise BadModel(f"a list of it is none, or longer than {most}")
    return list(values)


def _worth(plain: Any) -> Worth:
    return Worth(float(plain["brier"]), float(plain["log_loss"]), int(plain["count"]))
