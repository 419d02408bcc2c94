"""The life of a trade, from the intent to the outcome: docs/trade-life.md.

Every step is written down before the next one is taken, so that whatever dies, a later tick knows where it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from math import exp
from typing import Protocol

from heisenbug.domain.decide import Decision, Scored
from heisenbug.domain.errors import Rejected, Unresolved
from heisenbug.domain.ledger import Ledger, settle
from heisenbug.domain.settings import Settings
from heisenbug.domain.trade import (
    Expected,
    Filled,
    Settlement,
    Trade,
    TradeState,
    VenueQuote,
    cost_fraction,
    trade_id,
)
from heisenbug.domain.words import bps, why
from heisenbug.exchange.port import Exchange, Request

# A quote is committed only while at least this much of it, and of the invocation, is left.
LEAST_SECONDS_TO_COMMIT = 3
# How long after a quote's expiry its commit may still turn up at the venue.
GRACE_SECONDS = 120


class Book(Protocol):
    """Where the steps of a trade are written down; raises FenceLost where another process went on first."""

    def intend(self, trade: Trade, version: int, record: bytes) -> None:
        """What is about to be tried."""

    def committing(self, trade: Trade) -> None:
        """The last thing before the commit."""

    def unresolved(self, trade: Trade) -> None:
        """Nobody knows yet."""

    def finish(self, trade: Trade, ledger: Ledger, record: bytes | None, history_limit: int) -> Trade:
        """The outcome, with the ledger moved."""

    def drop(self, trade: Trade, ledger: Ledger, sequence: int) -> None:
        """Nothing moved."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the bot stands as a trade begins: its ledger, the sequence of its newest trade and the state's version."""

    ledger: Ledger
    sequence: int
    version: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A trade that came to its end in this tick, and the position after it; while it is open that stays as it was."""

    trade: Trade
    position: Position


class Converting:
    """Carries one bot's trades through their lives."""

    def __init__(
        self,
        bot_id: str,
        exchange: Exchange,
        book: Book,
        settings: Settings,
        clock: Callable[[], datetime],
        deadline: float,
    ) -> None:
        self._bot_id = bot_id
        self._exchange = exchange
        self._book = book
        self._settings = settings
        self._clock = clock
        self._deadline = deadline

    def convert(self, decision: Decision, position: Position, record: bytes) -> Ended:
        """Take the decision's chosen conversion through its life, as far as this invocation gets."""
        trade = self._intended(decision)
        self._book.intend(trade, position.version, record)
        position = replace(position, version=position.version + 1)
        try:
            quoted = self._quoted(trade, position.ledger)
        except Rejected as refused:
            return self._drop(trade, TradeState.SKIPPED, str(refused), position)
        objection = self._objection(quoted, position.ledger)
        if objection:
            return self._drop(quoted, TradeState.SKIPPED, objection, position)
        self._book.committing(quoted)
        committing = replace(quoted, state=TradeState.COMMITTING)
        return self._commit(committing, position, record)

    def reconcile(self, trade: Trade, position: Position) -> Ended:
        """Bring an open trade of an earlier tick to its end by asking the venue; never by committing."""
        now = self._now()
        if trade.state is TradeState.INTENDED:
            if now < trade.lease_until:
                return Ended(trade, position)
            return self._drop(trade, TradeState.ABANDONED, "The process ended before anything was sent.", position)
        if trade.quote is None:
            raise Unresolved(f"Trade {trade.id} is {trade.state} without a quote; a person must look at it.")
        found = self._exchange.find(trade.quote.id)
        if found is not None and found.settlement is not Settlement.PROCESSING:
            return self._finish(trade, found, position, None)
        if found is None and trade.state is TradeState.COMMITTING and now < trade.lease_until:
            return Ended(trade, position)  # the commit may be on its way this very moment
        if found is None and now > trade.quote.expires_at + GRACE_SECONDS:
            gone = Filled(Settlement.FAILED, trade.amount, trade.amount * 0)
            return self._finish(trade, gone, position, None)
        return self._unresolved(trade, position)

    def _intended(self, decision: Decision) -> Trade:
        chosen = decision.chosen
        if chosen is None:
            raise ValueError("A decision without a chosen conversion cannot be converted.")
        return Trade(
            trade_id(self._bot_id, self._settings.mode, decision.at, chosen.source, chosen.target),
            self._settings.mode,
            decision.at,
            chosen.source,
            chosen.target,
            chosen.amount,
            _expected(decision, chosen),
            why(chosen),
            lease_until=int(self._deadline) + 1,
        )

    def _quoted(self, trade: Trade, ledger: Ledger) -> Trade:
        spendable = min(
            ledger.holdings.get(trade.source, trade.amount * 0),
            self._exchange.balances().get(trade.source, trade.amount * 0),
        )
        if spendable < trade.amount:
            raise Rejected(f"Only {spendable} {trade.source} may be spent, not {trade.amount}.")
        quote = self._exchange.quote(Request(trade.id, trade.source, trade.target, trade.amount))
        cost = cost_fraction(quote.amount, quote.receives, trade.expected.source_price, trade.expected.target_price)
        return replace(trade, quote=quote, quoted_cost_bps=cost * 10_000)

    def _objection(self, trade: Trade, ledger: Ledger) -> str | None:
        """Why a quoted trade must not be committed, or None."""
        quote = trade.quote
        if quote is None or (quote.source, quote.target, quote.amount) != (trade.source, trade.target, trade.amount):
            return "The quote is not for the conversion that was asked for."
        left = min(quote.expires_at, self._deadline) - self._clock().timestamp()
        if left < LEAST_SECONDS_TO_COMMIT:
            return f"Only {left:.1f} s are left to commit."
        return self._over_budget(quote, ledger) or self._too_dear(trade)

    def _over_budget(self, quote: VenueQuote, ledger: Ledger) -> str | None:
        most = (self._settings.budget or {}).get(quote.target)
        would_hold = ledger.holdings.get(quote.target, quote.receives * 0) + quote.receives
        if most is not None and would_hold > most:
            return f"The budget allows {most} {quote.target}, it would be {would_hold}."
        return None

    def _too_dear(self, trade: Trade) -> str | None:
        expected, cost = trade.expected, (trade.quoted_cost_bps or 0) / 10_000
        net = exp(expected.expected_log_return) * (1 - cost) - 1
        if net > self._settings.min_expected_return:
            return None
        return (
            f"The quote costs {bps(cost)}, {bps(expected.cost)} were expected: the net return would be {bps(net)}, "
            f"not above {bps(self._settings.min_expected_return)}."
        )

    def _commit(self, trade: Trade, position: Position, record: bytes) -> Ended:
        if trade.quote is None:
            raise ValueError("A trade without a quote cannot be committed.")
        try:
            filled = self._exchange.commit(trade.quote)
        except Rejected as refused:
            gone = Filled(Settlement.FAILED, trade.amount, trade.amount * 0)
            return self._finish(replace(trade, outcome=str(refused)), gone, position, record)
        except Unresolved as doubt:
            return self._unresolved(replace(trade, outcome=str(doubt)), position)
        if filled.settlement is Settlement.PROCESSING:
            return Ended(trade, position)
        return self._finish(trade, filled, position, record)

    def _finish(self, trade: Trade, filled: Filled, position: Position, record: bytes | None) -> Ended:
        done = self._outcome(trade, filled, position.sequence + 1)
        ledger = settle(position.ledger, done, self._now(), self._settings.cooldown_seconds)
        self._book.finish(done, ledger, record, self._settings.history_limit)
        return Ended(done, Position(ledger, done.sequence, position.version + 1))

    def _outcome(self, trade: Trade, filled: Filled, sequence: int) -> Trade:
        kept = replace(trade, sequence=sequence, finished_at=self._now())
        if filled.settlement is not Settlement.COMPLETED:
            return replace(kept, state=TradeState.FAILED, outcome=trade.outcome or "It never landed at the venue.")
        expected = trade.expected
        cost = cost_fraction(filled.amount, filled.received, expected.source_price, expected.target_price)
        return replace(
            kept,
            state=TradeState.EXECUTED,
            amount=filled.amount,
            received=filled.received,
            realised_cost_bps=cost * 10_000,
        )

    def _drop(self, trade: Trade, state: TradeState, outcome: str, position: Position) -> Ended:
        ended = replace(trade, state=state, outcome=outcome, finished_at=self._now())
        ledger = settle(position.ledger, ended, self._now(), self._settings.cooldown_seconds)
        self._book.drop(ended, ledger, position.sequence)
        return Ended(ended, Position(ledger, position.sequence, position.version + 1))

    def _unresolved(self, trade: Trade, position: Position) -> Ended:
        if trade.state is TradeState.UNRESOLVED:
            return Ended(trade, position)
        told = trade.outcome or "The venue does not know the commit yet."
        doubtful = replace(trade, state=TradeState.UNRESOLVED, outcome=told)
        self._book.unresolved(doubtful)
        return Ended(doubtful, position)

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _expected(decision: Decision, chosen: Scored) -> Expected:
    place = {asset: index for index, asset in enumerate(decision.assets)}
    return Expected(
        chosen.confidence,
        chosen.expected_return,
        chosen.expected_log_return,
        chosen.risk,
        chosen.cost,
        float(decision.prices[place[chosen.source]]),
        float(decision.prices[place[chosen.target]]),
    )
