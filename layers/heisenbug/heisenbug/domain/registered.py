"""The bots of a deployment: what each is known by, and which venues they can trade at."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.rules import shown
from heisenbug.domain.venue import VENUES, Venue

# As the template's parameter BotId has it.
NAME_PATTERN = "[A-Za-z0-9_-]{1,64}"
MUST = "must be a name of 1 to 64 letters, digits, _ and -"
MOST_BOTS = 100


@dataclass(frozen=True, slots=True)
class Registered:
    """One bot: where it trades, who created it and when (ISO-8601); the deployment's own has neither.

    One that was removed is kept with the time: its trades are read on under its name.
    """

    bot_id: str
    venue: str
    created_at: str = ""
    created_by: str = ""
    removed_at: str = ""


def runnable(own: Venue) -> Mapping[str, Venue]:
    """The venues that a deployment for `own` can run: those with order books take its layer, others nothing."""
    return {name: venue for name, venue in VENUES.items() if own.has_books or not venue.has_books}


def is_name(text: Any) -> bool:
    """Whether a bot could be called so."""
    return isinstance(text, str) and re.fullmatch(NAME_PATTERN, text) is not None


def checked_name(name: Any) -> str:
    """The name of a bot to be; raises InvalidSettings."""
    if not is_name(name):
        raise InvalidSettings([FieldError("name", f"name {MUST}, not {shown(name)}.")])
    return str(name)


def checked_venue(name: Any, own: Venue) -> Venue:
    """The venue of a bot to be, the deployment's `own` where none is named; raises InvalidSettings."""
    if name is None:
        return own
    can = runnable(own)
    if isinstance(name, str) and name in can:
        return can[name]
    if isinstance(name, str) and name in VENUES:
        message = (
            f"venue {name} has order books, and this deployment was built for {own.title} without what they take: "
            f"deploy with VenueName={name} (sam build, then sam deploy), or choose {' or '.join(can)}."
        )
        raise InvalidSettings([FieldError("venue", message)])
    raise InvalidSettings([FieldError("venue", f"venue must be {' or '.join(can)}, not {shown(name)}.")])


def credential_parameter(base: str, venue: Venue, own: Venue) -> str:
    """Where what opens `venue` is stored: `base` for the deployment's `own`, below it for any other."""
    return base if venue.name == own.name or not base else f"{base}/{venue.name}"
