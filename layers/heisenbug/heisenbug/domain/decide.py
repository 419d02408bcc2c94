"""The bot's one decision: live, paper, backtest, replay and explain all call it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from math import isfinite

import numpy as np
import numpy.typing as npt

from heisenbug.domain.assets import round_received
from heisenbug.domain.costs import conversion_costs
from heisenbug.domain.exits import Exit
from heisenbug.domain.forecasters import forecast
from heisenbug.domain.forecasters.shipped import forecaster_of
from heisenbug.domain.gates import Answer, Closed, Gate, Situation
from heisenbug.domain.leaving import BASE, Leaving, answers, closed_gates, leaving_of
from heisenbug.domain.market import Market
from heisenbug.domain.portfolio import Portfolio
from heisenbug.domain.prices import Floats
from heisenbug.domain.score import Scores, score
from heisenbug.domain.settings import Settings
from heisenbug.domain.venue import Venue
from heisenbug.domain.view import View, view
from heisenbug.domain.window import Window

FEWEST_SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Scored:
    """One conversion with its numbers (fractions) and the first gate that stopped it, with its `value` and `limit`.

    `note` says why an asset has no price, or what stops entries. `exit` says why the holding goes where that is due;
    its `value` and `limit` are then those of the exit while every gate is open.
    """

    source: str
    target: str
    amount: Decimal
    confidence: float
    expected_return: float
    risk: float
    cost: float
    volatility: float
    expected_log_return: float
    growth: float
    gate: Gate
    value: float
    limit: float
    note: str = ""
    exit: Exit | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Every conversion with its scores and first closed gate, and the one that trades, or none.

    Arrays are N x N over `assets`; `growth` is the expected growth of value in the base currency. `exits` are those
    that are due, by the place of the asset that goes back to the base, the first one.
    """

    at: int
    assets: tuple[str, ...]
    prices: Floats
    amounts: tuple[Decimal, ...]
    scores: Scores
    closed: Closed
    growth: Floats
    chosen: Scored | None
    samples: int
    unpriced: Mapping[str, str]
    exits: Mapping[int, Leaving] = field(default_factory=dict)
    halts: tuple[str, ...] = ()

    def conversion(self, i: int, j: int) -> Scored:
        """The conversion of asset `i` into asset `j`."""
        leaving = self.exits.get(i) if j == BASE else None
        entering = self._entering(i, j)
        if leaving is None:
            return entering
        gone = replace(entering, amount=leaving.amount, exit=leaving.due.exit)
        return gone if gone.gate else replace(gone, value=leaving.due.value, limit=leaving.due.limit)

    def _entering(self, i: int, j: int) -> Scored:
        scores, closed = self.scores, self.closed
        return Scored(
            self.assets[i],
            self.assets[j],
            self.amounts[i],
            float(scores.confidence[i, j]),
            float(scores.expected_return[i, j]),
            float(scores.risk[i, j]),
            float(scores.cost[i, j]),
            float(scores.volatility[i, j]),
            float(scores.expected_log_return[i, j]),
            float(self.growth[i, j]),
            Gate(int(closed.gate[i, j])),
            float(closed.value[i, j]),
            float(closed.limit[i, j]),
            self._note(i, j),
        )

    def _note(self, i: int, j: int) -> str:
        if self.closed.gate[i, j] == Gate.HALTED:
            return " and ".join(self.halts)
        return self.unpriced.get(self.assets[i]) or self.unpriced.get(self.assets[j], "")

    def conversions(self) -> Iterator[Scored]:
        """All conversions, row by row."""
        size = len(self.assets)
        return (self.conversion(i, j) for i in range(size) for j in range(size) if i != j)


def decide(market: Market, portfolio: Portfolio, settings: Settings, venue: Venue) -> Decision:
    """The best conversion whose every gate is open, or none; for each of the others the first gate that stopped it."""
    return decide_on(view(market, settings.base_currency, settings.window), market, portfolio, settings, venue)


def decide_on(seen: View, market: Market, portfolio: Portfolio, settings: Settings, venue: Venue) -> Decision:
    """The same on a view that is at hand: of the market's samples nothing else is looked at."""
    scores = _scores(seen, market, portfolio, settings, venue)
    amounts = tuple(
        amount_of(asset, portfolio.held(asset), price, settings)
        for asset, price in zip(seen.assets, seen.prices.tolist(), strict=True)
    )
    situation = _situation(market, seen, scores, portfolio, settings, venue, amounts)
    exits = leaving_of(situation)
    undecided = Decision(
        market.at,
        seen.assets,
        seen.prices,
        amounts,
        scores,
        closed_gates(situation, exits),
        _growth(seen, scores, amounts),
        None,
        seen.rows,
        _unpriced(market, seen),
        exits,
        portfolio.halts,
    )
    return _choose(undecided, market)


def gates_of(
    decision: Decision, i: int, j: int, market: Market, portfolio: Portfolio, settings: Settings, venue: Venue
) -> tuple[Answer, ...]:
    """What every gate said of the conversion of asset `i` into asset `j` in the decision on these inputs."""
    seen = view(market, settings.base_currency, settings.window)
    situation = _situation(market, seen, decision.scores, portfolio, settings, venue, decision.amounts)
    return answers(situation, decision.exits, i, j)


def equity(portfolio: Portfolio, decision: Decision) -> Decimal | None:
    """Value of all holdings in the base currency at mid; None while a held asset has no price."""
    return equity_of(portfolio, decision.assets, decision.prices)


def equity_of(portfolio: Portfolio, assets: tuple[str, ...], newest: Floats) -> Decimal | None:
    """The same at the `newest` price of each asset, the base currency the first of them."""
    prices = dict(zip(assets, newest.tolist(), strict=True))
    total = Decimal(0)
    for asset, amount in portfolio.holdings.items():
        price = prices.get(asset, float("nan"))
        if amount and not isfinite(price):
            return None
        total += amount * Decimal(repr(price)) if amount else 0
    return round_received(total, assets[0])


def _scores(seen: View, market: Market, portfolio: Portfolio, settings: Settings, venue: Venue) -> Scores:
    here = venue.over((trading.pair for trading in market.pairs), settings.bridge_asset)
    cost = conversion_costs(seen.assets, seen.half_spreads, portfolio.seen_costs, market.at, settings, here)
    unknown = np.full(cost.shape, np.nan)
    included = np.flatnonzero(seen.included)
    if seen.rows < FEWEST_SAMPLES:
        return Scores(cost, unknown, unknown, unknown, unknown, unknown)
    window = Window.of(seen.log_prices[:, included])
    square = np.ix_(included, included)
    expected = forecast(forecaster_of(settings), window, settings.horizon)
    return _spread_out(score(expected, window.volatility, cost[square]), cost, square)


def _spread_out(small: Scores, cost: Floats, square: tuple[npt.NDArray[np.intp], ...]) -> Scores:
    def at_full_size(numbers: Floats) -> Floats:
        full = np.full(cost.shape, np.nan)
        full[square] = numbers
        return full

    return Scores(
        cost,
        at_full_size(small.confidence),
        at_full_size(small.expected_return),
        at_full_size(small.risk),
        at_full_size(small.volatility),
        at_full_size(small.expected_log_return),
    )


def amount_of(asset: str, held: Decimal, price: float, settings: Settings) -> Decimal:
    """How much of `asset` one trade converts, at its price in the base currency; nothing where that is not known."""
    if settings.trade_size_amount is None:
        return round_received(held * _decimal(settings.trade_size_percentage), asset)
    if not isfinite(price):
        return Decimal(0)
    return round_received(min(held, settings.trade_size_amount / Decimal(repr(price))), asset)


@lru_cache(maxsize=16)
def _decimal(number: float) -> Decimal:
    return Decimal(repr(number))


def _situation(
    market: Market,
    seen: View,
    scores: Scores,
    portfolio: Portfolio,
    settings: Settings,
    venue: Venue,
    amounts: tuple[Decimal, ...],
) -> Situation:
    held = np.array([float(portfolio.held(asset)) for asset in seen.assets])
    return Situation(market, seen, scores, portfolio, settings, venue, held, np.array(amounts, dtype=float))


def _growth(seen: View, scores: Scores, amounts: tuple[Decimal, ...]) -> Floats:
    worth = np.array(amounts, dtype=float) * seen.prices
    from_base = scores.expected_log_return[0]
    gain: Floats = np.exp(from_base)[None, :] * (1 - scores.cost) - np.exp(from_base)[:, None]
    return worth[:, None] * gain


def _choose(undecided: Decision, market: Market) -> Decision:
    """Of the exits that are open the one worth most; else of the entries the one that promises most."""
    leaving = [place for place in undecided.exits if undecided.closed.gate[place, BASE] == Gate.OPEN]
    if leaving:
        worth = {place: float(undecided.exits[place].amount) * float(undecided.prices[place]) for place in leaving}
        return replace(undecided, chosen=undecided.conversion(min(leaving, key=lambda p: (-worth[p], p)), BASE))
    open_cells = np.argwhere((undecided.closed.gate == Gate.OPEN) & ~np.eye(len(undecided.assets), dtype=bool))
    if not len(open_cells):
        return undecided
    priority = _priorities(market, undecided.assets)
    best = min(
        (-float(undecided.growth[i, j]), min(priority[i], priority[j]), int(i), int(j)) for i, j in open_cells.tolist()
    )
    chosen = undecided.conversion(best[2], best[3])
    return replace(undecided, chosen=chosen)


def _unpriced(market: Market, seen: View) -> dict[str, str]:
    return {
        asset: f"{pair} is guarded: {guarded.reason}"
        for asset, price in zip(seen.assets, seen.prices, strict=True)
        for pair, guarded in market.guarded.items()
        if not np.isfinite(price) and asset in (pair.base, pair.quote)
    }


def _priorities(market: Market, assets: tuple[str, ...]) -> list[int]:
    base = assets[0]
    return [
        min((t.priority for t in market.pairs if asset != base and asset in (t.pair.base, t.pair.quote)), default=100)
        for asset in assets
    ]
