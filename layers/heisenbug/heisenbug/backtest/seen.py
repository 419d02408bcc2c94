"""A history as a bot would have seen it: the same views that a tick makes, for any of its samples."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from heisenbug.backtest.believed import Believed, believed
from heisenbug.backtest.rules import Wish
from heisenbug.domain.assets import Pair
from heisenbug.domain.market import Market
from heisenbug.domain.prices import Floats, assets_of_pairs, half_spreads, log_prices, paths_to_base
from heisenbug.domain.quotes import Quote
from heisenbug.domain.view import COVERAGE, View
from heisenbug.domain.window_slots import OLDEST_IN_WINDOWS
from heisenbug.markets.history import exact


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A history as decisions see it: log prices and half spreads of assets (T x N).

    `first` (T,) is where each window begins, `full` where it is all there, without any gap.
    """

    wish: Wish
    assets: tuple[str, ...]
    logs: Floats
    half_spreads: Floats
    first: NDArray[np.int64]
    full: NDArray[np.bool_]
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
        return replace(
            self,
            wish=replace(self.wish, history=self.wish.history.parted(end)[0]),
            logs=self.logs[:end],
            half_spreads=self.half_spreads[:end],
            first=self.first[:end],
            full=self.full[:end],
            guards=Believed(self.guards.log_mids[:end], self.guards.guarded),
        )


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
    first = _first_rows(history.at, settings.window, history.sample_seconds)
    return Seen(wish, assets, logs, halves, first, _full(logs, first, settings.window), guards)


def _first_rows(at: NDArray[np.int64], window: int, spacing: int) -> NDArray[np.int64]:
    """The sample at which each sample's window begins: none too old, no more than the window has."""
    first: NDArray[np.int64] = np.maximum(np.arange(len(at)) - window + 1, 0)
    oldest = at - OLDEST_IN_WINDOWS * window * spacing
    late = np.flatnonzero(at[first] <= oldest)
    first[late] = np.searchsorted(at, oldest[late], side="right")
    return first


def _full(logs: Floats, first: NDArray[np.int64], window: int) -> NDArray[np.bool_]:
    rows = np.arange(len(logs))
    full: NDArray[np.bool_] = rows - first == window - 1
    gaps = np.logical_or.reduce([~np.isfinite(column) for column in logs.T])
    if gaps.any():
        before = np.concatenate(([0], gaps.cumsum()))
        full &= before[rows + 1] == before[first]
    return full
