"""What the bot paid for each asset it holds, in the base currency: what its exits are measured from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from math import isfinite

NOTHING = Decimal(0)
PRECISION = Decimal("1e-12")
# A high moves on in steps of this part of the trailing stop's distance, to save the write of a ledger at every tick.
STEPS = 20
# What the steps are a part of while there is no trailing stop.
USUAL_DISTANCE = 0.2
Prices = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Entry:
    """What one unit cost, all in; since when (epoch seconds, the newest purchase); and the highest mid since the first.

    Zeros are what a ledger from before did not know; the next price tells them.
    """

    price: Decimal
    since: int = 0
    high: Decimal = NOTHING


Entries = Mapping[str, Entry]


def bought(before: Entry | None, held: Decimal, paid: Decimal, received: Decimal, at: int, mid: float) -> Entry:
    """The entry after `received` more was bought for `paid`, while `held` was there before: the average of both."""
    known = before or Entry(NOTHING)
    total = max(held, NOTHING) + received
    cost = paid + max(held, NOTHING) * known.price
    return Entry(_exact(cost / total) if total else NOTHING, at, max(known.high, _mid(mid)))


def kept_up(entries: Entries, held: Iterable[str], prices: Prices, at: int, step: float) -> Entries:
    """The entries of these assets after a look: highs moved on, and what came without a price taken at that of now."""
    seen = {asset: _seen(entries.get(asset), prices.get(asset, float("nan")), at, step) for asset in held}
    return {asset: entry for asset, entry in seen.items() if entry is not None}


def restated(entries: Entries, rate: float) -> Entries:
    """The entries in a currency of which one unit of theirs is worth `rate` now; none where that is not known."""
    if not isfinite(rate):
        return {}
    each = _mid(rate)
    return {asset: replace(e, price=_exact(e.price * each), high=_exact(e.high * each)) for asset, e in entries.items()}


def step_of(trailing_stop: float | None) -> float:
    """How much higher a price must be than the high before it is taken for the new one."""
    return (USUAL_DISTANCE if trailing_stop is None else trailing_stop) / STEPS


def _seen(entry: Entry | None, mid: float, at: int, step: float) -> Entry | None:
    if not isfinite(mid):
        return entry
    price = _mid(mid)
    if entry is None:
        return Entry(_exact(price), at, price)
    high = price if price > entry.high * (1 + _mid(step)) else entry.high
    return Entry(entry.price, entry.since or at, high)


def _mid(number: float) -> Decimal:
    return Decimal(repr(number))


def _exact(price: Decimal) -> Decimal:
    return price.quantize(PRECISION)
