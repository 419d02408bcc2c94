"""How a trade ends, and what is written down of it: docs/trade-life.md."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from heisenbug.domain.bridging import onward
from heisenbug.domain.ledger import Ledger, Newest, Watched, settle
from heisenbug.domain.settings import Settings
from heisenbug.domain.trade import Filled, Settlement, Trade, TradeState, cost_fraction

NEVER = "It never landed at the venue."


class Book(Protocol):
    """Where the steps of a trade are written down; raises FenceLost where another process went on first."""

    def intend(self, trade: Trade, version: int, record: bytes) -> None:
        """What is about to be tried."""

    def committing(self, trade: Trade) -> None:
        """The last thing before the commit."""

    def unresolved(self, trade: Trade) -> None:
        """Nobody knows yet."""

    def waits(self, trade: Trade) -> None:
        """Why a leg that is intended waits for a later tick."""

    def finish(
        self, trade: Trade, ledger: Ledger, record: bytes | None, history_limit: int, following: Trade | None = None
    ) -> Trade:
        """The outcome, with the ledger moved; what follows is intended in the same step."""

    def drop(self, trade: Trade, ledger: Ledger, sequence: int, following: Trade | None = None) -> None:
        """Nothing moved; what follows is intended in the same step."""

    def watched(self, sequence: int) -> Trade:
        """A finished trade by its sequence."""

    def keep(self, ledger: Ledger, sequence: int, version: int) -> None:
        """The ledger alone, while no trade is open; `sequence` is the newest trade's."""

    def correct(self, trade: Trade, ledger: Ledger, newest: Newest, halt: str) -> None:
        """A finished trade that ended otherwise after all, while no trade is open; from now on nothing is traded."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the bot stands as a trade begins: its ledger, the sequence of its newest trade and the state's version."""

    ledger: Ledger
    sequence: int
    version: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A trade as this tick left it, and the position after it; while it is open that stays as it was.

    `halt` says why nothing more may be traded until a person has done something; `following` is a leg that was
    intended as this one ended.
    """

    trade: Trade
    position: Position
    halt: str = ""
    following: Trade | None = None


class Settling:
    """Writes down how one bot's trades end; a leg's rest that is worth less than `least` is left where it is."""

    def __init__(
        self, book: Book, settings: Settings, clock: Callable[[], datetime], least: Decimal = Decimal(0)
    ) -> None:
        self.book = book
        self.settings = settings
        self._clock = clock
        self._least = least

    def finish(
        self, trade: Trade, filled: Filled, position: Position, record: bytes | None, is_sure: bool = True
    ) -> Ended:
        """The venue, or a person, said what became of a commit: the trade gets its sequence and the ledger moves.

        Where it is only supposed to have failed (not `is_sure`), no leg follows it.
        """
        done = self._outcome(trade, filled, position.sequence + 1)
        ledger = settle(position.ledger, done, self.now(), self.settings.cooldown_seconds)
        then = onward(trade, done, self.now(), self._least, is_sure)
        self.book.finish(done, ledger, record, self.settings.history_limit, then.trade)
        return Ended(done, Position(ledger, done.sequence, position.version + 1), then.halt, then.trade)

    def drop(self, trade: Trade, state: TradeState, outcome: str, position: Position) -> Ended:
        """Nothing was sent: the conversion rests, nothing moved."""
        ended = replace(trade, state=state, outcome=outcome, finished_at=self.now())
        ledger = settle(position.ledger, ended, self.now(), self.settings.cooldown_seconds)
        then = onward(trade, ended, self.now(), self._least, is_sure=True)
        self.book.drop(ended, ledger, position.sequence, then.trade)
        return Ended(ended, Position(ledger, position.sequence, position.version + 1), then.halt, then.trade)

    def waits(self, trade: Trade, outcome: str, position: Position) -> Ended:
        """A leg does not go through for now: later ticks try it again, until its time is over."""
        if trade.leg is None or self.now() >= trade.leg.until:
            return self.drop(trade, TradeState.SKIPPED, outcome, position)
        if outcome != trade.outcome:
            self.book.waits(replace(trade, outcome=outcome))
        return Ended(replace(trade, outcome=outcome), position)

    def unresolved(self, trade: Trade, told: str, position: Position) -> Ended:
        """Nobody knows: the trade stays open, and nothing else is traded until it is known."""
        if trade.state is TradeState.UNRESOLVED:
            return Ended(trade, position)
        doubtful = replace(trade, state=TradeState.UNRESOLVED, outcome=told)
        self.book.unresolved(doubtful)
        return Ended(doubtful, position)

    def watch_on(self, one: Watched, trade: Trade, position: Position, is_known: bool) -> Ended:
        """A failed trade was asked for in vain: the next pause is longer, and ends after a day with a known answer."""
        after = one.later(self.now()) or (None if is_known else one.once_more(self.now()))
        ledger = position.ledger.watching(one, after)
        self.book.keep(ledger, position.sequence, position.version)
        return Ended(trade, Position(ledger, position.sequence, position.version + 1))

    def landed(self, one: Watched, trade: Trade, filled: Filled, position: Position) -> Ended:
        """A failed trade turned up after all: it becomes what it is, and the ledger with it."""
        late = replace(trade, outcome=f"It landed at the venue after it was taken for failed. Before: {trade.outcome}")
        done = replace(self._outcome(late, filled, trade.sequence), outcome=late.outcome)
        ledger = settle(position.ledger.watching(one, None), done, self.now(), self.settings.cooldown_seconds)
        newest = Newest(position.sequence, position.version, self.settings.history_limit)
        halt = _late(done)
        self.book.correct(done, ledger, newest, halt)
        return Ended(done, Position(ledger, position.sequence, position.version + 1), halt)

    def now(self) -> int:
        """Epoch seconds, whole."""
        return int(self.moment())

    def moment(self) -> float:
        """Epoch seconds."""
        return self._clock().timestamp()

    def _outcome(self, trade: Trade, filled: Filled, sequence: int) -> Trade:
        kept = replace(trade, sequence=sequence, finished_at=self.now())
        if filled.settlement is not Settlement.COMPLETED:
            return replace(kept, state=TradeState.FAILED, outcome=trade.outcome or filled.says or NEVER)
        expected = trade.expected
        cost = cost_fraction(filled.amount, filled.received, expected.source_price, expected.target_price)
        return replace(
            kept,
            state=TradeState.EXECUTED,
            amount=filled.amount,
            received=filled.received,
            realised_cost_bps=cost * 10_000,
        )


def nothing_moved(trade: Trade) -> Filled:
    """The word on a commit that came to nothing."""
    return Filled(Settlement.FAILED, trade.amount, trade.amount * 0)


def _late(trade: Trade) -> str:
    return (
        f"Trade {trade.sequence} ({trade.amount} {trade.source} into {trade.target}) was taken for failed and landed "
        "after all; the ledger is corrected. Look at what the bot holds, then: heisenbug rearm."
    )
