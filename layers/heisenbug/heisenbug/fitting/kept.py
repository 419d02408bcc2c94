"""The samples that the bot has kept, as a history to fit on."""

from collections.abc import Iterable, Sequence

import numpy as np

from heisenbug.domain.assets import Pair
from heisenbug.domain.quotes import Quote
from heisenbug.domain.snapshot import Snapshot
from heisenbug.fitting.fit import CannotFit
from heisenbug.markets.history import History

_UNKNOWN = (np.nan, np.nan)


def history_kept(snapshots: Iterable[Snapshot], pairs: Sequence[Pair], sample_seconds: int) -> History:
    """The kept samples, oldest first, one a slot, from the first one on by which every pair has had a price.

    Raises CannotFit where some pair never had one.
    """
    at: list[int] = []
    sides: list[list[tuple[float, float]]] = []
    for snapshot in snapshots:
        if not at or snapshot.at // sample_seconds > at[-1] // sample_seconds:
            at.append(snapshot.at)
            sides.append([_sides(snapshot.quotes.get(pair)) for pair in pairs])
    quoted = np.array(sides).reshape(len(at), len(pairs), 2)
    known = np.isfinite(quoted[:, :, 0])
    never = [str(pair) for pair, ever in zip(pairs, known.any(axis=0), strict=True) if not ever]
    if never or not pairs:
        raise CannotFit(
            f"No sample of {sample_seconds} s is kept in which {', '.join(never) or 'any pair'} has a price: "
            "let the bot look for a while, or remove the pair."
        )
    first = int(known.argmax(axis=0).max())
    times = np.array(at[first:], dtype=np.int64)
    name = "what the bot has recorded of all its pairs"
    return History(name, tuple(pairs), sample_seconds, times, quoted[first:, :, 0], quoted[first:, :, 1])


def _sides(quote: Quote | None) -> tuple[float, float]:
    return (float(quote.bid), float(quote.ask)) if quote else _UNKNOWN
