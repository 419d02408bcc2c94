"""When a holding goes back to the base currency: at a stop, at a target, after its time, or at a person's word.

Exits outrank entries. They need no confidence, and wait for no window, rest, budget or protection; a price that can be
gone by, an amount the venue takes, and a cost that is not absurd they need as well.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from heisenbug.domain.entries import Entry
from heisenbug.domain.errors import FieldError
from heisenbug.domain.settings import Settings
from heisenbug.domain.venue import Venue


class Exit(StrEnum):
    """Why a holding goes, the worse first: where two are due at once, the first one is what it is called."""

    FLATTEN = "flatten"
    STOP_LOSS = "stop_loss"
    TRAILING_STOP = "trailing_stop"
    TAKE_PROFIT = "take_profit"
    TIME_STOP = "time_stop"


@dataclass(frozen=True, slots=True)
class Held:
    """What an exit looks at: an asset's mid, the part of it that getting out costs, its entry, and the time.

    `expected` is the log return on the base that the forecaster expects over the horizon, NaN where there is none.
    """

    price: float
    cost: float
    entry: Entry
    expected: float
    at: int


@dataclass(frozen=True, slots=True)
class Due:
    """An exit that is due: the number that it looked at, and the limit that this has crossed."""

    exit: Exit
    value: float
    limit: float


def due_exit(held: Held, settings: Settings) -> Due | None:
    """The first exit that is due, or None."""
    for exit, ask in _EXITS.items():
        asked = ask(held, settings)
        if asked is not None and asked[0]:
            return Due(exit, asked[1], asked[2])
    return None


def too_near(settings: Settings, sides: Iterable[str], venue: Venue) -> list[FieldError]:
    """What of the exits a conversion's cost makes pointless, for any of the assets that are traded."""
    base = settings.base_currency
    fees = [(venue.fee(base, asset, settings.cost_bps), asset) for asset in sides if asset != base]
    fee, asset = max(fees, default=(0.0, ""))
    costs = f"{asset} costs {fee * 10_000:g} bp at {venue.title}"
    errors = []
    if settings.stop_loss is not None and settings.stop_loss <= fee:
        message = (
            f"stop_loss must be above what a conversion costs, not {settings.stop_loss:g}: {costs}, so that the stop "
            "would lie above the price at which it was bought, and sell at once."
        )
        errors.append(FieldError("stop_loss", message))
    if settings.max_exit_cost_bps < fee * 10_000:
        message = (
            f"max_exit_cost_bps must not be under what a conversion costs, not {settings.max_exit_cost_bps:g}: "
            f"{costs}, so that nothing could ever get out."
        )
        errors.append(FieldError("max_exit_cost_bps", message))
    return errors


def levels(entry: Entry, settings: Settings) -> Mapping[Exit, float]:
    """The prices at which an asset goes, per exit that is set; of a target what it must bring after the cost."""
    return dict(_levels(entry, settings))


def _levels(entry: Entry, settings: Settings) -> Iterator[tuple[Exit, float]]:
    paid, high = float(entry.price), float(entry.high)
    if settings.stop_loss is not None:
        yield Exit.STOP_LOSS, paid * (1 - settings.stop_loss)
    if settings.trailing_stop is not None:
        yield Exit.TRAILING_STOP, high * (1 - settings.trailing_stop)
    if settings.take_profit is not None:
        yield Exit.TAKE_PROFIT, paid * (1 + settings.take_profit)


Asked = tuple[bool, float, float] | None


def _stop_loss(held: Held, settings: Settings) -> Asked:
    level = levels(held.entry, settings).get(Exit.STOP_LOSS)
    return None if level is None else (held.price <= level, held.price, level)


def _trailing_stop(held: Held, settings: Settings) -> Asked:
    level = levels(held.entry, settings).get(Exit.TRAILING_STOP)
    return None if level is None else (held.price <= level, held.price, level)


def _take_profit(held: Held, settings: Settings) -> Asked:
    level, brings = levels(held.entry, settings).get(Exit.TAKE_PROFIT), held.price * (1 - held.cost)
    return None if level is None else (brings >= level, brings, level)


def _time_stop(held: Held, settings: Settings) -> Asked:
    """After its time only what is not expected to gain any more; where nothing is known of that, it stays."""
    if settings.time_stop is None:
        return None
    elapsed, most = held.at - held.entry.since, settings.time_stop * settings.sample_seconds
    is_over = bool(held.entry.since) and elapsed >= most
    return is_over and isfinite(held.expected) and held.expected <= 0, elapsed, most


_EXITS: Mapping[Exit, Callable[[Held, Settings], Asked]] = {
    Exit.STOP_LOSS: _stop_loss,
    Exit.TRAILING_STOP: _trailing_stop,
    Exit.TAKE_PROFIT: _take_profit,
    Exit.TIME_STOP: _time_stop,
}
