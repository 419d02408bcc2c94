"""`heisenbug backtest`: what a bot with these settings would have done on a market's past."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cli import show
from cli.asking import Json
from cli.errors import Mistyped
from cli.remote import run_there
from cli.telling import changes_of
from heisenbug.backtest.asked import asked_of
from heisenbug.backtest.fast import run_fast
from heisenbug.backtest.report import Plain, report_of, summary_from
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.run import Run, Wish
from heisenbug.backtest.summary import Summary
from heisenbug.domain.errors import InvalidSettings
from heisenbug.fitting.history import Unpriceable
from heisenbug.markets.history import OutOfRange
from heisenbug.markets.market import iso
from heisenbug.markets.recorded import InvalidMarket, read_market

RULES = {
    Fill.NEXT_SAMPLE: "filled at the next sample's bid or ask plus the fee, never at the price that decided",
    Fill.SAME_QUOTE: "filled at the quote that decided plus the fee, as the paper exchange does",
}


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
    json: Json = False,
) -> None:
    """Run the bot's own decision over a market's past; settings that are not named have their defaults."""
    asked = {"from": begin, "to": end, "set": changes_of(told or []), "fill": fill.value, "venue": venue}
    if (market is None) == (not remote):
        raise Mistyped("Name one market: --market FILE runs here, --remote NAME in AWS.")
    report = run_here(market, asked) if market else run_there("backtest", {"market": remote, **said(asked)})
    show.as_json(report) if json else tell(summary_from(report))


def said(asked: Plain) -> Plain:
    """What was typed, without what was left out."""
    return {name: value for name, value in asked.items() if value not in ("", {})}


def run_here(market: Path, told: Plain) -> Plain:
    """The report of a backtest on this computer; raises Mistyped."""
    try:
        asked = asked_of(told)
        return report_of(_run(asked.on(read_market(market))))
    except (InvalidMarket, InvalidSettings, OutOfRange, Unpriceable) as bad:
        raise Mistyped(str(bad)) from bad


def _run(wish: Wish) -> Run:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=show.talk, transient=True, disable=not show.talk.is_terminal) as bar:
        task = bar.add_task(f"{len(wish.history)} samples", total=len(wish.history))
        return run_fast(wish, lambda row: bar.update(task, completed=row + 1))


def tell(summary: Summary) -> None:
    """The figures for a person."""
    show.facts(
        {
            "Market": f"{summary.market}, {iso(summary.begin)} to {iso(summary.end)}, {summary.samples} samples",
            "Rule": RULES[Fill(summary.fill)],
            "Equity": f"{summary.final:.2f} {summary.base} from {summary.start:.2f}, {summary.gain:+.2%}",
            "Drawdown": f"{summary.drawdown:.2%} at most",
            "Doing nothing": "+0.00%",
            "Holding": f"{summary.holding:+.2%}, equal parts of all assets; drawdown {summary.holding_drawdown:.2%}",
            "Trades": f"{summary.trades}, and {summary.dropped} decisions that came to nothing",
            "Costs paid": f"{summary.costs:.2f} {summary.base}",
            "Confidence": _calibration(summary),
            "Killed": summary.killed or "no",
            "Stopped first by": ", ".join(f"{gate} {count:,}" for gate, count in summary.gates.items()),
        }
    )
    if not summary.trades:
        show.say("No trade: at these costs nothing promised enough. That is mostly the honest answer.")
    show.say("The past says nothing sure about the future.")


def _calibration(summary: Summary) -> str:
    if summary.claimed is None or summary.realised is None:
        return "nothing to judge"
    return f"claimed {summary.claimed:.3f}, realised {summary.realised:.3f} over {summary.judged} trades"
