"""A venue's texts and numbers, as far as they may be shown and counted with."""

from decimal import Decimal, InvalidOperation
from typing import Any

from heisenbug.domain.errors import MarketUnavailable

LONGEST_WORDS = 160
# As finely and as far as amounts are kept.
MOST_DIGITS = 38
HIGHEST_POWER = 30
REARM = "Then lift the stop: heisenbug rearm."


def words(text: Any) -> str:
    """A venue's text, short enough to be shown and without anything that is not text."""
    plain = "" if text is None else str(text)
    return "".join(letter for letter in plain if letter.isprintable())[:LONGEST_WORDS]


def several(texts: Any) -> str:
    """The texts of a venue's list, one after the other, together as short as one; nothing where it is no list."""
    return words(", ".join(words(text) for text in texts)) if isinstance(texts, list) else ""


def decimal(value: Any, what: str) -> Decimal:
    """A venue's number in any reasonable size, as text or as number; raises MarketUnavailable naming `what`."""
    try:
        number = Decimal(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not _is_reasonable(number):
        raise MarketUnavailable(f"the exchange's answer states no {what}")
    return number


def _is_reasonable(number: Decimal) -> bool:
    return (
        number.is_finite() and abs(number.adjusted()) <= HIGHEST_POWER and len(number.as_tuple().digits) <= MOST_DIGITS
    )
