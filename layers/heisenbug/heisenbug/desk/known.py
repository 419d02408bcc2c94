"""What the tables know of one bot now, for all who answer."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from heisenbug.configuration import Configurations
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.settings import DEFAULTS, change
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.state import State
from heisenbug.domain.trade import Trade
from heisenbug.domain.venue import UPHOLD, Venue
from heisenbug.messages import tick_message, utc
from heisenbug.store.bot_state import Ledgers, States
from heisenbug.store.price_snapshot import PriceSnapshots
from heisenbug.store.settings_history import SettingsHistory
from heisenbug.store.trade_history import TradeHistory
from heisenbug.store.trading_pair import TradingPairs

Plain = dict[str, Any]


class Known:
    """One bot's tables, and what several answers read from them."""

    def __init__(self, bot_id: str, clock: Callable[[], datetime], venue: Venue = UPHOLD) -> None:
        self.bot_id = bot_id
        self.clock = clock
        self.venue = venue
        self.configurations = Configurations(bot_id, venue)
        self.states = States(bot_id)
        self.ledgers = Ledgers(bot_id)
        self.snapshots = PriceSnapshots(bot_id)
        self.pairs = TradingPairs(bot_id)
        self.settings_history = SettingsHistory(bot_id)

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.clock().timestamp()

    def told(self) -> tuple[Configuration, InvalidSettings | None]:
        """What the bot is told; where that cannot be understood, what it was told before, and what is wrong."""
        try:
            return self.configurations.now(), None
        except InvalidSettings as invalid:
            version = next(iter(self.settings_history.newest()), None)
            kept = self.configurations.version(version.version) if version else None
            return kept or Configuration(change(DEFAULTS, {}), (), 0), invalid

    def mode(self) -> str:
        """The mode the bot trades in, which is not always the one it is told."""
        return self.states.read().mode

    def history(self, mode: str | None = None) -> TradeHistory:
        """The kept trades of a mode, or else of the one the bot trades in."""
        return TradeHistory(self.bot_id, mode or self.mode())

    def running(self, state: State) -> Trade | None:
        """The trade that is open, if any."""
        return self.history(state.mode).running() if state.open_trade else None

    def quiet_until(self, state: State) -> str | None:
        """Until when the venue wants to be left alone; None where it may be asked."""
        return utc(state.quiet_until) if state.quiet_until > self.now() else None

    def newest(self, told: Configuration) -> Snapshot | None:
        """What the newest tick saw."""
        return next(iter(self.snapshots.newest(told.settings.sample_seconds, 1)), None)

    def samples(self, limit: int) -> Sequence[Snapshot]:
        """The newest samples, oldest first."""
        return self.snapshots.samples(self.told()[0].settings.sample_seconds, limit, before=2**40)

    def worth(self, newest: Snapshot | None) -> Plain:
        """Equity and drawdown as the newest tick saw them, and how old its prices are."""
        if newest is None:
            return {"equity": None, "drawdown": None, "data_age_seconds": None, "guarded": {}}
        tick = tick_message(newest)
        age = self.now() - newest.at + newest.price_age_seconds
        return {
            "equity": tick["equity"],
            "drawdown": tick["drawdown"],
            "data_age_seconds": round(max(age, 0), 1),
            "guarded": tick["guarded"],
        }


def field_errors(invalid: InvalidSettings | None) -> list[Plain]:
    """Fields that were not accepted, as clients are told."""
    return [{"field": error.field, "message": error.message} for error in (invalid.fields if invalid else ())]


def cursor(rows: list[Plain], limit: int, key: str) -> int | None:
    """Where to go on after these rows, None at the end."""
    return int(rows[-1][key]) if len(rows) == limit else None
