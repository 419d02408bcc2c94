"""What a trade keeps of its decision: the tick's snapshot and a copy of its window, all that it takes to decide again.

The settings are told by the snapshot's version of them. Behind the snapshot's bytes stand the window's; a record from
before there were copies ends where they would begin.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from heisenbug.domain.market import Sample
from heisenbug.domain.snapshot import Snapshot, pack, unpack
from heisenbug.domain.window_copy import pack_window, unpack_window

# An item may have 400 KB, and a trade writes its record three times at double price. Ten assets at the default window
# need 1 to 2 KB, a hundred over a thousand samples would need 250: a trade must not fail for what is kept of it.
LARGEST_COPY_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Record:
    """The inputs of one trade's decision; `window` is None where no copy of it was kept."""

    snapshot: Snapshot
    window: tuple[Sample, ...] | None


def pack_record(snapshot: Snapshot, window: Sequence[Sample]) -> bytes:
    """The record of a decision; without the window's copy where that would be too large to keep."""
    copy = pack_window(window)
    return pack(snapshot) + (copy if len(copy) <= LARGEST_COPY_BYTES else b"")


def unpack_record(at: int, packed: bytes) -> Record:
    """The record of the decision due at `at` that `pack_record` packed."""
    unzip = zlib.decompressobj()
    unzip.decompress(packed)
    copy = unzip.unused_data
    return Record(unpack(at, packed[: len(packed) - len(copy)]), unpack_window(copy) if copy else None)
