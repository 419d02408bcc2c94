"""What a conversion takes and gives, by Uphold's arithmetic: exact prices, and every amount rounded in its favour.

    destination.base   = origin.base / origin.rate, rounded down
    commission         = base x margin, rounded up
    destination.amount = base - commission
    origin.amount      = denomination x rate, rounded up

Denominated with target `destination` the wanted amount arrives exactly, and the commission is charged at the origin.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from heisenbug.markets.market import Quotes
from local.answers import BadRequest, read_json
from local.books import Card
from local.money import EXACT, rounded_down, rounded_up
from local.pricing import sides
from local.refusals import Refused, invalid, invalid_value, required

MOST_REFERENCE_CHARACTERS = 100
_AMOUNT = re.compile(r"\d{1,18}(\.\d{1,18})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a quote is asked for: `amount` of `currency`, counted at the `target` (origin or destination)."""

    origin: Card
    destination: Card
    amount: Decimal
    currency: str
    target: str
    reference: str | None
    message: str | None
    priority: str


@dataclass(frozen=True, slots=True)
class Terms:
    """The amounts of a conversion; rates are exact, in units of the side's own currency.

    `origin_rate` is the price of one unit of the destination, `denomination_rate` of one unit of the denomination.
    """

    origin_amount: Decimal
    origin_base: Decimal
    origin_commission: Decimal
    origin_rate: Fraction
    destination_amount: Decimal
    destination_base: Decimal
    destination_commission: Decimal
    denomination_rate: Fraction


class NotQuoted(Exception):
    """The market has no price for this now."""


def read_wish(body: bytes, origin: Card, cards: Mapping[str, Card]) -> Wish:
    """The wish of a request's body for a conversion from `origin` to another of the cards; raises Refused."""
    wanted = read_object(body)
    denomination = wanted.get("denomination")
    if not isinstance(denomination, dict):
        raise Refused(required("denomination"))
    destination = _destination(wanted.get("destination"), origin, cards)
    currency = _currency(denomination.get("currency"))
    target = _target(denomination.get("target"), currency, origin, destination)
    reference, message = _text(wanted, "reference"), _text(wanted, "message")
    priority = str(wanted.get("priority", "normal"))
    return Wish(origin, destination, _amount(denomination), currency, target, reference, message, priority)


def read_object(body: bytes) -> dict[str, object]:
    """The JSON object of a request's body; raises Refused."""
    try:
        wanted = read_json(body)
    except BadRequest:
        wanted = None
    if not isinstance(wanted, dict):
        raise Refused(required("object"))
    return wanted


def terms(wish: Wish, quotes: Quotes, margin_percent: Decimal, worse_bps: int = 0) -> Terms:
    """The amounts of a wish at these quotes, buying at the ask, the price made worse by so many bps.

    Raises NotQuoted where there is no price.
    """
    origin, destination = wish.origin.currency, wish.destination.currency
    rate = _sides(quotes, destination, origin)[1] * Fraction(10_000 + worse_bps, 10_000)
    share = Fraction(margin_percent) / 100
    if wish.target == "origin":
        return _deducted(wish, rate, _sides(quotes, wish.currency, origin)[1], share)
    return _on_top(wish, rate, _sides(quotes, wish.currency, destination)[0], share)


def _deducted(wish: Wish, rate: Fraction, denomination_rate: Fraction, share: Fraction) -> Terms:
    """So much is taken, and the commission kept from what arrives."""
    taken = rounded_up(Fraction(wish.amount) * denomination_rate, wish.origin.currency)
    base = rounded_down(Fraction(taken) / rate, wish.destination.currency)
    commission = rounded_up(Fraction(base) * share, wish.destination.currency)
    given = EXACT.subtract(base, commission)
    return Terms(taken, taken, Decimal(0), rate, given, base, commission, denomination_rate)


def _on_top(wish: Wish, rate: Fraction, destination_rate: Fraction, share: Fraction) -> Terms:
    """So much arrives, and the commission is taken on top."""
    given = rounded_down(Fraction(wish.amount) * destination_rate, wish.destination.currency)
    base = rounded_up(Fraction(given) * rate, wish.origin.currency)
    commission = rounded_up(Fraction(base) * share, wish.origin.currency)
    taken = EXACT.add(base, commission)
    return Terms(taken, base, commission, rate, given, given, Decimal(0), destination_rate * rate)


def _sides(quotes: Quotes, base: str, quote: str) -> tuple[Fraction, Fraction]:
    found = sides(quotes, base, quote)
    if found is None:
        raise NotQuoted(f"{base} has no price in {quote} now")
    return found


def _destination(wanted: object, origin: Card, cards: Mapping[str, Card]) -> Card:
    if wanted in (None, ""):
        raise Refused(required("destination"))
    if not isinstance(wanted, str) or wanted not in cards or wanted == origin.id:
        raise Refused(invalid("destination", "invalid_destination", "The destination is not another card of yours"))
    return cards[wanted]


def _amount(denomination: Mapping[str, object]) -> Decimal:
    wanted = denomination.get("amount")
    if wanted in (None, ""):
        raise Refused(required("denomination", "amount"))
    text = f"{Decimal(repr(wanted)):f}" if isinstance(wanted, float) else str(wanted)
    if isinstance(wanted, bool) or not _AMOUNT.fullmatch(text) or not Decimal(text):
        raise Refused(invalid_value("denomination", "amount"))
    return Decimal(text)


def _currency(wanted: object) -> str:
    if wanted in (None, ""):
        raise Refused(required("denomination", "currency"))
    if not isinstance(wanted, str):
        raise Refused(invalid_value("denomination", "currency"))
    return wanted


def _target(wanted: object, currency: str, origin: Card, destination: Card) -> str:
    if wanted in ("origin", "destination"):
        return str(wanted)
    if wanted is not None:
        raise Refused(invalid_value("denomination", "target"))
    converts = origin.currency != destination.currency
    return "destination" if converts and currency == destination.currency else "origin"


def _text(wanted: Mapping[str, object], field: str) -> str | None:
    text = wanted.get(field)
    if text is not None and not isinstance(text, str):
        raise Refused(invalid_value(field))
    if field == "reference" and len(text or "") > MOST_REFERENCE_CHARACTERS:
        why = f"This value should have at most {MOST_REFERENCE_CHARACTERS} characters"
        raise Refused(invalid(field, "length", why))
    return text
