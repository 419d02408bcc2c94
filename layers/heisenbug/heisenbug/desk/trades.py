"""The kept trades, why each was made, and a person's statement of how an unresolved one ended."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from heisenbug.desk.known import Known, Plain, cursor
from heisenbug.domain.errors import NotFound
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.state import State
from heisenbug.domain.stated import stated
from heisenbug.domain.trade import Filled, Trade, TradeState
from heisenbug.domain.wanted import EVERY_TRADE, Wanted
from heisenbug.explaining import Explaining
from heisenbug.messages import trade_message, watched_message
from heisenbug.settling import Ended, Position, Settling
from heisenbug.store.trade_book import TradeBook


class TradesDesk:
    """The trades of the money that the bot trades."""

    def __init__(self, known: Known, explaining: Explaining, least: Decimal) -> None:
        self._known, self._explaining, self._least = known, explaining, least

    def newest(self, limit: int, before: int | None = None, wanted: Wanted = EVERY_TRADE) -> Plain:
        """The newest trades that are wanted, newest first."""
        rows = [trade_message(trade) for trade in self._known.history().newest(limit, before, wanted)]
        return {"trades": rows, "cursor": cursor(rows, limit, "sequence")}

    def one(self, named: str) -> Plain:
        """One trade by its sequence number or the beginning of its id, explained; raises NotFound."""
        return self._explaining.trade(named, self._known.mode())

    def unresolved(self) -> Plain | None:
        """The trade that nobody knows the end of, if there is one."""
        running = self._known.running(self._known.states.read())
        return trade_message(running) if running and running.state is TradeState.UNRESOLVED else None

    def watched(self) -> list[Plain]:
        """The failed trades whose commit may still turn up, and when each is asked for again."""
        stored = self._known.ledgers.read(self._known.mode())
        return [watched_message(one) for one in stored[0].watched] if stored else []

    def resolve(self, trade_id: str, statement: Any, who: str) -> Plain:
        """State what became of an unresolved trade; raises NotFound, InvalidSettings, or FenceLost."""
        state = self._known.states.read()
        running = self._known.running(state)
        if running is None or running.id != trade_id:
            raise NotFound(f"Trade {trade_id[:40]} is not open; {_what_is_open(running)}")
        if running.state is not TradeState.UNRESOLVED:
            raise NotFound(f"Trade {trade_id} is {running.state.value}, not UNRESOLVED: the bot is still at it.")
        filled = stated(running, statement)
        stored = self._known.ledgers.read(state.mode)
        if stored is None:
            raise NotFound("There is no ledger to settle the trade in.")
        ended = self._settle(state, running, filled, stored, who)
        if ended.halt:
            self._known.states.kill(self._known.clock(), "a bridge", ended.halt)
        return trade_message(ended.trade)

    def _settle(self, state: State, running: Trade, filled: Filled, stored: tuple[Ledger, int], who: str) -> Ended:
        settings = replace(self._known.told()[0].settings, mode=state.mode)
        book = TradeBook(self._known.bot_id, state.mode, f"{who}/{running.id}")
        told = replace(running, outcome=f"Stated by a person ({who}). Before: {running.outcome}")
        position = Position(stored[0], stored[1], state.version)
        return Settling(book, settings, self._known.clock, self._least).finish(told, filled, position, None)


def _what_is_open(running: Trade | None) -> str:
    return f"the open one is {running.id}." if running else "no trade is open."
