"""`heisenbug backtest`: what a bot with these settings would have done on a market's past."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cli import show
from cli.asking import Json
from cli.errors import Mistyped
from cli.telling import changes_of
from heisenbug.backtest.fast import run_fast
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.run import Run, Wish
from heisenbug.backtest.summary import Summary, summary_of
from heisenbug.configuration import Configuration, check_model
from heisenbug.domain.assets import TradingPair
from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.settings import DEFAULTS, Settings, change
from heisenbug.domain.trade import Trade
from heisenbug.domain.venue import VENUES
from heisenbug.fitting.history import Unpriceable
from heisenbug.markets.history import History, OutOfRange, history_of
from heisenbug.markets.market import epoch
from heisenbug.markets.recorded import InvalidMarket, read_market

RULES = {
    Fill.NEXT_SAMPLE: "filled at the next sample's bid or ask plus the fee, never at the price that decided",
    Fill.SAME_QUOTE: "filled at the quote that decided plus the fee, as the paper exchange does",
}


def backtest_command(
    market: Annotated[Path, typer.Option(help="A recorded market: gzip CSV at,pair,bid,ask.")],
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
    try:
        wish = wish_of(market, begin, end, changes_of(told or []), fill, venue)
        run = _run(wish)
        summary = summary_of(run)
    except (InvalidMarket, InvalidSettings, OutOfRange, Unpriceable) as bad:
        raise Mistyped(str(bad)) from bad
    if json:
        show.as_json({**_plain(summary), "trades": [_trade(trade) for trade in run.trades]})
    else:
        tell(summary)


def wish_of(market: Path, begin: str, end: str, told: dict[str, Any], fill: Fill, venue: str) -> Wish:
    """The backtest that was asked for; raises what names the bad value."""
    if venue not in VENUES:
        raise Mistyped(f"There is no venue {venue}; there are {', '.join(sorted(VENUES))}.")
    settings = settings_of(told)
    history = history_of(read_market(market), settings.sample_seconds)
    history = between(history, begin, end)
    pairs = tuple(TradingPair(pair) for pair in sorted(history.pairs))
    check_model(settings, {side for pair in history.pairs for side in (pair.base, pair.quote)})
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


def between(history: History, begin: str, end: str) -> History:
    """The part that was asked for; raises Mistyped or OutOfRange."""
    try:
        first = epoch(begin) if begin else float(history.at[0])
        last = epoch(end) if end else float(history.at[-1])
    except ValueError as bad:
        raise Mistyped(f"{bad}: give a day or a time like 2025-05-10 or 2025-05-10T12:00:00Z.") from bad
    return history.between(first, last)


def _run(wish: Wish) -> Run:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=show.talk, transient=True, disable=not show.talk.is_terminal) as bar:
        task = bar.add_task(f"{len(wish.history)} samples", total=len(wish.history))
        return run_fast(wish, lambda row: bar.update(task, completed=row + 1))


def tell(summary: Summary) -> None:
    """The figures for a person."""
    show.facts(
        {
            "Market": f"{summary.market}, {_utc(summary.begin)} to {_utc(summary.end)}, {summary.samples} samples",
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


def _plain(summary: Summary) -> dict[str, Any]:
    return {**asdict(summary), "begin": _utc(summary.begin), "end": _utc(summary.end), "gain": summary.gain}


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
