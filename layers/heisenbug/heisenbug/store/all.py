"""All the tables of the bot, bound at once."""

from botocore.session import Session

from heisenbug.store.bot_config import BotConfigItem
from heisenbug.store.bot_state import BotStateItem
from heisenbug.store.connection import ConnectionItem
from heisenbug.store.jobs import JobItem
from heisenbug.store.notices import NoticeItem
from heisenbug.store.price_snapshot import PriceSnapshotItem
from heisenbug.store.registry import BotItem
from heisenbug.store.settings_history import SettingsHistoryItem
from heisenbug.store.tables import BotModel, bind
from heisenbug.store.trade_archive import TradeArchiveItem
from heisenbug.store.trade_history import TradeHistoryItem
from heisenbug.store.trading_pair import TradingPairItem
from heisenbug.store.usage import UsageItem

MODELS: tuple[type[BotModel], ...] = (
    BotStateItem,
    BotConfigItem,
    SettingsHistoryItem,
    TradingPairItem,
    TradeHistoryItem,
    TradeArchiveItem,
    PriceSnapshotItem,
    ConnectionItem,
    JobItem,
    UsageItem,
    NoticeItem,
    BotItem,
)


def bind_all(prefix: str) -> Session:
    """Name every table `prefix` + its own name, over one client; returns its session."""
    return bind(prefix, MODELS)
