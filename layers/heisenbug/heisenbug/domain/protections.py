"""Brakes that the bot pulls by itself: each stops entries, says why and until when, and how to lift it.

None stops an exit or the reconciling of trades. Each is a function of the ledger's tally, the settings
and one look; what has to outlast its cause (a fall of equity) is kept as a halt until its time, or a person, lifts it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import isfinite, nan

from heisenbug.domain.assets import round_received
from heisenbug.domain.settings import Settings
from heisenbug.domain.tally import DAY_SECONDS, HOUR_SECONDS, Tally

# How often is repeatedly, where a trade costs more than was quoted.
REPEATEDLY = 3
# How long the venue is left alone with entries after the newest of its errors.
ERRORS_REST_SECONDS = HOUR_SECONDS


class Protection(StrEnum):
    """Each by the name of the setting that bounds it."""

    MAX_DRAWDOWN = "max_drawdown"
    DAILY_LOSS = "daily_loss"
    LOSING_STREAK = "losing_streak"
    MAX_TRADES_PER_HOUR = "max_trades_per_hour"
    MAX_TRADES_PER_DAY = "max_trades_per_day"
    MAX_PRICE_AGE_SECONDS = "max_price_age_seconds"
    MAX_VENUE_ERRORS = "max_venue_errors"
    MAX_COST_EXCESS_BPS = "max_cost_excess_bps"


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Equity against the highest equity seen, in the base currency; `fraction` is 0 at the peak."""

    equity: Decimal
    peak: Decimal

    @property
    def fraction(self) -> float:
        """How far equity is under its peak."""
        return float(1 - self.equity / self.peak) if self.peak > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Halt:
    """Entries are stopped since `since` (epoch seconds) and until `until`; None where time alone lifts nothing."""

    since: int
    until: int | None
    why: str


Halts = Mapping[Protection, Halt]


@dataclass(frozen=True, slots=True)
class Day:
    """The first equity that was known in the UTC day that began at `begun` (epoch seconds), in `base`."""

    begun: int
    equity: Decimal
    base: str


def day_of(before: Day | None, at: int, equity: Decimal | None, base: str, prices: Mapping[str, float]) -> Day | None:
    """The day at `at`: begun with `equity` where it is new, in another base restated at the price of now."""
    begun = at // DAY_SECONDS * DAY_SECONDS
    if before is not None and before.begun == begun:
        known = restated(before.equity, before.base, base, prices)
        if known is not None:
            return Day(begun, known, base)
    return before if equity is None else Day(begun, equity, base)


def restated(amount: Decimal, of: str, base: str, prices: Mapping[str, float]) -> Decimal | None:
    """An amount of one currency in another at the `prices` in that; None where there is none."""
    if of == base:
        return amount
    price = prices.get(of, nan)
    return round_received(amount * Decimal(repr(price)), base) if isfinite(price) else None


@dataclass(frozen=True, slots=True)
class Moment:
    """What a tick found: its time, equity (None while something held has no price), the peak and the day's first.

    `failure` is why there are no new prices, if so. What was counted before `rearmed_at` counts no more.
    """

    at: int
    equity: Decimal | None
    peak: Decimal
    day_began: Decimal
    price_age_seconds: float = 0.0
    failure: str = ""
    rearmed_at: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What a protection looks at; `before` is its halt of the tick before, if any."""

    tally: Tally
    settings: Settings
    moment: Moment
    before: Halt | None

    def since_armed(self, times: tuple[int, ...]) -> list[int]:
        """Those of the times that count."""
        return [at for at in times if at >= self.moment.rearmed_at]


def halts(before: Halts, tally: Tally, settings: Settings, moment: Moment) -> Halts:
    """What stops entries now; a halt that goes on keeps its beginning and, while its end is the same, its reason."""
    found: dict[Protection, Halt] = {}
    for protection, ask in _PROTECTIONS.items():
        known = before.get(protection)
        halt = ask(Asked(tally, settings, moment, known))
        if halt is not None:
            same = known is not None and known.until == halt.until
            found[protection] = known if known is not None and same else halt
    return found


def needs_person(halts: Halts) -> bool:
    """Whether only a person lifts one of them."""
    return bool(halts.keys() & {Protection.MAX_DRAWDOWN, Protection.MAX_COST_EXCESS_BPS})


def lifted_by(protection: Protection) -> str:
    """How a person lifts it, in one sentence."""
    return _LIFTED[protection]


def drawdown_verdict(drawdown: Drawdown, most: float) -> str | None:
    """Why entries must stop, or None; `most` is the part of the peak that equity may lose."""
    if drawdown.fraction < most:
        return None
    return (
        f"Equity {drawdown.equity} is {drawdown.fraction:.1%} under its peak {drawdown.peak}, the limit is {most:.1%}; "
        "nothing is bought until a person re-arms the bot (heisenbug rearm)."
    )


def _drawdown(asked: Asked) -> Halt | None:
    """At the mid, open positions included; it lifts itself only under `drawdown_resume`, where that is set."""
    moment, settings = asked.moment, asked.settings
    drawdown = None if moment.equity is None else Drawdown(moment.equity, moment.peak)
    if asked.before is not None:
        resume = settings.drawdown_resume
        is_over = resume is not None and drawdown is not None and drawdown.fraction <= resume
        return None if is_over else asked.before
    why = drawdown_verdict(drawdown, settings.max_drawdown) if drawdown else None
    return Halt(moment.at, None, why) if why else None


def _daily_loss(asked: Asked) -> Halt | None:
    moment, most = asked.moment, asked.settings.daily_loss
    if most is None:
        return None
    midnight = _end_of(moment.at, DAY_SECONDS)
    if asked.before is not None and asked.before.until == midnight:
        return asked.before
    loss = 0.0 if moment.equity is None else Drawdown(moment.equity, moment.day_began).fraction
    if loss < most:
        return None
    why = f"Equity {moment.equity} is {loss:.1%} under the day's first {moment.day_began}, the limit is {most:.1%}."
    return Halt(moment.at, midnight, why)


def _losing_streak(asked: Asked) -> Halt | None:
    most, losses = asked.settings.losing_streak, asked.since_armed(asked.tally.losses)
    if most is None or len(losses) < most:
        return None
    until = losses[-1] + asked.settings.losing_streak_seconds
    why = f"{len(losses)} trades in a row brought less than they had cost, the limit is {most}."
    return Halt(asked.moment.at, until, why) if asked.moment.at < until else None


def _trades(asked: Asked, most: int | None, done: int, seconds: int, what: str) -> Halt | None:
    if most is None or done < most:
        return None
    why = f"{done} trades were made in this {what} (UTC), the limit is {most}."
    return Halt(asked.moment.at, _end_of(asked.moment.at, seconds), why)


def _hourly(asked: Asked) -> Halt | None:
    done = asked.tally.hour.within(asked.moment.at // HOUR_SECONDS)
    return _trades(asked, asked.settings.max_trades_per_hour, done, HOUR_SECONDS, "hour")


def _daily(asked: Asked) -> Halt | None:
    done = asked.tally.day.within(asked.moment.at // DAY_SECONDS)
    return _trades(asked, asked.settings.max_trades_per_day, done, DAY_SECONDS, "day")


def _stale(asked: Asked) -> Halt | None:
    moment, most = asked.moment, asked.settings.max_price_age_seconds
    if moment.price_age_seconds <= most:
        return None
    because = f" {moment.failure}" if moment.failure else ""
    why = f"The newest prices are {moment.price_age_seconds:.0f} s old, at most {most} s may decide.{because}"
    return Halt(moment.at, None, why)


def _errors(asked: Asked) -> Halt | None:
    most, errors = asked.settings.max_venue_errors, asked.since_armed(asked.tally.errors)
    if most is None or len(errors) < most:
        return None
    until = errors[-1] + ERRORS_REST_SECONDS
    why = f"The venue refused or failed {len(errors)} trades in a row, the limit is {most}."
    return Halt(asked.moment.at, until, why) if asked.moment.at < until else None


def _cost_excess(asked: Asked) -> Halt | None:
    most = asked.settings.max_cost_excess_bps
    newest = [bps for at, bps in asked.tally.excess if at >= asked.moment.rearmed_at][-REPEATEDLY:]
    if most is None or len(newest) < REPEATEDLY or min(newest) <= most:
        return None
    each = ", ".join(f"{bps:.0f}" for bps in newest)
    return Halt(
        asked.moment.at, None, f"The newest trades cost {each} bp more than was quoted, the limit is {most:g} bp."
    )


def _end_of(at: int, seconds: int) -> int:
    return at // seconds * seconds + seconds


_PROTECTIONS: Mapping[Protection, Callable[[Asked], Halt | None]] = {
    Protection.MAX_DRAWDOWN: _drawdown,
    Protection.DAILY_LOSS: _daily_loss,
    Protection.LOSING_STREAK: _losing_streak,
    Protection.MAX_TRADES_PER_HOUR: _hourly,
    Protection.MAX_TRADES_PER_DAY: _daily,
    Protection.MAX_PRICE_AGE_SECONDS: _stale,
    Protection.MAX_VENUE_ERRORS: _errors,
    Protection.MAX_COST_EXCESS_BPS: _cost_excess,
}
_REARM = "heisenbug rearm lifts it"
_LIFTED: Mapping[Protection, str] = {
    Protection.MAX_DRAWDOWN: f"{_REARM}; drawdown counts from the equity of then.",
    Protection.DAILY_LOSS: f"{_REARM}; the day's loss counts from the equity of then.",
    Protection.LOSING_STREAK: f"{_REARM}, and so does a trade that gains.",
    Protection.MAX_TRADES_PER_HOUR: "Only a higher limit lifts it before.",
    Protection.MAX_TRADES_PER_DAY: "Only a higher limit lifts it before.",
    Protection.MAX_PRICE_AGE_SECONDS: "It lifts itself with the first fresh prices.",
    Protection.MAX_VENUE_ERRORS: f"{_REARM}, and so does a trade that is carried out.",
    Protection.MAX_COST_EXCESS_BPS: f"{_REARM}, and so does a trade that costs what was quoted.",
}
