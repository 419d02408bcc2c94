"""`heisenbug replay`: every recorded decision of a stretch of time decided again, and what comes out different."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from math import ceil, floor
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cli import show
from cli.asking import Json
from cli.errors import CannotRun, Mistyped
from cli.explaining import explained
from cli.stack import call
from cli.trader import OLD_STACK
from heisenbug.backtest.asked import moment_of
from heisenbug.domain.errors import InvalidSettings
from heisenbug.markets.market import epoch, iso

PAGE = 100
DEFAULT_SECONDS = 3600
LAST_CURSOR = 2**40
MOST_HOLES = 20
Row = dict[str, Any]


@dataclass
class Replayed:
    """What came of deciding again: how many were the same, what was not, and what could not be decided again."""

    same: int = 0
    different: list[Row] = field(default_factory=list)
    untold: list[Row] = field(default_factory=list)

    def add(self, row: Row, **what: Any) -> None:
        """Count one decision."""
        again = row["again"]
        self.same += again["same"] is True
        if again["same"] is False:
            self.different.append({**what, "differences": again["differences"]})
        if again["same"] is None:
            self.untold.append({**what, "why": again["why"]})

    @property
    def compared(self) -> int:
        """How many could be held against what was recorded."""
        return self.same + len(self.different)


def replay(
    begin: Annotated[str, typer.Option("--from", help="The first day or time, such as 2025-05-10 (UTC).")] = "",
    end: Annotated[str, typer.Option("--to", help="The last one; now where left out.")] = "",
    json: Json = False,
) -> None:
    """Decide every recorded tick and trade again, the last hour's unless told otherwise; exit 1 on any difference."""
    first, last = between(begin, end)
    ticks, trades = Replayed(), Replayed()
    gone = _replay_ticks(first, last, ticks)
    _replay_trades(first, last, trades)
    if json:
        show.as_json({"from": iso(first), "to": iso(last), **_plain(ticks, trades, gone)})
    else:
        _tell(ticks, trades, gone)
    if not ticks.compared + trades.compared:
        raise CannotRun(
            "Nothing was compared: of that time nothing is kept that says what was decided. "
            "Ticks are kept for an hour, samples for 90 days, trades for ever."
        )
    if ticks.different or trades.different:
        raise typer.Exit(1)


def between(begin: str, end: str) -> tuple[int, int]:
    """The first and the last second that was asked for; raises Mistyped."""
    try:
        known_last, known_first = moment_of("to", end), moment_of("from", begin)
    except InvalidSettings as bad:
        raise Mistyped(str(bad)) from bad
    last = datetime.now(UTC).timestamp() if known_last is None else known_last
    first = last - DEFAULT_SECONDS if known_first is None else known_first
    if first > last:
        raise Mistyped(f"--from {iso(first)} is after --to {iso(last)}: give the earlier time first.")
    return ceil(first), floor(last)


def _replay_ticks(first: int, last: int, found: Replayed) -> int:
    """Compare the ticks; how many between them left nothing or have expired."""
    numbers = []
    with _bar() as bar:
        task = bar.add_task("ticks", total=last - first + 1)
        for row in _ticks(first, last, lambda at: bar.update(task, completed=last - at)):
            found.add(row, at=row["at"], tick=row["tick"])
            numbers.append(row["tick"])
    return sum(max(newer - older - 1, 0) for newer, older in pairwise(numbers))


def _ticks(first: int, last: int, progress: Callable[[float], None]) -> Iterator[Row]:
    """The kept ticks from `last` back to `first`, as the bot decides them again."""
    cursor: int | None = min(max(last + 1, 2), LAST_CURSOR)
    while cursor is not None and cursor > first:
        page = call("GET", "decisions", query={"limit": PAGE, "cursor": cursor})
        for row in page["decisions"]:
            if "again" not in row:
                raise CannotRun(OLD_STACK)
            if epoch(row["at"]) < first:
                return
            yield row
        cursor = page["cursor"]
        progress(cursor or first)


def _replay_trades(first: int, last: int, found: Replayed) -> None:
    with _bar() as bar:
        task = bar.add_task("trades", total=None)
        for trade in _trades(first, last):
            found.add(trade["explanation"], trade=trade["sequence"], at=trade["at"])
            bar.advance(task)


def _trades(first: int, last: int) -> Iterator[Row]:
    """The finished trades that were decided then, newest first, explained; a number without a trade is a difference.

    Where the oldest are missing in a row, that is said and no difference.
    """
    holes: list[int] = []
    for number in range(_newest(last), 0, -1):
        try:
            trade = explained(str(number))
        except Mistyped:
            holes.append(number)
            if len(holes) == MOST_HOLES:
                break
            continue
        yield from map(_lost, holes)
        holes = []
        if epoch(trade["at"]) < first:
            return
        if epoch(trade["at"]) <= last:
            yield trade
    yield from map(_forgotten, holes)


def _lost(number: int) -> Row:
    differences = [f"Trade {number} is not in TradeArchive, though older ones are."]
    return {"sequence": number, "at": "", "explanation": {"again": {"same": False, "differences": differences}}}


def _forgotten(number: int) -> Row:
    why = f"Trade {number} and all before it are not in TradeArchive."
    return {"sequence": number, "at": "", "explanation": {"again": {"same": None, "why": why}}}


def _newest(last: int) -> int:
    """The number of the newest trade that was decided by `last`, or of one after it that few others are between."""
    number, cursor = 0, None
    while True:
        page = call("GET", "trades", query={"limit": PAGE, "cursor": cursor})
        for trade in page["trades"]:
            number = int(trade["sequence"])
            if epoch(trade["at"]) <= last:
                return number
        cursor = page["cursor"]
        if cursor is None:
            return number


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, console=show.talk, transient=True, disable=not show.talk.is_terminal)


def _plain(ticks: Replayed, trades: Replayed, gone: int) -> Row:
    return {
        "ticks": {"compared": ticks.compared, "same": ticks.same, "not_comparable": ticks.untold, "not_kept": gone},
        "trades": {"compared": trades.compared, "same": trades.same, "not_comparable": trades.untold},
        "differences": [*ticks.different, *trades.different],
    }


def _tell(ticks: Replayed, trades: Replayed, gone: int) -> None:
    show.facts(
        {
            "Ticks": f"{ticks.compared} compared, {len(ticks.untold)} not comparable, {gone} expired or left nothing",
            "Trades": f"{trades.compared} compared, {len(trades.untold)} not comparable, of the money traded now",
            "Differences": len(ticks.different) + len(trades.different) or "none",
        }
    )
    for row in [*ticks.different, *trades.different]:
        show.out.print(f"{_which(row)}: {' '.join(row['differences'])}", soft_wrap=True)
    for why in sorted({row["why"] for row in [*ticks.untold, *trades.untold]}):
        show.tell(f"Not comparable: {why}")


def _which(row: Row) -> str:
    return f"{row['at']} trade {row['trade']}".lstrip() if "trade" in row else f"{row['at']} tick {row['tick']}"
