"""Which prices may be believed: every quote is looked at before anything is computed from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import log, log10

from heisenbug.domain.assets import Pair
from heisenbug.domain.market import Guarded
from heisenbug.domain.quotes import BadQuote, CrossedQuote, Quote, RawQuote, Ticker, understand

FROZEN_AFTER_SAMPLES = 20
CROSSED_IN_A_ROW = 20
JUMP_IN_VOLATILITIES = 12
SMALLEST_JUMP = log(1.10)
SAMPLES_TO_CONFIRM = 3
# So many samples unlearn a level that was never established, such as a first price that was wrong.
SAMPLES_TO_UNLEARN = 100
# How near to a power of ten a change must be, in log10, to count as a misplaced decimal point.
DECIMAL_SLIP = 0.02


@dataclass(frozen=True, slots=True)
class Watch:
    """What is remembered of a pair from tick to tick.

    `mid` is the last one believed, `believed` counts samples until the level is established; `unchanged` counts samples
    without a change, `crossed` crossed quotes in a row, `confirmed` the samples that agree with the level `held` back;
    `slipped` says that this level is a misplaced decimal point.
    """

    mid: float | None = None
    bid: str = ""
    ask: str = ""
    unchanged: int = 0
    crossed: int = 0
    held: float | None = None
    confirmed: int = 0
    guarded: Guarded | None = None
    believed: int = 0
    slipped: bool = False

    @property
    def is_established(self) -> bool:
        """Whether enough samples were believed to judge others by them."""
        return self.believed >= SAMPLES_TO_CONFIRM


@dataclass(frozen=True, slots=True)
class Moment:
    """When a quote is looked at: the due time (epoch seconds), and whether the tick is kept as a sample."""

    at: int
    is_sample: bool


Volatility = Callable[[Pair], float]
Watches = Mapping[Pair, Watch]


def believe(
    ticker: Ticker, pairs: tuple[Pair, ...], watches: Watches, moment: Moment, volatility: Volatility
) -> tuple[dict[Pair, Watch], dict[Pair, Quote]]:
    """What to remember of each pair, and the quotes that may be computed with; the rest is guarded with its reason."""
    remembered: dict[Pair, Watch] = {}
    believed: dict[Pair, Quote] = {}
    for pair in pairs:
        watch = watches.get(pair, Watch())
        if ticker.failure is not None:
            remembered[pair] = _guard(watch, ticker.failure, moment)
            continue
        remembered[pair], quote = look(pair, ticker.quotes.get(pair), watch, moment, volatility)
        if quote is not None:
            believed[pair] = quote
    return remembered, believed


def look(
    pair: Pair, raw: RawQuote | None, watch: Watch, moment: Moment, volatility: Volatility
) -> tuple[Watch, Quote | None]:
    """One quote against what is remembered of its pair: what to remember now, and the quote if it is believed."""
    if raw is None:
        return _guard(replace(watch, confirmed=0), "the venue's answer has no such pair", moment), None
    try:
        quote = understand(pair, raw)
    except CrossedQuote as crossed:
        return _cross(watch, str(crossed), moment), None
    except BadQuote as bad:
        return _guard(replace(watch, crossed=0, confirmed=0), str(bad), moment), None
    watch = _count_unchanged(replace(watch, crossed=0), quote, moment)
    if watch.unchanged >= FROZEN_AFTER_SAMPLES:
        return _guard(watch, f"frozen: no change for {FROZEN_AFTER_SAMPLES} samples or more", moment), None
    return _check_jump(watch, quote, moment, volatility)


def _cross(watch: Watch, reason: str, moment: Moment) -> Watch:
    crossed = watch.crossed + 1
    often = f", {CROSSED_IN_A_ROW} times in a row or more" if crossed >= CROSSED_IN_A_ROW else ""
    return _guard(replace(watch, crossed=crossed, confirmed=0), f"crossed quote: {reason}{often}", moment)


def _count_unchanged(watch: Watch, quote: Quote, moment: Moment) -> Watch:
    bid, ask = f"{quote.bid.normalize():f}", f"{quote.ask.normalize():f}"
    if (bid, ask) != (watch.bid, watch.ask):
        return replace(watch, bid=bid, ask=ask, unchanged=0)
    return replace(watch, unchanged=watch.unchanged + moment.is_sample)


def _check_jump(watch: Watch, quote: Quote, moment: Moment, volatility: Volatility) -> tuple[Watch, Quote | None]:
    if watch.mid is None or not _jumps(watch.mid, quote, volatility):
        return _free(watch, quote, moment), quote
    again = watch.held is not None and not _jumps(watch.held, quote, volatility)
    slip = _decimal_slip(quote.mid / watch.mid)
    if slip or (again and watch.slipped):
        return _refuse_slip(watch, quote, moment, again, slip or "about a power of ten off")
    return _hold_back(replace(watch, slipped=False), quote, moment, again)


def _refuse_slip(watch: Watch, quote: Quote, moment: Moment, again: bool, slip: str) -> tuple[Watch, Quote | None]:
    """A misplaced decimal point never confirms itself, unless it was in the first prices that there ever were."""
    confirmed = (watch.confirmed if again else 0) + moment.is_sample
    if confirmed >= SAMPLES_TO_UNLEARN and not watch.is_established:
        return _free(watch, quote, moment), quote
    slipped = replace(watch, held=quote.mid, confirmed=confirmed, slipped=True)
    return _guard(slipped, f"price is {slip} what it was", moment), None


def _hold_back(watch: Watch, quote: Quote, moment: Moment, again: bool) -> tuple[Watch, Quote | None]:
    confirmed = (watch.confirmed if again else 0) + moment.is_sample
    if confirmed >= SAMPLES_TO_CONFIRM:
        return _free(watch, quote, moment), quote
    reason = (
        f"jump from {watch.mid:.6g} to {quote.mid:.6g} waits until {SAMPLES_TO_CONFIRM} samples in a row confirm it"
    )
    return _guard(replace(watch, held=quote.mid, confirmed=confirmed), reason, moment), None


def _jumps(mid: float, quote: Quote, volatility: Volatility) -> bool:
    move = abs(log(quote.mid / mid))
    return move > SMALLEST_JUMP and move > JUMP_IN_VOLATILITIES * volatility(quote.pair)


def _decimal_slip(ratio: float) -> str:
    exponent = round(log10(ratio))
    if exponent == 0 or abs(log10(ratio) - exponent) > DECIMAL_SLIP:
        return ""
    return f"{10**exponent}-fold" if exponent > 0 else f"1/{10**-exponent} of"


def _guard(watch: Watch, reason: str, moment: Moment) -> Watch:
    since = watch.guarded.since if watch.guarded else moment.at
    return replace(watch, guarded=Guarded(reason, since))


def _free(watch: Watch, quote: Quote, moment: Moment) -> Watch:
    believed = min(watch.believed + moment.is_sample, SAMPLES_TO_CONFIRM)
    return replace(watch, mid=quote.mid, held=None, confirmed=0, guarded=None, believed=believed, slipped=False)
