"""A quote: the wish of a request at the market's prices, under the rules, or the reason why there is none."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from heisenbug.markets.market import Quotes
from local.account import NotEnough
from local.answers import Answer, Request
from local.books import Offer
from local.money import amount_text, rounded_down, rounded_up, smallest
from local.pricing import margin, sides
from local.quoting import NotQuoted, Terms, Wish, terms
from local.refusals import Refused, above_maximum, below_minimum, halted, not_quoted
from local.rules import Rules
from local.shapes import charged, pending_body
from local.ticker import DEFAULT_CURRENCY
from local.trouble import Mishap, Trouble

SAME_CURRENCY_TTL_SECONDS = 3600.0
WORSE_BPS = 300
# What the commission may take of the smallest conversion: one unit goes, one arrives.
LEAST_UNITS = 2


@dataclass(frozen=True, slots=True)
class Moment:
    """One request and what it meets: the wall clock (epoch seconds), the prices, the halted assets, its trouble."""

    request: Request
    now: float
    quotes: Quotes
    halted: Collection[str] = ()
    trouble: Trouble | None = None

    def has(self, kind: Mishap) -> bool:
        """Whether this trouble comes with it."""
        return self.trouble is not None and self.trouble.kind == kind


def make_offer(offer_id: str, wish: Wish, rules: Rules, moment: Moment) -> Offer:
    """The quote for a wish; raises Refused, or NotEnough where the card has not as much."""
    _refuse_halted(wish, moment.halted)
    percent = _margin_percent(wish, rules)
    try:
        amounts = terms(wish, moment.quotes, percent, _worse_bps(moment))
    except NotQuoted as problem:
        raise Refused(not_quoted(str(problem))) from None
    _refuse_size(wish, amounts, rules, moment.quotes)
    if amounts.origin_amount > wish.origin.available:
        raise NotEnough
    return _written(offer_id, wish, amounts, percent, _ttl_seconds(wish, rules, moment), moment)


def _written(offer_id: str, wish: Wish, amounts: Terms, percent: Decimal, ttl_seconds: float, moment: Moment) -> Offer:
    _, commission_currency, commission = charged(wish, amounts)
    return Offer(
        id=offer_id,
        reference=wish.reference,
        origin_card=wish.origin.id,
        origin_currency=wish.origin.currency,
        origin_amount=amounts.origin_amount,
        destination_card=wish.destination.id,
        destination_currency=wish.destination.currency,
        destination_amount=amounts.destination_amount,
        commission=commission,
        commission_currency=commission_currency,
        created_at=moment.now,
        expires_at=moment.now + ttl_seconds,
        body=pending_body(offer_id, wish, amounts, percent, moment.now, ttl_seconds, moment.quotes),
    )


def _margin_percent(wish: Wish, rules: Rules) -> Decimal:
    origin, destination = wish.origin.currency, wish.destination.currency
    if rules.margin_percent is None or origin == destination:
        return margin(origin, destination, rules.margins)
    return rules.margin_percent


def _worse_bps(moment: Moment) -> int:
    if moment.trouble is None or not moment.has(Mishap.WORSE):
        return 0
    return WORSE_BPS if moment.trouble.bps is None else moment.trouble.bps


def _ttl_seconds(wish: Wish, rules: Rules, moment: Moment) -> float:
    if moment.has(Mishap.TTL_ZERO):
        return 0.0
    converts = wish.origin.currency != wish.destination.currency
    return rules.ttl_seconds if converts else SAME_CURRENCY_TTL_SECONDS


def _refuse_halted(wish: Wish, assets: Collection[str]) -> None:
    if wish.destination.currency in assets:
        raise Refused(halted("destination", wish.destination.currency))
    for asset in (wish.currency, wish.origin.currency):
        if asset in assets:
            raise Refused(halted("denomination", asset))


def _refuse_size(wish: Wish, amounts: Terms, rules: Rules, quotes: Quotes) -> None:
    """Refuse what is worth too little or too much, and what would arrive as nothing."""
    if amounts.destination_amount <= 0:
        least = LEAST_UNITS * smallest(wish.destination.currency)
        raise Refused(_below(wish, least, wish.destination.currency, quotes))
    prices = sides(quotes, wish.origin.currency, DEFAULT_CURRENCY)
    if prices is None:
        return
    value = Fraction(amounts.origin_amount) * prices[0]
    if value < rules.least_value:
        raise Refused(_below(wish, rules.least_value, DEFAULT_CURRENCY, quotes))
    if rules.most_value is not None and value > rules.most_value:
        raise Refused(_above(wish, rules.most_value, quotes))


def _below(wish: Wish, least: Decimal, currency: str, quotes: Quotes) -> Answer:
    """Too little: the threshold is what `least` costs in the currency of the denomination."""
    prices = sides(quotes, currency, wish.currency)
    threshold = Fraction(least) * (prices[1] if prices else 0)
    return below_minimum(amount_text(rounded_up(threshold, wish.currency), wish.currency))


def _above(wish: Wish, most: Decimal, quotes: Quotes) -> Answer:
    """Too much: the threshold is what `most` USD buy of the destination."""
    currency = wish.destination.currency
    prices = sides(quotes, DEFAULT_CURRENCY, currency)
    threshold = Fraction(most) * (prices[0] if prices else 0)
    return above_maximum(amount_text(rounded_down(threshold, currency), currency))
