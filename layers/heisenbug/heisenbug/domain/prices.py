"""Prices of single assets in the base currency, from quotes of pairs."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heisenbug.domain.assets import Pair

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Step:
    """One pair on the way from an asset to the base; `sign` is -1 where the pair is walked backwards."""

    column: int
    sign: int


def logs_of(prices: npt.ArrayLike) -> Floats:
    """The natural logarithms of prices, to the last bit the same for one price as for a million in a row."""
    logs: Floats = np.log(np.asarray(prices, dtype=np.float64))
    return logs


def assets_of_pairs(pairs: Iterable[Pair], base: str) -> tuple[str, ...]:
    """All sides of `pairs` and the base currency, in a fixed order: the base first."""
    sides = {side for pair in pairs for side in (pair.base, pair.quote)} - {base}
    return (base, *sorted(sides))


def paths_to_base(pairs: tuple[Pair, ...], base: str) -> Mapping[str, tuple[Step, ...]]:
    """For each asset that can be priced, the shortest way to `base` over `pairs`; columns are places in `pairs`."""
    paths: dict[str, tuple[Step, ...]] = {base: ()}
    queue = deque([base])
    while queue:
        here = queue.popleft()
        for column, pair in enumerate(pairs):
            for asset, other, sign in ((pair.base, pair.quote, 1), (pair.quote, pair.base, -1)):
                if other == here and asset not in paths:
                    paths[asset] = (Step(column, sign), *paths[here])
                    queue.append(asset)
    return paths


def log_prices(log_mids: Floats, paths: Mapping[str, tuple[Step, ...]], assets: tuple[str, ...]) -> Floats:
    """Log prices (samples x assets) in the base from log mids (samples x pairs); NaN where a pair is missing."""
    columns = [_walk(log_mids, paths.get(asset)) for asset in assets]
    return np.column_stack(columns)


def half_spreads(pair_spreads: Floats, paths: Mapping[str, tuple[Step, ...]], assets: tuple[str, ...]) -> Floats:
    """Half spreads of assets against the base, summed along their path, as fractions."""
    none = np.zeros_like(pair_spreads[0]) if len(pair_spreads) else 0.0
    return np.array([sum((pair_spreads[step.column] for step in paths.get(asset, ())), none) for asset in assets])


def _walk(log_mids: Floats, path: tuple[Step, ...] | None) -> Floats:
    if path is None:
        return np.full(len(log_mids), np.nan)
    return sum((step.sign * log_mids[:, step.column] for step in path), start=np.zeros(len(log_mids)))
