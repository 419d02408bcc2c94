"""The JSON of cards, transactions and the user, as Uphold writes them."""

from decimal import Decimal
from fractions import Fraction
from uuid import NAMESPACE_URL, uuid5

from heisenbug.markets.market import Quotes
from local.answers import Json
from local.books import Card, Conversion, Status
from local.money import amount_text, nearest, rate_text, rounded_down, rounded_up
from local.pricing import sides
from local.quoting import Terms, Wish
from local.refusals import moment
from local.ticker import DEFAULT_CURRENCY

NAME = "Example User"
_USD = DEFAULT_CURRENCY
USER_ID = str(uuid5(NAMESPACE_URL, "simulated-exchange/user"))


def user_body(currencies: tuple[str, ...], otp_on_transfers: bool) -> Json:
    """`GET /v0/me`."""
    transactions = {
        "send": {"enabled": False},
        "transfer": {"enabled": otp_on_transfers},
        "withdraw": {"crypto": {"enabled": True}},
    }
    otp = {"login": {"enabled": True}, "transactions": transactions}
    settings = {"currency": DEFAULT_CURRENCY, "otp": otp, "theme": "minimalistic"}
    return {
        "country": "US",
        "currencies": list(currencies),
        "id": USER_ID,
        "name": NAME,
        "settings": settings,
        "status": "ok",
        "username": "simulated",
    }


def card_body(card: Card, position: int, quotes: Quotes) -> Json:
    """One item of `GET /v0/me/cards`, with its value in USD at the bid where there is one."""
    return {
        "address": {},
        "available": amount_text(card.available, card.currency),
        "balance": amount_text(card.balance, card.currency),
        "currency": card.currency,
        "id": card.id,
        "label": card.label,
        "lastTransactionAt": None if card.last_at is None else moment(card.last_at),
        "normalized": _normalized_card(card, quotes),
        "settings": {"position": position, "protected": False, "starred": True},
    }


def pending_body(
    offer_id: str, wish: Wish, terms: Terms, margin_percent: Decimal, now: float, ttl_seconds: float, quotes: Quotes
) -> Json:
    """A quote, before its commit."""
    converts = wish.origin.currency != wish.destination.currency
    params = {
        "currency": wish.origin.currency,
        "margin": percent_text(margin_percent),
        "pair": wish.destination.currency + wish.origin.currency,
        "rate": _rate(terms.origin_rate, wish.origin.currency),
        "ttl": round(ttl_seconds * 1000),
        "type": "transfer" if converts else "internal",
    }
    reference = {} if wish.reference is None else {"reference": wish.reference}
    return {
        "application": None,
        "createdAt": moment(now),
        "denomination": _denomination(wish, terms),
        "destination": _destination(wish, terms),
        "fees": _fees(wish, terms, margin_percent),
        "id": offer_id,
        "message": wish.message,
        "network": "uphold",
        "normalized": _normalized(wish, terms, quotes),
        "origin": _origin(wish, terms),
        "params": params,
        "priority": wish.priority,
        **reference,
        "status": "pending",
        "type": "transfer",
    }


def committed_body(conversion: Conversion) -> Json:
    """A committed transaction: the quote with its sources and how far it is."""
    body, done = conversion.body, conversion.status == Status.COMPLETED
    source = {
        "amount": amount_text(conversion.origin_amount, conversion.origin_currency),
        "id": str(uuid5(NAMESPACE_URL, f"simulated-exchange/sources/{conversion.origin_card}")),
    }
    return {
        **body,
        "origin": {**_part(body, "origin"), "sources": [source]},
        "params": {**_part(body, "params"), "progress": "1" if done else "0"},
        "reference": conversion.reference,
        "status": str(conversion.status),
    }


def _part(body: Json, name: str) -> Json:
    part = body[name]
    return part if isinstance(part, dict) else {}


def _denomination(wish: Wish, terms: Terms) -> Json:
    return {
        "amount": amount_text(wish.amount, wish.currency),
        "currency": wish.currency,
        "pair": wish.currency + wish.origin.currency,
        "rate": _cents(rate_text(terms.denomination_rate, wish.origin.currency)),
        "target": wish.target,
    }


def _origin(wish: Wish, terms: Terms) -> Json:
    amounts = (terms.origin_amount, terms.origin_base, terms.origin_commission)
    return {**_side(wish.origin, *amounts, terms.origin_rate), "sources": []}


def _destination(wish: Wish, terms: Terms) -> Json:
    amounts = (terms.destination_amount, terms.destination_base, terms.destination_commission)
    return _side(wish.destination, *amounts, 1 / terms.origin_rate)


def _side(card: Card, amount: Decimal, base: Decimal, commission: Decimal, rate: Fraction) -> Json:
    return {
        "CardId": card.id,
        "amount": amount_text(amount, card.currency),
        "base": amount_text(base, card.currency),
        "commission": amount_text(commission, card.currency),
        "currency": card.currency,
        "description": NAME,
        "fee": amount_text(Decimal(0), card.currency),
        "isMember": True,
        "node": {"id": card.id, "type": "card", "user": {"id": USER_ID}},
        "rate": _rate(rate, card.currency),
        "type": "card",
    }


def _fees(wish: Wish, terms: Terms, margin_percent: Decimal) -> list[Json]:
    target, currency, commission = charged(wish, terms)
    if not commission:
        return []
    percentage = percent_text(margin_percent)
    amount = amount_text(commission, currency)
    return [{"amount": amount, "currency": currency, "percentage": percentage, "target": target, "type": "exchange"}]


def charged(wish: Wish, terms: Terms) -> tuple[str, str, Decimal]:
    """Where the commission is charged, in which currency, and how much."""
    if wish.target == "origin":
        return "destination", wish.destination.currency, terms.destination_commission
    return "origin", wish.origin.currency, terms.origin_commission


def percent_text(percent: Decimal) -> str:
    """A percentage with two decimals, or more where it has them."""
    return f"{percent:.2f}" if round(percent, 2) == percent else f"{percent:f}"


def _normalized(wish: Wish, terms: Terms, quotes: Quotes) -> list[Json]:
    """What leaves, and the commission, in USD."""
    target, currency, commission = charged(wish, terms)
    worth, worth_of_commission = sides(quotes, wish.origin.currency, _USD), sides(quotes, currency, _USD)
    if worth is None or worth_of_commission is None:
        return []
    value = nearest(Fraction(terms.origin_amount) * worth[0], _USD)
    return [
        {
            "amount": amount_text(value, _USD),
            "commission": amount_text(rounded_up(Fraction(commission) * worth_of_commission[0], _USD), _USD),
            "currency": _USD,
            "fee": "0.00",
            "rate": rate_text(worth[0], _USD),
            "target": target,
        }
    ]


def _normalized_card(card: Card, quotes: Quotes) -> list[Json]:
    worth = sides(quotes, card.currency, _USD)
    if worth is None:
        return []
    available, balance = (
        amount_text(rounded_down(Fraction(held) * worth[0], _USD), _USD) for held in (card.available, card.balance)
    )
    return [{"available": available, "balance": balance, "currency": _USD}]


def _cents(number: str) -> str:
    """The number without trailing zeros, but with two decimals."""
    kept = number.rstrip("0")
    return kept + "0" * (2 - len(kept.partition(".")[2]))


def _rate(rate: Fraction, currency: str) -> str:
    return "1.00" if rate == 1 else rate_text(rate, currency)
