"""A browser's session: what a person may do and until when, signed with the token that opened it.

Nothing of it is stored. It ends with its time, or with the token it was signed with.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

COOKIE = "heisenbug"
LASTS_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Session:
    """A caller's role until `expires_at` (epoch seconds)."""

    role: str
    expires_at: int

    def signed(self, token: str) -> str:
        """The session as a cookie carries it."""
        told = f"{self.role}.{self.expires_at}"
        return f"{told}.{_signature(told, token)}"


def session_of(cookie: str, tokens: Mapping[str, str], now: int) -> Session | None:
    """The session that a cookie states, where one of the `tokens` (by role) signed it and its time is not over."""
    role, _, rest = cookie.partition(".")
    expires_at, _, signature = rest.partition(".")
    token = tokens.get(role)
    if not token or not expires_at.isascii() or not expires_at.isdecimal() or len(expires_at) > len(str(now)) + 1:
        return None
    is_ours = hmac.compare_digest(_signature(f"{role}.{expires_at}", token).encode(), signature.encode())
    return Session(role, int(expires_at)) if is_ours and now < int(expires_at) else None


def _signature(told: str, token: str) -> str:
    return hmac.new(token.encode(), f"session.{told}".encode(), hashlib.sha256).hexdigest()
