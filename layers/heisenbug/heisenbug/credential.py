"""What opens the exchange: read from SSM Parameter Store when live money needs it, kept for minutes, shown nowhere."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from heisenbug.domain.errors import MarketUnavailable, MissingAct
from heisenbug.exchange.keys import KeyPair, key_pair

MOST_AGE_SECONDS = 300
# A store that failed in passing is left alone for so long, while there is a token to go on with.
PAUSE_SECONDS = 30
TOKEN = re.compile(r"[!-~]{8,4096}")
ABSENT = ("ParameterNotFound", "ParameterVersionNotFound")
FORBIDDEN = ("AccessDeniedException", "AccessDenied")


@dataclass(slots=True)
class Credential:
    """What is stored under `name`, a token or a pair of key and secret; `client` makes the SSM client once needed."""

    name: str
    client: Callable[[], Any]
    clock: Callable[[], datetime]
    is_pair: bool = False
    _token: str = field(default="", repr=False)
    _read_at: float = 0.0
    _again_at: float = 0.0

    def sign(self) -> Mapping[str, str]:
        """The header that proves who asks; raises MissingAct or MarketUnavailable."""
        return {"Authorization": f"Bearer {self.token()}"}

    def keys(self) -> KeyPair:
        """The key and its secret; raises MissingAct or MarketUnavailable."""
        return key_pair(self.token()) or KeyPair("", "")

    def token(self) -> str:
        """The token, read again after some minutes; one that cannot be read again for the moment is kept."""
        now = self.clock().timestamp()
        if not self._token or not 0 <= now - self._read_at < MOST_AGE_SECONDS:
            self._read(now)
        return self._token

    def missing(self) -> str:
        """Why there is no credential, or nothing; raises MarketUnavailable where that cannot be told now."""
        try:
            self.token()
        except MissingAct as missing:
            return str(missing)
        return ""

    def _read(self, now: float) -> None:
        if self._token and 0 < self._again_at - now <= PAUSE_SECONDS:
            return
        self._again_at = now + PAUSE_SECONDS
        try:
            stored = self.client().get_parameter(Name=self.name, WithDecryption=True)["Parameter"]["Value"]
        except ClientError as error:
            self._without(error.response["Error"]["Code"])
        except BotoCoreError:
            self._without("no answer")
        else:
            self._token = ""
            self._token, self._read_at = self._valid(stored), now

    def _without(self, code: str) -> None:
        store = f"store the exchange's {self._what} as the SSM SecureString {self.name}: heisenbug credential does it."
        if code in ABSENT:
            self._token = ""
            raise MissingAct(f"There is no credential; {store}")
        if code in FORBIDDEN:
            self._token = ""
            raise MissingAct(f"The trader may not read {self.name}: deploy with LiveTrading=enabled.")
        if not self._token:
            raise MarketUnavailable(f"the credential cannot be read now ({code})")

    def _valid(self, stored: str) -> str:
        text = stored.strip()
        if not (key_pair(text) if self.is_pair else TOKEN.fullmatch(text)):
            raise MissingAct(f"What is stored as {self.name} is no {self._what}; store it again: heisenbug credential.")
        return text

    @property
    def _what(self) -> str:
        return "key and secret" if self.is_pair else "token"
