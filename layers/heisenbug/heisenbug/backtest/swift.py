"""Conversions about which nothing is in doubt, many in a row, without what the live code writes down on the way.

First is supposed that every gate is open, which leaves only what moves to be computed one after another, by the
functions that live trades go through; then all gates of the row are looked at together. It ends at the first that is
closed or in doubt, which is left to the live code.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from heisenbug.backtest.bulk import SLACK, Prospects
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.run import Moves
from heisenbug.backtest.seen import Seen
from heisenbug.domain.costs import HIGHEST
from heisenbug.domain.decide import amount_of
from heisenbug.domain.forecasters import Forecast
from heisenbug.domain.ledger import FORGET_COSTS_AFTER_SECONDS, Ledger, cost_seen, moved, still_known
from heisenbug.domain.portfolio import HALF_LIFE_SECONDS, Conversion
from heisenbug.domain.prices import Floats, paths_to_base
from heisenbug.domain.score import confidence_of, expected_return_of
from heisenbug.domain.view import price_of
from heisenbug.exchange.paper import legs_of, receives_of
from heisenbug.markets.history import exact

Holdings = Mapping[str, Decimal]
Next = Callable[[int, Holdings], tuple[int, int | None]]
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
    rows: list[int] = field(default_factory=list)
    moves: Moves = field(default_factory=Moves)
    held: list[Holdings] = field(default_factory=list)


@dataclass(slots=True)
class Supposed:
    """What would move if every gate were open: samples, places of both assets, amounts, and what is held after each.

    `row` is the sample that is next, and `is_over` says that nothing more can be supposed from there on.
    """

    row: int
    is_over: bool = False
    rows: list[int] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    amounts: list[Decimal] = field(default_factory=list)
    received: list[Decimal] = field(default_factory=list)
    held: list[Holdings] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """How many of what is supposed surely pass, and of all of them what a move states."""

    passing: int
    confidence: Floats
    source_price: Floats
    cost_bps: Floats


class Swift:
    """The plain conversions of one history; `prices` (T x N) in the base, `fees` (N x N) as fractions."""

    def __init__(self, seen: Seen, prospects: Prospects, prices: Floats, fees: Floats, variance_ratio: float) -> None:
        wish, history, settings = seen.wish, seen.wish.history, seen.wish.told.settings
        self._assets, self._settings, self._prospects = seen.assets, settings, prospects
        self._at, self._fees, self._prices, self._half_spreads = history.at, fees, prices, seen.half_spreads
        self._target = memoryview(prospects.target)
        self._sides = memoryview(history.asks), memoryview(history.bids)
        self._later = 0 if wish.fill is Fill.SAME_QUOTE else 1
        self._quoted = memoryview(_all_quoted(seen))
        paths = paths_to_base(history.pairs, settings.base_currency)
        both = [(source, target) for source in seen.assets for target in seen.assets if source != target]
        self._legs = {pair: legs_of(paths[pair[0]], paths[pair[1]]) for pair in both if set(pair) <= paths.keys()}
        self._kept = {pair: 1 - exact(wish.venue.fee(*pair, settings.cost_bps)) for pair in both}
        self._least_value = float(wish.venue.least_value) * (1 + SLACK)
        self._least_return = settings.min_expected_return + SLACK
        self._deviation = sqrt(settings.horizon * variance_ratio)
        self._most = SHORTEST
        self._is_plain = settings.is_active and not settings.cooldown_seconds and not settings.budget

    def chain(self, row: int, end: int, ledger: Ledger, first: Next) -> Chain:
        """The conversions from sample `row` on, as far as each is the only one that could pass and surely does.

        The ledger's entry prices stay behind: no decision looks at them.
        """
        chain = Chain(ledger, row)
        if not self._is_plain:
            chain.row = first(row, ledger.holdings)[0]
            return chain
        while True:
            some = self._supposed(chain.row, end, chain.ledger.holdings, first)
            passing = self._add(chain, some)
            if passing < len(some.rows):
                chain.row, self._most = some.rows[passing], SHORTEST
                return chain
            chain.row = some.row
            if some.is_over:
                return chain
            self._most = min(2 * self._most, LONGEST)

    def _supposed(self, row: int, end: int, holdings: Holdings, first: Next) -> Supposed:
        """Some conversions from a sample on, at most those before one that cannot be supposed."""
        some = Supposed(row)
        for _ in range(self._most):
            some.row, source = first(row, holdings)
            if some.row >= end or source is None or not self._is_filled(some.row, source):
                some.is_over = True
                break
            target = self._target[some.row, source]
            pair = self._assets[source], self._assets[target]
            amount, received = self._amounts(some.row, source, pair, holdings)
            if not received:
                some.is_over = True
                break
            holdings = moved(holdings, (pair[0], amount), (pair[1], received))
            some.rows.append(some.row)
            some.sources.append(source)
            some.targets.append(target)
            some.amounts.append(amount)
            some.received.append(received)
            some.held.append(holdings)
            some.row = row = some.row + 1
        return some

    def _is_filled(self, row: int, source: int) -> bool:
        fill = row + self._later
        return self._target[row, source] >= 0 and fill < len(self._quoted) and bool(self._quoted[fill])

    def _amounts(self, row: int, source: int, pair: Conversion, holdings: Holdings) -> tuple[Decimal, Decimal]:
        price = self._price(row, source) if self._settings.trade_size_amount is not None else 1.0
        amount = amount_of(pair[0], holdings[pair[0]], price, self._settings)
        fill = row + self._later
        rates = [(is_sold, exact(self._sides[is_sold][fill, column])) for is_sold, column in self._legs[pair]]
        return amount, receives_of(amount, rates, self._kept[pair], pair[1])

    def _price(self, row: int, asset: int) -> float:
        """In the base currency, which is the first asset."""
        return price_of(self._prices[row, asset]) if asset else 1.0

    def _add(self, chain: Chain, some: Supposed) -> int:
        """Add to a chain what surely passes of what was supposed; how many that is."""
        if not some.rows:
            return 0
        looked = self._looked(some, chain.ledger)
        names = ([self._assets[place] for place in places] for places in (some.sources, some.targets))
        stated = (looked.confidence.tolist(), looked.source_price.tolist(), looked.cost_bps.tolist())
        columns = (self._at[some.rows].tolist(), *names, some.amounts, some.received, *stated)
        passed = Moves(*(column[: looked.passing] for column in columns))
        if passed:
            chain.rows += some.rows[: looked.passing]
            chain.held += some.held[: looked.passing]
            chain.moves.add_all(passed)
            chain.ledger = _moved_on(chain.ledger, passed, chain.held[-1])
        return looked.passing

    def _looked(self, some: Supposed, ledger: Ledger) -> Looked:
        """All gates of what is supposed, and the least value of the venue."""
        rows, sources, targets = (np.array(places, np.intp) for places in (some.rows, some.sources, some.targets))
        amounts, received = (np.array(list(map(float, each))) for each in (some.amounts, some.received))
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
        prices[other] = list(map(price_of, self._prices[rows[other], assets[other]].tolist()))
        return prices

    def _last_cost(self, rows: Ints, sources: Ints, targets: Ints, realised: Floats, ledger: Ledger) -> Floats:
        """What is left of the cost last quoted for each conversion, by an earlier one of them or the ledger."""
        at, conversion = self._at[rows], sources * len(self._assets) + targets
        bps = np.array([round(cost, 2) for cost in (realised * 10_000).tolist()])
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


def _moved_on(ledger: Ledger, moves: Moves, holdings: Holdings) -> Ledger:
    costs = zip(moves.cost_bps, moves.due, strict=True)
    last = dict(zip(zip(moves.source, moves.target, strict=True), costs, strict=True))
    seen = {**ledger.seen_costs, **{conversion: cost_seen(*cost) for conversion, cost in last.items()}}
    return replace(ledger, holdings=holdings, seen_costs=still_known(seen, moves.due[-1]))


def _all_quoted(seen: Seen) -> NDArray[np.bool_]:
    """Where each pair has a price (T,): one that is believed, as far as a conversion is filled at what it saw."""
    history = seen.wish.history
    quoted: NDArray[np.bool_] = np.isfinite(seen.guards.log_mids) & (history.bids <= history.asks) & (history.bids > 0)
    return np.asarray(quoted.all(axis=1))
