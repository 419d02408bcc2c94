"""The fast way: the live decision is asked only at samples where a gate could open, everything between is arrays.

Trades are those of the plain loop to the digit: what is decided on is the same view, and who decides, converts and
settles is the same code.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from heisenbug.backtest.believed import Believed, believed
from heisenbug.backtest.bulk import Prospects, prospects
from heisenbug.backtest.memory import Memory, MemoryBook, MemoryFills
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.run import Progress, Run, Wish, count_gates
from heisenbug.converting import Converting
from heisenbug.domain.assets import Pair
from heisenbug.domain.costs import conversion_costs
from heisenbug.domain.decide import Decision, decide_on, equity_of
from heisenbug.domain.forecasters.ridge import carried
from heisenbug.domain.forecasters.shipped import forecaster_of
from heisenbug.domain.gates import Gate
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.market import Market
from heisenbug.domain.prices import Floats, assets_of_pairs, half_spreads, log_prices, paths_to_base
from heisenbug.domain.protections import Drawdown, drawdown_verdict
from heisenbug.domain.quotes import Quote
from heisenbug.domain.view import COVERAGE, View
from heisenbug.domain.window_slots import OLDEST_IN_WINDOWS
from heisenbug.exchange.paper import Paper
from heisenbug.markets.history import exact
from heisenbug.settling import Position, Settling

BOT_ID = "backtest"
LIFETIME_SECONDS = 20
# So near to the limit of the drawdown the exact equity is asked.
NEAR = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A history as decisions see it: log prices and half spreads of assets (T x N), and where each window begins."""

    wish: Wish
    assets: tuple[str, ...]
    logs: Floats
    half_spreads: Floats
    first: NDArray[np.int64]
    guards: Believed

    def view(self, row: int) -> View:
        """What a decision at this sample is made on."""
        logs = self.logs[self.first[row] : row + 1]
        known = np.isfinite(logs)
        count = known.sum(axis=0)
        included = known[-1] & (count >= COVERAGE * self.wish.told.settings.window)
        return View(self.assets, logs, self.half_spreads[row], count, included)

    def market(self, row: int) -> Market:
        """The market of this sample, without the samples before it: the view has those."""
        guarded = self.guards.guarded.get(row, {})
        return Market(int(self.wish.history.at[row]), 0.0, self.wish.told.pairs, self.quotes(row), guarded, ())

    def quotes(self, row: int, is_believed: bool = True) -> dict[Pair, Quote]:
        """The quotes of this sample: those that are believed, or all that are understood."""
        history = self.wish.history
        bids, asks = history.bids[row].tolist(), history.asks[row].tolist()
        mids = self.guards.log_mids[row].tolist() if is_believed else bids
        sides = zip(history.pairs, bids, asks, mids, strict=True)
        return {pair: Quote(pair, exact(bid), exact(ask)) for pair, bid, ask, mid in sides if mid == mid and bid <= ask}

    def until(self, end: int) -> "Seen":
        """The same of the samples before `end` alone."""
        wish = replace(self.wish, history=self.wish.history.parted(end)[0])
        guards = Believed(self.guards.log_mids[:end], self.guards.guarded)
        return Seen(wish, self.assets, self.logs[:end], self.half_spreads[:end], self.first[:end], guards)

    @property
    def full(self) -> NDArray[np.bool_]:
        """Where the window is full and without any gap (T,)."""
        window = self.wish.told.settings.window
        missing = np.concatenate(([0], (~np.isfinite(self.logs)).any(axis=1).cumsum()))
        rows = np.arange(len(self.logs))
        full: NDArray[np.bool_] = (rows - self.first + 1 == window) & (missing[rows + 1] == missing[self.first])
        return full


def seen(wish: Wish) -> Seen:
    """The history as the bot would see it, guards included."""
    settings, history = wish.told.settings, wish.history
    guards = believed(history, settings.window)
    pairs, base = tuple(trading.pair for trading in wish.told.pairs), settings.base_currency
    columns = [history.pairs.index(pair) for pair in pairs]
    assets, paths = assets_of_pairs(pairs, base), paths_to_base(pairs, base)
    logs = log_prices(guards.log_mids[:, columns], paths, assets)
    mids = (history.bids + history.asks) / 2
    spreads = np.where(np.isfinite(guards.log_mids), (history.asks - history.bids) / 2 / mids, np.nan)[:, columns]
    halves = half_spreads(spreads.T, paths, assets).T if spreads.any() else np.zeros_like(logs)
    return Seen(wish, assets, logs, halves, _first_rows(history.at, settings.window, history.sample_seconds), guards)


def _first_rows(at: NDArray[np.int64], window: int, spacing: int) -> NDArray[np.int64]:
    """The sample at which each sample's window begins: none too old, no more than the window has."""
    young = np.searchsorted(at, at - OLDEST_IN_WINDOWS * window * spacing, side="right")
    first: NDArray[np.int64] = np.maximum(young, np.arange(len(at)) - window + 1)
    return first


def run_fast(wish: Wish, progress: Progress = lambda row: None) -> Run:
    """The backtest, to the trades of the plain loop."""
    past = seen(wish)
    return Walk(past, prospects_of(past)).run(progress)


class Walk:
    """One bot's way over a history, from one sample at which a gate could open to the next."""

    def __init__(self, seen: Seen, ahead: Prospects) -> None:
        self._seen, self._wish = seen, seen.wish
        self._settings = seen.wish.told.settings
        self._prospects = ahead
        self._irregular = ~ahead.full & (np.arange(len(seen.logs)) - seen.first + 1 == self._settings.window)
        self._rows_of = [
            np.flatnonzero(could | self._irregular) for could in (ahead.could_pass & ahead.full[:, None]).T
        ]
        self._memory = Memory(self._wish.told, ledger=Ledger(dict(self._settings.paper_start)))
        self._position = Position(self._memory.ledger or Ledger({}), 0, 0)
        self._now = 0
        self._equity = np.full(len(seen.logs), np.nan)
        self._peak, self._killed, self._killed_at = Decimal(0), "", len(seen.logs)
        self._gates: Counter[Gate] = Counter()

    def run(self, progress: Progress = lambda row: None, begin: int = 0) -> Run:
        """All of it from the sample `begin` on; those before are only looked back on, and have no equity."""
        while (row := self._next(begin)) is not None:
            self._watch(begin, row + 1)
            self._count(begin, row)
            self._decide(row)
            begin = row + 1
            progress(row)
        self._watch(begin, len(self._seen.logs))
        self._count(begin, len(self._seen.logs))
        ended, holdings = self._memory, self._position.ledger.holdings
        return Run(
            self._wish, tuple(ended.finished), tuple(ended.dropped), self._equity, holdings, self._gates, self._killed
        )

    def __call__(self) -> datetime:
        """The clock: the sample that is looked at."""
        return datetime.fromtimestamp(int(self._wish.history.at[self._now]), UTC)

    def _held(self) -> list[int]:
        holdings = self._position.ledger.holdings
        return [place for place, asset in enumerate(self._seen.assets) if holdings.get(asset, 0) > 0]

    def _next(self, begin: int) -> int | None:
        """The first sample from `begin` on at which a conversion of what is held could pass."""
        rows = (self._rows_of[place] for place in self._held())
        found = (each[place] for each in rows if (place := int(np.searchsorted(each, begin))) < len(each))
        return min(map(int, found), default=None)

    def _decide(self, row: int) -> None:
        self._now = row
        due = int(self._wish.history.at[row])
        portfolio = self._position.ledger.portfolio(due, None, self._killed_at < row)
        market = self._seen.market(row)
        decision = decide_on(self._seen.view(row), market, portfolio, self._settings, self._wish.venue)
        count_gates(self._gates, decision)
        if decision.chosen is not None and self._killed_at > row:
            self._convert(decision, row)

    def _convert(self, decision: Decision, row: int) -> None:
        ledger = self._position.ledger
        quotes = self._filled_at(row)
        paper = Paper(MemoryFills(self._memory), quotes, ledger.holdings, self._settings, self._wish.venue, self)
        settling = Settling(MemoryBook(self._memory), self._settings, self)
        deadline = decision.at + LIFETIME_SECONDS
        self._position = Converting(BOT_ID, paper, settling, deadline).convert(decision, self._position, b"").position

    def _filled_at(self, row: int) -> Mapping[Pair, Quote]:
        if self._wish.fill is Fill.SAME_QUOTE:
            return self._seen.quotes(row)
        return self._seen.quotes(row + 1, is_believed=False) if row + 1 < len(self._seen.logs) else {}

    def _watch(self, begin: int, end: int) -> None:
        """Equity with what is held now, and whether it fell so far that the bot is killed."""
        worth = self._worth(begin, end)
        self._equity[begin:end] = worth
        known = np.flatnonzero(np.isfinite(worth))
        if self._killed or not len(known):
            return
        peaks = np.maximum.accumulate(np.maximum(worth[known], float(self._peak)))
        low = 1 - worth[known] / np.where(peaks > 0, peaks, 1) >= self._settings.max_drawdown - NEAR - 0.01 / peaks
        for place in np.flatnonzero(low).tolist():
            peak = self._exact(begin + int(known[worth[known[: place + 1]].argmax()]))
            drawdown = Drawdown(self._exact(begin + int(known[place])), max(self._peak, peak))
            self._killed = drawdown_verdict(drawdown, self._settings.max_drawdown) or ""
            if self._killed:
                self._killed_at = begin + int(known[place])
                return
        self._peak = max(self._peak, self._exact(begin + int(known[worth[known].argmax()])))

    def _worth(self, begin: int, end: int) -> Floats:
        total = np.zeros(end - begin)
        for asset, amount in self._position.ledger.holdings.items():
            if amount:
                total += float(amount) * np.exp(self._seen.logs[begin:end, self._seen.assets.index(asset)])
        return total

    def _exact(self, row: int) -> Decimal:
        portfolio = self._position.ledger.portfolio(0, None, False)
        return equity_of(portfolio, self._seen.assets, self._seen.view(row).prices) or Decimal(0)

    def _count(self, begin: int, end: int) -> None:
        """What stopped the conversions of the samples between, none of which could pass."""
        assets = len(self._seen.assets)
        full = self._prospects.full[begin:end]
        held = self._held()
        filling = int((~full).sum()) * assets * (assets - 1)
        counts = {
            Gate.WINDOW: filling,
            Gate.HELD: int(full.sum()) * (assets - len(held)) * (assets - 1),
            Gate.CONFIDENCE: self._stopped(self._prospects.confidence, begin, end, held, full),
            Gate.RISK: self._stopped(self._prospects.risk, begin, end, held, full),
            Gate.RETURN: self._stopped(self._prospects.expected_return, begin, end, held, full),
        }
        self._gates.update({gate: count for gate, count in counts.items() if count})

    def _stopped(
        self, stopped: NDArray[np.int16], begin: int, end: int, held: list[int], full: NDArray[np.bool_]
    ) -> int:
        return int(stopped[begin:end][:, held][full].sum())


def prospects_of(seen: Seen) -> Prospects:
    """Where a gate could open on what is seen."""
    wish, settings = seen.wish, seen.wish.told.settings
    none = np.zeros(len(seen.assets))
    fees = conversion_costs(seen.assets, none, {}, 0, settings, wish.venue)
    logs = carried(seen.logs)
    return prospects(
        np.where(np.isfinite(logs), logs, 0),
        seen.full,
        fees,
        np.nan_to_num(seen.half_spreads),
        forecaster_of(settings),
        settings,
    )
