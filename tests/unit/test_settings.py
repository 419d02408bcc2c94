"""Every setting once: what is refused, what is accepted, and how it is told."""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.settings import DEFAULTS, RULES, Settings, as_plain, change, describe, parse
from tests.bad_settings import BAD_SETTINGS

# As interfaces.md states them.
STATED: Mapping[str, Any] = {
    "is_active": False,
    "mode": "paper",
    "risk_tolerance": 0.5,
    "min_confidence": 0.7,
    "min_expected_return": 0.001,
    "trade_size_percentage": 0.1,
    "trade_size_amount": None,
    "check_interval_seconds": 5,
    "cache_ttl_seconds": 3,
    "history_limit": 100,
    "sample_seconds": 60,
    "window": 120,
    "horizon": 60,
    "forecaster": "zero_drift",
    "drift_weight": 0,
    "model": None,
    "refit": "paper",
    "cost_bps": None,
    "cooldown_seconds": 300,
    "base_currency": "USD",
    "bridge": None,
    "pairs": ["BTC-USD", "ETH-USD"],
    "paper_start": {"USD": "1000"},
    "max_price_age_seconds": 30,
    "max_drawdown": 0.2,
    "drawdown_resume": None,
    "daily_loss": None,
    "losing_streak": None,
    "losing_streak_seconds": 3600,
    "max_trades_per_hour": None,
    "max_trades_per_day": None,
    "max_venue_errors": 5,
    "max_cost_excess_bps": 25,
    "reserve": None,
    "stop_loss": None,
    "take_profit": None,
    "trailing_stop": None,
    "time_stop": None,
    "max_exit_cost_bps": 1000,
    "budget": None,
    "cards": None,
    "notify_trades": "off",
    "notify_protections": "off",
    "notify_unresolved": "off",
    "notify_dead": "off",
    "notify_per_hour": 10,
}
CARD = "48ce2ac5-c038-4426-b2f8-a2bdbcc93053"

BOUNDS = {
    "risk_tolerance": (0, 1),
    "min_confidence": (0, 1),
    "min_expected_return": (0, 1),
    "trade_size_percentage": (0.01, 1),
    "check_interval_seconds": (1, 300),
    "cache_ttl_seconds": (1, 60),
    "history_limit": (10, 1000),
    "sample_seconds": (1, 86400),
    "window": (10, 1000),
    "horizon": (1, 1000),
    "drift_weight": (-1, 1),
    "notify_per_hour": (1, 100),
    "cost_bps": (0, 1000),
    "cooldown_seconds": (0, 86400),
    "max_price_age_seconds": (1, 3600),
    "max_drawdown": (0.01, 1),
    "losing_streak": (2, 20),
    "losing_streak_seconds": (60, 604_800),
    "max_trades_per_hour": (1, 1000),
    "max_trades_per_day": (1, 10_000),
    "max_venue_errors": (1, 20),
    "max_cost_excess_bps": (0, 1000),
    "stop_loss": (0.001, 0.99),
    "take_profit": (0.001, 100),
    "trailing_stop": (0.001, 0.99),
    "time_stop": (1, 100_000),
    "max_exit_cost_bps": (1, 5000),
}


def test_the_table_of_bad_values_covers_every_setting() -> None:
    assert len(BAD_SETTINGS) >= 40
    assert {name for name, _ in BAD_SETTINGS} >= set(RULES)


@pytest.mark.parametrize(("name", "value"), BAD_SETTINGS, ids=lambda item: repr(item)[:30])
def test_a_bad_value_is_named_and_changes_nothing(name: str, value: object) -> None:
    before = as_plain(DEFAULTS)
    with pytest.raises(InvalidSettings) as refused:
        change(DEFAULTS, {name: value, "cooldown_seconds": 7} if name != "cooldown_seconds" else {name: value})
    (error,) = refused.value.fields
    assert error.field == name
    assert error.message.startswith(f"{name} " if name else "The empty name ")
    assert error.message.endswith((".", "?"))
    assert as_plain(DEFAULTS) == before
    json.dumps(error.message)


def test_all_bad_values_are_named_at_once() -> None:
    with pytest.raises(InvalidSettings) as refused:
        change(DEFAULTS, {"window": 1, "horizon": "x", "cost_bps": 5})
    assert [error.field for error in refused.value.fields] == ["window", "horizon"]


def test_a_misspelt_name_is_guessed_at() -> None:
    with pytest.raises(InvalidSettings, match="did you mean risk_tolerance"):
        change(DEFAULTS, {"risk_tolerence": 0.5})


@pytest.mark.parametrize("text", ["1e-200", "0." + "1" * 40, "1e-400"])
def test_an_amount_that_cannot_be_stored_is_refused(text: str) -> None:
    with pytest.raises(InvalidSettings):
        change(DEFAULTS, {"trade_size_amount": text})


def test_the_defaults_are_the_stated_ones() -> None:
    assert as_plain(DEFAULTS) == STATED


@pytest.mark.parametrize(("name", "bounds"), BOUNDS.items())
def test_both_bounds_are_accepted_and_kept(name: str, bounds: tuple[float, float]) -> None:
    for bound in bounds:
        fitting = {"horizon": 1} if name == "time_stop" else {}
        assert getattr(change(DEFAULTS, {**fitting, name: bound}), name) == bound


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("check_interval_seconds", 7.0, 7),
        ("check_interval_seconds", Decimal(7), 7),
        ("min_confidence", Decimal("0.65"), 0.65),
        ("trade_size_amount", "12.50", Decimal("12.50")),
        ("trade_size_amount", 12.5, Decimal("12.5")),
        ("trade_size_amount", None, None),
        ("cost_bps", {"default": 20, "BTC-USD": 10}, {"default": 20.0, "BTC-USD": 10.0}),
        ("budget", {"USD": "500"}, {"USD": Decimal(500)}),
        ("mode", "live", "live"),
        ("cards", {"USD": CARD}, {"USD": CARD}),
        ("cards", None, None),
        ("pairs", ["EUR-USD"], ("EUR-USD",)),
        ("drift_weight", -1, -1.0),
    ],
)
def test_values_are_understood_however_a_surface_writes_them(name: str, value: object, kept: object) -> None:
    changed = getattr(change(DEFAULTS, {name: value}), name)
    assert changed == kept
    assert type(changed) is type(kept)


amounts = st.decimals("0.00000001", "1000000", places=8)
good: dict[str, st.SearchStrategy[Any]] = {
    "is_active": st.booleans(),
    "risk_tolerance": st.floats(0, 1),
    "min_confidence": st.floats(0, 1),
    "min_expected_return": st.floats(0, 1),
    "trade_size_percentage": st.floats(0.01, 1),
    "trade_size_amount": st.one_of(st.none(), amounts),
    "check_interval_seconds": st.integers(1, 300),
    "history_limit": st.integers(10, 1000),
    "forecaster": st.sampled_from(["zero_drift", "drift"]),
    "refit": st.sampled_from(["off", "paper", "live"]),
    "cost_bps": st.one_of(
        st.none(), st.floats(0, 1000), st.dictionaries(st.just("BTC-USD"), st.floats(0, 1000), min_size=1)
    ),
    "paper_start": st.dictionaries(st.sampled_from(["USD", "EUR", "BTC"]), amounts, min_size=1),
    "budget": st.one_of(st.none(), st.dictionaries(st.sampled_from(["USD", "BTC"]), amounts, min_size=1)),
    "mode": st.sampled_from(["paper", "live"]),
    "cards": st.one_of(st.none(), st.dictionaries(st.sampled_from(["USD", "BTC"]), st.just(CARD), min_size=1)),
    "pairs": st.lists(st.sampled_from(["BTC-USD", "ETH-USD", "EUR-USD"]), min_size=1, unique=True),
}


@given(st.fixed_dictionaries({}, optional=good))
def test_what_is_written_as_json_is_read_as_the_same_settings(changes: dict[str, Any]) -> None:
    settings = change(DEFAULTS, changes)
    assert parse(json.loads(json.dumps(as_plain(settings)))) == settings


def test_the_description_covers_every_setting_with_default_bounds_and_meaning() -> None:
    described = describe()
    assert list(described) == [f.name for f in fields(Settings)]
    for name, one in described.items():
        assert one["default"] == STATED[name]
        assert one["description"].endswith(".")
        assert one["must"].startswith(f"{name} must be ")
        assert "type" in one or "anyOf" in one
        if name in BOUNDS and name != "cost_bps":
            assert (one["minimum"], one["maximum"]) == BOUNDS[name]
    json.dumps(described)


def test_a_refusal_uses_the_words_of_the_description() -> None:
    with pytest.raises(InvalidSettings, match="window must be a whole number from 10 to 1000, not the text 'x'"):
        change(DEFAULTS, {"window": "x"})


def test_settings_are_values() -> None:
    with pytest.raises(AttributeError):
        DEFAULTS.window = 5  # type: ignore[misc]
    assert replace(DEFAULTS, window=50).window == 50


@pytest.mark.parametrize(
    ("mode", "budget", "asset", "most"),
    [
        ("paper", None, "USD", None),
        ("paper", {"USD": "100"}, "USD", Decimal(100)),
        ("paper", {"USD": "100"}, "BTC", None),
        ("live", None, "USD", Decimal(0)),
        ("live", {"USD": "100"}, "USD", Decimal(100)),
        ("live", {"USD": "100"}, "BTC", Decimal(0)),
    ],
)
def test_a_budget_bounds_what_it_names_and_live_money_touches_nothing_else(
    mode: str, budget: object, asset: str, most: Decimal | None
) -> None:
    assert change(DEFAULTS, {"mode": mode, "budget": budget}).most_of(asset) == most
