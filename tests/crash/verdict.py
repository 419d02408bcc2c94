"""The ledger of the exchange, which is the truth, held against what the bot has written down."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from heisenbug.domain.trade import Trade, TradeState
from heisenbug.store.bot_state import Ledgers
from heisenbug.store.trade_archive import TradeArchiveItem
from heisenbug.store.trade_history import TradeHistory, book, trade_of
from local.books import Conversion, Status
from tests.crash.world import OPENING, World

MOST_TRADES = 1000
HISTORY_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong after a run; all zero and conserved where the promise was kept.

    Of the `conversions` so many were `exits`, and so many `legs` over a bridge.
    """

    conversions: int = 0
    exits: int = 0
    legs: int = 0
    double: int = 0
    lost: int = 0
    invented: int = 0
    unresolved: int = 0
    forgotten: int = 0
    conserved: bool = True

    @property
    def kept(self) -> bool:
        """Whether the promise was kept."""
        return not (self.double or self.lost or self.invented or self.unresolved or self.forgotten) and self.conserved


def judge(world: World) -> Verdict:
    """Compare the exchange's conversions with history and archive, amounts to the last digit, and the value held."""
    books = world.exchange.settle(world.clock.at)
    done = [one for one in books.conversions if one.status is Status.COMPLETED]
    kept, archived = _kept(world), _archived(world)
    executed = [trade for trade in archived if trade.state is TradeState.EXECUTED]
    happened, written = Counter(map(_facts, done)), Counter(map(_stated, executed))
    same = kept == archived[:HISTORY_LIMIT] and len({trade.sequence for trade in archived}) == len(archived)
    return Verdict(
        len(done),
        sum(bool(trade.exit) for trade in executed),
        sum(trade.leg is not None for trade in executed),
        sum(number - 1 for number in Counter(one.reference for one in done).values()),
        (happened - written).total(),
        (written - happened).total(),
        int(world.state().open_trade is not None),
        0 if world.was_told or world.state().killed_at else _forgotten(executed),
        same and books.conserved() and _held(world) == _positive(books.balances()) == _followed(executed),
    )


def _facts(one: Conversion) -> tuple[object, ...]:
    return one.id, one.origin_currency, one.origin_amount, one.destination_currency, one.destination_amount


def _stated(trade: Trade) -> tuple[object, ...]:
    quote_id = trade.quote.id if trade.quote else None
    return quote_id, trade.source, trade.amount, trade.target, trade.received


def _kept(world: World) -> list[Trade]:
    return TradeHistory(world.bot_id, "live").newest(MOST_TRADES)


def _archived(world: World) -> list[Trade]:
    items = TradeArchiveItem.query(book(world.bot_id, "live"), consistent_read=True, scan_index_forward=False)
    return [trade_of(item) for item in items]


def _held(world: World) -> dict[str, Decimal]:
    stored = Ledgers(world.bot_id).read("live")
    return _positive(dict(stored[0].holdings)) if stored else {}


def _followed(executed: list[Trade]) -> dict[str, Decimal]:
    """What the trades alone say is held now."""
    held = dict(OPENING)
    for trade in executed:
        held[trade.source] = held.get(trade.source, Decimal(0)) - trade.amount
        held[trade.target] = held.get(trade.target, Decimal(0)) + (trade.received or Decimal(0))
    return _positive(held)


def _forgotten(executed: list[Trade]) -> int:
    """First legs that neither went on nor back, of which no person was told."""
    legs = [trade.leg for trade in executed if trade.leg]
    ended = {leg.of for leg in legs if leg.waits}
    return len({leg.of for leg in legs} - ended)


def _positive(held: dict[str, Decimal]) -> dict[str, Decimal]:
    return {asset: amount for asset, amount in held.items() if amount}
