"""What was learned, as data: taken back as it was given, refused where it does not fit, kept from live money."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.forecasters import Forecaster
from heisenbug.domain.forecasters.drift import Drift
from heisenbug.domain.forecasters.ridge import Ridge
from heisenbug.domain.forecasters.shipped import forecaster_of
from heisenbug.domain.forecasters.zero_drift import ZeroDrift
from heisenbug.domain.live import Consent, Deployment, digest, standing, to_type
from heisenbug.domain.model import BadModel, Worth, misfit, model_from
from heisenbug.domain.settings import DEFAULTS, Settings, as_plain, change, parse
from heisenbug.domain.window import Window
from tests.markets import walk
from tests.models import model

RIDGE = model("ridge", lags=(1, 5, 30), weights=(-0.2, 0.1, 0.05), variance_ratio=0.8)


def test_a_model_survives_json_to_the_last_digit() -> None:
    odd = replace(RIDGE, weights=(-0.1 + 1e-17, 1 / 3, 2e-300))
    assert model_from(json.loads(json.dumps(odd.plain()))) == odd


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "oracle"}, "kind is 'oracle'"),
        ({"weights": [1, 2]}, "one weight a lag"),
        ({"lags": [0, 1, 2]}, "longer than the window"),
        ({"lags": [1, 2, 120]}, "longer than the window"),
        ({"variance_ratio": 0}, "variance_ratio is 0.0"),
        ({"variance_ratio": float("nan")}, "variance_ratio is nan"),
        ({"weights": ["x", 1, 1]}, "not understood"),
        ({"weights": [1.0] * 21, "lags": [1] * 21}, "longer than 20"),
        ({"worth": {}}, "not understood"),
        ({"assets": None}, "is none"),
        ({"p_value": 1.1}, "p_value is 1.1"),
        ({"p_value": float("nan")}, "p_value is nan"),
    ],
)
def test_what_is_no_model_says_why(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadModel, match=words):
        model_from({**RIDGE.plain(), **changes})


@pytest.mark.parametrize("plain", [None, [], "ridge", {}, {"kind": "ridge"}])
def test_a_model_has_all_its_parts_and_no_others(plain: Any) -> None:
    with pytest.raises(BadModel, match="it needs exactly kind, weights"):
        model_from(plain)


def test_settings_name_the_forecaster_and_the_model_gives_its_parameters() -> None:
    told = change(DEFAULTS, {"forecaster": "ridge", "model": RIDGE.plain()})
    assert forecaster_of(told) == Ridge((1, 5, 30), (-0.2, 0.1, 0.05), 0.8)
    assert parse(as_plain(told)) == told
    assert forecaster_of(change(told, {"forecaster": "zero_drift"})) == ZeroDrift(0.8)
    drift = change(DEFAULTS, {"forecaster": "drift", "model": model(weights=(0.3,)).plain()})
    assert forecaster_of(drift) == Drift(0.3)
    assert forecaster_of(change(drift, {"model": None, "drift_weight": 0.5})) == Drift(0.5)


@pytest.mark.parametrize("changes", [{"window": 60}, {"horizon": 15}, {"sample_seconds": 5}])
def test_a_model_holds_only_for_what_it_was_fitted_with(changes: dict[str, int]) -> None:
    told = change(DEFAULTS, {"forecaster": "ridge", "model": RIDGE.plain()})
    (name,) = changes
    with pytest.raises(InvalidSettings, match=rf"it was fitted with {name} \d+, not {changes[name]}\. Fit it anew"):
        change(told, changes)
    assert change(told, {**changes, "forecaster": "zero_drift"}).forecaster == "zero_drift"


def test_a_model_says_nothing_of_assets_that_it_was_not_fitted_on() -> None:
    assert misfit(RIDGE, 120, 60, 60, ("BTC", "ETH")) == ""
    assert misfit(RIDGE, 120, 60, 60, ("BTC", "SOL", "ADA")) == "it was fitted on BTC, ETH, not on ADA, SOL"


def live(**changes: Any) -> str:
    """Why a bot that was given live money stays paper."""
    told = change(replace(DEFAULTS, mode="live"), {"budget": {"USD": "100"}, **changes})
    consent = Consent(to_type(told.budget or {}), digest(told), "anna", "2026-01-01")
    return standing(told, Deployment(enabled=True), consent, "").held_back


def test_live_money_believes_only_what_beat_zero_drift_out_of_sample() -> None:
    worse = replace(RIDGE, worth=Worth(0.21, 0.62, 1000))
    assert live() == ""
    assert live(forecaster="ridge", model=RIDGE.plain()) == ""
    lucky = replace(RIDGE, p_value=0.051)
    assert "p-value 0.051 (above 0.05 it may be luck)" in live(forecaster="ridge", model=lucky.plain())
    assert "log-loss 0.6200 against 0.6100" in live(forecaster="ridge", model=worse.plain())
    assert "was never held against zero_drift" in live(forecaster="drift", drift_weight=1)


FORECASTERS: list[Forecaster] = [
    ZeroDrift(),
    Drift(0.7, 0.9),
    Ridge((1, 5, 30), (-0.2, 0.1, 0.05)),
    Ridge((119,), (1.0,)),
    Ridge((200,), (1.0,)),
]


@pytest.mark.parametrize("forecaster", FORECASTERS, ids=repr)
def test_a_whole_history_at_once_says_what_each_window_says(forecaster: Forecaster) -> None:
    series = [[0.0] * 400, *(list(np.log(walk(seed, 400))) for seed in (1, 2, 3))]
    history = np.array(series).T
    at_once = forecaster.expected_over(history, 120, 60)
    assert np.isnan(at_once[:119]).all()
    for row in range(119, 400):
        one = forecaster.expected(Window.of(history[row - 119 : row + 1]), 60)
        assert at_once[row] == pytest.approx(one, abs=1e-12)


def test_a_gap_is_bridged_by_the_price_before_it() -> None:
    prices = np.log(np.array(walk(1, 50))).reshape(-1, 1)
    gappy = prices.copy()
    gappy[[3, 44, 45]] = np.nan
    ridge = Ridge((1, 5), (0.5, 0.5))
    bridged = prices.copy()
    bridged[3], bridged[44], bridged[45] = prices[2], prices[43], prices[43]
    assert ridge.expected(Window.of(gappy), 10) == pytest.approx(ridge.expected(Window.of(bridged), 10), abs=1e-12)


def test_the_default_settings_believe_in_nothing() -> None:
    assert forecaster_of(Settings()) == ZeroDrift()
