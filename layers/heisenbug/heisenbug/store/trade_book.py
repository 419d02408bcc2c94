"""The steps of a trade's life, each one conditional write over the tables it touches.

step        writes                                              only if
intend      BotState version + 1, open_trade; TradeHistory 0    the version is ours, last_tick = due, none is open,
                                                                not killed
committing  TradeHistory 0: INTENDED -> COMMITTING              still this trade, INTENDED, not killed
waits       TradeHistory 0: why                                 still this trade, INTENDED
finish      TradeHistory and TradeArchive at the next sequence, this trade is the open one, the sequence is free and
            ledger, version + 1; open_trade and 0 cleared, or   the next one of the ledger
            those of the trade that follows
drop        ledger (cool-down), version + 1;                    this trade is the open one, INTENDED, and the ledger
            open_trade and 0 cleared, or those of the trade     is of the sequence that was read
            that follows
keep        ledger, version + 1                                 the version is ours, none is open
correct     TradeHistory and TradeArchive at its sequence,      the version is ours, none is open
            ledger, version + 1, killed
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from heisenbug.domain.errors import FenceLost
from heisenbug.domain.ledger import Ledger, Newest
from heisenbug.domain.trade import Trade, TradeState
from heisenbug.store.bot_state import TICK, BotStateItem, killing, ledger_item, utc, version_is
from heisenbug.store.tables import Step, fenced, past_conflicts
from heisenbug.store.trade_archive import TradeArchiveItem
from heisenbug.store.trade_history import RUNNING, TradeHistoryItem, book, trade_attributes, trade_of

DROPPED = (TradeState.SKIPPED, TradeState.ABANDONED)


class TradeBook:
    """Writes one bot's trades in one mode; every step raises FenceLost where another process moved the state on."""

    def __init__(self, bot_id: str, mode: str, token: str) -> None:
        self._bot_id = bot_id
        self._mode = mode
        self._book = book(bot_id, mode)
        self._token = token

    def intend(self, trade: Trade, version: int, record: bytes) -> None:
        """Write down what is about to be tried, with the inputs of its decision."""
        allowed = (
            version_is(version)
            & (BotStateItem.last_tick == trade.due)
            & self._mode_is_ours()
            & BotStateItem.open_trade.does_not_exist()
            & BotStateItem.killed_at.does_not_exist()
        )
        with self._step("The intent", trade, TradeState.INTENDED) as step:
            self._move_on(step, [BotStateItem.open_trade.set(trade.id)], allowed)
            step.save(self._item(trade, RUNNING, record))

    def committing(self, trade: Trade) -> None:
        """Write down that the commit is sent right after this; the last thing before it."""
        ours = (TradeHistoryItem.trade_id == trade.id) & (TradeHistoryItem.state == TradeState.INTENDED.value)
        armed = BotStateItem.killed_at.does_not_exist() & (BotStateItem.open_trade == trade.id)
        quote = trade.quote
        if quote is None:
            raise ValueError("A trade without a quote cannot be committed.")
        with self._step("COMMITTING", trade, TradeState.COMMITTING) as step:
            step.condition_check(BotStateItem, self._bot_id, TICK, condition=armed)
            step.update(
                TradeHistoryItem(self._book, RUNNING),
                actions=[
                    TradeHistoryItem.state.set(TradeState.COMMITTING.value),
                    TradeHistoryItem.token.set(self._token),
                    TradeHistoryItem.lease_until.set(trade.lease_until),
                    TradeHistoryItem.quote_id.set(quote.id),
                    TradeHistoryItem.quote_receives.set(quote.receives),
                    TradeHistoryItem.quote_expires_at.set(quote.expires_at),
                    TradeHistoryItem.quoted_cost_bps.set(trade.quoted_cost_bps or 0.0),
                ],
                condition=ours,
            )

    def unresolved(self, trade: Trade) -> None:
        """Write down that nobody knows yet what became of the commit."""
        ours = (TradeHistoryItem.trade_id == trade.id) & (TradeHistoryItem.state == TradeState.COMMITTING.value)
        with fenced("UNRESOLVED"):
            doubtful: list[Action] = [
                TradeHistoryItem.state.set(TradeState.UNRESOLVED.value),
                TradeHistoryItem.outcome.set(trade.outcome),
            ]
            past_conflicts(lambda: TradeHistoryItem(self._book, RUNNING).update(actions=doubtful, condition=ours))

    def waits(self, trade: Trade) -> None:
        """Write down why a leg that is intended waits for a later tick."""
        ours = (TradeHistoryItem.trade_id == trade.id) & (TradeHistoryItem.state == TradeState.INTENDED.value)
        with fenced("Why it waits"):
            why: list[Action] = [TradeHistoryItem.outcome.set(trade.outcome)]
            past_conflicts(lambda: TradeHistoryItem(self._book, RUNNING).update(actions=why, condition=ours))

    def finish(
        self, trade: Trade, ledger: Ledger, record: bytes | None, history_limit: int, following: Trade | None = None
    ) -> Trade:
        """Give the trade its sequence and move the ledger with it; the oldest trade over the limit goes.

        A trade that follows is intended in the same step, so that neither is ever without the other.
        """
        kept = record or self._running(trade).record
        with self._step("The outcome", trade, trade.state) as step:
            self._clear(step, trade, following=following, record=kept)
            step.save(self._item(trade, trade.sequence))
            archived = TradeArchiveItem(self._book, trade.sequence, **self._attributes(trade, kept))
            step.save(archived, condition=TradeArchiveItem.bot_id.does_not_exist())
            self._save_ledger(step, ledger, trade.sequence, trade.sequence - 1)
            if trade.sequence > history_limit:
                step.delete(TradeHistoryItem(self._book, trade.sequence - history_limit))
        return trade

    def drop(self, trade: Trade, ledger: Ledger, sequence: int, following: Trade | None = None) -> None:
        """End a trade that cannot have moved anything: one that is still INTENDED; the conversion rests.

        A trade that follows is intended in the same step.
        """
        record = self._running(trade).record if following else None
        with self._step("The end", trade, trade.state) as step:
            self._clear(step, trade, TradeHistoryItem.state == TradeState.INTENDED.value, following, record)
            self._save_ledger(step, ledger, sequence, sequence)

    def watched(self, sequence: int) -> Trade:
        """The finished trade with this sequence, from the archive, which forgets none."""
        return trade_of(self._archived(sequence))

    def keep(self, ledger: Ledger, sequence: int, version: int) -> None:
        """Write the ledger alone; while a trade is open only that trade moves it."""
        with self._ledger_step("The ledger", ledger, sequence) as step:
            self._move_on(step, [], version_is(version) & BotStateItem.open_trade.does_not_exist())

    def correct(self, trade: Trade, ledger: Ledger, newest: Newest, halt: str) -> None:
        """Write a finished trade anew, in the history only while it belongs there, the ledger with it, and kill."""
        record = self._archived(trade.sequence).record
        allowed = version_is(newest.version) & BotStateItem.open_trade.does_not_exist()
        with self._ledger_step("The correction", ledger, newest.sequence) as step:
            self._move_on(step, killing(utc(trade.finished_at or 0), "a late conversion", halt), allowed)
            step.save(TradeArchiveItem(self._book, trade.sequence, **self._attributes(trade, record)))
            if trade.sequence > newest.sequence - newest.history_limit:
                step.save(self._item(trade, trade.sequence))

    def _archived(self, sequence: int) -> TradeArchiveItem:
        return TradeArchiveItem.get(self._book, sequence, consistent_read=True)

    def _running(self, trade: Trade) -> TradeHistoryItem:
        """The running item, while it is this trade's; raises FenceLost."""
        try:
            item = TradeHistoryItem.get(self._book, RUNNING, consistent_read=True)
        except DoesNotExist:
            item = None
        if item is None or item.trade_id != trade.id:
            raise FenceLost("The outcome was not written: another process ended the trade first.")
        return item

    def _save_ledger(self, step: TransactWrite, ledger: Ledger, sequence: int, before: int) -> None:
        """Write the ledger, if its newest trade is still the one with the sequence `before`."""
        same: Condition = BotStateItem.sequence == before
        item = ledger_item(self._bot_id, self._mode, ledger, sequence)
        step.save(item, condition=same | BotStateItem.sequence.does_not_exist())

    def _clear(
        self,
        step: TransactWrite,
        trade: Trade,
        only_if: Condition | None = None,
        following: Trade | None = None,
        record: bytes | None = None,
    ) -> None:
        """No trade is open after this one, or the one that follows is."""
        opened = BotStateItem.open_trade
        self._move_on(step, [opened.set(following.id) if following else opened.remove()], opened == trade.id)
        ours = TradeHistoryItem.trade_id == trade.id
        condition = ours & only_if if only_if is not None else ours
        if following is None:
            step.delete(TradeHistoryItem(self._book, RUNNING), condition=condition)
        else:
            step.save(self._item(following, RUNNING, record), condition=condition)

    def _move_on(self, step: TransactWrite, actions: list[Action], condition: Condition) -> None:
        step.update(
            BotStateItem(self._bot_id, TICK), actions=[*actions, BotStateItem.version.add(1)], condition=condition
        )

    def _item(self, trade: Trade, sequence: int, record: bytes | None = None) -> TradeHistoryItem:
        return TradeHistoryItem(self._book, sequence, **self._attributes(trade, record))

    def _attributes(self, trade: Trade, record: bytes | None) -> dict[str, Any]:
        return {**trade_attributes(trade), "token": self._token, "record": record}

    def _is_ended(self, trade: Trade) -> bool:
        """Whether nothing of a dropped trade is left: by us or by another, it ended the same way."""
        state = BotStateItem.get(self._bot_id, TICK, consistent_read=True)
        return bool(state.open_trade != trade.id)

    @contextmanager
    def _step(self, what: str, trade: Trade, wanted: TradeState) -> Iterator[TransactWrite]:
        """One transaction; a failed condition is first held against our own token: a lost answer is not a failure."""
        try:
            with fenced(what), Step(connection=_connection()) as step:
                yield step
        except FenceLost:
            if not self._was_ours(trade, wanted):
                raise

    @contextmanager
    def _ledger_step(self, what: str, ledger: Ledger, sequence: int) -> Iterator[TransactWrite]:
        """One transaction that writes the ledger under our token, by which a lost answer is known."""
        written = ledger_item(self._bot_id, self._mode, ledger, sequence)
        written.token = self._token
        try:
            with fenced(what), Step(connection=_connection()) as step:
                yield step
                step.save(written)
        except FenceLost:
            if not _is_stored(written):
                raise

    def _was_ours(self, trade: Trade, wanted: TradeState) -> bool:
        if wanted in DROPPED:
            return self._is_ended(trade)
        sequence = trade.sequence if wanted in (TradeState.EXECUTED, TradeState.FAILED) else RUNNING
        found = next(
            iter(TradeHistoryItem.query(self._book, TradeHistoryItem.sequence == sequence, consistent_read=True)), None
        )
        return found is not None and (found.trade_id, found.state, found.token) == (trade.id, wanted.value, self._token)

    def _mode_is_ours(self) -> Condition:
        same: Condition = BotStateItem.mode == self._mode
        return same | BotStateItem.mode.does_not_exist() if self._mode == "paper" else same


def _is_stored(ledger: BotStateItem) -> bool:
    try:
        found = BotStateItem.get(ledger.bot_id, ledger.item, consistent_read=True)
    except DoesNotExist:
        return False
    return bool(found.serialize() == ledger.serialize())


def _connection() -> Connection:
    return BotStateItem._get_connection().connection
