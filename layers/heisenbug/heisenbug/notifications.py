"""Trying out the ways to a person: asked of the function that tells, which alone may read the token and publish."""

from collections.abc import Callable, Mapping
from typing import Any

from heisenbug.domain.errors import FieldError, HeisenbugError, InvalidSettings

Plain = dict[str, Any]


class NotSent(HeisenbugError):
    """What was tried out did not arrive, as far as anybody knows; the text says why and what to do."""


class Notifications:
    """The ways of one bot; `ask` gives the function's answer to what it is sent."""

    def __init__(self, ask: Callable[[Mapping[str, Any]], Plain]) -> None:
        self._ask = ask

    def test(self, way: Any) -> Plain:
        """Send one notification this way, whatever is chosen; raises InvalidSettings or NotSent."""
        answer = self._ask({"test": way})
        if "fields" in answer:
            raise InvalidSettings([FieldError(**error) for error in answer["fields"]])
        if "error" in answer:
            raise NotSent(answer["error"])
        return {"way": answer["way"], "says": answer["says"]}
