"""PriceSnapshot (bot_id, at): one packed item a tick under 1 KB, TTL an hour.

The tick that is a sample is kept 90 days under the partition `bot_id:SECONDS`, so that samples of one spacing are read
by themselves: a window is one query.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from heisenbug.domain.snapshot import Snapshot, pack, unpack
from heisenbug.store.tables import BotModel, PlainMeta

TICK_TTL_SECONDS = 3600
SAMPLE_TTL_SECONDS = 90 * 86400
# So many more are read at once than are asked for: a slot in which ticks overlapped has several samples.
SPARE = 20


class PriceSnapshotItem(BotModel):
    """One tick's inputs."""

    class Meta(PlainMeta):
        table = "PriceSnapshot"

    bot_id = UnicodeAttribute(hash_key=True)
    at = UnicodeAttribute(range_key=True)
    packed = BinaryAttribute(legacy_encoding=False)
    expires_at = NumberAttribute()


class PriceSnapshots:
    """The snapshots of one bot."""

    def __init__(self, bot_id: str) -> None:
        self._bot_id = bot_id

    def save(self, snapshot: Snapshot) -> None:
        """Keep one tick's inputs."""
        self._item(snapshot).save()

    def fill(self, snapshots: Iterable[Snapshot]) -> None:
        """Keep many samples at once: a market's past."""
        with PriceSnapshotItem.batch_write() as batch:
            for snapshot in snapshots:
                batch.save(self._item(snapshot))

    def samples(self, sample_seconds: int, count: int, before: int, after: int = 0) -> list[Snapshot]:
        """The samples of the newest `count` slots of this spacing, due after `after` and before `before`, oldest first.

        Of a slot it is the first one: ticks that overlap may each have kept one.
        """
        slots: dict[int, PriceSnapshotItem] = {}
        for item in self._newest_first(f"{self._bot_id}:{sample_seconds}", before, after, count + SPARE):
            slot = _epoch(item.at) // sample_seconds
            if slot not in slots and len(slots) == count:
                break
            slots[slot] = item
        return [snapshot_of(item) for item in reversed(slots.values())]

    def kept(self, sample_seconds: int, after: int) -> Iterator[Snapshot]:
        """All samples of this spacing due after `after`, oldest first, read as they are asked for."""
        partition = f"{self._bot_id}:{sample_seconds}"
        return map(snapshot_of, PriceSnapshotItem.query(partition, PriceSnapshotItem.at > _text(after)))

    def newest(self, sample_seconds: int, count: int, before: int = 2**40, after: int = 0) -> list[Snapshot]:
        """The newest snapshots of all ticks due before `before`, samples and others, newest first."""
        return self.ticks((sample_seconds,), count, before, after)

    def ticks(self, spacings: Iterable[int], count: int, before: int = 2**40, after: int = 0) -> list[Snapshot]:
        """The same where samples were kept at several spacings, in seconds."""
        partitions = (self._bot_id, *(f"{self._bot_id}:{seconds}" for seconds in spacings))
        found = [one for partition in partitions for one in self._query(partition, count, before, after)]
        return sorted(found, key=lambda snapshot: -snapshot.at)[:count]

    def _query(self, partition: str, count: int, before: int, after: int) -> list[Snapshot]:
        return [snapshot_of(item) for item in islice(self._newest_first(partition, before, after, count), count)]

    def _newest_first(self, partition: str, before: int, after: int, at_once: int) -> Iterator[PriceSnapshotItem]:
        between = PriceSnapshotItem.at.between(_text(after + 1), _text(before - 1))
        return PriceSnapshotItem.query(partition, between, scan_index_forward=False, page_size=at_once)

    def _item(self, snapshot: Snapshot) -> PriceSnapshotItem:
        kept = snapshot.sample_seconds
        return PriceSnapshotItem(
            f"{self._bot_id}:{kept}" if kept else self._bot_id,
            _text(snapshot.at),
            packed=pack(snapshot),
            expires_at=snapshot.at + (SAMPLE_TTL_SECONDS if kept else TICK_TTL_SECONDS),
        )


def snapshot_of(item: PriceSnapshotItem) -> Snapshot:
    """The snapshot that an item states."""
    return unpack(_epoch(item.at), item.packed)


def _text(at: int) -> str:
    return datetime.fromtimestamp(min(at, 253402300799), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _epoch(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
