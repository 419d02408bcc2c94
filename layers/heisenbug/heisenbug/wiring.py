"""The only place that builds real adapters from the environment."""

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.session import Session

from heisenbug.configuration import Configuration, Configurations
from heisenbug.credential import Credential
from heisenbug.desk import Desk
from heisenbug.domain.live import Deployment
from heisenbug.domain.venue import VENUES, Venue
from heisenbug.exchange.http import Http
from heisenbug.exchange.paper import Paper
from heisenbug.exchange.patience import Patience
from heisenbug.exchange.port import Exchange
from heisenbug.exchange.uphold import LocalPast, Uphold
from heisenbug.exchange.uphold_account import UpholdAccount
from heisenbug.giving import Giving
from heisenbug.looking import Look, Looking, Memory
from heisenbug.store.all import bind_all
from heisenbug.store.bot_state import Ledgers, States
from heisenbug.store.paper_fills import PaperFills
from heisenbug.store.price_snapshot import PriceSnapshots
from heisenbug.store.trade_book import TradeBook
from heisenbug.store.trade_history import TradeHistory
from heisenbug.tick import Bot, Remembered
from heisenbug.tick_queue import Ticks

if TYPE_CHECKING:
    from heisenbug.refitting import Refitting

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


def refitting_from_environment(environment: Mapping[str, str] = os.environ) -> "Refitting":
    """The daily refit of the bot that the environment names."""
    from heisenbug.refitting import Refitting  # what fits is nothing for a tick's cold start

    bind_all(environment.get("TABLE_PREFIX", ""))
    bot_id = environment.get("BOT_ID", "default")
    return Refitting(Configurations(bot_id), States(bot_id), PriceSnapshots(bot_id), now)


class Wiring:
    """What a process keeps for all its invocations; built once, from the environment."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], datetime] = now,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.bot_id = environment.get("BOT_ID", "default")
        self.venue: Venue = VENUES[environment.get("VENUE", "uphold")]
        self._clock, self._wait = clock, wait
        self._session = bind_all(environment.get("TABLE_PREFIX", ""))
        self._url = environment.get("EXCHANGE_URL", "https://api.uphold.com")
        self._deployment = _deployment(environment, self._url)
        self._credential = Credential(environment.get("CREDENTIAL_PARAMETER", ""), self._ssm, clock)
        self._patience = Patience()
        self._account_http = Http(self._url, clock, wait, self._patience, self._credential.sign)
        self._tickers = Uphold(Http(self._url, clock, wait, self._patience), clock)
        history = environment.get("HISTORY_URL", "")
        self._past = LocalPast(history, PAST_TIMEOUT_SECONDS) if history else None
        self._queue = Ticks(_queue_client(self._session), environment.get("TICK_QUEUE_URL", ""))
        self._memory = Memory()
        self._remembered = Remembered()
        self._configurations = Configurations(self.bot_id)

    def bot(self, token: str, remaining_milliseconds: int) -> Bot:
        """The bot for one invocation: `token` is this attempt's own, the deadline is the invocation's."""
        snapshots = PriceSnapshots(self.bot_id)
        deadline = self._clock().timestamp() + remaining_milliseconds / 1000
        return Bot(
            bot_id=self.bot_id,
            venue=self.venue,
            clock=self._clock,
            wait=self._wait,
            deadline=deadline,
            token=token,
            configurations=self._configurations,
            states=States(self.bot_id),
            ledgers=Ledgers(self.bot_id),
            history=lambda mode: TradeHistory(self.bot_id, mode),
            book=lambda mode: TradeBook(self.bot_id, mode, token),
            snapshots=snapshots,
            looking=Looking(self._tickers, self._past, snapshots, self._clock, self._memory),
            exchange=lambda told, look, holdings: self._exchange(told, look, holdings, deadline),
            queue=self._queue,
            remembered=self._remembered,
            deployment=self._deployment,
            missing_credential=self._credential.missing,
            patience=self._patience,
        )

    def giving(self, remaining_milliseconds: int) -> Giving:
        """What a person's `heisenbug live` and `heisenbug doctor` ask of the trader."""
        deadline = self._clock().timestamp() + remaining_milliseconds / 1000
        return Giving(
            self._deployment,
            self._credential,
            lambda cards: self._account(cards, deadline),
            self._configurations,
            States(self.bot_id),
            Ledgers(self.bot_id),
            self._clock,
        )

    def forget_prices(self) -> None:
        """Let the next tick ask for prices whatever their age."""
        self._memory.ticker = None

    def _exchange(self, told: Configuration, look: Look, holdings: Mapping[str, Decimal], deadline: float) -> Exchange:
        if told.settings.mode == "live":
            return self._account(told.settings.cards or {}, deadline)
        return Paper(PaperFills(self.bot_id), look.market.quotes, holdings, told.settings, self.venue, self._clock)

    def _account(self, cards: Mapping[str, str], deadline: float) -> UpholdAccount:
        return UpholdAccount(self._account_http, cards, self._clock, deadline)

    def _ssm(self) -> Any:
        config = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard"})
        return self._session.create_client("ssm", config=config)


def _deployment(environment: Mapping[str, str], url: str) -> Deployment:
    is_enabled = environment.get("LIVE_TRADING") == "enabled"
    is_local, is_plain = bool(environment.get("AWS_ENDPOINT_URL")), urlsplit(url).scheme != "https"
    return Deployment(is_enabled, is_local, _is_loopback(url), is_plain)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
