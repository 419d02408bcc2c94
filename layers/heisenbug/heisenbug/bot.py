"""Everything that one tick of the bot needs, and what it reports."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from heisenbug.domain.configuration import Configuration
from heisenbug.domain.decide import Decision
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.live import Consent, Deployment
from heisenbug.domain.protections import Day, Halts
from heisenbug.domain.schedule import Planned
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.state import State
from heisenbug.domain.trade import Trade
from heisenbug.domain.venue import Venue
from heisenbug.exchange.patience import Patience
from heisenbug.exchange.port import Exchange
from heisenbug.looking import Look, Looking
from heisenbug.settling import Book, Ended, Position


class States(Protocol):
    """The tick item."""

    def read(self) -> State: ...
    def claim(self, due: int, token: str) -> State | None: ...
    def planned(self, planned: Planned) -> None: ...
    def kill(self, at: datetime, who: str, why: str) -> State: ...
    def begin_day(self, state: State, mode: str, day: Day) -> None: ...
    def halt(self, state: State, mode: str, halts: Halts) -> bool: ...
    def raise_peak(self, peak: Decimal, base: str, mode: str, version: int) -> None: ...
    def stand(self, mode: str, held_back: str, consent: Consent | None, version: int) -> bool: ...
    def quiet(self, until: float) -> None: ...


class Ledgers(Protocol):
    """The ledger of each mode."""

    def read(self, mode: str) -> tuple[Ledger, int] | None: ...
    def begin(self, mode: str, ledger: Ledger) -> None: ...


class History(Protocol):
    """The kept trades of a mode, the running one apart."""

    def running(self) -> Trade | None: ...
    def oldest(self, limit: int) -> Sequence[int]: ...
    def forget(self, sequences: Sequence[int]) -> None: ...


class Snapshots(Protocol):
    """Where a tick's inputs are kept."""

    def save(self, snapshot: Snapshot) -> None: ...


class TickQueue(Protocol):
    """Sends ticks to be delivered later."""

    def send(self, ticks: Mapping[int, int], interval: int) -> None:
        """Send each due time with its delay in seconds."""


@dataclass(slots=True)
class Remembered:
    """The position after the newest tick, valid while the state still has its version."""

    mode: str = ""
    position: Position | None = None
    history_limit: int = 0
    fresh_at: int = 0


@dataclass(frozen=True, slots=True)
class Bot:
    """Everything one tick needs, wired once a process; `clock` and `deadline` (epoch seconds) come from outside."""

    bot_id: str
    venue: Venue
    clock: Callable[[], datetime]
    wait: Callable[[float], None]
    deadline: float
    token: str
    configurations: "Configures"
    states: States
    ledgers: Ledgers
    history: Callable[[str], History]
    book: Callable[[str], Book]
    snapshots: Snapshots
    looking: Looking
    exchange: Callable[[Configuration, Look, Mapping[str, Decimal]], Exchange]
    queue: TickQueue
    remembered: Remembered
    deployment: Deployment = Deployment()
    missing_credential: Callable[[], str] = str
    patience: Patience = field(default_factory=Patience)
    # Whether what has no market of its own is converted leg by leg; a backtest does it at once, at the same cost.
    bridges: bool = True


class Configures(Protocol):
    """What the bot is told."""

    def begin(self, at: datetime) -> Configuration: ...


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one tick, for the log and for tests; `outcome` is one word."""

    due: int
    outcome: str
    detail: str = ""
    late_seconds: float = 0.0
    decision: Decision | None = None
    trade: Trade | None = None
    guarded: int = 0
    failure: str = ""
    halted: bool = False


@dataclass(frozen=True, slots=True)
class Now:
    """Where a tick stands: what it is told and sees, the bot's state and ledger by now, and what ended last.

    `worth` is the equity in the base currency, `peak` its highest, `halts` what stops entries.
    """

    due: int
    told: Configuration
    look: Look
    state: State
    position: Position
    last: Ended | None = None
    worth: Decimal | None = None
    peak: Decimal = Decimal(0)
    halts: Halts = field(default_factory=dict)
