"""The conversion that came closest to paying, where none was traded: the numbers of why nothing was done."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from heisenbug.backtest.seen import Seen
from heisenbug.domain.costs import HIGHEST, conversion_costs
from heisenbug.domain.decide import decide_on
from heisenbug.domain.forecasters.ridge import carried
from heisenbug.domain.forecasters.shipped import forecaster_of
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.words import why


@dataclass(frozen=True, slots=True)
class Closest:
    """The held conversion of the greatest net log return, of all samples whose window was full and without gap.

    `edge` is the expected log return before the `cost`, both fractions; `gate` is the first that stopped it, `why` its
    sentence.
    """

    at: int
    source: str
    target: str
    edge: float
    cost: float
    confidence: float
    gate: str
    why: str


def closest_of(seen: Seen, halts: Iterable[str] = ()) -> Closest | None:
    """What of the start's holdings came closest; None where no window was full and without gap."""
    best = max(_best_of_each(seen), default=None)
    if best is None:
        return None
    _, row, source, target = best
    settings, at = seen.wish.told.settings, int(seen.wish.history.at[row])
    portfolio = Ledger(dict(settings.paper_start)).portfolio(at, None, False, halts=halts)
    decision = decide_on(seen.view(row), seen.market(row), portfolio, settings, seen.wish.venue)
    found = decision.conversion(source, target)
    return Closest(
        at,
        found.source,
        found.target,
        found.expected_log_return,
        found.cost,
        found.confidence,
        found.gate.name.lower(),
        why(found),
    )


def _best_of_each(seen: Seen) -> Iterator[tuple[float, int, int, int]]:
    """Net log return, sample, source and target of the best conversion of each asset held."""
    settings, full = seen.wish.told.settings, np.flatnonzero(seen.full)
    if not len(full) or len(seen.assets) == 1:
        return
    fees = conversion_costs(seen.assets, np.zeros(len(seen.assets)), {}, 0, settings, seen.wish.venue)
    filled = np.nan_to_num(carried(seen.logs))
    expected = forecaster_of(settings).expected_over(filled, settings.window, settings.horizon)[full]
    halves = seen.half_spreads[full]
    for source in (seen.assets.index(asset) for asset in settings.paper_start if asset in seen.assets):
        cost = np.minimum(fees[source] + halves[:, [source]] + halves, HIGHEST)
        net = expected - expected[:, [source]] + np.log1p(-cost)
        net[:, source] = -np.inf
        place, target = np.unravel_index(int(net.argmax()), net.shape)
        yield float(net[place, target]), int(full[place]), source, int(target)
