"""The only place that builds real adapters from the environment."""

import json
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address
from platform import python_version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.session import Session

from heisenbug import __version__
from heisenbug.bot import Bot, Remembered
from heisenbug.configuration import Configurations
from heisenbug.credential import Credential
from heisenbug.desk import Desk
from heisenbug.domain.assets import Pair
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.live import Deployment
from heisenbug.domain.venue import VENUES, Venue
from heisenbug.exchange.paper import Paper
from heisenbug.exchange.patience import Patience
from heisenbug.exchange.port import Exchange, LiveVenue
from heisenbug.exchange.uphold import LocalPast
from heisenbug.exchange.uphold_venue import UpholdVenue
from heisenbug.giving import Giving
from heisenbug.looking import Look, Looking, Memory
from heisenbug.store.all import bind_all
from heisenbug.store.bot_state import Ledgers, States
from heisenbug.store.jobs import Jobs, bind_jobs
from heisenbug.store.paper_fills import PaperFills
from heisenbug.store.price_snapshot import PriceSnapshots
from heisenbug.store.shelf import Shelf
from heisenbug.store.trade_book import TradeBook
from heisenbug.store.trade_history import TradeHistory
from heisenbug.tick_queue import Ticks

if TYPE_CHECKING:
    from heisenbug.backtesting import Work
    from heisenbug.backtests import Backtests
    from heisenbug.exports import Exports
    from heisenbug.health import Health
    from heisenbug.notifications import Notifications
    from heisenbug.overview import Overview
    from heisenbug.refitting import Refitting
    from heisenbug.sweeping import SweepWork
    from heisenbug.sweeps import Sweeps

PAST_TIMEOUT_SECONDS = 3.0
BACKTEST, SWEEP = "backtest", "sweep"


def now() -> datetime:
    """The clock of everything outside the domain."""
    return datetime.now(UTC)


def _queue_client(session: Session) -> Any:
    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard"})
    return session.create_client("sqs", config=config)


def desk_from_environment(environment: Mapping[str, str] = os.environ) -> Desk:
    """The desk of the bot that the environment names."""
    bind_all(environment.get("TABLE_PREFIX", ""))
    return Desk(environment.get("BOT_ID", "default"), _venue(environment), now)


def overview_from_environment(desk: Desk, environment: Mapping[str, str] = os.environ) -> "Overview":
    """The same bot at a glance."""
    from heisenbug.overview import Overview

    return Overview(desk, environment.get("BOT_ID", "default"), now)


def health_from_environment(desk: Desk, overview: "Overview", environment: Mapping[str, str] = os.environ) -> "Health":
    """The same bot, examined."""
    from heisenbug.dead_letters import DeadLetters
    from heisenbug.health import Deployed, Health
    from heisenbug.store.connection import Connections

    told = {"ticks": environment.get("DEAD_TICKS_URL"), "pushes": environment.get("DEAD_PUSHES_URL")}
    letters = DeadLetters({what: url for what, url in told.items() if url}, lambda: _queue_client(Session()))
    deployed = Deployed(
        venue=environment.get("VENUE", "uphold"),
        address=environment.get("EXCHANGE_URL", ""),
        template=environment.get("TEMPLATE_VERSION", __version__),
        package=__version__,
        python=python_version(),
    )
    return Health(desk, overview, letters, Connections(), deployed, now)


def exports_from_environment(environment: Mapping[str, str] = os.environ) -> "Exports":
    """Its trades as files."""
    from heisenbug.exports import Exports

    return Exports(environment.get("BOT_ID", "default"), _venue(environment))


# What backtests take is imported when it is wired: the trader starts without it.


def backtests_from_environment(environment: Mapping[str, str] = os.environ) -> "Backtests":
    """The desk for backtests; its clients are made when one is asked for."""
    from heisenbug.backtests import Backtests

    session, function = Session(), environment.get("BACKTEST_FUNCTION", "")

    def start(job_id: str) -> None:
        payload = json.dumps({"backtest": job_id}).encode()
        _client(session, "lambda").invoke(FunctionName=function, InvocationType="Event", Payload=payload)

    return Backtests(BACKTEST, Jobs(BACKTEST), lambda: _shelf(session, environment), now, start)


def sweeps_from_environment(environment: Mapping[str, str] = os.environ) -> "Sweeps":
    """The desk for sweeps; its clients are made when one is asked for."""
    from heisenbug.sweeps import Sweeps

    session, machine = Session(), environment.get("SWEEP_STATE_MACHINE", "")

    def start(job_id: str, told: Mapping[str, Any]) -> None:
        client = _client(session, "stepfunctions")
        client.start_execution(stateMachineArn=machine, name=job_id, input=json.dumps(told))

    return Sweeps(SWEEP, Jobs(SWEEP), lambda: _shelf(session, environment), now, start)


def notifications_from_environment(environment: Mapping[str, str] = os.environ) -> "Notifications":
    """The ways to the bot's person, to be tried out; the client is made when one is."""
    from heisenbug.notifications import Notifications

    session, function = Session(), environment.get("NOTIFY_FUNCTION", "")
    once = Config(connect_timeout=2, read_timeout=15, retries={"total_max_attempts": 1})

    def ask(told: Mapping[str, Any]) -> dict[str, Any]:
        client: Any = session.create_client("lambda", config=once)
        answer = client.invoke(FunctionName=function, Payload=json.dumps(told).encode())
        content: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise RuntimeError(f"The function {function} failed; its log says why.")
        return content

    return Notifications(ask)


class BacktestWiring:
    """What the backtest function keeps for all its invocations."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._shelf = _shelf(bind_jobs(environment.get("TABLE_PREFIX", "")), environment)

    def work(self, claim: str, remaining_milliseconds: int) -> "Work":
        """One attempt; `claim` is its own, the deadline is the invocation's."""
        from heisenbug.backtesting import Work

        deadline = now().timestamp() + remaining_milliseconds / 1000
        return Work(Jobs(BACKTEST), self._shelf, now, claim, deadline)

    def sweep_work(self) -> "SweepWork":
        """A share of a sweep."""
        from heisenbug.sweeping import SweepWork

        return SweepWork(Jobs(SWEEP), self._shelf, now)


def _shelf(session: Session, environment: Mapping[str, str]) -> Shelf:
    return Shelf(_client(session, "s3"), environment.get("BUCKET", ""))


def _client(session: Session, service: str) -> Any:
    return session.create_client(service, config=Config(connect_timeout=5, read_timeout=60))


def refitting_from_environment(environment: Mapping[str, str] = os.environ) -> "Refitting":
    """The daily refit of the bot that the environment names."""
    from heisenbug.refitting import Refitting  # what fits is nothing for a tick's cold start

    bind_all(environment.get("TABLE_PREFIX", ""))
    bot_id = environment.get("BOT_ID", "default")
    return Refitting(Configurations(bot_id, _venue(environment)), States(bot_id), PriceSnapshots(bot_id), now)


def _venue(environment: Mapping[str, str]) -> Venue:
    return VENUES[environment.get("VENUE", "uphold")]


class Wiring:
    """What a process keeps for all its invocations; built once, from the environment."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], datetime] = now,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.bot_id = environment.get("BOT_ID", "default")
        self.venue: Venue = _venue(environment)
        self._told_time: datetime | None = None
        self._wall_clock, self._wait = clock, wait
        self._session = bind_all(environment.get("TABLE_PREFIX", ""))
        self._url = environment.get("EXCHANGE_URL") or self.venue.url
        self._deployment = _deployment(environment, self._url)
        parameter = environment.get("CREDENTIAL_PARAMETER", "")
        self._credential = Credential(parameter, self._ssm, self._clock, is_pair=self.venue.has_books)
        self._patience = Patience()
        self._live = self._open_venue()
        history = environment.get("HISTORY_URL", "")
        self._past = LocalPast(history, PAST_TIMEOUT_SECONDS) if history else None
        self._queue = Ticks(_queue_client(self._session), environment.get("TICK_QUEUE_URL", ""))
        self._memory = Memory()
        self._remembered = Remembered()
        self._configurations = Configurations(self.bot_id, self.venue)

    def tell_time(self, now: float | None) -> None:
        """Let time stand still at `now` (epoch seconds) until told otherwise; told None, it goes on by itself.

        A recorded market is gone through so, tick by tick; raises PermissionError where anything could be real.
        """
        if now is not None and not self._deployment.is_rehearsal:
            raise PermissionError(
                "Only a stack on this computer, at an exchange on this computer and without live trading, may be told "
                "what time it is: leave `now` out of the event."
            )
        self._told_time = None if now is None else datetime.fromtimestamp(now, UTC)

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
            looking=Looking(self._live.tickers, self._past, snapshots, self._clock, self._memory),
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
            lambda told: self._live.custody(told.settings.cards or {}, _pairs(told), deadline),
            self._configurations,
            States(self.bot_id),
            Ledgers(self.bot_id),
            self._clock,
            self.venue,
        )

    def forget_prices(self) -> None:
        """Let the next tick ask for prices whatever their age."""
        self._memory.ticker = None

    def _clock(self) -> datetime:
        return self._told_time or self._wall_clock()

    def _exchange(self, told: Configuration, look: Look, holdings: Mapping[str, Decimal], deadline: float) -> Exchange:
        if told.settings.mode == "live":
            return self._live.account(told.settings.cards or {}, _pairs(told), deadline)
        return Paper(PaperFills(self.bot_id), look.market.quotes, holdings, told.settings, self.venue, self._clock)

    def _open_venue(self) -> LiveVenue:
        if not self.venue.has_books:
            return UpholdVenue(self._url, self._clock, self._wait, self._patience, self._credential.sign)
        # Only a deployment for such a venue has ccxt, and only there it is imported.
        from heisenbug.exchange.order_book.dialects import DIALECTS
        from heisenbug.exchange.order_book.venue import OrderBookVenue

        dialect = DIALECTS[self.venue.name]
        return OrderBookVenue(dialect, self._url, self._clock, self._wait, self._patience, self._credential.keys)

    def _ssm(self) -> Any:
        config = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard"})
        return self._session.create_client("ssm", config=config)


def _pairs(told: Configuration) -> list[Pair]:
    return [trading.pair for trading in told.pairs]


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
