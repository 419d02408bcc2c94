"""Which of the kept samples make a window: one a slot of time, none too old."""

from collections.abc import Iterable, Mapping, Sequence

from heisenbug.domain.assets import Pair
from heisenbug.domain.market import Sample
from heisenbug.domain.prices import logs_of
from heisenbug.domain.quotes import Quote
from heisenbug.domain.settings import Settings

# A window that took this many times its length to fill is of another market, and is begun anew.
OLDEST_IN_WINDOWS = 2


def sample_of(at: int, quotes: Mapping[Pair, Quote]) -> Sample:
    """The sample that the prices of one moment make."""
    logs = logs_of([quote.mid for quote in quotes.values()]).tolist()
    return Sample(at, dict(zip(map(str, quotes), logs, strict=True)))


def earlier_slots(samples: Sequence[Sample], due: int, settings: Settings) -> tuple[Sample, ...]:
    """One sample, the first, of each slot before the one that `due` is in; at most a window less the newest price."""
    spacing = settings.sample_seconds
    earlier = (sample for sample in samples if sample.at // spacing < due // spacing)
    return one_a_slot(earlier, spacing)[-(settings.window - 1) :]


def one_a_slot(samples: Iterable[Sample], spacing: int) -> tuple[Sample, ...]:
    """The first sample of each slot of `spacing` seconds, in their order."""
    slots: dict[int, Sample] = {}
    for sample in samples:
        slots.setdefault(sample.at // spacing, sample)
    return tuple(slots.values())


def oldest_sample(due: int, settings: Settings) -> int:
    """Samples at or before this moment (epoch seconds) are too old for a window at `due`."""
    spacing = max(settings.sample_seconds, settings.check_interval_seconds)
    return due - OLDEST_IN_WINDOWS * settings.window * spacing
