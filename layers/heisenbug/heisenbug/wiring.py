"""The only place that builds real adapters from the environment."""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
from heisenbug.domain.registered import Registered, checked_venue, credential_parameter
from heisenbug.domain.venue import VENUES, Venue
from heisenbug.exchange.paper import Paper
from heisenbug.exchange.patience import Patience
from heisenbug.exchange.port import Exchange, LiveVenue
from heisenbug.exchange.uphold import LocalPast
from heisenbug.exchange.uphold_venue import UpholdVenue
from heisenbug.giving import Giving
from heisenbug.looking import Look, Looking, Memory
from heisenbug.starting import Starter
from heisenbug.store.all import bind_all
from heisenbug.store.bot_state import Ledgers, States
from heisenbug.store.jobs import Jobs, bind_jobs
from heisenbug.store.paper_fills import PaperFills
from heisenbug.store.price_snapshot import PriceSnapshots
from heisenbug.store.registry import Registry
from heisenbug.store.shelf import Shelf
from heisenbug.store.trade_book import TradeBook
from heisenbug.store.trade_history import TradeHistory
from heisenbug.tick_queue import Ticks

if TYPE_CHECKING:
    from heisenbug.backtesting import Work
    from heisenbug.backtests import Backtests
    from heisenbug.exports import Exports
    from heisenbug.fleet import Fleet
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


def fleet_from_environment(environment: Mapping[str, str] = os.environ) -> "Fleet":
    """All bots of the deployment that the environment describes."""
    from heisenbug.fleet import Fleet

    bind_all(environment.get("TABLE_PREFIX", ""))
    venue = _venue(environment)
    return Fleet(Registered(environment.get("BOT_ID", "default"), venue.name), venue, now)


def overview_from_environment(desk: Desk) -> "Overview":
    """The bot of a desk at a glance."""
    from heisenbug.overview import Overview

    return Overview(desk, desk.bot_id, now)


def health_from_environment(desk: Desk, overview: "Overview", environment: Mapping[str, str] = os.environ) -> "Health":
    """The same bot, examined."""
    from heisenbug.dead_letters import DeadLetters
    from heisenbug.health import Deployed, Health
    from heisenbug.store.connection import Connections

    told = {"ticks": environment.get("DEAD_TICKS_URL"), "pushes": environment.get("DEAD_PUSHES_URL")}
    letters = DeadLetters({what: url for what, url in told.items() if url}, lambda: _queue_client(Session()))
    deployed = Deployed(
        venue=desk.venue.name,
        address=environment.get("EXCHANGE_URL", "") if desk.venue == _venue(environment) else "",
        template=environment.get("TEMPLATE_VERSION", __version__),
        package=__version__,
        python=python_version(),
    )
    return Health(desk, overview, letters, Connections(), deployed, now)


def exports_from_environment(desk: Desk) -> "Exports":
    """Its trades as files."""
    from heisenbug.exports import Exports

    return Exports(desk.bot_id, desk.venue)


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


def _starter(session: Session, function: str) -> Starter:
    """What begins invocations of `function`; its client is made when there is one to begin."""
    once = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1})
    return Starter(lambda: session.create_client("lambda", config=once), function)


def _client(session: Session, service: str) -> Any:
    return session.create_client(service, config=Config(connect_timeout=5, read_timeout=60))


class RefitWiring:
    """What the refit function keeps for all its invocations."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._session = bind_all(environment.get("TABLE_PREFIX", ""))
        self._fleet = fleet_from_environment(environment)

    def others(self) -> list[str]:
        """The active bots besides the deployment's own."""
        return self._fleet.others()

    def starter(self, function: str) -> Starter:
        """What begins invocations of `function` for other bots."""
        return _starter(self._session, function)

    def refitting(self, bot_id: str | None = None) -> "Refitting":
        """The daily refit of a bot, else of the deployment's own; raises NotFound for one that is not active."""
        from heisenbug.refitting import Refitting  # what fits is nothing for a tick's cold start

        bot = self._fleet.find(bot_id, is_changed=True)
        configurations = Configurations(bot.bot_id, self._fleet.venue_of(bot))
        return Refitting(configurations, States(bot.bot_id), PriceSnapshots(bot.bot_id), now)


def _venue(environment: Mapping[str, str]) -> Venue:
    return VENUES[environment.get("VENUE", "uphold")]


@dataclass(frozen=True, slots=True)
class Furnished:
    """One venue as a process knows it: shared by the bots that trade there, as the venue's patience with them is."""

    venue: Venue
    deployment: Deployment
    credential: Credential
    patience: Patience
    live: LiveVenue
    past: LocalPast | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What a process remembers of one bot between its ticks; no other bot's tick sees it."""

    configurations: Configurations
    memory: Memory = field(default_factory=Memory)
    remembered: Remembered = field(default_factory=Remembered)


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
        self._environment = environment
        self._told_time: datetime | None = None
        self._wall_clock, self._wait = clock, wait
        self._session = bind_all(environment.get("TABLE_PREFIX", ""))
        self._own = self._furnish(self.venue)
        self._others: dict[str, Furnished] = {}
        self._kept: dict[str, Kept] = {}
        self._queue = _queue_client(self._session)
        self._registry = Registry()

    def tell_time(self, now: float | None) -> None:
        """Let time stand still at `now` (epoch seconds) until told otherwise; told None, it goes on by itself.

        A recorded market is gone through so, tick by tick; raises PermissionError where anything could be real.
        """
        if now is not None and not self._own.deployment.is_rehearsal:
            raise PermissionError(
                "Only a stack on this computer, at an exchange on this computer and without live trading, may be told "
                "what time it is: leave `now` out of the event."
            )
        self._told_time = None if now is None else datetime.fromtimestamp(now, UTC)

    def others(self) -> list[str]:
        """The active bots besides the deployment's own."""
        return [bot.bot_id for bot in self._registry.all(is_consistent=False) if not bot.removed_at]

    def starter(self, function: str) -> Starter:
        """What begins invocations of `function` for other bots."""
        return _starter(self._session, function)

    def bot(self, token: str, remaining_milliseconds: int, bot_id: str | None = None) -> Bot | None:
        """The bot for one invocation, else the deployment's own; None where there is none of this name any more.

        `token` is this attempt's own, the deadline is the invocation's.
        """
        bot_id = bot_id or self.bot_id
        furnished = self._furnished(bot_id)
        if furnished is None:
            return None
        kept, snapshots = self._kept_of(bot_id, furnished.venue), PriceSnapshots(bot_id)
        deadline = self._clock().timestamp() + remaining_milliseconds / 1000
        return Bot(
            bot_id=bot_id,
            venue=furnished.venue,
            clock=self._clock,
            wait=self._wait,
            deadline=deadline,
            token=token,
            configurations=kept.configurations,
            states=States(bot_id),
            ledgers=Ledgers(bot_id),
            history=lambda mode: TradeHistory(bot_id, mode),
            book=lambda mode: TradeBook(bot_id, mode, token),
            snapshots=snapshots,
            looking=Looking(furnished.live.tickers, furnished.past, snapshots, self._clock, kept.memory),
            exchange=lambda told, look, holdings: self._exchange(bot_id, furnished, told, look, holdings, deadline),
            queue=Ticks(self._queue, self._environment.get("TICK_QUEUE_URL", ""), bot_id),
            remembered=kept.remembered,
            deployment=furnished.deployment,
            missing_credential=furnished.credential.missing,
            patience=furnished.patience,
        )

    def giving(self, remaining_milliseconds: int, bot_id: str | None = None) -> Giving | None:
        """What a person's `heisenbug live` and `heisenbug doctor` ask of the trader; None as for `bot`."""
        bot_id = bot_id or self.bot_id
        furnished = self._furnished(bot_id)
        if furnished is None:
            return None
        deadline = self._clock().timestamp() + remaining_milliseconds / 1000
        return Giving(
            furnished.deployment,
            lambda told: furnished.live.custody(told.settings.cards or {}, _pairs(told), deadline),
            self._kept_of(bot_id, furnished.venue).configurations,
            States(bot_id),
            Ledgers(bot_id),
            self._clock,
            furnished.venue,
        )

    def forget_prices(self) -> None:
        """Let the next tick ask for prices whatever their age."""
        for kept in self._kept.values():
            kept.memory.ticker = None

    def _clock(self) -> datetime:
        return self._told_time or self._wall_clock()

    def _furnished(self, bot_id: str) -> Furnished | None:
        """The venue of an active bot."""
        if bot_id == self.bot_id:
            return self._own
        bot = self._registry.get(bot_id)
        if bot is None or bot.removed_at:
            return None
        if bot.venue == self.venue.name:
            return self._own
        if bot.venue not in self._others:
            self._others[bot.venue] = self._furnish(checked_venue(bot.venue, self.venue))
        return self._others[bot.venue]

    def _kept_of(self, bot_id: str, venue: Venue) -> Kept:
        if bot_id not in self._kept:
            self._kept[bot_id] = Kept(Configurations(bot_id, venue))
        return self._kept[bot_id]

    def _furnish(self, venue: Venue) -> Furnished:
        """The venue; what the environment says of addresses is of the deployment's own."""
        environment, is_own = self._environment, venue.name == self.venue.name
        url = (environment.get("EXCHANGE_URL") if is_own else "") or venue.url
        base = environment.get("CREDENTIAL_PARAMETER", "")
        parameter = credential_parameter(base, venue, self.venue)
        credential = Credential(parameter, self._ssm, self._clock, is_pair=venue.has_books)
        patience, history = Patience(), environment.get("HISTORY_URL", "") if is_own else ""
        return Furnished(
            venue,
            _deployment(environment, url),
            credential,
            patience,
            self._open_venue(venue, url, patience, credential),
            LocalPast(history, PAST_TIMEOUT_SECONDS) if history else None,
        )

    def _exchange(
        self,
        bot_id: str,
        furnished: Furnished,
        told: Configuration,
        look: Look,
        holdings: Mapping[str, Decimal],
        deadline: float,
    ) -> Exchange:
        if told.settings.mode == "live":
            return furnished.live.account(told.settings.cards or {}, _pairs(told), deadline)
        return Paper(PaperFills(bot_id), look.market.quotes, holdings, told.settings, furnished.venue, self._clock)

    def _open_venue(self, venue: Venue, url: str, patience: Patience, credential: Credential) -> LiveVenue:
        if not venue.has_books:
            return UpholdVenue(url, self._clock, self._wait, patience, credential.sign)
        # Only a deployment for such a venue has ccxt, and only there it is imported.
        from heisenbug.exchange.order_book.dialects import DIALECTS
        from heisenbug.exchange.order_book.venue import OrderBookVenue

        return OrderBookVenue(DIALECTS[venue.name], url, self._clock, self._wait, patience, credential.keys)

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
