"""The command line's own rules: which market, what a typed value is, how a log line reads."""

import json
from pathlib import Path

import pytest

from cli import markets
from cli.errors import CannotRun
from cli.following import line
from cli.markets import choose_market, sample_seconds
from cli.show import cell
from cli.telling import typed
from cli.watching import line as pushed


def test_without_a_wish_the_live_market_is_taken_where_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markets, "live_answers", lambda: True)
    chosen = choose_market("", None)
    assert (chosen.bot_id, chosen.source) == ("live", "")
    assert chosen.settings == {"is_active": True}


def test_where_it_does_not_the_demo_is_taken_and_says_plainly_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markets, "live_answers", lambda: False)
    chosen = choose_market("", None)
    assert chosen.bot_id == "demo"
    assert chosen.settings["forecaster"] == "drift"
    assert "not real" in chosen.words
    assert "drift is planted" in chosen.words


def test_a_recorded_market_keeps_the_default_settings_and_says_what_a_sample_means(tmp_path: Path) -> None:
    file = tmp_path / "crypto8 1m.csv.gz"
    file.touch()
    chosen = choose_market(str(file), 12)
    assert chosen.bot_id == "crypto8-1m"
    assert chosen.settings == {"is_active": True, "sample_seconds": 5}
    assert "A sample is 5 s here, 1 min of the market" in chosen.words


def test_a_market_file_that_is_not_there_is_one_sentence_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"There is no market file .* or MARKET=demo"):
        choose_market(str(tmp_path / "none.csv.gz"), None)


@pytest.mark.parametrize(("speed", "seconds"), [(1, 60), (12, 5), (60, 1), (600, 1), (0.5, 120)])
def test_a_sample_stays_a_market_minute_as_near_as_whole_seconds_allow(speed: float, seconds: int) -> None:
    assert sample_seconds(speed) == seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.6", 0.6), ("true", True), ("abc", "abc"), ('{"USD": 1}', {"USD": 1}), ("null", None), ("", "")],
)
def test_what_is_typed_is_json_where_it_is_json_and_itself_elsewhere(text: str, value: object) -> None:
    assert typed(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (True, "yes"), (0.84771, "0.8477"), (2.5e-29, "0"), (1234.5678, "1234.57"), ("x", "x")],
)
def test_a_cell_reads_as_a_person_would_write_it(value: object, text: str) -> None:
    assert cell(value) == text


def test_a_ticks_log_line_says_when_what_and_why() -> None:
    entry = {"due": 1_746_403_200, "outcome": "no trade", "samples": 120, "failure": "the exchange answered 429"}
    assert line(json.dumps(entry)) == "00:00:00  no trade    120 samples  the exchange answered 429"


@pytest.mark.parametrize("message", ["START RequestId: 1", '{"level": "INFO", "message": "pushed"}', ""])
def test_lines_that_say_nothing_new_are_left_out(message: str) -> None:
    assert line(message) == ""


def test_errors_are_never_left_out() -> None:
    assert line('{"level": "ERROR", "message": "push failed"}') == "ERROR: push failed"
    assert "Traceback" in line("Traceback (most recent call last):")


def test_a_pushed_tick_names_what_is_guarded() -> None:
    data = {"tick": 7, "equity": "999.50", "samples": 42, "guarded": {"BTC-USD": {"reason": "x", "since": "y"}}}
    told = pushed({"type": "tick_completed", "at": "2025-05-05T00:00:00Z", "data": data})
    assert "tick 7, equity 999.50, 42 samples, guarded: BTC-USD" in told
