"""The few errors of the house, named by what the caller can do about them."""

from collections.abc import Sequence
from dataclasses import dataclass


class HeisenbugError(Exception):
    """An error whose text says what, why and what to do next."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad field and the sentence a person reads about it, the same on every surface."""

    field: str
    message: str


class InvalidSettings(HeisenbugError):
    """Settings that are not understood; nothing was changed and nothing trades on them."""

    def __init__(self, fields: Sequence[FieldError]) -> None:
        super().__init__(" ".join(error.message for error in fields))
        self.fields = tuple(fields)


class StaleVersion(HeisenbugError):
    """Someone changed the item first; read it again and repeat the change."""


class NotFound(HeisenbugError):
    """There is no such thing; the text says what there is."""


class Busy(HeisenbugError):
    """Enough is under way already; nothing was begun, the text says what to wait for."""


class MarketUnavailable(HeisenbugError):
    """The venue gave no usable answer; nothing moved, the next tick asks again."""


class Quiet(MarketUnavailable):
    """The venue wants to be left alone for a while; the text says until when."""


class Rejected(HeisenbugError):
    """The venue refused; nothing moved and asking again will not help."""


class NeedsPerson(Rejected):
    """The venue refuses everything until a person does what the text says; nothing moved."""


class MissingAct(NeedsPerson):
    """One of the acts that live money needs is missing; the text says which and how to do it."""


class Unresolved(HeisenbugError):
    """Nobody knows yet whether the conversion happened; ask the venue, never send again."""


class FenceLost(HeisenbugError):
    """Another process moved the bot's state on; this one must write nothing more."""
