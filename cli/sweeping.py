"""`heisenbug sweep`: many configurations on a market's past, and how little the best of them may mean."""

import csv
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli import show
from cli.asking import Json
from cli.backtesting import said
from cli.errors import CannotRun, Mistyped
from cli.remote import run_there
from cli.sharing import rows_of
from cli.telling import changes_of
from heisenbug.backtest.grid import EXAMPLE
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.sweep import BadSplit, Part, Row, Stretch, Sweep
from heisenbug.backtest.swept import SCORE, Swept, sweep_asked_of, swept_from, swept_of
from heisenbug.backtest.table import Table
from heisenbug.backtest.words import RULES
from heisenbug.domain.errors import InvalidSettings
from heisenbug.fitting.history import Unpriceable
from heisenbug.markets.history import OutOfRange
from heisenbug.markets.market import iso
from heisenbug.markets.recorded import InvalidMarket, read_market
from heisenbug.markets.written import CannotWrite, check_folder, whole_or_not_at_all

HEADINGS = {
    **{"score": "In sample", "trades": "Trades", "drawdown": "Drawdown"},
    **{"out score": "Out of sample", "out trades": "Trades", "out drawdown": "Drawdown"},
}


def sweep_command(
    grid: Annotated[
        str,
        typer.Option(
            metavar="NAME=VALUES,...",
            help=f"What varies, such as {EXAMPLE}: a list goes on until the next name, FIRST:LAST:STEP has both its "
            "ends; every value is tried with every other.",
        ),
    ],
    market: Annotated[Path | None, typer.Option(help="A recorded market: gzip CSV at,pair,bid,ask.")] = None,
    remote: Annotated[
        str, typer.Option(help="Run it in AWS instead, on this market that was uploaded (heisenbug market upload).")
    ] = "",
    told: Annotated[
        list[str] | None, typer.Option("--set", help="A setting for all, such as cost_bps=10; may be repeated.")
    ] = None,
    split: Annotated[
        float, typer.Option(help="The part of the samples that is in sample; the rest comes after.")
    ] = 0.7,
    jobs: Annotated[int, typer.Option(min=1, help="How many processes.", show_default="one a core")] = (
        os.cpu_count() or 1
    ),
    fill: Annotated[Fill, typer.Option(help="At which quote a conversion is filled.")] = Fill.NEXT_SAMPLE,
    venue: Annotated[str, typer.Option(help="Whose fees are paid, unless cost_bps is set.")] = "uphold",
    begin: Annotated[str, typer.Option("--from", help="The first day or time, such as 2025-05-10 (UTC).")] = "",
    end: Annotated[str, typer.Option("--to", help="The last one.")] = "",
    top: Annotated[int, typer.Option(min=1, help="How many rows to show; --json and --csv have all.")] = 10,
    output: Annotated[Path | None, typer.Option("--csv", help="Write all rows to this file.")] = None,
    json: Json = False,
) -> None:
    """Run a backtest of every configuration of a grid, and hold the best in sample against what came after.

    Each is run on the first part of the past (in sample) and, begun anew, on the rest (out of sample).

    Its score is the log return of equity after all costs. The more are tried, the more of the best score is luck.
    """
    asked = {"grid": grid, "split": split, "from": begin, "to": end, "set": changes_of(told or [])}
    asked.update(fill=fill.value, venue=venue)
    _check(output)
    if (market is None) == (not remote):
        raise Mistyped("Name one market: --market FILE runs here, --remote NAME in AWS.")
    if market:
        swept = _run(_sweep(market, asked), jobs)
    else:
        swept = swept_from(run_there("sweep", {"market": remote, **said(asked)}))
    if output:
        _write(output, swept.table)
    show.as_json(swept.plain()) if json else _tell(swept, top)


def _sweep(market: Path, told: dict[str, Any]) -> Sweep:
    try:
        return sweep_asked_of(told).on(read_market(market))
    except (BadSplit, InvalidMarket, InvalidSettings, OutOfRange, Unpriceable) as bad:
        raise Mistyped(str(bad)) from bad


def _run(sweep: Sweep, jobs: int) -> Swept:
    columns = (TextColumn("configurations"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        heard_interrupts(),
        Progress(*columns, console=show.talk, transient=True, disable=not show.talk.is_terminal) as bar,
    ):
        return swept_of(sweep, bar.track(rows_of(sweep, jobs), total=len(sweep.grid)))


@contextmanager
def heard_interrupts() -> Iterator[None]:
    """Being interrupted, or terminated, is one sentence; where we run in the background it is heard all the same."""
    before = {name: signal.signal(name, signal.default_int_handler) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except KeyboardInterrupt:
        raise CannotRun("Interrupted: every process is ended, nothing was written.") from None
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _tell(swept: Swept, top: int) -> None:
    table = swept.table
    show.facts(
        {
            "Market": swept.market,
            "In sample": _stretch(swept.in_sample),
            "Out of sample": _stretch(swept.out_of_sample),
            "Rule": RULES[Fill(swept.fill)],
            "Score": SCORE,
            "Tried": _tried(table),
        }
    )
    cells = [_cells(row) for row in table.rows[:top]]
    show.table(cells, {name: HEADINGS.get(name, name) for row in cells[:1] for name in row}, "")
    for row in table.rows[:top]:
        if row.error:
            show.tell(f"{_named(row)}: {row.error}")
    if len(table.rows) > top:
        show.say(f"{_configurations(len(table.rows) - top)} more: --top, --csv or --json.")
    show.say(verdict(table))
    show.say("The past says nothing sure about the future.")


def _stretch(part: Stretch) -> str:
    span = f"{iso(part.begin)} to {iso(part.end)}, {part.samples:,} samples"
    return f"{span}; holding equal parts of all assets, bought for nothing, scored {part.holding:+.4f}"


def _tried(table: Table) -> str:
    failed = f", {table.failed} could not be run" if table.failed else ""
    return f"{_configurations(table.tried)}, {table.traded} traded in sample{failed}"


def _configurations(count: int) -> str:
    return f"{count:,} configuration{'' if count == 1 else 's'}"


def _cells(row: Row) -> dict[str, str]:
    """The row for a person: its settings, then what each part came to."""
    parts = ((row.in_sample, ""), (row.out_of_sample, "out "))
    scores = {f"{when}{name}": text for part, when in parts for name, text in _figures(part).items()}
    return {**{name: show.cell(value) for name, value in row.point.items()}, **scores}


def _figures(part: Part | None) -> dict[str, str]:
    if part is None:
        return dict.fromkeys(("score", "trades", "drawdown"), "-")
    killed = ", killed" if part.killed else ""
    return {"score": f"{part.score:+.4f}", "trades": str(part.trades), "drawdown": f"{part.drawdown:.2%}{killed}"}


def _named(row: Row) -> str:
    return " ".join(f"{name}={show.cell(value)}" for name, value in row.point.items())


def verdict(table: Table) -> str:
    """What a person may conclude from the table, and what not."""
    if not table.tried:
        return "None of the configurations could be run."
    if table.best is None or table.best.in_sample is None or table.best.out_of_sample is None:
        return (
            f"None of {_configurations(table.tried)} traded in sample, so there is no best one: at these costs nothing "
            "promised enough. That is mostly the honest answer."
        )
    best, before, after = table.best, table.best.in_sample, table.best.out_of_sample
    idle = " It is one that did not trade: nothing beat doing nothing." if not before.trades else ""
    shared = f", with {table.as_good - 1} more of the same score, the first of them" if table.as_good > 1 else ""
    return (
        f"Best in sample: {_named(best)}{shared}.{idle} It scored {before.score:+.4f} in sample and {after.score:+.4f} "
        f"out of sample, where it is number {table.rank} of {table.tried:,}; {table.gained:,} of them gained anything "
        f"there. The best of {table.tried:,} tries looks better in sample than it is, by luck alone; its rank out of "
        "sample shows how much of it lasted."
    )


def _check(output: Path | None) -> None:
    try:
        if output:
            check_folder(output)
    except CannotWrite as bad:
        raise Mistyped(str(bad)) from bad


def _write(output: Path, table: Table) -> None:
    """The whole file or none; one that is there is replaced."""
    rows = [_flat(row) for row in table.rows]
    text = StringIO(newline="")
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    try:
        with whole_or_not_at_all(output, force=True) as file:
            file.write(text.getvalue().encode())
    except CannotWrite as bad:
        raise CannotRun(str(bad)) from bad


def _flat(row: Row) -> dict[str, Any]:
    """The row as one line of a file: the same columns for every row."""
    plain = row.plain()
    figures = [each.name for each in fields(Part)]
    parts = {
        f"{part}_{name}": (plain[part] or {}).get(name) for part in ("in_sample", "out_of_sample") for name in figures
    }
    return {"number": row.number, **row.point, **parts, "error": row.error}
