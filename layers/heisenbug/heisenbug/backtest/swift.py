"""Conversions about which nothing is in doubt, settled without what the live code writes down on the way.

What moves is computed by the functions that live trades go through; what is in doubt is left to the live code.
"""

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
from heisenbug.domain.ledger import Ledger, cost_seen, moved, still_known
from heisenbug.domain.portfolio import SeenCost
from heisenbug.domain.prices import Floats, Step, paths_to_base
from heisenbug.domain.trade import cost_fraction
from heisenbug.domain.view import price_of
from heisenbug.exchange.paper import Leg, receives_of
from heisenbug.markets.history import exact


class Swift:
    """The plain conversions of one history; `prices` (T x N) in the base, `fees` (N x N) as fractions."""

    def __init__(self, seen: Seen, prospects: Prospects, prices: Floats, fees: Floats, variance_ratio: float) -> None:
        wish, history, settings = seen.wish, seen.wish.history, seen.wish.told.settings
        self._assets, self._settings = seen.assets, settings
        self._at, self._fees = memoryview(history.at), fees.tolist()
        self._target, self._expected = memoryview(prospects.target), memoryview(prospects.expected)
        self._volatility, self._prices = memoryview(prospects.volatility), memoryview(prices)
        self._half_spreads = memoryview(seen.half_spreads)
        self._bids, self._asks = memoryview(history.bids), memoryview(history.asks)
        self._later = 0 if wish.fill is Fill.SAME_QUOTE else 1
        self._quoted = memoryview(_all_quoted(seen))
        self._paths = paths_to_base(history.pairs, settings.base_currency)
        self._fee = {
            (source, target): exact(wish.venue.fee(source, target, settings.cost_bps))
            for source in seen.assets
            for target in seen.assets
        }
        self._least_value = float(wish.venue.least_value)
        self._root = sqrt(settings.horizon * variance_ratio)
        self._is_plain = settings.is_active and not settings.cooldown_seconds and not settings.budget

    def move(self, row: int, source: int, ledger: Ledger) -> tuple[Move, Ledger] | None:
        """The only conversion that could pass there, from `source`, and the ledger after; None where any doubt is left.

        The ledger's entry prices stay behind: no decision looks at them.
        """
        target = self._target[row, source]
        if target < 0 or not self._is_plain or not self._is_filled(row):
            return None
        pair = self._assets[source], self._assets[target]
        amount = amount_of(pair[0], ledger.holdings[pair[0]], price := self._price(row, source), self._settings)
        confidence = self._confidence(row, source, target, ledger.seen_costs.get(pair))
        if confidence is None or not amount or float(amount) * price < self._least_value * (1 + SLACK):
            return None
        received = self._received(row + self._later, pair, amount)
        cost = cost_fraction(amount, received, price, self._price(row, target))
        gain = exp(self._expected[row, source]) * (1 - cost) - 1
        if not received or gain < self._settings.min_expected_return + SLACK:
            return None
        due = self._at[row]
        seen = still_known({**ledger.seen_costs, pair: cost_seen(cost * 10_000, due)}, due)
        holdings = moved(ledger.holdings, (pair[0], amount), (pair[1], received))
        move = Move(due, *pair, amount, received, confidence, price, cost * 10_000)
        kept = ledger.watched, ledger.dropped
        return move, Ledger(holdings, ledger.entries, ledger.resting, seen, *kept)

    def _is_filled(self, row: int) -> bool:
        """Whether every pair has a price that a conversion is filled at."""
        fill = row + self._later
        return fill < len(self._quoted) and bool(self._quoted[fill])

    def _price(self, row: int, asset: int) -> float:
        return price_of(self._prices[row, asset])

    def _confidence(self, row: int, source: int, target: int, last: SeenCost | None) -> float | None:
        """How sure it is at the cost that is known; None where a gate is closed or nearly so."""
        settings, expected, volatility = self._settings, self._expected[row, source], self._volatility[row, source]
        cost = self._fees[source][target] + self._half_spreads[row, source] + self._half_spreads[row, target]
        cost = min(cost if last is None else max(cost, last.now(self._at[row])), HIGHEST)
        gain = expm1(expected) * (1 - cost) - cost
        if volatility < SLACK**2 or gain < settings.min_expected_return + SLACK:
            return None
        confidence = erfc(-(expected + log1p(-cost)) / (volatility * self._root * sqrt(2))) / 2
        is_safe = volatility * (1 + SLACK) + SLACK**2 < settings.risk_tolerance * confidence * gain
        return confidence if is_safe and confidence > settings.min_confidence + SLACK else None

    def _received(self, row: int, pair: tuple[str, str], amount: Decimal) -> Decimal:
        sold, bought = self._legs(row, self._paths[pair[0]]), self._legs(row, self._paths[pair[1]])
        return receives_of(amount, sold, bought, self._fee[pair], pair[1])

    def _legs(self, row: int, path: tuple[Step, ...]) -> list[Leg]:
        return [
            (step.sign > 0, exact(self._bids[row, step.column]), exact(self._asks[row, step.column])) for step in path
        ]


def _all_quoted(seen: Seen) -> NDArray[np.bool_]:
    """Where each pair has a price (T,): one that is believed, as far as a conversion is filled at what it saw."""
    history = seen.wish.history
    quoted: NDArray[np.bool_] = np.isfinite(seen.guards.log_mids) & (history.bids <= history.asks) & (history.bids > 0)
    return np.asarray(quoted.all(axis=1))
