"""Many configurations on one past, each in sample and then, untouched, out of sample."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import log
from typing import Any

import numpy as np

from heisenbug.backtest.fast import prospects_of
from heisenbug.backtest.grid import Grid, Point
from heisenbug.backtest.hurried import HurriedWalk
from heisenbug.backtest.rules import Fill, Wish
from heisenbug.backtest.run import Run
from heisenbug.backtest.seen import Seen, seen
from heisenbug.backtest.steps import Steps, needs_care
from heisenbug.domain.assets import TradingPair
from heisenbug.domain.configuration import Configuration, check_sides
from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.settings import Settings, as_plain, change, parse
from heisenbug.domain.venue import Venue
from heisenbug.fitting.history import prices_in
from heisenbug.markets.history import Floats, History


class BadSplit(ValueError):
    """A split that leaves too little on one of its sides; the text says how much there is and what is needed."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one configuration came to on one part of the past; `costs` in the base currency.

    `score` is the log return of equity, after all costs: 0 is what doing nothing comes to.
    """

    score: float
    trades: int
    dropped: int
    drawdown: float
    costs: float
    killed: str


@dataclass(frozen=True, slots=True)
class Row:
    """One configuration: its number in the grid, its settings, and both parts, or why it could not be run."""

    number: int
    point: Point
    in_sample: Part | None = None
    out_of_sample: Part | None = None
    error: str = ""

    def plain(self) -> dict[str, Any]:
        """The row as JSON carries it."""
        return asdict(self)


def row_from(plain: Mapping[str, Any]) -> Row:
    """The row that `Row.plain` gave."""
    parts = {name: Part(**plain[name]) if plain[name] else None for name in ("in_sample", "out_of_sample")}
    return Row(plain["number"], plain["point"], **parts, error=plain["error"])


@dataclass(frozen=True, slots=True)
class Stretch:
    """One part of the past: its first and last sample (epoch seconds), and the log return of holding over it."""

    begin: int
    end: int
    samples: int
    holding: float


class Sweep:
    """The configurations of a grid on one history, which is cut in two at the fraction `split` of its samples.

    What configurations of one window share (guards, log prices) is computed once where they follow each other. Raises
    BadSplit where a part is shorter than the longest window, and Unpriceable.
    """

    def __init__(
        self, history: History, settings: Settings, venue: Venue, fill: Fill, grid: Grid, split: float
    ) -> None:
        self.history, self.settings, self.venue, self.fill, self.grid = history, settings, venue, fill, grid
        self.split, self.cut = split, _cut(history, split, max(grid.values.get("window", [settings.window])))
        _, logs = prices_in(settings.base_currency, history)
        before, after = history.parted(self.cut)
        self.in_sample = _stretch(before, _holding_worth(logs[: self.cut]))
        self.out_of_sample = _stretch(after, _holding_worth(logs[self.cut :]))
        self._seen: Seen | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process goes what it was made of."""
        return _anew, (self.history, as_plain(self.settings), self.venue, self.fill, self.grid, self.split)

    def row(self, number: int) -> Row:
        """Run the configuration of this number (from 0); one whose settings do not fit together says so."""
        point = self.grid.point(number)
        try:
            settings = change(self.settings, point)
            check_sides(settings, {side for pair in self.history.pairs for side in (pair.base, pair.quote)}, self.venue)
        except InvalidSettings as bad:
            return Row(number, point, error=str(bad))
        before, after = self.runs(settings)
        if not (np.isfinite(before.equity).any() and np.isfinite(after.equity).any()):
            return Row(number, point, error="There is no price for what it holds in one of the parts.")
        return Row(number, point, _part(before), _part(after))

    def runs(self, settings: Settings) -> tuple[Run, Run]:
        """The two backtests: of the samples before the cut, and anew of those after, which look back over it.

        Their gates are not counted. The second is of the whole history, with no equity and no trades before the cut.
        """
        past = self._see(settings)
        if needs_care(past):
            return Steps(past.until(self.cut)).run(), Steps(past).run(begin=self.cut)
        ahead = prospects_of(past)
        before = HurriedWalk(past.until(self.cut), ahead.until(self.cut)).run()
        return before, HurriedWalk(past, ahead).run(begin=self.cut)

    def _see(self, settings: Settings) -> Seen:
        """The past as decisions see it, which depends on the window alone of what may vary."""
        pairs = tuple(TradingPair(pair) for pair in sorted(self.history.pairs))
        here = self.venue.over(self.history.pairs, settings.bridge_asset)
        wish = Wish(self.history, Configuration(settings, pairs, 1), here, self.fill)
        if self._seen is None or self._seen.wish.told.settings.window != settings.window:
            self._seen = seen(wish)
        return replace(self._seen, wish=wish)


def failed_row(number: int, point: Point, failure: BaseException) -> Row:
    """The row of a configuration that broke off, with its reason."""
    return Row(number, point, error=f"It failed: {type(failure).__name__}: {failure}")


def _anew(history: History, plain: Mapping[str, Any], venue: Venue, fill: Fill, grid: Grid, split: float) -> Sweep:
    return Sweep(history, parse(plain), venue, fill, grid, split)


def _cut(history: History, split: float, window: int) -> int:
    """The first sample out of sample; raises BadSplit."""
    if not 0 < split < 1:
        raise BadSplit(f"The split must lie between 0 and 1, not {split:g}: 0.7 keeps the last 30 % out of sample.")
    cut = round(len(history) * split)
    if min(cut, len(history) - cut) <= window:
        raise BadSplit(
            f"The split {split:g} leaves {cut:,} samples in sample and {len(history) - cut:,} out of sample; each "
            f"needs more than the longest window, {window:,}. Choose another split, a longer market or shorter windows."
        )
    return cut


def _stretch(history: History, holding: Floats) -> Stretch:
    return Stretch(int(history.at[0]), int(history.at[-1]), len(history), log(holding[-1] / holding[0]))


def _part(run: Run) -> Part:
    known = run.equity[np.isfinite(run.equity)]
    return Part(
        log(known[-1] / known[0]),
        len(run.moves),
        len(run.dropped),
        _drawdown(known),
        run.moves.costs,
        run.killed,
    )


def _holding_worth(logs: Floats) -> Floats:
    """The worth of equal parts of all assets that were priced at first, bridged where they have no price (T,)."""
    priced = logs[:, np.isfinite(logs[0])]
    worth = np.exp(priced - priced[0])
    last = np.maximum.accumulate(np.where(np.isfinite(worth), np.arange(len(worth))[:, None], 0), axis=0)
    mean: Floats = np.take_along_axis(worth, last, axis=0).mean(axis=1)
    return mean


def _drawdown(worth: Floats) -> float:
    """The deepest fall under the highest worth before it, as a fraction."""
    return float((1 - worth / np.maximum.accumulate(worth)).max())
