"""Trades as CSV: everything that is kept of the newest, and every executed one as tax programs read them."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from heisenbug.domain.trade import Trade, TradeState
from heisenbug.domain.venue import Venue
from heisenbug.domain.wanted import EVERY_TRADE, Wanted
from heisenbug.messages import trade_message
from heisenbug.store.bot_state import States
from heisenbug.store.trade_archive import TradeArchive
from heisenbug.store.trade_history import TradeHistory

# The setting history_limit allows no more.
HISTORY_AT_MOST = 1000

# What CoinTracking and the programs that read its files call the columns, in its order.
TAX_COLUMNS = (
    "Type",
    "Buy Amount",
    "Buy Cur",
    "Sell Amount",
    "Sell Cur",
    "Fee",
    "Fee Cur",
    "Exchange",
    "Group",
    "Comment",
    "Date",
)
TRADE_COLUMNS = (
    "sequence",
    "id",
    "state",
    "mode",
    "at",
    "finished_at",
    "from",
    "to",
    "amount",
    "received",
    "from_price",
    "to_price",
    "confidence",
    "risk",
    "expected_return",
    "expected_cost_bps",
    "quoted_cost_bps",
    "cost_bps",
    "exit",
    "leg",
    "reason",
    "outcome",
)
# A spreadsheet takes text that begins so for a formula.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
TEXTS = ("id", "state", "mode", "from", "to", "reason", "outcome")


class Exports:
    """The trades of one bot, of the money that it trades now, as text for files."""

    def __init__(self, bot_id: str, venue: Venue) -> None:
        self._bot_id, self._venue = bot_id, venue
        self._states = States(bot_id)

    def trades(self, wanted: Wanted = EVERY_TRADE) -> str:
        """The kept trades that are wanted, newest first."""
        history = TradeHistory(self._bot_id, self._states.read().mode)
        return trades_csv(history.newest(HISTORY_AT_MOST, wanted=wanted))

    def tax(self, year: int) -> str:
        """Every executed trade of a calendar year (UTC), oldest first."""
        archive = TradeArchive(self._bot_id, self._states.read().mode)
        return tax_csv((trade for trade in archive.all() if _ended(trade).year == year), self._venue.title)


def trades_csv(trades: Iterable[Trade]) -> str:
    """The trades with all that clients are told of them, a row each."""
    messages = map(trade_message, trades)
    return _written(TRADE_COLUMNS, ([_cell(name, message[name]) for name in TRADE_COLUMNS] for message in messages))


def tax_csv(trades: Iterable[Trade], venue: str) -> str:
    """The executed trades, a row each: what was bought and sold, at which venue, when (UTC).

    The columns of the fee stay empty: what a conversion cost is in its amounts, and the comment states it.
    """
    executed = (trade for trade in trades if trade.state is TradeState.EXECUTED)
    return _written(TAX_COLUMNS, (_tax_row(trade, venue) for trade in executed))


def _tax_row(trade: Trade, venue: str) -> Sequence[str]:
    cost = "" if trade.realised_cost_bps is None else f"{trade.realised_cost_bps:.1f} bp of cost in the amounts; "
    return (
        "Trade",
        f"{trade.received or 0:f}",
        _harmless(trade.target),
        f"{trade.amount:f}",
        _harmless(trade.source),
        "",
        "",
        venue if trade.mode == "live" else "Paper",
        trade.mode,
        _harmless(f"{cost}{trade.reason} ({trade.id})"),
        f"{_ended(trade):%Y-%m-%d %H:%M:%S}",
    )


def _ended(trade: Trade) -> datetime:
    return datetime.fromtimestamp(trade.due if trade.finished_at is None else trade.finished_at, UTC)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "leg":
        return f"{value['part']} of {value['of']}"
    return _harmless(str(value)) if name in TEXTS else str(value)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULAS) else text


def _written(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return file.getvalue()
