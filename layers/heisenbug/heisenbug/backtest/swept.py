"""A sweep as somebody asks for it, and as plain data once it was carried out: the same here and in AWS."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from heisenbug.backtest.asked import Asked, asked_of
from heisenbug.backtest.grid import EXAMPLE, BadGrid, Grid, grid_of
from heisenbug.backtest.sweep import Row, Stretch, Sweep, row_from
from heisenbug.backtest.table import Table, table_of
from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.rules import shown
from heisenbug.markets.market import epoch, iso
from heisenbug.markets.recorded import RecordedMarket

SPLIT = 0.7
SCORE = "log return of equity after all costs; doing nothing scores 0"


@dataclass(frozen=True, slots=True)
class SweepAsked:
    """Everything of a sweep but the market itself."""

    asked: Asked
    grid: Grid
    split: float

    def on(self, market: RecordedMarket) -> Sweep:
        """The sweep on a market; raises BadSplit, OutOfRange and Unpriceable."""
        wish = self.asked.on(market)
        return Sweep(wish.history, wish.told.settings, wish.venue, wish.fill, self.grid, self.split)


def sweep_asked_of(told: Mapping[str, Any]) -> SweepAsked:
    """What `told` asks for: grid, split and what a backtest is asked for; raises InvalidSettings."""
    asked, text, split = asked_of(told), told.get("grid"), told.get("split", SPLIT)
    if not isinstance(text, str):
        raise _bad("grid", f"grid must be a text such as {EXAMPLE}, not {shown(text)}.")
    if isinstance(split, bool) or not isinstance(split, int | float) or not 0 < split < 1:
        raise _bad(
            "split", f"The split must lie between 0 and 1, not {shown(split)}: 0.7 keeps the last 30 % out of sample."
        )
    try:
        grid = grid_of(text, asked.settings)
    except BadGrid as bad:
        raise _bad("grid", str(bad)) from bad
    both = next((name for name in grid.values if name in told.get("set", {})), None)
    if both:
        raise _bad(both, f"{both} is set and varies as well: leave it out of one of them.")
    return SweepAsked(asked, grid, float(split))


@dataclass(frozen=True, slots=True)
class Swept:
    """A sweep that was carried out: on what, filled by which rule, both parts, and the table of its rows."""

    market: str
    fill: str
    split: float
    in_sample: Stretch
    out_of_sample: Stretch
    table: Table

    def plain(self) -> dict[str, Any]:
        """All of it as JSON carries it."""
        parts = {"in_sample": _plain(self.in_sample), "out_of_sample": _plain(self.out_of_sample)}
        known = {"market": self.market, "fill": self.fill, "split": self.split, "score": SCORE}
        return {**known, **parts, **self.table.plain()}


def swept_of(sweep: Sweep, rows: Iterable[Row]) -> Swept:
    """What came of a sweep whose rows are these."""
    parts = (sweep.in_sample, sweep.out_of_sample)
    return Swept(sweep.history.name, sweep.fill.value, sweep.split, *parts, table_of(rows))


def swept_from(plain: Mapping[str, Any]) -> Swept:
    """The sweep that `Swept.plain` gave."""
    parts = (_stretch(plain["in_sample"]), _stretch(plain["out_of_sample"]))
    rows = table_of(map(row_from, plain["rows"]))
    return Swept(plain["market"], plain["fill"], plain["split"], *parts, rows)


def _plain(part: Stretch) -> dict[str, Any]:
    return {**asdict(part), "begin": iso(part.begin), "end": iso(part.end)}


def _stretch(plain: Mapping[str, Any]) -> Stretch:
    return Stretch(int(epoch(plain["begin"])), int(epoch(plain["end"])), plain["samples"], plain["holding"])


def _bad(field: str, message: str) -> InvalidSettings:
    return InvalidSettings([FieldError(field, message)])
