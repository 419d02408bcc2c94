"""TradeArchive (bot_id, sequence): every trade there ever was, for tax and audit."""

from heisenbug.store.tables import PlainMeta
from heisenbug.store.trade_history import TradeAttributes


class TradeArchiveItem(TradeAttributes):
    """One trade of TradeArchive."""

    class Meta(PlainMeta):
        table = "TradeArchive"
