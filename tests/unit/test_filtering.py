"""Which trades are asked for: what is typed is understood, or refused field by field."""

import json

import pytest

from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.wanted import EVERY_TRADE, Wanted
from heisenbug.filtering import ENDED, wanted_of
from tests.bad_filters import BAD_TYPED
from tests.template import ROOT


def test_nothing_asked_for_leaves_out_nothing() -> None:
    assert wanted_of({}) == EVERY_TRADE


def test_a_day_is_its_beginning_in_utc() -> None:
    told = {"asset": "BTC", "state": "EXECUTED", "from": "1970-01-02", "to": "1970-01-03"}
    assert wanted_of(told) == Wanted("BTC", "EXECUTED", 86400, 2 * 86400)


@pytest.mark.parametrize("told", [one for one, _ in BAD_TYPED if not {"limit", "cursor"} & set(one)], ids=str)
def test_what_cannot_be_is_named_alone_and_shortly(told: dict[str, str]) -> None:
    with pytest.raises(InvalidSettings) as refused:
        wanted_of(told)
    assert {error.field for error in refused.value.fields} <= set(told)
    assert len(str(refused.value)) < 250


def test_the_panel_offers_the_outcomes_that_there_are() -> None:
    panel = (ROOT / "web" / "screens" / "trades.js").read_text()
    assert f"const STATES = {json.dumps(['', *ENDED.words])};" in panel


def test_every_field_that_cannot_be_is_named_at_once() -> None:
    with pytest.raises(InvalidSettings) as refused:
        wanted_of({"asset": "btc", "state": "OPEN", "from": "yesterday", "to": "NaN"})
    assert [error.field for error in refused.value.fields] == ["asset", "state", "from", "to"]


def test_a_time_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="to must be later than from"):
        wanted_of({"from": "2025-05-02", "to": "2025-05-01"})
