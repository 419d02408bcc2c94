"""Conversions about which nothing is in doubt, many in a row, without what the live code writes down on the way.

First is supposed that every gate is open, which leaves only what moves to be computed one after another, by the
functions that live trades go through; then all gates of the row are looked at together. It ends at the first that is
closed or in doubt, which is left to the live code.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heisenbug.backtest.bulk import SLACK, Prospects
from heisenbug.backtest.filling import Filling, rows_later
from heisenbug.backtest.rounding import prices_of, rounded
from heisenbug.backtest.run import Moves
from heisenbug.backtest.seen import Seen
from heisenbug.backtest.units import Units, Whole
from heisenbug.domain.costs import HIGHEST
from heisenbug.domain.forecasters import Forecast
from heisenbug.domain.ledger import FORGET_COSTS_AFTER_SECONDS, Ledger, cost_rounded, cost_seen, still_known
from heisenbug.domain.portfolio import HALF_LIFE_SECONDS
from heisenbug.domain.prices import Floats
from heisenbug.domain.score import confidence_of, expected_return_of
from heisenbug.domain.view import price_of

Next = Callable[[int, Whole], tuple[int, int | None]]
"""The first sample from one on at which something held could be converted; its asset's place, None if there are more.

Where there is none, their number.
"""


# What is supposed and does not hold was computed in vain: the first rows are short.
SHORTEST, LONGEST = 16, 4096
Ints = NDArray[np.intp]


@dataclass(slots=True)
class Chain:
    """Conversions in a row: at which samples, what moved, and what was held after each; then the next sample to ask."""

    ledger: Ledger
    row: int
    moves: Moves
    rows: list[int] = field(default_factory=list)
    held: list[Whole] = field(default_factory=list)


@dataclass(slots=True)
class Supposed:
    """Conversions in a row as if every gate were open, and what is held after each.

    `row` is the sample that is next, and `is_over` says that nothing more can be supposed from there on. `flat` are of
    each its sample, the places of both assets and both amounts, one after another: so many objects as there would be
    otherwise keep the garbage collector busy.
    """

    row: int
    is_over: bool = False
    flat: list[int] = field(default_factory=list)
    held: list[Whole] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.held)

    def columns(self) -> tuple[list[int], list[int], list[int], list[int], list[int]]:
        """Samples, sources, targets, amounts and what they become."""
        flat = self.flat
        return flat[0::5], flat[1::5], flat[2::5], flat[3::5], flat[4::5]


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """How many of what is supposed surely pass, and of all of them what a move states."""

    passing: int
    confidence: Floats
    source_price: Floats
    cost_bps: Floats


class Swift:
    """The plain conversions of one history; `prices` (T x N) in the base, `fees` (N x N) as fractions."""

    def __init__(
        self, seen: Seen, prospects: Prospects, prices: Floats, fees: Floats, variance_ratio: float, units: Units
    ) -> None:
        history, settings = seen.wish.history, seen.wish.told.settings
        self._assets, self._settings, self._prospects, self._units = seen.assets, settings, prospects, units
        self._at, self._fees, self._prices, self._half_spreads = history.at, fees, prices, seen.half_spreads
        self._target = memoryview(_filled_targets(seen, prospects))
        self._filling = Filling(seen, units)
        self._least_value = float(seen.wish.venue.least_value) * (1 + SLACK)
        self._least_return = settings.min_expected_return + SLACK
        self._deviation = sqrt(settings.horizon * variance_ratio)
        self._most = SHORTEST
        self._is_plain = settings.is_active and not settings.cooldown_seconds and not settings.budget

    def chain(self, row: int, end: int, ledger: Ledger, first: Next) -> Chain:
        """The conversions from sample `row` on, as far as each is the only one that could pass and surely does.

        The ledger's entry prices stay behind: no decision looks at them.
        """
        chain, whole = Chain(ledger, row, Moves(self._units)), self._units.whole(ledger.holdings)
        if not self._is_plain:
            chain.row = first(row, whole)[0]
            return chain
        while True:
            some = self._supposed(chain.row, end, chain.held[-1] if chain.held else whole, first)
            passing = self._add(chain, some)
            if passing < len(some):
                chain.row, self._most = some.flat[5 * passing], SHORTEST
                return chain
            chain.row = some.row
            if some.is_over:
                return chain
            self._most = min(2 * self._most, LONGEST)

    def _supposed(self, row: int, end: int, held: Whole, first: Next) -> Supposed:
        """Some conversions from a sample on, at most those before one that cannot be supposed."""
        some = Supposed(row)
        for _ in range(self._most):
            row, source = first(row, held)
            target = self._target[row, source] if row < end and source is not None else -1
            if source is None or target < 0:
                some.is_over = True
                break
            amount, received = self._filling.amounts(row, source, target, held[source], self._price)
            if not received:
                some.is_over = True
                break
            held = held.copy()
            held[target] = held.get(target, 0) + received
            held[source] -= amount
            if not held[source]:
                del held[source]
            some.flat += (row, source, target, amount, received)
            some.held.append(held)
            row += 1
        some.row = row
        return some

    def _price(self, row: int, asset: int) -> float:
        """In the base currency, which is the first asset."""
        return price_of(self._prices[row, asset]) if asset else 1.0

    def _add(self, chain: Chain, some: Supposed) -> int:
        """Add to a chain what surely passes of what was supposed; how many that is."""
        if not some:
            return 0
        looked = self._looked(some, chain.ledger)
        passing, (rows, *moved) = looked.passing, some.columns()
        stated = (looked.confidence.tolist(), looked.source_price.tolist(), looked.cost_bps.tolist())
        columns: tuple[list[Any], ...] = (self._at[rows].tolist(), *moved, *stated)
        passed = Moves(self._units, *(column[:passing] for column in columns))
        if passed:
            chain.rows += rows[:passing]
            chain.held += some.held[:passing]
            chain.moves.add_all(passed)
            chain.ledger = self._moved_on(chain.ledger, passed, chain.held[-1])
        return passing

    def _looked(self, some: Supposed, ledger: Ledger) -> Looked:
        """All gates of what is supposed, and the least value of the venue."""
        *places, amount, got = some.columns()
        rows, sources, targets = (np.array(each, np.intp) for each in places)
        amounts, received = self._units.floats(sources, amount), self._units.floats(targets, got)
        prices = self._rounded(rows, sources)
        worth = amounts * prices
        realised = 1 - received * self._rounded(rows, targets) / worth
        cost = self._fees[sources, targets] + self._half_spreads[rows, sources] + self._half_spreads[rows, targets]
        cost = np.minimum(np.maximum(cost, self._last_cost(rows, sources, targets, realised, ledger)), HIGHEST)
        expected, volatility = self._prospects.expected[rows, sources], self._prospects.volatility[rows, sources]
        confidence = confidence_of(Forecast(expected, volatility * self._deviation), cost)
        gain = expected_return_of(expected, cost)
        passes = (worth >= self._least_value) & (volatility >= SLACK**2) & (gain >= self._least_return)
        passes &= confidence > self._settings.min_confidence + SLACK
        passes &= volatility * (1 + SLACK) + SLACK**2 < self._settings.risk_tolerance * confidence * gain
        passes &= np.exp(expected) * (1 - realised) - 1 >= self._least_return
        passing = len(rows) if passes.all() else int(passes.argmin())
        return Looked(passing, confidence, prices, realised * 10_000)

    def _rounded(self, rows: Ints, assets: Ints) -> Floats:
        """Prices in the base currency as decisions state them."""
        prices = np.ones(len(rows))
        other = np.flatnonzero(assets)
        prices[other] = prices_of(self._prices[rows[other], assets[other]])
        return prices

    def _last_cost(self, rows: Ints, sources: Ints, targets: Ints, realised: Floats, ledger: Ledger) -> Floats:
        """What is left of the cost last quoted for each conversion, by an earlier one of them or the ledger."""
        at, conversion = self._at[rows], sources * len(self._assets) + targets
        bps = rounded(realised * 10_000, 100.0, cost_rounded)
        seen_at, seen_bps = np.full(len(rows), -FORGET_COSTS_AFTER_SECONDS), np.zeros(len(rows))
        order = np.argsort(conversion, kind="stable")
        again = np.flatnonzero(np.diff(conversion[order]) == 0)
        seen_at[order[again + 1]], seen_bps[order[again + 1]] = at[order[again]], bps[order[again]]
        for place in np.setdiff1d(order, order[again + 1]).tolist():
            last = ledger.seen_costs.get((self._assets[sources[place]], self._assets[targets[place]]))
            if last is not None:
                seen_at[place], seen_bps[place] = last.at, last.bps
        before = np.concatenate((seen_at[:1], at[:-1]))  # what the ledger has was known after the conversion before
        left = seen_bps / 10_000 * 0.5 ** (np.maximum(at - seen_at, 0) / HALF_LIFE_SECONDS)
        return np.where(before - seen_at < FORGET_COSTS_AFTER_SECONDS, left, 0)

    def _moved_on(self, ledger: Ledger, moves: Moves, held: Whole) -> Ledger:
        costs = zip(moves.cost_bps, moves.due, strict=True)
        last = dict(zip(zip(moves.source, moves.target, strict=True), costs, strict=True))
        now = {(self._assets[one], self._assets[other]): cost_seen(*cost) for (one, other), cost in last.items()}
        others = {asset: amount for asset, amount in ledger.holdings.items() if asset not in self._assets}
        holdings = {**others, **self._units.holdings(held)}
        return replace(ledger, holdings=holdings, seen_costs=still_known({**ledger.seen_costs, **now}, moves.due[-1]))


def _filled_targets(seen: Seen, prospects: Prospects) -> NDArray[np.int16]:
    """The targets of the prospects where a conversion would be filled: every pair has a price then; elsewhere -1."""
    history, later, targets = seen.wish.history, rows_later(seen.wish.fill), prospects.target.copy()
    quoted = np.isfinite(seen.guards.log_mids) & (history.bids <= history.asks) & (history.bids > 0)
    missing = np.flatnonzero(~quoted.all(axis=1)) - later
    targets[missing[missing >= 0]] = -1
    targets[len(targets) - later :] = -1
    return targets
