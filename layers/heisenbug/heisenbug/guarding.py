"""What a tick's look says of the money as a whole: its peak, the day's first equity, and what stops entries."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from heisenbug.bot import Bot, Now
from heisenbug.domain.decide import equity_of
from heisenbug.domain.portfolio import Portfolio
from heisenbug.domain.protections import Day, Halts, Moment, day_of, halts, restated
from heisenbug.domain.state import State
from heisenbug.domain.view import View

# The peak is in every snapshot; the state takes it over only where it rose by this much, to save the write.
PEAK_STEP = Decimal("1.005")
NOTHING = Decimal(0)
Prices = Mapping[str, float]


def guarded(bot: Bot, now: Now, seen: View) -> Now:
    """The tick after every protection looked at it; what stops entries is written down where that has changed."""
    prices = dict(zip(seen.assets, seen.prices.tolist(), strict=True))
    worth = equity_of(Portfolio(now.position.ledger.holdings), seen.assets, seen.prices)
    peak, day = _peak(bot, now, worth, prices), _day(bot, now, worth, prices)
    began = day.equity if day else NOTHING
    moment = Moment(now.due, worth, peak, began, _age(bot, now), now.look.failure or "", now.state.rearmed_at)
    mode, settings = now.told.settings.mode, now.told.settings
    before = now.state.halts_of(mode)
    stopped = halts(before, now.position.ledger.tally, settings, moment)
    if stopped != before:
        bot.states.halt(now.state, mode, stopped)
    return replace(now, worth=worth, peak=peak, halts=stopped)


def newly(now: Now, before: State) -> Halts:
    """What stops entries since this tick."""
    known = before.halts_of(now.told.settings.mode)
    return {name: halt for name, halt in now.halts.items() if name not in known}


def _peak(bot: Bot, now: Now, worth: Decimal | None, prices: Prices) -> Decimal:
    """The highest equity since the bot was last armed, of this money; in another base at the price of now."""
    mode, base = now.told.settings.mode, now.told.settings.base_currency
    kept, kept_base = now.state.peak_of(mode)
    goes_on = kept_base == base
    before = restated(kept, kept_base, base, prices) if kept_base else None
    remembered = bot.looking.peak_of(mode) if goes_on else NOTHING
    peak = max(before or NOTHING, remembered, worth or NOTHING)
    if worth is not None and (not goes_on or peak > kept * PEAK_STEP):
        bot.states.raise_peak(peak, base, mode, now.state.version)
    return peak


def _day(bot: Bot, now: Now, worth: Decimal | None, prices: Prices) -> Day | None:
    mode = now.told.settings.mode
    before = now.state.days.get(mode)
    day = day_of(before, now.due, worth, now.told.settings.base_currency, prices)
    if day is not None and day != before:
        bot.states.begin_day(now.state, mode, day)
    return day


def _age(bot: Bot, now: Now) -> float:
    """How old the newest prices are; where none came, as far as this process knows."""
    remembered = bot.remembered
    if not now.look.failure or not remembered.fresh_at:
        remembered.fresh_at = now.due
    return now.look.market.price_age_seconds + now.due - remembered.fresh_at
