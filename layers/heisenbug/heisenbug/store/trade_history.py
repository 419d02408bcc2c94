"""TradeHistory (bot_id, sequence): the newest trades, and the one that is running at sequence 0.

The running one carries the record of its decision, which is large; a finished one's is in TradeArchive alone.
The partition is the bot's id for paper and the id with `:live` for live money.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from math import inf, nan
from operator import and_
from typing import Any

from pynamodb.attributes import BinaryAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition

from heisenbug.domain.leg import leg_of
from heisenbug.domain.trade import Expected, Trade, TradeState, VenueQuote, if_known
from heisenbug.domain.wanted import EVERY_TRADE, Wanted
from heisenbug.store.tables import BotModel, DecimalAttribute, PlainMeta

RUNNING = 0
# What is looked through at once for what is wanted; the setting history_limit allows no more.
PAGE = 1000


class TradeAttributes(BotModel):
    """What a trade's item holds, the same in TradeHistory and TradeArchive."""

    bot_id = UnicodeAttribute(hash_key=True)
    sequence = NumberAttribute(range_key=True)
    trade_id = UnicodeAttribute()
    state = UnicodeAttribute()
    token = UnicodeAttribute(null=True)
    mode = UnicodeAttribute()
    due = NumberAttribute()
    from_asset = UnicodeAttribute()
    to_asset = UnicodeAttribute()
    amount = DecimalAttribute()
    received = DecimalAttribute(null=True)
    from_price = NumberAttribute()
    to_price = NumberAttribute()
    confidence = NumberAttribute(null=True)
    risk = NumberAttribute(null=True)
    expected_return = NumberAttribute(null=True)
    expected_log_return = NumberAttribute(null=True)
    expected_cost_bps = NumberAttribute()
    quoted_cost_bps = NumberAttribute(null=True)
    realised_cost_bps = NumberAttribute(null=True)
    reason = UnicodeAttribute()
    outcome = UnicodeAttribute(null=True)
    lease_until = NumberAttribute()
    quote_id = UnicodeAttribute(null=True)
    quote_receives = DecimalAttribute(null=True)
    quote_expires_at = NumberAttribute(null=True)
    finished_at = NumberAttribute(null=True)
    exit = UnicodeAttribute(null=True)
    leg = JSONAttribute(null=True)
    record = BinaryAttribute(null=True, legacy_encoding=False)


class TradeHistoryItem(TradeAttributes):
    """One trade of TradeHistory."""

    class Meta(PlainMeta):
        table = "TradeHistory"


class TradeHistory:
    """The trades of one bot in one mode."""

    def __init__(self, bot_id: str, mode: str) -> None:
        self._book = book(bot_id, mode)

    def running(self) -> Trade | None:
        """The trade that has begun and not ended, strongly consistent."""
        found = self.running_record()
        return found[0] if found else None

    def newest(self, limit: int, before: int | None = None, wanted: Wanted = EVERY_TRADE) -> list[Trade]:
        """The newest trades that are wanted, newest first, those older than sequence `before` where it is given."""
        key = TradeHistoryItem.sequence
        condition = key > RUNNING if before is None else key.between(RUNNING + 1, before - 1)
        if before is not None and before <= RUNNING + 1:
            return []
        chosen = _is(wanted)
        page = limit if chosen is None else PAGE
        items = TradeHistoryItem.query(
            self._book, condition, chosen, scan_index_forward=False, limit=limit, page_size=page
        )
        return [trade_of(item) for item in items]

    def running_record(self) -> tuple[Trade, bytes | None] | None:
        """The running trade with the inputs of its decision, packed."""
        try:
            item = TradeHistoryItem.get(self._book, RUNNING, consistent_read=True)
        except DoesNotExist:
            return None
        return trade_of(item), item.record

    def named(self, beginning: str) -> dict[str, int]:
        """The sequence of each trade whose id begins so, by its id, the running one's being 0."""
        items = TradeHistoryItem.query(
            self._book,
            filter_condition=TradeHistoryItem.trade_id.startswith(beginning),
            attributes_to_get=["bot_id", "sequence", "trade_id"],
        )
        return {item.trade_id: int(item.sequence) for item in items}

    def oldest(self, limit: int) -> Sequence[int]:
        """The oldest sequence numbers kept, oldest first."""
        key = TradeHistoryItem.sequence
        items = TradeHistoryItem.query(self._book, key > RUNNING, limit=limit, attributes_to_get=["bot_id", "sequence"])
        return [int(item.sequence) for item in items]

    def forget(self, sequences: Sequence[int]) -> None:
        """Delete these trades; TradeArchive still has them."""
        with TradeHistoryItem.batch_write() as batch:
            for sequence in sequences:
                batch.delete(TradeHistoryItem(self._book, sequence))


def _is(wanted: Wanted) -> Condition | None:
    """The condition that a trade is wanted; None where every one is."""
    item, parts = TradeHistoryItem, []
    if wanted.asset:
        parts.append((item.from_asset == wanted.asset) | (item.to_asset == wanted.asset))
    if wanted.state:
        parts.append(item.state == wanted.state)
    if wanted.since is not None:
        parts.append(item.due >= wanted.since)
    if wanted.until is not None:
        parts.append(item.due < wanted.until)
    return reduce(and_, parts) if parts else None


def book(bot_id: str, mode: str) -> str:
    """The partition of a bot's trades in a mode."""
    return bot_id if mode == "paper" else f"{bot_id}:{mode}"


def trade_attributes(trade: Trade) -> dict[str, Any]:
    """The trade as its item's attributes, key apart."""
    expected, quote = trade.expected, trade.quote
    return {
        "trade_id": trade.id,
        "state": trade.state.value,
        "mode": trade.mode,
        "due": trade.due,
        "from_asset": trade.source,
        "to_asset": trade.target,
        "amount": trade.amount,
        "received": trade.received,
        "from_price": expected.source_price,
        "to_price": expected.target_price,
        "confidence": if_known(expected.confidence),
        "risk": if_known(expected.risk),
        "expected_return": if_known(expected.expected_return),
        "expected_log_return": if_known(expected.expected_log_return),
        "expected_cost_bps": expected.cost * 10_000,
        "quoted_cost_bps": trade.quoted_cost_bps,
        "realised_cost_bps": trade.realised_cost_bps,
        "reason": trade.reason,
        "outcome": trade.outcome or None,
        "lease_until": trade.lease_until,
        "quote_id": quote.id if quote else None,
        "quote_receives": quote.receives if quote else None,
        "quote_expires_at": quote.expires_at if quote else None,
        "finished_at": trade.finished_at,
        "exit": trade.exit or None,
        "leg": trade.leg.plain() if trade.leg else None,
    }


def trade_of(item: TradeAttributes) -> Trade:
    """The trade that an item states."""
    return Trade(
        item.trade_id,
        item.mode,
        int(item.due),
        item.from_asset,
        item.to_asset,
        item.amount,
        _expected(item),
        item.reason,
        TradeState(item.state),
        int(item.lease_until),
        _quote(item),
        item.received,
        item.quoted_cost_bps,
        item.realised_cost_bps,
        item.outcome or "",
        int(item.sequence),
        None if item.finished_at is None else int(item.finished_at),
        item.exit or "",
        leg_of(item.leg),
    )


def _or(number: float | None, unknown: float) -> float:
    return unknown if number is None else number


def _expected(item: TradeAttributes) -> Expected:
    return Expected(
        _or(item.confidence, nan),
        _or(item.expected_return, nan),
        _or(item.expected_log_return, nan),
        _or(item.risk, inf),
        item.expected_cost_bps / 10_000,
        item.from_price,
        item.to_price,
    )


def _quote(item: TradeAttributes) -> VenueQuote | None:
    if item.quote_id is None:
        return None
    receives = item.quote_receives or Decimal(0)
    expires_at = int(item.quote_expires_at or 0)
    return VenueQuote(item.quote_id, item.from_asset, item.to_asset, item.amount, receives, expires_at)
