"""The only place that builds real adapters from the environment."""

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from botocore.config import Config
from botocore.session import Session

from heisenbug.configuration import Configuration, Configurations
from heisenbug.desk import Desk
from heisenbug.domain.venue import VENUES, Venue
from heisenbug.exchange.paper import Paper
from heisenbug.exchange.uphold import LocalPast, Uphold
from heisenbug.looking import Look, Looking, Memory
from heisenbug.store.all import bind_all
from heisenbug.store.bot_state import Ledgers, States
from heisenbug.store.paper_fills import PaperFills
from heisenbug.store.price_snapshot import PriceSnapshots
from heisenbug.store.trade_book import TradeBook
from heisenbug.store.trade_history import TradeHistory
from heisenbug.tick import Bot, Remembered
from heisenbug.tick_queue import Ticks

PAST_TIMEOUT_SECONDS = 3.0


def now() -> datetime:
    """The clock of everything outside the domain."""
    return datetime.now(UTC)


def _queue_client(session: Session) -> Any:
    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard"})
    return session.create_client("sqs", config=config)


def desk_from_environment(environment: Mapping[str, str] = os.environ) -> Desk:
    """The desk of the bot that the environment names."""
    bind_all(environment.get("TABLE_PREFIX", ""))
    return Desk(environment.get("BOT_ID", "default"), VENUES[environment.get("VENUE", "uphold")], now)


class Wiring:
    """What a process keeps for all its invocations; built once, from the environment."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.bot_id = environment.get("BOT_ID", "default")
        self.venue: Venue = VENUES[environment.get("VENUE", "uphold")]
        session = bind_all(environment.get("TABLE_PREFIX", ""))
        self._tickers = Uphold(environment.get("EXCHANGE_URL", "https://api.uphold.com"), now)
        history = environment.get("HISTORY_URL", "")
        self._past = LocalPast(history, PAST_TIMEOUT_SECONDS) if history else None
        self._queue = Ticks(_queue_client(session), environment.get("TICK_QUEUE_URL", ""))
        self._memory = Memory()
        self._remembered = Remembered()
        self._configurations = Configurations(self.bot_id)

    def bot(self, token: str, remaining_milliseconds: int) -> Bot:
        """The bot for one invocation: `token` is this attempt's own, the deadline is the invocation's."""
        snapshots = PriceSnapshots(self.bot_id)
        return Bot(
            bot_id=self.bot_id,
            venue=self.venue,
            clock=now,
            wait=time.sleep,
            deadline=time.time() + remaining_milliseconds / 1000,
            token=token,
            configurations=self._configurations,
            states=States(self.bot_id),
            ledgers=Ledgers(self.bot_id),
            history=lambda mode: TradeHistory(self.bot_id, mode),
            book=lambda mode: TradeBook(self.bot_id, mode, token),
            snapshots=snapshots,
            looking=Looking(self._tickers, self._past, snapshots, now, self._memory),
            exchange=self._exchange,
            queue=self._queue,
            remembered=self._remembered,
        )

    def forget_prices(self) -> None:
        """Let the next tick ask for prices whatever their age."""
        self._memory.ticker = None

    def _exchange(self, told: Configuration, look: Look, holdings: Mapping[str, Decimal]) -> Paper:
        return Paper(PaperFills(self.bot_id), look.market.quotes, holdings, told.settings, self.venue, now)
