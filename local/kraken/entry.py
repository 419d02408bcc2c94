"""Who is let in: the key, a nonce that only grows, and the signature over path, nonce and body."""

import base64
import binascii
import hashlib
import hmac
import threading
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import parse_qsl

from local.answers import Request

INVALID_KEY = "EAPI:Invalid key"
INVALID_SIGNATURE = "EAPI:Invalid signature"
INVALID_NONCE = "EAPI:Invalid nonce"
DEMO_KEY = "demo-key"
DEMO_SECRET = base64.b64encode(b"a secret of the simulated exchange").decode()


@dataclass(frozen=True, slots=True)
class Rules:
    """Whom it lets in and what it takes: the fee in percent, and how much is in each level of a book, in the quote."""

    key: str = DEMO_KEY
    secret: str = DEMO_SECRET
    fee_percent: Decimal = Decimal("0.40")
    level_value: Decimal = Decimal(20_000)
    least_cost: Decimal = Decimal("0.5")
    halted: frozenset[str] = frozenset()


@dataclass(slots=True)
class Entry:
    """The door; it remembers the highest nonce."""

    rules: Rules
    highest: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refused(self, request: Request) -> str | None:
        """Why a request is not let in, or nothing."""
        nonce = dict(parse_qsl(request.body.decode())).get("nonce", "")
        if request.headers.get("api-key") != self.rules.key:
            return INVALID_KEY
        if not hmac.compare_digest(request.headers.get("api-sign", ""), signature(request, nonce, self.rules.secret)):
            return INVALID_SIGNATURE
        with self._lock:
            if not nonce.isdecimal() or int(nonce) <= self.highest:
                return INVALID_NONCE
            self.highest = int(nonce)
        return None


def signature(request: Request, nonce: str, secret: str) -> str:
    """HMAC-SHA512 of the path and the SHA256 of nonce and body, under the decoded secret."""
    try:
        key = base64.b64decode(secret, validate=True)
    except binascii.Error:
        key = b""
    inner = hashlib.sha256(nonce.encode() + request.body).digest()
    return base64.b64encode(hmac.new(key, request.path.encode() + inner, hashlib.sha512).digest()).decode()
