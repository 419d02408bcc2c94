"""A conversion from the wish to the outcome, and what each stage of it states."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import isfinite

from heisenbug.domain.leg import Leg


class TradeState(StrEnum):
    """Where a trade is in its life; see docs/trade-life.md."""

    INTENDED = "INTENDED"
    COMMITTING = "COMMITTING"
    EXECUTED = "EXECUTED"
    FAILED = "FAILED"
    UNRESOLVED = "UNRESOLVED"
    SKIPPED = "SKIPPED"
    ABANDONED = "ABANDONED"


@dataclass(frozen=True, slots=True)
class VenueQuote:
    """What the venue offers for one conversion, valid until `expires_at` (epoch seconds)."""

    id: str
    source: str
    target: str
    amount: Decimal
    receives: Decimal
    expires_at: int


class Settlement(StrEnum):
    """What the venue says of a commit."""

    COMPLETED = "completed"
    PROCESSING = "processing"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Filled:
    """The venue's word on a committed quote: how far it is, what it moved, and where it says so, why it failed."""

    settlement: Settlement
    amount: Decimal
    received: Decimal
    says: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the decision expected of a conversion (fractions), and the mids it was decided at, in the base currency."""

    confidence: float
    expected_return: float
    expected_log_return: float
    risk: float
    cost: float
    source_price: float
    target_price: float


@dataclass(frozen=True, slots=True)
class Trade:
    """One conversion of `amount` source into target, decided at `due` (epoch seconds); the rest comes as known.

    `exit` names what sent a holding back to the base currency; empty where that was an ordinary conversion.
    It may be a `leg` of a longer one.
    """

    id: str
    mode: str
    due: int
    source: str
    target: str
    amount: Decimal
    expected: Expected
    reason: str
    state: TradeState = TradeState.INTENDED
    lease_until: int = 0
    quote: VenueQuote | None = None
    received: Decimal | None = None
    quoted_cost_bps: float | None = None
    realised_cost_bps: float | None = None
    outcome: str = ""
    sequence: int = 0
    finished_at: int | None = None
    exit: str = ""
    leg: Leg | None = None

    @property
    def decided(self) -> tuple[str, str]:
        """The assets of the conversion that was decided: of a leg, those of the whole."""
        return (self.leg.origin, self.leg.goal) if self.leg else (self.source, self.target)


def trade_id(bot_id: str, mode: str, due: int, source: str, target: str) -> str:
    """The one id of a decision: the same decision always has the same id."""
    return hashlib.sha256(f"{bot_id}|{mode}|{due}|{source}|{target}".encode()).hexdigest()[:24]


def if_known(number: float) -> float | None:
    """A number as tables and clients take it: what a decision could not know, as an exit need not, is None."""
    return number if isfinite(number) else None


def cost_fraction(amount: Decimal, received: Decimal, source_price: float, target_price: float) -> float:
    """All-in cost from the amounts, as a fraction: 1 - received x mid(target) / (amount x mid(source))."""
    return 1 - float(received) * target_price / (float(amount) * source_price)
