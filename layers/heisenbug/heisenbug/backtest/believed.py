"""The guards over a whole history: what of it a bot would have believed, sample by sample."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import numpy as np

from heisenbug.domain.assets import Pair
from heisenbug.domain.guards import FROZEN_AFTER_SAMPLES, SMALLEST_JUMP, Moment, Watch, look
from heisenbug.domain.market import Guarded
from heisenbug.domain.quotes import HIGHEST_PRICE, LEAST_PRICE, RawQuote
from heisenbug.domain.window_slots import OLDEST_IN_WINDOWS
from heisenbug.markets.history import Floats, History, exact

# So much less than the least jump is looked at too, that no rounding decides.
SLACK = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Believed:
    """Log mids (T x pairs) of the quotes that are believed, NaN elsewhere, and why pairs were guarded, by sample."""

    log_mids: Floats
    guarded: dict[int, dict[Pair, Guarded]]


def believed(history: History, window: int) -> Believed:
    """What the guards let through; a pair that could not have been guarded is not looked at one by one."""
    logs = history.log_mids
    guarded: dict[int, dict[Pair, Guarded]] = {}
    for column, pair in enumerate(history.pairs):
        if not _is_suspicious(history, logs[:, column], column):
            continue
        for row, reason in _guarded(history, column, logs[:, column].copy(), window):
            logs[row, column] = np.nan
            guarded.setdefault(row, {})[pair] = reason
    return Believed(logs, guarded)


def _is_suspicious(history: History, logs: Floats, column: int) -> bool:
    """Whether any guard could close: prices missing, crossed, beyond reason, jumping, or without change for long."""
    bids, asks = history.bids[:, column], history.asks[:, column]
    with np.errstate(invalid="ignore"):
        good = (bids <= asks) & (bids >= float(LEAST_PRICE)) & (asks <= float(HIGHEST_PRICE))
    if not good.all():
        return True
    jumps = bool(np.abs(np.diff(logs)).max(initial=0) > SMALLEST_JUMP - SLACK)
    return jumps or _longest_still(bids, asks) >= FROZEN_AFTER_SAMPLES


def _longest_still(bids: Floats, asks: Floats) -> int:
    """The most samples in a row that are the same as the one before."""
    changes = np.flatnonzero((np.diff(bids) != 0) | (np.diff(asks) != 0))
    edges = np.concatenate(([-1], changes, [len(bids) - 1]))
    return int(np.diff(edges).max()) - 1


def _guarded(history: History, column: int, logs: Floats, window: int) -> Iterator[tuple[int, Guarded]]:
    """The samples at which a pair is guarded; each is looked at as a tick would, with what the ones before left."""
    pair, watch = history.pairs[column], Watch()
    kept: list[tuple[int, int, float]] = []
    for row, due in enumerate(history.at.tolist()):
        oldest = due - OLDEST_IN_WINDOWS * window * history.sample_seconds

        def volatility(_: Pair, first: int = row - window, oldest: int = oldest) -> float:
            return _spread([mid for place, at, mid in kept[-window:] if place >= first and at > oldest])

        watch, quote = look(pair, _raw(history, row, column), watch, Moment(due, True), volatility)
        if watch.guarded is not None:
            yield row, watch.guarded
        if quote is not None:
            kept.append((row, due, float(logs[row])))


def _raw(history: History, row: int, column: int) -> RawQuote | None:
    bid, ask = float(history.bids[row, column]), float(history.asks[row, column])
    return RawQuote(exact(bid), exact(ask)) if bid == bid and ask == ask else None


def _spread(logs: list[float]) -> float:
    moves = [after - before for before, after in pairwise(logs)]
    if len(moves) < 2:
        return 0.0
    mean = sum(moves) / len(moves)
    return sqrt(sum((move - mean) ** 2 for move in moves) / (len(moves) - 1))
