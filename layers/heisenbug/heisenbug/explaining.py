"""What was decided and why, computed again from what the tables keep: snapshots of ticks and records of trades.

A tick's snapshot lasts an hour or, where the tick was a sample, 90 days. A trade's record has a copy of its window and
lasts as long as TradeArchive.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from heisenbug.board import decision_row
from heisenbug.configuration import Configurations
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.decide import Decision
from heisenbug.domain.errors import InvalidSettings, NotFound
from heisenbug.domain.market import Sample
from heisenbug.domain.record import unpack_record
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.trade import Trade
from heisenbug.domain.venue import Venue
from heisenbug.domain.window_slots import oldest_sample, sample_of
from heisenbug.explanation import explained, not_again, tick_again
from heisenbug.messages import trade_message, utc
from heisenbug.recall import decide_again, inputs_of, window_of
from heisenbug.store.bot_state import Ledgers
from heisenbug.store.price_snapshot import SAMPLE_TTL_SECONDS, PriceSnapshots
from heisenbug.store.trade_archive import TradeArchive
from heisenbug.store.trade_history import RUNNING, TradeHistory

MODES = ("paper", "live")
LONGEST_NUMBER = 15
ID_LENGTH = 24
SHORTEST_BEGINNING = 4
EXPIRING = "Samples that it looked back on have begun to expire."
Plain = dict[str, Any]


class Untold(NotFound):
    """Something that a decision was made on is not kept, so that it cannot be made again."""


class Explaining:
    """One bot's decisions, decided again."""

    def __init__(
        self, bot_id: str, venue: Venue, configurations: Configurations, clock: Callable[[], datetime]
    ) -> None:
        self._bot_id = bot_id
        self._venue = venue
        self._configurations = configurations
        self._clock = clock
        self._snapshots = PriceSnapshots(bot_id)

    def told_at(self, snapshot: Snapshot) -> Configuration:
        """What the tick that left `snapshot` was told; raises Untold."""
        version = snapshot.settings_version
        try:
            told = self._configurations.version(version)
        except InvalidSettings as invalid:
            raise Untold(f"Version {version} of the settings is not understood any more: {invalid}") from invalid
        if told is None:
            raise Untold(f"Version {version} of the settings is not kept.")
        return told

    def decided(self, snapshot: Snapshot) -> Decision:
        """The decision of one tick; raises Untold."""
        told = self.told_at(snapshot)
        return decide_again(snapshot, told, self._samples([snapshot], told), self._venue)

    def decisions(self, limit: int, before: int | None, now: Configuration) -> Plain:
        """The decisions of the newest ticks, newest first, each held against what the tick recorded of it."""
        spacings = {now.settings.sample_seconds, *self._configurations.spacings(now.version)}
        snapshots = self._snapshots.ticks(spacings, limit, before or 2**40)
        samples: dict[int, list[Sample]] = {}
        rows = [self._row(snapshot, snapshots, samples) for snapshot in snapshots if snapshot.ticks]
        return {"decisions": rows, "cursor": snapshots[-1].at if len(snapshots) == limit else None}

    def trade(self, named: str, mode: str) -> Plain:
        """A trade by its sequence number in this mode or the beginning of its id, explained; raises NotFound."""
        trade, record = self._found(named, mode)
        return {**trade_message(trade), "explanation": self._explained(trade, record)}

    # ---------------------------------------------------------------- private

    def _row(self, snapshot: Snapshot, all_of_them: Sequence[Snapshot], samples: dict[int, list[Sample]]) -> Plain:
        try:
            told = self.told_at(snapshot)
        except Untold as untold:
            unknown = {"at": utc(snapshot.at), "samples": snapshot.samples, "chosen": None, "best": None}
            return {**unknown, "tick": snapshot.ticks, "again": not_again(str(untold))}
        if told.version not in samples:
            samples[told.version] = self._samples(all_of_them, told)
        decision = decide_again(snapshot, told, samples[told.version], self._venue)
        expires = self._samples_expire(snapshot, told)
        again = not_again(EXPIRING) if expires else tick_again(snapshot, decision)
        return {**decision_row(decision), "tick": snapshot.ticks, "again": again}

    def _samples(self, snapshots: Sequence[Snapshot], told: Configuration) -> list[Sample]:
        """The samples that ticks, newest first, looked back on while they were told this, read once."""
        settings = told.settings
        count = settings.window + len(snapshots)
        oldest = oldest_sample(snapshots[-1].at, settings)
        kept = self._snapshots.samples(settings.sample_seconds, count, snapshots[0].at, oldest)
        return [sample_of(snapshot.at, snapshot.quotes) for snapshot in kept]

    def _samples_expire(self, snapshot: Snapshot, told: Configuration) -> bool:
        """Whether a window may reach back to where samples expire, which they do in no certain order."""
        return oldest_sample(snapshot.at, told.settings) < self._clock().timestamp() - SAMPLE_TTL_SECONDS

    def _explained(self, trade: Trade, record: bytes | None) -> Plain:
        if record is None:
            return explained(trade, None, None, "What it was decided on was not kept.")
        kept = unpack_record(trade.due, record)
        try:
            told = self.told_at(kept.snapshot)
            window = self._stored_window(kept.snapshot, told) if kept.window is None else kept.window
        except Untold as untold:
            return explained(trade, kept.snapshot, None, str(untold))
        return explained(trade, kept.snapshot, inputs_of(kept.snapshot, told, window, self._venue))

    def _stored_window(self, snapshot: Snapshot, told: Configuration) -> tuple[Sample, ...]:
        """The window of a record without a copy of it, while its samples are kept; raises Untold."""
        window = window_of(self._samples([snapshot], told), snapshot.at, told.settings)
        if len(window) + 1 < snapshot.samples or self._samples_expire(snapshot, told):
            raise Untold("Its record has no copy of its window, and the samples are not kept any more.")
        return window

    def _found(self, named: str, mode: str) -> tuple[Trade, bytes | None]:
        if named.isascii() and named.isdecimal() and len(named) <= LONGEST_NUMBER and int(named) != RUNNING:
            try:
                return TradeArchive(self._bot_id, mode).get(int(named))
            except NotFound:
                # Ten of the sixteen digits of an id are also a number's.
                if not self._named(named):
                    raise
        found = self._named(named)
        if not found:
            raise NotFound(self._unknown(named))
        if len(found) > 1:
            some = ", ".join(sorted(found)[:3])
            raise NotFound(f"{len(found)} trades begin with {named[:ID_LENGTH]}, such as {some}: give more of the id.")
        ((book, sequence),) = found.values()
        running = TradeHistory(self._bot_id, book).running_record() if sequence == RUNNING else None
        return running or TradeArchive(self._bot_id, book).get(sequence)

    def _named(self, beginning: str) -> dict[str, tuple[str, int]]:
        """Mode and sequence of each of the newest trades whose id begins so, by its id."""
        if not SHORTEST_BEGINNING <= len(beginning) <= ID_LENGTH or not set(beginning) <= set("0123456789abcdef"):
            return {}
        both = ((mode, TradeHistory(self._bot_id, mode).named(beginning)) for mode in MODES)
        return {trade_id: (mode, number) for mode, found in both for trade_id, number in found.items()}

    def _unknown(self, named: str) -> str:
        for mode in MODES:
            stored = Ledgers(self._bot_id).read(mode)
            for one in stored[0].dropped if stored else ():
                if len(named) >= SHORTEST_BEGINNING and one.trade_id.startswith(named):
                    return f"{one.trade_id} never became a trade, nothing was sent. {one.why}"
        return (
            f"There is no trade {named[:40]!r}; heisenbug trades lists the newest. Give a number, or the first "
            f"{SHORTEST_BEGINNING} or more letters of an id; of older trades the number."
        )
