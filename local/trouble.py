"""Trouble on the account's routes: which request goes wrong, and how. One plan at a time, asked once a request."""

import random
import threading
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from local.answers import Request


class Step(StrEnum):
    """What a request is for."""

    TICKER = "ticker"
    ASSETS = "assets"
    CARDS = "cards"
    QUOTE = "quote"
    COMMIT = "commit"
    READ = "read"
    ME = "me"


class Mishap(StrEnum):
    """What goes wrong with a request."""

    STATUS_429 = "status_429"
    STATUS_500 = "status_500"
    STATUS_503 = "status_503"
    HTML = "html"
    RESET = "reset"
    HANG = "hang"
    SLOW = "slow"
    LOST_ANSWER = "lost_answer"
    INVALID_TOKEN = "invalid_token"  # noqa: S105
    OTP = "otp"
    CAPABILITY = "capability"
    PASSWORD_RESET = "password_reset"  # noqa: S105
    AUTHENTICATION_RESET = "authentication_reset"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LOCKED_FUNDS = "locked_funds"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    HALTED = "halted"
    WORSE = "worse"
    TTL_ZERO = "ttl_zero"
    WRONG_CARD = "wrong_card"
    WRONG_CURRENCY = "wrong_currency"
    EXTRA_FIELDS = "extra_fields"
    MISSING_REFERENCE = "missing_reference"
    LANDS_LATE = "lands_late"
    NEVER_LANDS = "never_lands"
    EXPIRED = "expired"
    RECOMMIT_EXISTS = "recommit_exists"
    RECOMMIT_NOT_FOUND = "recommit_not_found"
    PROCESSING = "processing"
    PROCESSING_THEN_FAILED = "processing_then_failed"
    UNKNOWN_STATUS = "unknown_status"
    STATUS_404 = "status_404"
    VANISHED = "vanished"
    # Of a venue with an order book.
    RATE_LIMIT = "rate_limit"
    BUSY = "busy"
    INVALID_NONCE = "invalid_nonce"
    THIN_BOOK = "thin_book"
    PARTIAL = "partial"
    UNFILLED = "unfilled"


ANYWHERE = frozenset(
    {
        Mishap.STATUS_429,
        Mishap.STATUS_500,
        Mishap.STATUS_503,
        Mishap.HTML,
        Mishap.RESET,
        Mishap.HANG,
        Mishap.SLOW,
    }
)
OF_THE_ACCOUNT = ANYWHERE | {Mishap.INVALID_TOKEN, Mishap.EXTRA_FIELDS}
_REFUSED = {
    Mishap.OTP,
    Mishap.CAPABILITY,
    Mishap.PASSWORD_RESET,
    Mishap.AUTHENTICATION_RESET,
    Mishap.INSUFFICIENT_FUNDS,
    Mishap.LOCKED_FUNDS,
    Mishap.LOST_ANSWER,
    Mishap.MISSING_REFERENCE,
}
_OF_A_QUOTE = {
    Mishap.MINIMUM,
    Mishap.MAXIMUM,
    Mishap.HALTED,
    Mishap.WORSE,
    Mishap.TTL_ZERO,
    Mishap.WRONG_CARD,
    Mishap.WRONG_CURRENCY,
}
UNDER_WAY = frozenset({Mishap.PROCESSING, Mishap.PROCESSING_THEN_FAILED, Mishap.UNKNOWN_STATUS})
_OF_A_COMMIT = UNDER_WAY | {
    Mishap.LANDS_LATE,
    Mishap.NEVER_LANDS,
    Mishap.EXPIRED,
    Mishap.RECOMMIT_EXISTS,
    Mishap.RECOMMIT_NOT_FOUND,
}
Fits = Mapping[Step, Collection[Mishap]]
FITS: Fits = {
    Step.TICKER: ANYWHERE,
    Step.ASSETS: ANYWHERE | {Mishap.EXTRA_FIELDS},
    Step.CARDS: OF_THE_ACCOUNT | {Mishap.VANISHED},
    Step.QUOTE: OF_THE_ACCOUNT | _REFUSED | _OF_A_QUOTE,
    Step.COMMIT: OF_THE_ACCOUNT | _REFUSED | _OF_A_COMMIT,
    Step.READ: OF_THE_ACCOUNT | {Mishap.STATUS_404, Mishap.MISSING_REFERENCE},
    Step.ME: OF_THE_ACCOUNT,
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One mishap. `seconds`, `reads`, `bps`, `currency` and `threshold` say how much of it, where it has a measure."""

    kind: Mishap
    seconds: float | None = None
    reads: int | None = None
    bps: int | None = None
    currency: str | None = None
    threshold: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A trouble for `count` requests (none: for good) of a step, from the `nth` on; without a step for any it fits."""

    trouble: Trouble
    step: Step | None = None
    nth: int = 1
    count: int | None = 1

    def meets(self, step: Step, fits: Fits) -> bool:
        """Whether it is about such requests."""
        return self.trouble.kind in fits[step] and self.step in (None, step)


@dataclass(frozen=True, slots=True)
class Chance:
    """Trouble by seeded chance: of every request of the steps a share of `rate`, each kind that fits alike.

    The n-th request of a step meets the same with the same seed, whatever other steps are asked in between.
    """

    seed: int
    rate: float
    kinds: tuple[Mishap, ...] = tuple(Mishap)
    steps: tuple[Step, ...] = tuple(Step)

    def draw(self, step: Step, nth: int, fits: Fits | None = None) -> Trouble | None:
        """The trouble of the n-th request of a step, or none."""
        dice = random.Random(f"{self.seed}/{step}/{nth}")
        kinds = [kind for kind in self.kinds if kind in (fits or FITS)[step]]
        if step not in self.steps or not kinds or dice.random() >= self.rate:
            return None
        return _measured(dice.choice(kinds), dice)


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall go wrong: orders first, chance for the rest; `halted` assets stay so as long as the plan holds."""

    orders: tuple[Order, ...] = ()
    chance: Chance | None = None
    halted: tuple[str, ...] = ()


CALM = Plan()


class TroublePlan:
    """The plan in force (of troubles that fit), how many requests of each step it has seen, and what it has dealt."""

    def __init__(self, plan: Plan = CALM, fits: Fits = FITS) -> None:
        self._lock = threading.Lock()
        self._fits = fits
        self.order(plan)

    def order(self, plan: Plan) -> None:
        """From now on this plan instead of the one before."""
        with self._lock:
            self.plan = plan
            self.asked: Counter[Step] = Counter()
            self.dealt: Counter[Mishap] = Counter()
            self._waiting = list(plan.orders)

    def take(self, step: Step, request: Request, now: float) -> Trouble | None:
        """What goes wrong with this request (at epoch seconds `now`), or none; another plan may look at all three."""
        with self._lock:
            self.asked[step] += 1
            trouble = self._ordered(step)
            if trouble is None and self.plan.chance is not None:
                trouble = self.plan.chance.draw(step, self.asked[step], self._fits)
            if trouble is not None:
                self.dealt[trouble.kind] += 1
            return trouble

    def _ordered(self, step: Step) -> Trouble | None:
        """The trouble of the first order whose turn it is; the others wait for the next request."""
        taken: Trouble | None = None
        for place, order in enumerate(self._waiting):
            if not order.meets(step, self._fits) or order.count == 0:
                continue
            if order.nth > 1:
                self._waiting[place] = replace(order, nth=order.nth - 1)
            elif taken is None:
                taken = order.trouble
                self._waiting[place] = replace(order, count=None if order.count is None else order.count - 1)
        return taken


def _measured(kind: Mishap, dice: random.Random) -> Trouble:
    """The kind with measures on both sides of what matters: patience, a quote's time, the grace after it."""
    match kind:
        case Mishap.STATUS_429:
            return Trouble(kind, seconds=dice.choice((1, 5, 30)))
        case Mishap.SLOW:
            return Trouble(kind, seconds=dice.choice((0.2, 1, 4, 20)))
        case Mishap.LOST_ANSWER:
            return Trouble(kind, seconds=dice.choice((0, 20)))
        case Mishap.LANDS_LATE:
            return Trouble(kind, seconds=dice.choice((2, 15, 60, 130, 300)))
        case Mishap.PROCESSING | Mishap.PROCESSING_THEN_FAILED | Mishap.UNKNOWN_STATUS:
            by_looks, reads, seconds = dice.random() < 0.5, dice.choice((0, 1, 3)), dice.choice((3, 40))
            return Trouble(kind, reads=reads) if by_looks else Trouble(kind, seconds=seconds)
        case Mishap.WORSE:
            return Trouble(kind, bps=dice.choice((10, 100, 300, 5000)))
    return Trouble(kind)
