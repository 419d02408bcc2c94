"""TradeArchive (bot_id, sequence): every trade there ever was with the record of its decision, for tax and audit."""

from collections.abc import Iterator

from pynamodb.exceptions import DoesNotExist

from heisenbug.domain.errors import NotFound
from heisenbug.domain.trade import Trade
from heisenbug.store.tables import PlainMeta
from heisenbug.store.trade_history import TradeAttributes, book, trade_of


class TradeArchiveItem(TradeAttributes):
    """One trade of TradeArchive."""

    class Meta(PlainMeta):
        table = "TradeArchive"


class TradeArchive:
    """Every finished trade of one bot in one mode."""

    def __init__(self, bot_id: str, mode: str) -> None:
        self._book = book(bot_id, mode)

    def all(self) -> Iterator[Trade]:
        """Every trade, oldest first, read as they are asked for."""
        wanted = [name for name in TradeArchiveItem.get_attributes() if name != "record"]
        return map(trade_of, TradeArchiveItem.query(self._book, attributes_to_get=wanted))

    def get(self, sequence: int) -> tuple[Trade, bytes | None]:
        """The trade with this sequence number and the inputs of its decision, packed; raises NotFound."""
        try:
            item = TradeArchiveItem.get(self._book, sequence)
        except DoesNotExist:
            raise NotFound(f"There is no trade {sequence}; heisenbug trades lists the newest ones.") from None
        return trade_of(item), item.record
