"""What a bot keeps, kept in memory: the same promises as the tables, for one process that never dies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from heisenbug.domain.configuration import Configuration
from heisenbug.domain.ledger import Ledger, Newest
from heisenbug.domain.live import Consent
from heisenbug.domain.protections import Day, Halts
from heisenbug.domain.schedule import Planned
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.state import State
from heisenbug.domain.trade import Filled, Settlement, Trade, VenueQuote


@dataclass
class Memory:
    """One bot's state, ledger, trades and the snapshot of every tick, in place of its tables."""

    told: Configuration
    state: State = State()
    ledger: Ledger | None = None
    sequence: int = 0
    running_trade: Trade | None = None
    finished: list[Trade] = field(default_factory=list)
    dropped: list[Trade] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    fill: tuple[str, Filled] | None = None

    def begin(self, at: datetime) -> Configuration:
        """What the bot is told, the same at every tick."""
        return self.told


@dataclass
class MemoryStates:
    """The tick item."""

    kept: Memory

    def read(self) -> State:
        """The state as it is now."""
        return self.kept.state

    def claim(self, due: int, token: str) -> State | None:
        """Make the tick ours; None where it was claimed before."""
        state = self.kept.state
        if state.last_tick >= due:
            return None
        self.kept.state = replace(state, previous_tick=state.last_tick, last_tick=due, ticks=state.ticks + 1)
        return self.kept.state

    def planned(self, planned: Planned) -> None:
        """Nothing is planned: history is the schedule."""

    def kill(self, at: datetime, who: str, why: str) -> State:
        """From now on nothing is traded."""
        state = self.kept.state
        if state.killed_at is None:
            when = at.astimezone(UTC).isoformat()
            state = replace(state, killed_at=when, killed_by=who, killed_why=why, version=state.version + 1)
        self.kept.state = state
        return state

    def begin_day(self, state: State, mode: str, day: Day) -> None:
        """Remember the day's first equity."""
        self.kept.state = replace(self.kept.state, days={mode: day})

    def halt(self, state: State, mode: str, halts: Halts) -> bool:
        """Remember what stops entries."""
        self.kept.state = replace(self.kept.state, halts={mode: halts})
        return True

    def raise_peak(self, peak: Decimal, base: str, mode: str, version: int) -> None:
        """Remember the highest equity."""
        self.kept.state = replace(self.kept.state, peak=peak, peak_base=base)

    def stand(self, mode: str, held_back: str, consent: Consent | None, version: int) -> bool:
        """Whose money is traded: always paper here."""
        self.kept.state = replace(self.kept.state, mode=mode, held_back=held_back, version=self.kept.state.version + 1)
        return True

    def quiet(self, until: float) -> None:
        """Nobody asks for quiet in the past."""


@dataclass
class MemoryLedgers:
    """The ledger of the only mode."""

    kept: Memory

    def read(self, mode: str) -> tuple[Ledger, int] | None:
        """The ledger and the sequence of its newest trade."""
        return None if self.kept.ledger is None else (self.kept.ledger, self.kept.sequence)

    def begin(self, mode: str, ledger: Ledger) -> None:
        """Open it."""
        self.kept.ledger = self.kept.ledger or ledger


@dataclass
class MemoryBook:
    """The steps of a trade's life, none of which can be lost."""

    kept: Memory

    def intend(self, trade: Trade, version: int, record: bytes) -> None:
        """What is about to be tried."""
        self.kept.running_trade = trade
        self._move_on(open_trade=trade.id)

    def committing(self, trade: Trade) -> None:
        """The last thing before the commit."""

    def unresolved(self, trade: Trade) -> None:
        """Play money is never in doubt."""

    def waits(self, trade: Trade) -> None:
        """Play money never waits."""

    def finish(
        self, trade: Trade, ledger: Ledger, record: bytes | None, history_limit: int, following: Trade | None = None
    ) -> Trade:
        """The outcome, with the ledger moved."""
        self.kept.finished.append(trade)
        self._end(ledger, trade.sequence)
        return trade

    def drop(self, trade: Trade, ledger: Ledger, sequence: int, following: Trade | None = None) -> None:
        """Nothing moved."""
        self.kept.dropped.append(trade)
        self._end(ledger, sequence)

    def watched(self, sequence: int) -> Trade:
        """A finished trade by its sequence."""
        return self.kept.finished[sequence - 1]

    def keep(self, ledger: Ledger, sequence: int, version: int) -> None:
        """The ledger alone."""
        self._end(ledger, sequence)

    def correct(self, trade: Trade, ledger: Ledger, newest: Newest, halt: str) -> None:
        """Play money never lands late."""

    def _end(self, ledger: Ledger, sequence: int) -> None:
        self.kept.ledger, self.kept.sequence, self.kept.running_trade = ledger, sequence, None
        self._move_on(open_trade=None)

    def _move_on(self, open_trade: str | None) -> None:
        state = self.kept.state
        self.kept.state = replace(state, open_trade=open_trade, version=state.version + 1)


@dataclass
class MemoryHistory:
    """The kept trades."""

    kept: Memory

    def running(self) -> Trade | None:
        """The trade that has begun and not ended."""
        return self.kept.running_trade

    def oldest(self, limit: int) -> Sequence[int]:
        """None is too many."""
        return ()

    def forget(self, sequences: Sequence[int]) -> None:
        """Nothing is forgotten."""


@dataclass
class MemorySnapshots:
    """Where every tick's inputs are kept."""

    kept: Memory

    def save(self, snapshot: Snapshot) -> None:
        """Keep one tick's inputs."""
        self.kept.snapshots.append(snapshot)

    def samples(self, sample_seconds: int, count: int, before: int, after: int = 0) -> Sequence[Snapshot]:
        """None from before the beginning."""
        return ()

    def newest(self, sample_seconds: int, count: int, before: int = 0, after: int = 0) -> Sequence[Snapshot]:
        """None from before the beginning."""
        return ()

    def fill(self, snapshots: Sequence[Snapshot]) -> None:
        """There is no other past."""


@dataclass
class MemoryFills:
    """What the paper exchange has carried out."""

    kept: Memory

    def record(self, quote: VenueQuote) -> None:
        """Carry a quote out."""
        self.kept.fill = quote.id, Filled(Settlement.COMPLETED, quote.amount, quote.receives)

    def find(self, quote_id: str) -> Filled | None:
        """The conversion of a quote, or None."""
        return self.kept.fill[1] if self.kept.fill and self.kept.fill[0] == quote_id else None


@dataclass
class NoQueue:
    """Ticks are made, not sent."""

    def send(self, ticks: Mapping[int, int], interval: int) -> None:
        """Nothing is sent."""
