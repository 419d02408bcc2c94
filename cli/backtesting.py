"""`heisenbug backtest`: what a bot with these settings would have done on a market's past."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cli import show
from cli.asking import Json
from cli.errors import Mistyped
from cli.reporting import check_report_place, write_report
from cli.telling import changes_of
from heisenbug.backtest import words
from heisenbug.backtest.fast import run_fast
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.run import Wish
from heisenbug.backtest.summary import Figures, Summary, figures_of
from heisenbug.configuration import Configuration
from heisenbug.domain.assets import TradingPair
from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.settings import DEFAULTS, Settings, change
from heisenbug.domain.trade import Trade
from heisenbug.domain.venue import VENUES
from heisenbug.fitting.history import Unpriceable
from heisenbug.markets.history import History, OutOfRange, history_of
from heisenbug.markets.market import epoch
from heisenbug.markets.recorded import InvalidMarket, read_market


def backtest_command(
    market: Annotated[Path, typer.Option(help="A recorded market: gzip CSV at,pair,bid,ask.")],
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
    if report is not None:
        check_report_place(report)
    try:
        figures = _figures(lambda: wish_of(market, begin, end, changes_of(told or []), fill, venue))
    except (InvalidMarket, InvalidSettings, OutOfRange, Unpriceable) as bad:
        raise Mistyped(str(bad)) from bad
    if report is not None:
        write_report(figures, report)
    if json:
        show.as_json({**_plain(figures.summary), "trades": [_trade(trade) for trade in figures.run.trades]})
    else:
        tell(figures.summary)
    if report is not None:
        show.tell(f"The report is in {report}: one file, open it in a browser.")


def wish_of(market: Path, begin: str, end: str, told: dict[str, Any], fill: Fill, venue: str) -> Wish:
    """The backtest that was asked for; raises what names the bad value."""
    if venue not in VENUES:
        raise Mistyped(f"There is no venue {venue}; there are {', '.join(sorted(VENUES))}.")
    settings = settings_of(told)
    history = history_of(read_market(market), settings.sample_seconds)
    history = between(history, begin, end)
    pairs = tuple(TradingPair(pair) for pair in sorted(history.pairs))
    _check_start(settings, history)
    return Wish(history, Configuration(settings, pairs, 1), VENUES[venue], fill)


def settings_of(told: dict[str, Any]) -> Settings:
    """The settings of the backtest: active, paper, one check a sample; raises InvalidSettings."""
    for name in ("mode", "check_interval_seconds", "pairs"):
        if name in told:
            raise Mistyped(
                f"{name} cannot be set here: a backtest is on paper, checks each sample and takes all pairs."
            )
    always = replace(DEFAULTS, is_active=True, check_interval_seconds=1)
    return change(always, told)


def _check_start(settings: Settings, history: History) -> None:
    """Raise Mistyped where the bot would begin with what the market does not know."""
    known = {settings.base_currency, *(side for pair in history.pairs for side in (pair.base, pair.quote))}
    if unknown := sorted(set(settings.paper_start) - known):
        raise Mistyped(
            f"paper_start holds {', '.join(unknown)}, which {history.name} has no price of: "
            f"begin with {', '.join(sorted(known))}."
        )


def between(history: History, begin: str, end: str) -> History:
    """The part that was asked for; raises Mistyped or OutOfRange."""
    try:
        first = epoch(begin) if begin else float(history.at[0])
        last = epoch(end) if end else float(history.at[-1])
    except ValueError as bad:
        raise Mistyped(f"{bad}: give a day or a time like 2025-05-10 or 2025-05-10T12:00:00Z.") from bad
    return history.between(first, last)


def _figures(wish_of_market: Callable[[], Wish]) -> Figures:
    """Read the market, run and judge; on a terminal with a bar that says which of them it is at."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=show.talk, transient=True, disable=not show.talk.is_terminal) as bar:
        task = bar.add_task("reading the market", total=None)
        wish = wish_of_market()
        bar.update(task, description=f"{len(wish.history)} samples", total=len(wish.history))
        run = run_fast(wish, lambda row: bar.update(task, completed=row + 1))
        bar.update(task, description="judging", total=None)
        return figures_of(run)


def tell(summary: Summary) -> None:
    """The figures for a person."""
    market = f"{summary.market}, {_utc(summary.begin)} to {_utc(summary.end)}, {summary.samples} samples"
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


def _plain(summary: Summary) -> dict[str, Any]:
    more = {"gain": summary.gain, "costs_bps": summary.costs_bps, "headline": words.headline(summary)}
    return {**asdict(summary), "begin": _utc(summary.begin), "end": _utc(summary.end), **more}


def _trade(trade: Trade) -> dict[str, Any]:
    return {
        "at": _utc(trade.due),
        "from": trade.source,
        "to": trade.target,
        "amount": f"{trade.amount:f}",
        "received": f"{trade.received:f}" if trade.received is not None else None,
        "confidence": trade.expected.confidence,
        "cost_bps": trade.realised_cost_bps,
    }


def _utc(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
