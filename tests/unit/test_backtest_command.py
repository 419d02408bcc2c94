"""`heisenbug backtest`: its figures, and what it says of what was typed wrong."""

import json
from pathlib import Path

import pytest

from cli import main
from cli.reporting import LIBRARY
from heisenbug.markets.generated import GeneratedMarket
from heisenbug.markets.written import write_market
from tests.histories import KEEN
from tests.models import model

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
    monkeypatch.setattr("sys.argv", ["heisenbug", "backtest", *words])
    with pytest.raises(SystemExit) as ended:
        main.main()
    return int(ended.value.code or 0)


def test_the_figures_are_those_of_the_run(
    market: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--market", str(market), *KEEN_WORDS, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["trades"]
    assert told["samples"] == 240
    assert sum(told["gates"].values()) == 240 * 9 * 8
    assert told["gain"] == pytest.approx(told["final"] / told["start"] - 1)
    assert all(trade["received"] for trade in told["trades"])
    curves = told["curves"]
    assert {len(line) for line in curves.values()} == {240}
    assert (curves["equity"][0], curves["equity"][-1]) == pytest.approx((told["start"], told["final"]), rel=1e-6)
    assert max(curves["drawdown"]) == pytest.approx(told["drawdown"], rel=1e-6)
    assert max(curves["holding_drawdown"]) == pytest.approx(told["holding_drawdown"], rel=1e-6)


def test_a_person_is_told_the_rule_the_range_and_what_stopped_the_rest(
    market: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--market", str(market)) == 0
    out, err = capsys.readouterr()
    for words in (
        "240 samples",
        "next sample's bid or ask",
        "Doing nothing",
        "Holding",
        "same costs",
        "Log-loss",
        "held",
        "window",
    ):
        assert words in out
    assert "No trade in 4 hours: best edge 0 bp < cost 220 bp." in err


def test_a_person_is_told_how_many_trades_there_were(
    market: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--market", str(market), *KEEN_WORDS, "--json") == 0
    trades = json.loads(capsys.readouterr().out)["trades"]
    assert run(monkeypatch, "--market", str(market), *KEEN_WORDS) == 0
    assert f"Trades            {len(trades)}, and " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--remote", "made"], "Name one market: --market FILE runs here, --remote NAME in AWS."),
        (["--set", "risk_tolerance=2"], "risk_tolerance must be a number from 0 to 1, not 2"),
        (["--set", "mode=live"], "mode cannot be set here"),
        (["--set", "forecaster=ridge"], "needs a fitted model"),
        (
            ["--set", "forecaster=drift", "--set", f"model={json.dumps(model(assets=('ADA',)).plain())}"],
            "it was fitted on ADA, not on ",
        ),
        (["--set", "base_currency=EUR"], "has no pair with EUR"),
        (["--set", 'paper_start={"XYZ": "1"}'], "paper_start holds XYZ, which made has no price of: begin with ADA"),
        (["--from", "yesterday"], "give a day or a time like 2025-05-10"),
        (["--from", "1999-01-01", "--to", "1999-01-02"], "has no prices then: it goes from 2026-01"),
        (["--venue", "mtgox"], "There is no venue mtgox; there are binance, coinbase, kraken, uphold."),
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


def test_a_market_that_is_not_there_is_told_with_what_is_expected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--market", "nowhere.csv.gz") == 2
    assert "There is no market file nowhere.csv.gz" in capsys.readouterr().err


def test_the_report_is_written_whole_and_replaces_an_older_one(
    market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "out.html"
    assert run(monkeypatch, "--market", str(market), "--report", str(file)) == 0
    assert f"The report is in {file}" in capsys.readouterr().err
    first = file.read_text()
    assert "No trade in 4 hours: best edge 0 bp &lt; cost 220 bp" in first
    assert LIBRARY.read_text() in first
    assert run(monkeypatch, "--market", str(market), *KEEN_WORDS, "--report", str(file)) == 0
    assert "trades in 4 hours" in file.read_text()
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("folder.html", "is a folder: name a file"),
        ("nowhere/out.html", "There is no folder"),
        ("out.txt", "is no name of a report: end it in .html"),
        ("mine.html", "is there already and is no report of a backtest: name another file"),
    ],
)
def test_a_place_where_no_report_can_be_is_told_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, says: str
) -> None:
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "mine.html").write_text("<p>mine</p>")
    before = sorted(tmp_path.rglob("*"))
    assert run(monkeypatch, "--market", "nowhere.csv.gz", "--report", str(tmp_path / name)) == 2
    assert says in capsys.readouterr().err.replace("\n", " ")
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "mine.html").read_text() == "<p>mine</p>"
