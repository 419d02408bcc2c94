"""The fast way: the live decision is asked only at samples where a gate could open, everything between is arrays.

Trades are those of the plain loop to the digit. Where one conversion alone could pass and surely does, it is settled
swiftly; what is in doubt is decided on the same view, and who decides, converts and settles is the same code. Where an
exit is set, every sample is decided: steps.py.
"""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

import numpy as np
from numpy.typing import NDArray

from heisenbug.backtest.bulk import Prospects, prospects
from heisenbug.backtest.live import LiveCode, trades_at
from heisenbug.backtest.rules import Wish
from heisenbug.backtest.run import Moves, Progress, Run, count_gates
from heisenbug.backtest.seen import Seen, seen
from heisenbug.backtest.steps import Steps, needs_care
from heisenbug.backtest.swift import Swift
from heisenbug.backtest.units import Units, Whole
from heisenbug.domain.costs import conversion_costs
from heisenbug.domain.decide import equity_of
from heisenbug.domain.forecasters.ridge import carried
from heisenbug.domain.forecasters.shipped import forecaster_of
from heisenbug.domain.gates import Gate
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.portfolio import Portfolio
from heisenbug.domain.prices import Floats
from heisenbug.domain.protections import Drawdown, Protection, drawdown_verdict
from heisenbug.domain.tally import MOST
from heisenbug.settling import Position

DRAWN_DOWN = (Protection.MAX_DRAWDOWN.value,)
# So many samples are walked before it is looked whether equity fell too far in them.
LEAP = 1 << 16
# So near to the limit of the drawdown the exact equity is asked.
NEAR = 1e-6


def run_fast(wish: Wish, progress: Progress = lambda row: None) -> Run:
    """The backtest, to the trades of the plain loop."""
    past = seen(wish)
    if needs_care(past):
        return Steps(past).run(progress)
    return Walk(past, prospects_of(past)).run(progress)


class _Halted(Exception):
    """The venue has erred so often that entries may rest: from here on every sample is to be decided."""


@dataclass
class Leap:
    """What came of some samples in a row: from each of `begins` on the amounts `held`, and what was done where."""

    begins: list[int]
    held: list[Whole]
    moves: Moves
    converted: list[int] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    gates: Counter[Gate] = field(default_factory=Counter)
    swift: int = 0
    amounts: Floats = field(default_factory=lambda: np.empty((0, 0)))

    def ended(self, end: int, units: Units) -> "Leap":
        """The same with the amounts of all assets, sample by sample (rows x N)."""
        counts = np.diff([*self.begins, end])
        self.amounts = np.empty((end - self.begins[0], len(units.assets)))
        for place, column in enumerate(units.columns(self.held)):
            self.amounts[:, place] = np.repeat(column, counts)
        return self

    def at(self, row: int) -> Whole:
        """What was held at a sample."""
        return self.held[bisect_right(self.begins, row) - 1]


class Walk:
    """One bot's way over a history, from one sample at which a gate could open to the next."""

    def __init__(self, seen: Seen, ahead: Prospects) -> None:
        self._seen, self._settings = seen, seen.wish.told.settings
        self._units = Units.of(seen.assets, self._settings.paper_start)
        self._prospects, self._prices = ahead, np.exp(seen.logs)
        ratio = forecaster_of(self._settings).variance_ratio
        self._swift = Swift(seen, ahead, self._prices, _fees(seen), ratio, self._units)
        self._wanted = _worth_a_look(seen, ahead)
        self._nexts = [memoryview(_next_rows(column)) for column in self._wanted.T]
        self._live = LiveCode(seen)
        self._begin = self._ledger = Ledger(dict(self._settings.paper_start))
        self._count, self._equity = len(seen.logs), np.full(len(seen.logs), np.nan)
        self._peak, self._killed = Decimal(0), ""
        self._progress: Progress = lambda row: None
        self._gates, self._moves, self._converted = Counter[Gate](), Moves(self._units), list[int]()

    def run(self, progress: Progress = lambda row: None, begin: int = 0) -> Run:
        """All of it from the sample `begin` on; those before are only looked back on, and have no equity."""
        count, self._progress, start = len(self._seen.logs), progress, begin
        try:
            while begin < count:
                begin = self._leap(begin, min(begin + LEAP, count))
                self._progress(begin - 1)
        except _Halted:
            return Steps(self._seen).run(progress, start)
        told = cache(lambda: trades_at(self._converted, self._seen, self._begin))
        dropped, holdings = tuple(self._live.memory.dropped), self._ledger.holdings
        return Run(self._seen, self._moves, told, dropped, self._equity, holdings, self._gates, self._killed)

    def _leap(self, begin: int, end: int) -> int:
        """Walk to `end`, or to the sample at which entries end: that is seen afterwards, and walked to again."""
        ledger, dropped = self._ledger, len(self._live.memory.dropped)
        leap = self._walk(begin, end)
        worth = self._worth(leap, begin, end)
        fallen = None if self._killed else self._fallen(leap, worth, begin)
        if fallen is not None:
            end = fallen[0]
            self._ledger = ledger
            del self._live.memory.dropped[dropped:]
            leap = self._walk(begin, end)
            self._killed = fallen[1]
        self._equity[begin:end] = worth[: end - begin]
        self._keep(leap, begin, end)
        return end

    def _walk(self, begin: int, end: int) -> Leap:
        leap = self._begun(begin)
        row = begin
        while row < end:
            row = self._convert(row, end, leap)
            if row < end:
                self._ask(row, leap)
                row += 1
        return leap.ended(end, self._units)

    def _begun(self, row: int) -> Leap:
        return Leap([row], [self._held], Moves(self._units))

    @property
    def _held(self) -> Whole:
        return self._units.whole(self._ledger.holdings)

    def _convert(self, row: int, end: int, leap: Leap) -> int:
        """Convert what is beyond doubt; the sample at which something is in doubt, or one beyond the `end`."""
        if self._killed:
            return self._next(row, self._held)[0]
        chain = self._swift.chain(row, end, self._ledger, self._next)
        self._ledger = chain.ledger
        leap.begins += [row + 1 for row in chain.rows]
        leap.held += chain.held
        leap.moves.add_all(chain.moves)
        leap.converted += chain.rows
        leap.swift += len(chain.rows)
        return chain.row

    def _next(self, begin: int, held: Whole) -> tuple[int, int | None]:
        """See Next."""
        first, source = self._count, None
        if begin < first:
            for place, count in held.items():
                if count > 0:
                    row = self._row_of(place, count, begin)
                    if row <= first:
                        first, source = row, place if row < first else None
        return first, source

    def _row_of(self, place: int, count: int, begin: int) -> int:
        """The first sample from `begin` on at which so much of an asset could be converted; their number if none."""
        return self._nexts[place][begin]

    def _ask(self, row: int, leap: Leap) -> None:
        decision = self._live.decide(row, self._ledger, DRAWN_DOWN if self._killed else ())
        count_gates(leap.gates, decision)
        leap.asked.append(row)
        self._progress(row)
        if decision.chosen is None or self._killed:
            return
        self._ledger = self._live.convert(row, decision, Position(self._ledger, 0, 0)).ledger
        if len(self._ledger.tally.errors) >= (self._settings.max_venue_errors or MOST + 1):
            raise _Halted
        leap.begins.append(row + 1)
        leap.held.append(self._held)
        leap.converted.append(row)
        leap.moves.add(self._live.memory.finished)
        self._live.memory.finished.clear()

    def _worth(self, leap: Leap, begin: int, end: int) -> Floats:
        worth = np.zeros(end - begin)
        for amounts, prices in zip(leap.amounts.T, self._prices[begin:end].T, strict=True):
            if amounts.any():
                worth += np.where(amounts == 0, 0, amounts * prices)
        return worth

    def _fallen(self, leap: Leap, worth: Floats, begin: int) -> tuple[int, str] | None:
        """The sample at which equity fell so far that entries end, and the words for it."""
        known = np.flatnonzero(np.isfinite(worth))
        if not len(known):
            return None
        highest = max(float(np.nanmax(worth)), float(self._peak))
        if highest - float(np.nanmin(worth)) < (self._settings.max_drawdown - NEAR) * highest - 0.01:
            self._peak = max(self._peak, self._exact(leap, begin + int(np.nanargmax(worth))))
            return None
        peaks = np.maximum.accumulate(np.maximum(worth[known], float(self._peak)))
        low = 1 - worth[known] / np.where(peaks > 0, peaks, 1) >= self._settings.max_drawdown - NEAR - 0.01 / peaks
        for place in known[low].tolist():
            peak = max(self._peak, self._exact(leap, begin + int(np.nanargmax(worth[: place + 1]))))
            drawdown = Drawdown(self._exact(leap, begin + place), peak)
            if verdict := drawdown_verdict(drawdown, self._settings.max_drawdown):
                return begin + place, verdict
        self._peak = max(self._peak, self._exact(leap, begin + int(np.nanargmax(worth))))
        return None

    def _exact(self, leap: Leap, row: int) -> Decimal:
        prices = self._seen.view(row).prices
        holdings = self._units.holdings(leap.at(row))
        return equity_of(Portfolio(holdings), self._seen.assets, prices) or Decimal(0)

    def _keep(self, leap: Leap, begin: int, end: int) -> None:
        self._moves.add_all(leap.moves)
        self._converted += leap.converted
        self._gates += leap.gates
        self._gates += self._stopped(leap, begin, end)

    def _stopped(self, leap: Leap, begin: int, end: int) -> Counter[Gate]:
        """What stopped conversions where the live code was not asked; what went through swiftly was open."""
        rows, others = slice(begin, end), len(self._seen.assets) - 1
        quiet = np.ones(end - begin, bool)
        quiet[np.array(leap.asked, int) - begin] = False
        full = self._seen.full[rows] & quiet
        held = (leap.amounts > 0) & full[:, None]
        counts = {
            Gate.OPEN: leap.swift,
            Gate.WINDOW: int((quiet & ~full).sum()) * (others + 1) * others,
            Gate.HELD: int(full.sum() * (others + 1) - held.sum()) * others,
            Gate.CONFIDENCE: _among(self._prospects.confidence[rows], held),
            Gate.RISK: _among(self._prospects.risk[rows], held),
            Gate.RETURN: _among(self._prospects.expected_return[rows], held),
        }
        return Counter({gate: count for gate, count in counts.items() if count})


def _among(counts: NDArray[np.int16], held: NDArray[np.bool_]) -> int:
    return int((counts * held).sum(dtype=np.int64))


def prospects_of(seen: Seen) -> Prospects:
    """Where a gate could open on what is seen."""
    logs, half_spreads = _without_gaps(seen)
    settings = seen.wish.told.settings
    return prospects(logs, seen.full, _fees(seen), half_spreads, forecaster_of(settings), settings)


def _fees(seen: Seen) -> Floats:
    wish, none = seen.wish, np.zeros(len(seen.assets))
    return conversion_costs(seen.assets, none, {}, 0, wish.told.settings, wish.venue)


def _without_gaps(seen: Seen) -> tuple[Floats, Floats]:
    if np.isfinite(seen.logs).all():
        return seen.logs, seen.half_spreads
    return np.nan_to_num(carried(seen.logs)), np.nan_to_num(seen.half_spreads)


def _worth_a_look(seen: Seen, prospects: Prospects) -> NDArray[np.bool_]:
    """Where conversions of an asset could pass (T x N): as computed, and wherever the window is there with gaps."""
    wanted: NDArray[np.bool_] = prospects.could_pass & seen.full[:, None]
    gaps = np.flatnonzero(~seen.full)
    wanted[gaps[gaps - seen.first[gaps] + 1 == seen.wish.told.settings.window]] = True
    return wanted


def _next_rows(wanted: NDArray[np.bool_]) -> NDArray[np.int32]:
    """For each sample the first one from it on that is wanted; their number where there is none."""
    rows = np.flatnonzero(wanted).astype(np.int32)
    return np.repeat(np.append(rows, np.int32(len(wanted))), np.diff(rows, prepend=-1, append=len(wanted) - 1))
