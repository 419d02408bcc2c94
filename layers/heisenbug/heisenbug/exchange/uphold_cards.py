"""Cards as balances: which card stands for an asset, and what may be spent of it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from heisenbug.domain.errors import MarketUnavailable, NeedsPerson
from heisenbug.exchange.words import decimal, words

# What may stand in an address: ids of cards and of transactions.
ID = re.compile(r"[A-Za-z0-9-]{8,64}")


@dataclass(frozen=True, slots=True)
class Card:
    """One account of one asset; `available` is what may be spent of it now."""

    id: str
    asset: str
    available: Decimal
    label: str = ""
    position: int = 0


def cards_of(rows: Iterable[Any]) -> tuple[Card, ...]:
    """The cards that Uphold lists; a card without id, currency or amount is left out."""
    return tuple(card for card in map(_card, rows) if card is not None)


def card_for(asset: str, cards: Sequence[Card], pinned: Mapping[str, str]) -> Card:
    """The pinned card of `asset`, else its first one by position and then by id; raises NeedsPerson."""
    own = sorted((card for card in cards if card.asset == asset), key=lambda card: (card.position, card.id))
    wanted = pinned.get(asset)
    if wanted is None and own:
        return own[0]
    for card in cards:
        if card.id == wanted and card.asset == asset:
            return card
    raise NeedsPerson(_missing(asset, wanted, cards))


def is_id(value: Any) -> bool:
    """Whether it is an id that may stand in an address."""
    return isinstance(value, str) and ID.fullmatch(value) is not None


def _card(row: Any) -> Card | None:
    if not isinstance(row, Mapping) or not is_id(row.get("id")) or not isinstance(row.get("currency"), str):
        return None
    settings = row.get("settings")
    position = settings.get("position") if isinstance(settings, Mapping) else 0
    try:
        available = decimal(row.get("available"), "available amount")
    except MarketUnavailable:
        return None
    return Card(row["id"], row["currency"], available, words(row.get("label")), _whole(position))


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _missing(asset: str, wanted: str | None, cards: Sequence[Card]) -> str:
    if wanted is None:
        return (
            f"There is no {asset} card at Uphold. Create one there, or take {asset} out of the budget. "
            "Then: heisenbug rearm."
        )
    other = next((card for card in cards if card.id == wanted), None)
    wrong = f"holds {words(other.asset)}" if other else "is not there any more"
    return (
        f"The card {wanted} that the settings name for {asset} {wrong}. Name another in the setting cards, "
        "say again what may be risked (heisenbug live), then: heisenbug rearm."
    )
