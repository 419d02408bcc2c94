"""The truth about the simulated account: what is on its cards and every conversion that happened."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum

from local.answers import Json
from local.money import EXACT

NOTHING = Decimal(0)


class Status(StrEnum):
    """How far a committed conversion is; money has moved where it is completed, and only there."""

    PROCESSING = "processing"
    ON_HOLD = "on_hold"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Card:
    """What is held of one currency in one place; `reserved` of the balance belongs to commits under way."""

    id: str
    currency: str
    label: str
    balance: Decimal
    reserved: Decimal = NOTHING
    last_at: float | None = None

    @property
    def available(self) -> Decimal:
        """What may be spent."""
        return EXACT.subtract(self.balance, self.reserved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A quote: what leaves one card and what arrives on the other, until `expires_at` (epoch seconds).

    `commission` is part of what leaves, or kept from what arrives, in `commission_currency`; `body` is its JSON.
    """

    id: str
    reference: str | None
    origin_card: str
    origin_currency: str
    origin_amount: Decimal
    destination_card: str
    destination_currency: str
    destination_amount: Decimal
    commission: Decimal
    commission_currency: str
    created_at: float
    expires_at: float
    body: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion(Offer):
    """A committed quote, as the exchange shows it; `landed_at` is when it was completed or failed.

    While it is under way it `ends` so after `reads_left` more looks, or at `due_at`, whichever comes first.
    """

    committed_at: float
    status: Status
    landed_at: float | None = None
    ends: Status = Status.COMPLETED
    reads_left: int | None = None
    due_at: float | None = None

    @property
    def under_way(self) -> bool:
        """Whether its end is still to come."""
        return self.landed_at is None


@dataclass(frozen=True, slots=True)
class Landing:
    """A commit whose answer was an error, and which is carried out all the same at `lands_at`; unseen until then."""

    offer: Offer
    committed_at: float
    lands_at: float


@dataclass(frozen=True, slots=True)
class Books:
    """The account at one moment, and what every currency opened with."""

    opening: Mapping[str, Decimal]
    cards: tuple[Card, ...]
    offers: tuple[Offer, ...] = ()
    conversions: tuple[Conversion, ...] = ()
    landings: tuple[Landing, ...] = ()

    def balances(self) -> dict[str, Decimal]:
        """What is held of every currency, on all of its cards."""
        return _totals((card.currency, card.balance) for card in self.cards)

    def moved(self) -> dict[str, Decimal]:
        """What completed conversions brought to each currency, less what they took."""
        done = [conversion for conversion in self.conversions if conversion.status == Status.COMPLETED]
        taken = [(each.origin_currency, -each.origin_amount) for each in done]
        return _totals(taken + [(each.destination_currency, each.destination_amount) for each in done])

    def commissions(self) -> dict[str, Decimal]:
        """What the exchange kept of completed conversions; contained in `moved`, stated apart."""
        done = [conversion for conversion in self.conversions if conversion.status == Status.COMPLETED]
        return _totals((each.commission_currency, each.commission) for each in done)

    def discrepancies(self) -> dict[str, Decimal]:
        """By how much a currency's balance differs from its opening and what moved; empty where value is conserved."""
        expected = _totals([*self.opening.items(), *self.moved().items()])
        held = self.balances()
        differences = {
            currency: EXACT.subtract(held.get(currency, NOTHING), expected.get(currency, NOTHING))
            for currency in expected.keys() | held.keys()
        }
        return {currency: difference for currency, difference in differences.items() if difference}

    def conserved(self) -> bool:
        """Whether every currency holds what it opened with and what moved, to the last digit, and none is overspent."""
        return not self.discrepancies() and all(0 <= card.reserved <= card.balance for card in self.cards)


def committed(offer: Offer, committed_at: float, status: Status, **end: object) -> Conversion:
    """The conversion that a quote becomes by its commit."""
    terms = {part.name: getattr(offer, part.name) for part in fields(Offer)}
    return Conversion(**terms, committed_at=committed_at, status=status, **end)  # type: ignore[arg-type]


def _totals(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for currency, amount in amounts:
        totals[currency] = EXACT.add(totals.get(currency, NOTHING), amount)
    return totals
