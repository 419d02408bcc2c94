"""What no two bots may have: a card, and an account that cannot be divided by cards."""

from collections.abc import Mapping

from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.settings import Settings
from heisenbug.domain.venue import Venue

WAY_OUT = "name another card, or take it out of the cards there, or remove that bot, first."
Claims = Mapping[str, FieldError]


def claimed(settings: Settings, venue: Venue, holder: str = "another bot") -> Claims:
    """What a bot with these settings has for itself, each with what is told whoever wants it while `holder` has it."""
    cards = {_card(venue, card): card for card in (settings.cards or {}).values()}
    found = {
        claim: FieldError("cards", f"cards: {card} is a card of bot {holder}'s at {venue.title} already; {WAY_OUT}")
        for claim, card in cards.items()
    }
    if venue.has_books and settings.mode == "live":
        found[f"{venue.name}#account"] = FieldError(
            "mode",
            f"mode: bot {holder} trades live money with the one account at {venue.title} already, which no cards "
            "divide; set mode=paper there, or remove it, first.",
        )
    return found


def refuse_held(settings: Settings, venue: Venue, bot_id: str, holders: Mapping[str, str]) -> None:
    """Raise InvalidSettings naming every field by which these settings take what another bot has."""
    held = {holders[claim] for claim in claimed(settings, venue) if holders.get(claim, bot_id) != bot_id}
    errors = [
        told
        for holder in sorted(held)
        for claim, told in claimed(settings, venue, holder).items()
        if holders.get(claim) == holder
    ]
    if errors:
        raise InvalidSettings(errors)


def _card(venue: Venue, card: str) -> str:
    return f"{venue.name}#{card.lower()}"
