"""A market's past in the base currency, for fitting: any market's history, log prices, and their grid without holes."""

from math import log

import numpy as np

from heisenbug.domain.assets import Pair
from heisenbug.domain.forecasters.ridge import carried
from heisenbug.domain.prices import Floats, assets_of_pairs, log_prices, paths_to_base
from heisenbug.markets.history import History, history_of
from heisenbug.markets.market import Market

__all__ = ["History", "Unpriceable", "history_between", "history_of", "on_the_grid", "prices_in"]

# A price that changes fivefold from one sample to the next has a misplaced decimal point, or is no price to learn from.
JUMP = log(5)
_NONE = ("nan", "nan")


class Unpriceable(ValueError):
    """A history that cannot be counted in the base currency; the text says why and what to do."""


def history_between(market: Market, begin: float, end: float, sample_seconds: int) -> History:
    """Any market's prices at each multiple of `sample_seconds` from `begin` on and before `end` (epoch seconds)."""
    at = np.arange(np.ceil(begin / sample_seconds), np.ceil(end / sample_seconds)).astype(np.int64) * sample_seconds
    moments = list(map(float, at))
    quoted = [quotes.get(pair, _NONE) for quotes in market.quotes_at(moments) for pair in market.pairs]
    numbers = np.array([float(price) for prices in quoted for price in prices]).reshape(len(at), -1, 2)
    rows = np.isfinite(numbers).any(axis=(1, 2))
    pairs = tuple(map(Pair.parse, market.pairs))
    return History(market.name, pairs, sample_seconds, at[rows], numbers[rows, :, 0], numbers[rows, :, 1])


def prices_in(base: str, history: History) -> tuple[tuple[str, ...], Floats]:
    """All assets, the base first, and their log prices in it (T x assets); raises Unpriceable.

    Where a pair was not quoted, or crossed, or not above zero, or many times its usual price, there is NaN.
    """
    assets, paths = assets_of_pairs(history.pairs, base), paths_to_base(history.pairs, base)
    lost = [asset for asset in assets if asset not in paths]
    pairs = " ".join(map(str, history.pairs))
    if len(paths) == 1:
        raise Unpriceable(f"{history.name} has no pair with {base} ({pairs}): choose another base currency.")
    if lost:
        raise Unpriceable(
            f"{', '.join(lost)} cannot be counted in {base} by the pairs of {history.name} ({pairs}): "
            "choose another base currency, or a market whose pairs all lead to it."
        )
    sane = (history.bids > 0) & (history.bids <= history.asks)
    return assets, log_prices(_without_misplaced(np.where(sane, history.log_mids, np.nan)), paths, assets)


def _without_misplaced(log_mids: Floats) -> Floats:
    """The log mids (T x pairs) without those that a jump led away from where the pair mostly is."""
    steps = np.diff(carried(log_mids), axis=0, prepend=np.nan)
    if not (np.abs(steps) > JUMP).any():
        return log_mids
    away = np.cumsum(np.where(np.abs(steps) > JUMP, steps, 0), axis=0)
    misplaced: Floats = np.where(np.abs(away - np.median(away, axis=0)) > JUMP / 2, np.nan, log_mids)
    return misplaced


def on_the_grid(history: History, log_prices: Floats) -> Floats:
    """The rows at their places on the grid of slots, from the first slot to the last, with NaN in slots without one."""
    slots = history.at // history.sample_seconds
    grid = np.full((slots[-1] - slots[0] + 1, log_prices.shape[1]), np.nan)
    grid[slots - slots[0]] = log_prices
    return grid
