"""The daily refit: what is better goes into use and can be undone, all else is said, and live money is left alone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from heisenbug.configuration import Configurations
from heisenbug.desk import Desk
from heisenbug.domain.assets import Pair
from heisenbug.domain.model import Model
from heisenbug.domain.portfolio import Portfolio
from heisenbug.domain.quotes import Quote
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.venue import UPHOLD
from heisenbug.refitting import Refit, Refitting
from heisenbug.store.bot_state import States
from heisenbug.store.price_snapshot import PriceSnapshots
from heisenbug.store.settings_history import SettingsHistory
from tests.tables import Cloud

BOT = "default"
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
PAIRS = (Pair("BTC", "USD"), Pair("ETH", "USD"))
TOLD: dict[str, Any] = {"forecaster": "drift", "window": 20, "horizon": 10}

pytestmark = pytest.mark.usefixtures("tables")


def bouncing(samples: int, seed: int = 11) -> np.ndarray:
    """Log prices that come back after every step: half of a window's return is undone."""
    return np.random.default_rng(seed).normal(0, 0.01, (samples, 2))


def walking(samples: int, seed: int = 11) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).normal(0, 0.001, (samples, 2)), axis=0)


def recorded(log_prices: np.ndarray, first: int = 0) -> Iterator[Snapshot]:
    """Samples as ticks keep them, a minute apart."""
    for minute, row in enumerate(np.exp(log_prices), first):
        prices = [Decimal(f"{100 * price:.6f}") for price in row]
        quotes = {pair: Quote(pair, price, price) for pair, price in zip(PAIRS, prices, strict=True)}
        at = int(BEGIN.timestamp()) + 60 * minute + 3
        yield Snapshot(at, 0.1, 60, 1, quotes, {}, Portfolio({}), None, Decimal(0))


def refit(after: int, states: States | None = None, **changes: Any) -> Refit:
    """Refit so many minutes after the begin, with changes of the settings made and seen before."""
    at = BEGIN + timedelta(minutes=after)
    configurations = Configurations(BOT)
    if changes:
        configurations.change(changes, "anna", at)
    configurations.begin(at)
    return Refitting(configurations, states or States(BOT), PriceSnapshots(BOT), lambda: at).run()


def used() -> Model | None:
    return Configurations(BOT).now().settings.model


def test_what_is_better_is_put_into_use_seen_by_everyone_and_can_be_undone() -> None:
    PriceSnapshots(BOT).fill(recorded(bouncing(1200)))
    done = refit(1200, **TOLD)
    assert done.outcome == "put into use", done.why
    model = used()
    assert model is not None
    assert model.weights[0] == pytest.approx(-0.95, abs=0.2)
    assert (model.samples, model.assets, model.window, model.horizon) == (1200, ("BTC", "ETH"), 20, 10)
    assert "Undo: heisenbug config restore 1 model" in done.why
    desk = Desk(BOT, UPHOLD, lambda: BEGIN)
    assert desk.standing.status()["refit"] == done.plain()
    Configurations(BOT).begin(BEGIN)
    newest, before = SettingsHistory(BOT).newest(2)
    assert done.version == 2
    assert (newest.version, newest.who, before.version, before.who) == (2, "refit", 1, "anna")
    assert before.settings["model"] is None


def test_the_one_in_use_stays_until_another_is_better_on_what_neither_was_fitted_on() -> None:
    PriceSnapshots(BOT).fill(recorded(bouncing(1200)))
    refit(1200, **TOLD)
    mine = used()
    again = refit(1201)
    assert (again.outcome, again.version) == ("kept", None)
    assert "there is no forecast yet that the one in use was not fitted on" in again.why
    PriceSnapshots(BOT).fill(recorded(bouncing(600, 12), 1200))
    tomorrow = refit(1800)
    assert tomorrow.outcome == "kept"
    assert "on what was in use (p-value" in tomorrow.why
    assert used() == mine


def test_a_model_that_was_good_once_gives_way_to_a_better_one() -> None:
    PriceSnapshots(BOT).fill(recorded(bouncing(1200)))
    refit(1200, **TOLD)
    mine = used()
    assert mine is not None
    wrong = replace(mine, weights=(0.9,))
    PriceSnapshots(BOT).fill(recorded(bouncing(600, 12), 1200))
    done = refit(1800, model=wrong.plain())
    assert done.outcome == "put into use", done.why
    assert used() != wrong


def test_what_has_stopped_working_gives_way_although_there_is_nothing_left_to_learn() -> None:
    PriceSnapshots(BOT).fill(recorded(bouncing(1200)))
    refit(1200, **TOLD)
    PriceSnapshots(BOT).fill(recorded(walking(43_000), 1200))
    done = refit(44_200)
    model = used()
    assert done.outcome == "put into use", done.why
    assert model is not None
    assert not model.beats_baseline
    assert abs(model.weights[0]) < 0.2


def test_what_is_no_better_than_zero_drift_is_not_used() -> None:
    PriceSnapshots(BOT).fill(recorded(walking(1200)))
    done = refit(1200, **TOLD, drift_weight=1)
    assert done.outcome == "kept"
    assert "gains +0.00000 of log-loss on zero_drift (p-value 1)" in done.why
    assert used() is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "There is nothing to fit: the forecaster is zero_drift."),
        ({**TOLD, "refit": "off"}, "It is switched off: refit is off."),
        ({**TOLD, "mode": "live"}, "Live money takes what was learned from a person, or from here with refit=live."),
        (TOLD, "No sample of 60 s is kept in which BTC-USD, ETH-USD has a price: let the bot look for a while"),
        ({**TOLD, "horizon": 500}, "No sample of 60 s"),
    ],
)
def test_where_nothing_is_fitted_the_reason_is_said(changes: dict[str, Any], why: str) -> None:
    done = refit(0, **changes)
    assert done.outcome == "not fitted"
    assert done.why.startswith(why)
    assert States(BOT).refit() == done.plain()


def test_a_bot_that_still_trades_live_money_is_left_alone_although_it_is_told_paper() -> None:
    States(BOT).stand("live", "", None)
    assert refit(0, **TOLD).why.startswith("Live money takes what was learned from a person")
    assert refit(0, refit="live").why.startswith("No sample")


def test_a_short_history_says_how_much_it_needs() -> None:
    PriceSnapshots(BOT).fill(recorded(bouncing(100)))
    assert "is 100 samples of 60 s long, and a window of 20 with a horizon of 10 needs 150" in refit(100, **TOLD).why


def test_settings_that_are_not_understood_are_said_and_left_alone(tables: Cloud) -> None:
    refit(0, **TOLD)
    tables.edit("BotConfig", {"bot_id": {"S": BOT}}, window={"S": "many"})
    at = BEGIN
    done = Refitting(Configurations(BOT), States(BOT), PriceSnapshots(BOT), lambda: at).run()
    assert done.outcome == "not fitted"
    assert "window" in done.why


def test_settings_that_somebody_changes_meanwhile_win(tables: Cloud) -> None:
    PriceSnapshots(BOT).fill(recorded(bouncing(1200)))
    at = BEGIN + timedelta(minutes=1200)
    Configurations(BOT).change(TOLD, "anna", at)

    def change_first(name: str, call: dict[str, Any]) -> None:
        if name == "Query" and call["TableName"].endswith("PriceSnapshot"):
            tables.before = lambda name, call: None
            Configurations(BOT).change({"horizon": 5}, "anna", at)

    tables.before = change_first
    done = Refitting(Configurations(BOT), States(BOT), PriceSnapshots(BOT), lambda: at).run()
    assert done.outcome == "kept"
    assert "someone changed them first" in done.why
    assert used() is None


def test_a_pair_that_came_later_begins_the_history() -> None:
    young = [replace(s, quotes={PAIRS[0]: s.quotes[PAIRS[0]]}) for s in recorded(bouncing(500))]
    PriceSnapshots(BOT).fill([*young, *recorded(bouncing(1000, 12), 500)])
    assert "samples from 2026-01-05T08:20:03Z" in refit(1500, **TOLD).why
