"""`heisenbug backtest`: its figures, and what it says of what was typed wrong."""

import json
from pathlib import Path

import numpy as np
import pytest

from cli import main
from heisenbug.backtest.fast import run_fast
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.summary import summary_of
from heisenbug.markets.generated import GeneratedMarket
from heisenbug.markets.written import write_market
from tests.histories import KEEN, generated, wish
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


def test_a_person_is_told_the_rule_the_range_and_what_stopped_the_rest(
    market: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--market", str(market)) == 0
    out, err = capsys.readouterr()
    for words in ("240 samples", "next sample's bid or ask", "Doing nothing", "Holding", "held", "window"):
        assert words in out
    assert "No trade: at these costs nothing promised enough." in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--set", "risk_tolerance=2"], "risk_tolerance must be a number from 0 to 1, not 2"),
        (["--set", "mode=live"], "mode cannot be set here"),
        (["--set", "forecaster=ridge"], "needs a fitted model"),
        (
            ["--set", "forecaster=drift", "--set", f"model={json.dumps(model(assets=('ADA',)).plain())}"],
            "it was fitted on ADA, not on ",
        ),
        (["--set", "base_currency=EUR"], "has no pair with EUR"),
        (["--from", "yesterday"], "give a day or a time like 2025-05-10"),
        (["--from", "1999-01-01", "--to", "1999-01-02"], "has no prices then: it goes from 2026-01"),
        (["--venue", "mtgox"], "There is no venue mtgox; there are uphold."),
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


def test_a_summary_follows_from_its_run() -> None:
    made = run_fast(wish(generated(600), Fill.NEXT_SAMPLE, **KEEN))
    summary = summary_of(made)
    assert (summary.trades, summary.dropped) == (len(made.trades), len(made.dropped))
    assert summary.final == made.equity[-1]
    assert summary.gain == pytest.approx(made.equity[-1] / 1000 - 1)
    assert 0 < summary.drawdown < 0.2
    assert summary.costs == pytest.approx(
        sum(float(t.amount) * t.expected.source_price * (t.realised_cost_bps or 0) / 1e4 for t in made.trades)
    )
    assert summary.judged == sum(t.due <= made.wish.history.at[-31] for t in made.trades)
    assert summary.claimed is not None
    assert summary.claimed >= 0.55
    assert summary.realised is not None
    assert 0 <= summary.realised <= 1


def test_holding_is_equal_parts_of_everything_from_the_first_sample() -> None:
    history = generated(100)
    mids = (history.bids + history.asks) / 2
    grown = np.concatenate(([1.0], mids[-1] / mids[0])).mean() - 1
    assert summary_of(run_fast(wish(history))).holding == pytest.approx(grown)
