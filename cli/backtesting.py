"""`heisenbug backtest`: what a bot with these settings would have done on a market's past."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cli import show
from cli.asking import Json
from cli.errors import Mistyped
from cli.remote import run_there
from cli.reporting import check_report_place, write_report
from cli.telling import changes_of
from heisenbug.backtest import words
from heisenbug.backtest.asked import asked_of
from heisenbug.backtest.fast import run_fast
from heisenbug.backtest.outcome import Plain, outcome_of, without_lists
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.summary import Figures, Summary, figures_of
from heisenbug.domain.errors import InvalidSettings
from heisenbug.fitting.history import Unpriceable
from heisenbug.markets.history import OutOfRange
from heisenbug.markets.market import epoch, iso
from heisenbug.markets.recorded import InvalidMarket, read_market


def backtest_command(
    market: Annotated[Path | None, typer.Option(help="A recorded market: gzip CSV at,pair,bid,ask.")] = None,
    remote: Annotated[
        str, typer.Option(help="Run it in AWS instead, on this market that was uploaded (heisenbug market upload).")
    ] = "",
    begin: Annotated[str, typer.Option("--from", help="The first day or time, such as 2025-05-10 (UTC).")] = "",
    end: Annotated[str, typer.Option("--to", help="The last one.")] = "",
    told: Annotated[
        list[str] | None, typer.Option("--set", help="A setting, such as risk_tolerance=0.4; may be repeated.")
    ] = None,
    fill: Annotated[Fill, typer.Option(help="At which quote a conversion is filled.")] = Fill.NEXT_SAMPLE,
    venue: Annotated[str, typer.Option(help="Whose fees are paid, unless cost_bps is set.")] = "uphold",
    report: Annotated[Path | None, typer.Option(help="Write all of it into this .html file, with charts.")] = None,
    json: Json = False,
) -> None:
    """Run the bot's own decision over a market's past; settings that are not named have their defaults."""
    asked = {"from": begin, "to": end, "set": changes_of(told or []), "fill": fill.value, "venue": venue}
    if (market is None) == (not remote):
        raise Mistyped("Name one market: --market FILE runs here, --remote NAME in AWS.")
    if report is not None and market is None:
        raise Mistyped("--report draws what was run here: give --market FILE.")
    if market is None:
        outcome = run_there("backtest", {"market": remote, **said(asked)})
    else:
        outcome = _run_here(market, asked, report)
    show.as_json(outcome) if json else tell(summary_from(outcome))
    if report is not None:
        show.tell(f"The report is in {report}: one file, open it in a browser.")


def said(asked: Plain) -> Plain:
    """What was typed, without what was left out."""
    return {name: value for name, value in asked.items() if value not in ("", {})}


def _run_here(market: Path, told: Plain, report: Path | None) -> Plain:
    """The outcome of a backtest on this computer; raises Mistyped."""
    if report is not None:
        check_report_place(report)
    try:
        figures = _figures(market, told)
    except (InvalidMarket, InvalidSettings, OutOfRange, Unpriceable) as bad:
        raise Mistyped(str(bad)) from bad
    if report is not None:
        write_report(figures, report)
    return outcome_of(figures)


def _figures(market: Path, told: Plain) -> Figures:
    """Read the market, run and judge; on a terminal with a bar that says which of them it is at."""
    asked = asked_of(told)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=show.talk, transient=True, disable=not show.talk.is_terminal) as bar:
        task = bar.add_task("reading the market", total=None)
        wish = asked.on(read_market(market))
        bar.update(task, description=f"{len(wish.history)} samples", total=len(wish.history))
        run = run_fast(wish, lambda row: bar.update(task, completed=row + 1))
        bar.update(task, description="judging", total=None)
        return figures_of(run)


def summary_from(outcome: Plain) -> Summary:
    """The figures that an outcome states."""
    from pydantic import TypeAdapter

    moments = {name: int(epoch(outcome[name])) for name in ("begin", "end")}
    return TypeAdapter(Summary).validate_python({**without_lists(outcome), **moments})


def tell(summary: Summary) -> None:
    """The figures for a person."""
    market = f"{summary.market}, {iso(summary.begin)} to {iso(summary.end)}, {summary.samples} samples"
    base = summary.base
    show.facts(
        {
            "Market": f"{market}, {words.gaps(summary.gaps)}",
            "Rule": words.RULES[Fill(summary.fill)],
            "Equity": f"{words.money(summary.final, base)} from {words.money(summary.start, base)}, "
            f"{words.percent(summary.gain)}",
            "Drawdown": f"{summary.drawdown:.2%} at most",
            "Doing nothing": f"{words.percent(summary.nothing)}; drawdown {summary.nothing_drawdown:.2%}",
            "Holding": f"{words.percent(summary.holding)}, {words.holding(summary)}; "
            f"drawdown {summary.holding_drawdown:.2%}",
            "Trades": f"{summary.trades:,}, and {words.counted(summary.dropped, 'decision')} that came to nothing",
            "Costs paid": words.costs(summary),
            "Confidence": _calibration(summary),
            **_scores(summary),
            "Killed": summary.killed or "no",
            "Stopped first by": ", ".join(f"{gate} {count:,}" for gate, count in summary.gates.items()),
        }
    )
    show.say(f"{words.headline(summary)}.")
    if not summary.trades:
        show.say("That is mostly the honest answer: most markets, most of the time, give no trade.")
    show.say("The past says nothing sure about the future.")


def _calibration(summary: Summary) -> str:
    if summary.claimed is None or summary.realised is None:
        return "no trade to judge"
    return f"claimed {summary.claimed:.3f}, realised {summary.realised:.3f} over {summary.judged} trades"


def _scores(summary: Summary) -> dict[str, str]:
    claims = summary.claims
    if claims is None:
        return {"Brier score": "nothing to judge", "Log-loss": "nothing to judge"}
    measured, baseline = claims.measured, claims.baseline
    return {
        "Brier score": f"{measured.brier:.4f}, zero-drift {baseline.brier:.4f}, of {words.scored(claims)}",
        "Log-loss": f"{measured.log_loss:.4f}, zero-drift {baseline.log_loss:.4f}; of both, lower is better",
    }
