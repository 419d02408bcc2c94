"""Conversions about which nothing is in doubt, one after another, without what the live code writes down on the way.

What moves is computed by the functions that live trades go through; what is in doubt is left to the live code.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import erfc, exp, expm1, log1p, sqrt

import numpy as np
from numpy.typing import NDArray

from heisenbug.backtest.bulk import SLACK, Prospects
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.run import Move
from heisenbug.backtest.seen import Seen
from heisenbug.domain.costs import HIGHEST
from heisenbug.domain.decide import amount_of
from heisenbug.domain.ledger import FORGET_COSTS_AFTER_SECONDS, Ledger, cost_seen, moved, still_known
from heisenbug.domain.portfolio import Conversion, SeenCost
from heisenbug.domain.prices import Floats, paths_to_base
from heisenbug.domain.trade import cost_fraction
from heisenbug.domain.view import price_of
from heisenbug.exchange.paper import legs_of, receives_of
from heisenbug.markets.history import exact

Holdings = Mapping[str, Decimal]
Next = Callable[[int, Holdings], tuple[int, int | None]]
"""The first sample from one on at which something held could be converted; its asset's place, None if there are more.

Where there is none, their number.
"""


@dataclass(slots=True)
class Chain:
    """Conversions in a row: at which samples, what moved, and what was held after each; then the next sample to ask."""

    ledger: Ledger
    row: int
    rows: list[int] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    held: list[Holdings] = field(default_factory=list)


class Swift:
    """The plain conversions of one history; `prices` (T x N) in the base, `fees` (N x N) as fractions."""

    def __init__(self, seen: Seen, prospects: Prospects, prices: Floats, fees: Floats, variance_ratio: float) -> None:
        wish, history, settings = seen.wish, seen.wish.history, seen.wish.told.settings
        self._assets, self._settings = seen.assets, settings
        self._at, self._fees = memoryview(history.at), fees.tolist()
        self._target, self._expected = memoryview(prospects.target), memoryview(prospects.expected)
        self._volatility, self._prices = memoryview(prospects.volatility), memoryview(prices)
        self._half_spreads = memoryview(np.ascontiguousarray(seen.half_spreads))
        self._sides = memoryview(history.asks), memoryview(history.bids)
        self._later = 0 if wish.fill is Fill.SAME_QUOTE else 1
        self._quoted = memoryview(_all_quoted(seen))
        paths = paths_to_base(history.pairs, settings.base_currency)
        both = [(source, target) for source in seen.assets for target in seen.assets if source != target]
        self._legs = {pair: legs_of(paths[pair[0]], paths[pair[1]]) for pair in both if set(pair) <= paths.keys()}
        self._kept = {pair: 1 - exact(wish.venue.fee(*pair, settings.cost_bps)) for pair in both}
        self._least_value = float(wish.venue.least_value) * (1 + SLACK)
        self._least_return = settings.min_expected_return + SLACK
        self._root = sqrt(2 * settings.horizon * variance_ratio)
        self._is_plain = settings.is_active and not settings.cooldown_seconds and not settings.budget

    def chain(self, row: int, end: int, ledger: Ledger, first: Next) -> Chain:
        """The conversions from sample `row` on, as far as each is the only one that could pass and surely does.

        The ledger's entry prices stay behind: no decision looks at them.
        """
        chain, holdings, seen = Chain(ledger, row), ledger.holdings, dict(ledger.seen_costs)
        due = 0
        while True:
            chain.row, source = first(row, holdings)
            if chain.row >= end or source is None or not self._is_plain:
                break
            move = self._move(chain.row, source, holdings, seen, due)
            if move is None:
                break
            due, row = move.due, chain.row + 1
            holdings = moved(holdings, (move.source, move.amount), (move.target, move.received))
            seen[move.source, move.target] = cost_seen(move.cost_bps, due)
            chain.rows.append(chain.row)
            chain.moves.append(move)
            chain.held.append(holdings)
        if chain.moves:
            chain.ledger = replace(ledger, holdings=holdings, seen_costs=still_known(seen, due))
        return chain

    def _move(
        self, row: int, source: int, holdings: Holdings, seen: Mapping[Conversion, SeenCost], before: int
    ) -> Move | None:
        """The conversion at a sample, or None where any doubt is left; the one before it was at the time `before`."""
        target, fill = self._target[row, source], row + self._later
        if target < 0 or fill == len(self._quoted) or not self._quoted[fill]:
            return None
        pair = self._assets[source], self._assets[target]
        last = seen.get(pair)
        if last is not None and before - last.at >= FORGET_COSTS_AFTER_SECONDS:
            last = None
        confidence = self._confidence(row, source, target, last)
        price = self._price(row, source)
        amount = amount_of(pair[0], holdings[pair[0]], price, self._settings)
        if confidence is None or not amount or float(amount) * price < self._least_value:
            return None
        rates = [(is_sold, exact(self._sides[is_sold][fill, column])) for is_sold, column in self._legs[pair]]
        received = receives_of(amount, rates, self._kept[pair], pair[1])
        cost = cost_fraction(amount, received, price, self._price(row, target))
        if not received or exp(self._expected[row, source]) * (1 - cost) - 1 < self._least_return:
            return None
        return Move(self._at[row], *pair, amount, received, confidence, price, cost * 10_000)

    def _price(self, row: int, asset: int) -> float:
        """In the base currency, which is the first asset."""
        return price_of(self._prices[row, asset]) if asset else 1.0

    def _confidence(self, row: int, source: int, target: int, last: SeenCost | None) -> float | None:
        """How sure it is at the cost that is known; None where a gate is closed or nearly so."""
        settings, expected, volatility = self._settings, self._expected[row, source], self._volatility[row, source]
        cost = self._fees[source][target] + self._half_spreads[row, source] + self._half_spreads[row, target]
        cost = min(cost if last is None else max(cost, last.now(self._at[row])), HIGHEST)
        gain = expm1(expected) * (1 - cost) - cost
        if volatility < SLACK**2 or gain < self._least_return:
            return None
        confidence = erfc(-(expected + log1p(-cost)) / (volatility * self._root)) / 2
        is_safe = volatility * (1 + SLACK) + SLACK**2 < settings.risk_tolerance * confidence * gain
        return confidence if is_safe and confidence > settings.min_confidence + SLACK else None


def _all_quoted(seen: Seen) -> NDArray[np.bool_]:
    """Where each pair has a price (T,): one that is believed, as far as a conversion is filled at what it saw."""
    history = seen.wish.history
    quoted: NDArray[np.bool_] = np.isfinite(seen.guards.log_mids) & (history.bids <= history.asks) & (history.bids > 0)
    return np.asarray(quoted.all(axis=1))
