"""`heisenbug sweep`: its rows and its words, the same for any number of processes, and what it says of bad input."""

import csv
import json
import os
from pathlib import Path
from typing import cast

import pytest

from cli import main
from cli.errors import CannotRun
from cli.sharing import rows_of
from cli.sweeping import verdict
from heisenbug.backtest.grid import Grid
from heisenbug.backtest.sweep import Part, Row, Sweep
from heisenbug.backtest.table import table_of
from heisenbug.markets.generated import GeneratedMarket
from heisenbug.markets.written import write_market
from tests.histories import KEEN

KEEN_WORDS = [word for name, value in KEEN.items() for word in ("--set", f"{name}={json.dumps(value)}")]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hours of the generated market as a file."""
    file = tmp_path_factory.mktemp("market") / "made.csv.gz"
    made = GeneratedMarket(7, 0.006)
    write_market(made, [made.start + 60 * row for row in range(240)], file)
    return file


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The command line; its exit code."""
    monkeypatch.setattr("sys.argv", ["heisenbug", "sweep", *words])
    with pytest.raises(SystemExit) as ended:
        main.main()
    return int(ended.value.code or 0)


def test_rows_are_the_same_from_one_process_and_from_two(
    market: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []
    for jobs in ("1", "2"):
        words = ["--grid", "trade_size_percentage=0.1,0.5,window=60,30", *KEEN_WORDS[:-4], "--set", "horizon=30"]
        assert run(monkeypatch, "--market", str(market), *words, "--jobs", jobs, "--json") == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0] == told[1]
    assert (told[0]["tried"], told[0]["in_sample"]["samples"], told[0]["split"]) == (4, 168, 0.7)
    assert {row["number"] for row in told[0]["rows"]} == {0, 1, 2, 3}
    assert all(row["in_sample"]["trades"] for row in told[0]["rows"])


def test_a_person_is_told_the_parts_the_score_and_what_the_best_means(
    market: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "rows.csv"
    words = ["--grid", "trade_size_percentage=0.1:0.3:0.1", *KEEN_WORDS, "--jobs", "1", "--top", "2"]
    assert run(monkeypatch, "--market", str(market), *words, "--csv", str(file)) == 0
    out, err = capsys.readouterr()
    for text in ("168 samples", "72 samples", "next sample's bid or ask", "doing nothing scores 0", "3 configurations"):
        assert text in out
    assert "1 configuration more: --top, --csv or --json." in err
    assert "Best in sample: trade_size_percentage=0." in err
    assert "of 3; " in err
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert len(rows) == 3
    assert {row["trade_size_percentage"] for row in rows} == {"0.1", "0.2", "0.3"}
    scores = [float(row["in_sample_score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_where_nothing_traded_that_is_what_is_said(
    market: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--market", str(market), "--grid", "window=30,60,horizon=15,30", "--jobs", "1") == 0
    assert "None of 4 configurations traded in sample, so there is no best one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--grid", "min_confidense=0.5"], "min_confidense is not a setting; did you mean min_confidence?"),
        (["--grid", "min_confidence=0.5:2:0.5"], "min_confidence must be a number from 0 to 1, not 1.5"),
        (["--grid", "horizon=15:60:0"], "has a step of 0"),
        (["--grid", "window=30,60", "--set", "window=30"], "window is set and varies as well"),
        (["--grid", "window=30,60", "--set", "mode=live"], "mode cannot be set here"),
        (["--grid", "window=30,100"], "72 out of sample; each needs more than the longest window, 100"),
        (["--grid", "window=30", "--split", "2"], "The split must lie between 0 and 1, not 2"),
        (["--grid", "window=30", "--from", "1999-01-01", "--to", "1999-01-02"], "it goes from 2026-01"),
        (["--grid", "window=30", "--from", "yesterday"], "give a day or a time like 2025-05-10"),
        (["--grid", "window=30", "--set", "base_currency=EUR"], "has no pair with EUR"),
        (
            ["--grid", "window=30", "--csv", "/nowhere/rows.csv"],
            "There is no folder /nowhere: make it first, or name a file in another.",
        ),
        (["--grid", "window=30", "--venue", "mtgox"], "There is no venue mtgox"),
    ],
)
def test_what_is_typed_wrong_is_one_sentence_and_exit_code_2(
    market: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    says: str,
) -> None:
    assert run(monkeypatch, "--market", str(market), *words) == 2
    out, err = capsys.readouterr()
    assert says in err.replace("\n", " ")
    assert out == ""


def test_a_grid_too_large_is_refused_before_the_market_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = "min_confidence=0:0.999:0.001,risk_tolerance=0:0.999:0.001"
    assert run(monkeypatch, "--market", "nowhere.csv.gz", "--grid", grid) == 2
    assert "has 1,000,000 configurations, the limit is 10,000" in capsys.readouterr().err


def row(number: int, before: float, after: float, trades: int = 3) -> Row:
    """A row of these scores."""
    return Row(number, {"horizon": number + 1}, *(Part(score, trades, 0, 0.01, 1.0, "") for score in (before, after)))


def test_the_verdict_says_how_many_were_tried_and_what_of_the_best_lasted() -> None:
    told = verdict(table_of([row(0, 0.2, -0.1), row(1, 0.1, 0.1), row(2, 0.1, 0.2)]))
    assert "Best in sample: horizon=1. It scored +0.2000 in sample and -0.1000 out of sample" in told
    assert "number 3 of 3; 2 of them gained anything" in told
    assert "The best of 3 tries looks better in sample than it is" in told


def test_the_verdict_names_ties_and_a_best_that_did_not_trade() -> None:
    told = verdict(table_of([row(0, 0.0, 0.0, trades=0), row(1, 0.0, 0.0, trades=0), row(2, -0.1, -0.1)]))
    assert "horizon=1, with 1 more of the same score, the first of them. It is one that did not trade" in told


def test_where_none_could_be_run_there_is_no_verdict() -> None:
    assert verdict(table_of([Row(0, {"horizon": 1}, error="why")])) == "None of the configurations could be run."


class Failing:
    """In place of a sweep: its second configuration fails, its fourth ends the process."""

    grid = Grid({"horizon": [1, 2, 3, 4]})

    def row(self, number: int) -> Row:
        """What became of it."""
        if number == 1:
            raise ZeroDivisionError("nothing to divide by")
        if number == 3:
            os._exit(1)
        return row(number, 0.1, 0.1)


def test_a_configuration_that_fails_is_a_row_with_its_reason_and_a_process_that_ends_ends_the_sweep() -> None:
    made = rows_of(cast(Sweep, Failing()), 1)
    rows = sorted((next(made) for _ in range(3)), key=lambda each: each.number)
    failed = Row(1, {"horizon": 2}, error="It failed: ZeroDivisionError: nothing to divide by")
    assert rows == [row(0, 0.1, 0.1), failed, row(2, 0.1, 0.1)]
    with pytest.raises(CannotRun, match="A process that ran configurations was ended"):
        next(made)
