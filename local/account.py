"""The simulated account: cards, quotes and commits. Nothing moves but by a commit, and no quote twice."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar
from uuid import NAMESPACE_URL, uuid5

from local.books import Books, Card, Conversion, Landing, Offer, Status, committed
from local.money import EXACT, cut


class Unknown(Exception):
    """There is no such card, no such quote (any more), or no such conversion."""


class CommittedBefore(Exception):
    """The quote was carried out by an earlier commit."""


class NotEnough(Exception):
    """The card has not as much to spend."""


@dataclass(frozen=True, slots=True)
class Fate:
    """How a commit goes on: shown as `status` for `reads` looks or `seconds`, then it `ends`; by itself at once."""

    status: Status = Status.COMPLETED
    reads: int | None = None
    seconds: float | None = None
    ends: Status = Status.COMPLETED


AT_ONCE = Fate()
_Kept = TypeVar("_Kept")


class Account:
    """The one account of the exchange; every change is made under its lock.

    Times are epoch seconds and come with each call; what is due by then is settled by `settle`, in order.
    """

    def __init__(self, books: Books) -> None:
        self._lock = threading.RLock()
        self._opening = dict(books.opening)
        self._cards = {card.id: card for card in books.cards}
        self._offers = {offer.id: offer for offer in books.offers}
        self._conversions = {conversion.id: conversion for conversion in books.conversions}
        self._landings = list(books.landings)
        self.changes = 0

    def books(self) -> Books:
        """Everything as it is now."""
        with self._lock:
            return Books(
                dict(self._opening),
                tuple(self._cards.values()),
                tuple(self._offers.values()),
                tuple(self._conversions.values()),
                tuple(self._landings),
            )

    def cards(self) -> tuple[Card, ...]:
        """All cards, in the order of their positions."""
        with self._lock:
            return tuple(self._cards.values())

    def card(self, card_id: str) -> Card:
        """One card; raises Unknown."""
        with self._lock:
            return _known(self._cards, card_id)

    def open_card(self, currency: str, label: str) -> Card:
        """One more card, empty."""
        with self._lock:
            card = Card(card_id(currency, len(self._cards)), currency, label, cut(Decimal(0), currency))
            self._cards[card.id] = card
            self.changes += 1
            return card

    def offer(self, offer: Offer) -> None:
        """Remember a quote until it expires; nothing is reserved."""
        with self._lock:
            self._offers[offer.id] = offer

    def commit(self, card_id: str, offer_id: str, now: float, fate: Fate = AT_ONCE) -> Conversion:
        """Carry out a quote of that card, once; raises Unknown, CommittedBefore or NotEnough."""
        with self._lock:
            offer = self._open_offer(card_id, offer_id, now)
            self._reserve(offer)
            due_at = None if fate.seconds is None else now + fate.seconds
            under_way = committed(offer, now, fate.status, ends=fate.ends, reads_left=fate.reads, due_at=due_at)
            self._conversions[offer_id] = under_way
            self.changes += 1
            return self._ended(under_way, now) if fate.status == Status.COMPLETED else under_way

    def commit_late(self, card_id: str, offer_id: str, now: float, seconds: float) -> None:
        """Take a commit on, show nothing of it, and carry it out `seconds` later; raises as `commit` does."""
        with self._lock:
            offer = self._open_offer(card_id, offer_id, now)
            if self._cards[offer.origin_card].available < offer.origin_amount:
                raise NotEnough
            if not any(landing.offer.id == offer_id for landing in self._landings):
                self._landings.append(Landing(offer, now, now + seconds))
                self.changes += 1

    def conversion(self, conversion_id: str) -> Conversion:
        """A committed conversion, by itself and not looked at; raises Unknown."""
        with self._lock:
            return _known(self._conversions, conversion_id)

    def look(self, conversion_id: str, now: float) -> Conversion:
        """A committed conversion; one under way comes nearer to its end by each look. Raises Unknown."""
        with self._lock:
            conversion = self.conversion(conversion_id)
            if not conversion.under_way or conversion.reads_left is None:
                return conversion
            self.changes += 1
            if conversion.reads_left == 0:
                return self._ended(conversion, now)
            self._conversions[conversion_id] = replace(conversion, reads_left=conversion.reads_left - 1)
            return conversion

    def settle(self, now: float) -> None:
        """Let everything happen that was due by now, in the order of its time; forget the quotes that have expired."""
        with self._lock:
            self._offers = {key: offer for key, offer in self._offers.items() if now < offer.expires_at}
            due = [(landing.lands_at, self._lander(landing)) for landing in self._landings if landing.lands_at <= now]
            due += [(each.due_at, self._ender(each)) for each in self._due(now) if each.due_at is not None]
            self._landings = [landing for landing in self._landings if landing.lands_at > now]
            for at, happen in sorted(due, key=lambda each: each[0]):
                happen(at)
                self.changes += 1

    def _due(self, now: float) -> list[Conversion]:
        under_way = [each for each in self._conversions.values() if each.under_way]
        return [each for each in under_way if each.due_at is not None and each.due_at <= now]

    def _lander(self, landing: Landing) -> Callable[[float], object]:
        return lambda at: self._land(landing, at)

    def _ender(self, conversion: Conversion) -> Callable[[float], object]:
        return lambda at: self._ended(conversion, at)

    def _land(self, landing: Landing, at: float) -> None:
        """A late commit is carried out now; not where another commit did, or where the money is gone by now."""
        offer = landing.offer
        if offer.id in self._conversions or self._cards[offer.origin_card].available < offer.origin_amount:
            return
        self._reserve(offer)
        self._ended(committed(offer, landing.committed_at, Status.PROCESSING), at)

    def _open_offer(self, card_id: str, offer_id: str, now: float) -> Offer:
        if offer_id in self._conversions and self._conversions[offer_id].origin_card == card_id:
            raise CommittedBefore
        offer = _known(self._offers, offer_id)
        if offer.origin_card != card_id or now >= offer.expires_at:
            raise Unknown
        return offer

    def _reserve(self, offer: Offer) -> None:
        card = self._cards[offer.origin_card]
        if card.available < offer.origin_amount:
            raise NotEnough
        self._cards[card.id] = replace(card, reserved=EXACT.add(card.reserved, offer.origin_amount))

    def _ended(self, conversion: Conversion, at: float) -> Conversion:
        """The conversion at its end: what was reserved is free again or gone, and arrives on the other card."""
        origin = self._cards[conversion.origin_card]
        amount = conversion.origin_amount
        self._cards[origin.id] = replace(origin, reserved=EXACT.subtract(origin.reserved, amount))
        if conversion.ends == Status.COMPLETED:
            self._move(conversion.origin_card, -amount, at)
            self._move(conversion.destination_card, conversion.destination_amount, at)
        ended = replace(conversion, status=conversion.ends, landed_at=at)
        self._conversions[conversion.id] = ended
        return ended

    def _move(self, card_id: str, amount: Decimal, at: float) -> None:
        card = self._cards[card_id]
        self._cards[card_id] = replace(card, balance=EXACT.add(card.balance, amount), last_at=at)


def card_id(currency: str, number: int = 0) -> str:
    """The UUID of a card: always the same for the first one of a currency."""
    suffix = f"/{number}" if number else ""
    return str(uuid5(NAMESPACE_URL, f"simulated-exchange/cards/{currency}{suffix}"))


def opened(currencies: Sequence[str], balances: Mapping[str, Decimal]) -> Books:
    """One card a currency, empty where no balance is given; a balance opens its card too."""
    codes = sorted({*currencies, *balances})
    opening = {code: cut(balances.get(code, Decimal(0)), code) for code in codes}
    cards = tuple(Card(card_id(code), code, f"{code} card", amount) for code, amount in opening.items())
    return Books(opening, cards)


def completed(books: Books, currencies: Sequence[str]) -> Books:
    """The books with an empty card for each of the currencies that has none."""
    missing = sorted(set(currencies) - {card.currency for card in books.cards})
    return replace(books, cards=books.cards + opened(missing, {}).cards)


def _known(items: Mapping[str, _Kept], key: str) -> _Kept:
    try:
        return items[key]
    except KeyError:
        raise Unknown from None
