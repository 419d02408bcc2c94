"""What carries a sentence to a person, and the three ways in which that can fail."""

from typing import Protocol

from heisenbug.domain.errors import HeisenbugError


class NotNow(HeisenbugError):
    """The sentence surely did not arrive, and may be sent again later."""


class Unanswered(HeisenbugError):
    """Nobody knows whether the sentence arrived; it is not sent again."""


class Carrier(Protocol):
    """One way to a person."""

    def send(self, says: str) -> str:
        """Send it once; where it went, for the person who tries it out.

        Raises InvalidSettings where nothing will arrive before a person mends what it names, NotNow and Unanswered.
        """
