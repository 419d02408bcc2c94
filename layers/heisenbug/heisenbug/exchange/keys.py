"""What a venue knows its customer by, where that is a key and a secret; kept as one text."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from heisenbug.domain.errors import FieldError

KEY = re.compile(r"[!-~]{8,400}")
# Some are several lines with spaces in them.
SECRET = re.compile(r"[ -~\n]{8,3000}")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key, and the secret that signs with it and is never sent."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "KeyPair(hidden)"

    def faults(self) -> Iterator[FieldError]:
        """What is wrong with it, without repeating anything of it."""
        if not KEY.fullmatch(self.key):
            yield FieldError("key", "key must be 8 to 400 letters, digits and signs without spaces.")
        if not SECRET.fullmatch(self.secret):
            yield FieldError("secret", "secret must be 8 to 3000 letters, digits and signs.")

    def text(self) -> str:
        """As it is stored."""
        return json.dumps({"key": self.key, "secret": self.secret})


def key_pair(stored: str) -> KeyPair | None:
    """The pair that was stored so, or None where that is something else."""
    try:
        told = json.loads(stored)
    except ValueError:
        return None
    if not isinstance(told, Mapping) or not all(isinstance(told.get(name), str) for name in ("key", "secret")):
        return None
    pair = KeyPair(told["key"].strip(), told["secret"].strip())
    return None if list(pair.faults()) else pair
