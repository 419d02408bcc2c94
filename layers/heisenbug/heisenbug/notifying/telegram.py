"""Telegram: a bot of the person's own writes to one chat; its token is in SSM Parameter Store and shown nowhere.

https://core.telegram.org/bots/api#sendmessage. The token is part of the address, so no error may name that.
"""

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

import requests
import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.rules import shown
from heisenbug.exchange.http import PlainSession, plainly, within
from heisenbug.notifying.carrier import NotNow, Unanswered

TOKEN = re.compile(r"[0-9]{5,20}:[A-Za-z0-9_-]{30,80}")
CHAT = re.compile(r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{4,31}")
CONNECT_SECONDS = 2.0
DEADLINE_SECONDS = 5.0
LARGEST_ANSWER_BYTES = 65_536
LONGEST_WORDS = 200
LEAST_PAUSE_SECONDS = 1.0
STORE_IT = "heisenbug notify telegram stores both"
ABSENT = ("ParameterNotFound", "ParameterVersionNotFound")
FORBIDDEN = ("AccessDeniedException", "AccessDenied")
# Their debug lines would name the address with the token, and the stored secret as it was read.
for _talkative in ("urllib3", "botocore"):
    logging.getLogger(_talkative).setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Access:
    """The token of the bot that writes, and the chat it writes to."""

    token: str = field(repr=False)
    chat: str

    def stored(self) -> str:
        """Both as one text to keep secret."""
        return json.dumps({"token": self.token, "chat": self.chat})


def access(token: Any, chat: Any) -> Access:
    """Token and chat as they are typed or stored; raises InvalidSettings, which repeats no token."""
    errors = []
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        must = "digits, a colon and 30 to 80 letters, digits, _ or -, as @BotFather shows it"
        errors.append(FieldError("token", f"token must be a Telegram bot's: {must}; what was given is not repeated."))
    if not isinstance(chat, str) or not CHAT.fullmatch(chat):
        must = "a chat's number, such as 123456789 or -1001234567890, or a channel's name, such as @my_channel"
        errors.append(FieldError("chat", f"chat must be {must}, not {shown(chat)}."))
    if errors:
        raise InvalidSettings(errors)
    return Access(token, chat)


def read_access(stored: str) -> Access:
    """What `Access.stored` wrote; raises InvalidSettings."""
    try:
        read = json.loads(stored)
    except (ValueError, RecursionError):
        read = None
    told = read if isinstance(read, dict) else {}
    return access(told.get("token"), told.get("chat"))


@dataclass(frozen=True, slots=True)
class Secret:
    """Where token and chat are stored; read anew each time, so that another one counts at once."""

    name: str
    client: Callable[[], Any]

    def read(self) -> Access:
        """Both; raises InvalidSettings or NotNow."""
        try:
            stored = self.client().get_parameter(Name=self.name, WithDecryption=True)["Parameter"]["Value"]
        except ClientError as error:
            raise _unread(error.response["Error"]["Code"], self.name) from None
        except BotoCoreError as error:
            raise _unread(type(error).__name__, self.name) from None
        return read_access(stored)


def _unread(code: str, name: str) -> InvalidSettings | NotNow:
    if code in ABSENT:
        return _mend("telegram", f"telegram is not set up: no token is stored; {STORE_IT}.")
    if code in FORBIDDEN:
        return _mend("telegram", f"telegram cannot be used: the function may not read {name}; deploy it again.")
    return NotNow(f"The token for Telegram cannot be read now ({code}); nothing was sent, try again.")


class Telegram:
    """Writes to the person's chat through Telegram at `url`."""

    def __init__(self, url: str, secret: Callable[[], Access], clock: Callable[[], datetime]) -> None:
        self._url = url.rstrip("/")
        self._secret = secret
        self._clock = clock
        self._quiet_until = 0.0
        self._session = PlainSession()

    def send(self, says: str) -> str:
        """Send it once; raises InvalidSettings, NotNow or Unanswered, whose words repeat no token."""
        if (left := self._quiet_until - self._now()) > 0:
            raise _quiet(left)
        told = self._secret()
        answer = self._posted(told, says)
        if answer.status == HTTPStatus.OK and answer.says("ok") is True:
            return f"Telegram took it for the chat {told.chat}."
        raise self._refusal(answer, told)

    def _posted(self, told: Access, says: str) -> "_Answer":
        try:
            return within(DEADLINE_SECONDS, lambda: self._exchanged(told, says))
        except requests.RequestException as error:
            why = plainly(error)
            if _was_never_sent(error):
                raise NotNow(f"Telegram cannot be reached ({why}); nothing was sent, try again.") from None
        except urllib3.exceptions.HTTPError:
            why = "the answer broke off"
        raise Unanswered(f"Telegram did not answer ({why}): it may have arrived or not. It is not sent again.")

    def _exchanged(self, told: Access, says: str) -> "_Answer":
        sent = {"chat_id": told.chat, "text": says, "link_preview_options": {"is_disabled": True}}
        with self._session.post(
            f"{self._url}/bot{told.token}/sendMessage",
            json=sent,
            timeout=(CONNECT_SECONDS, DEADLINE_SECONDS),
            stream=True,
            allow_redirects=False,
        ) as answer:
            return _Answer(answer.status_code, _json(answer.raw.read(LARGEST_ANSWER_BYTES, decode_content=True)))

    def _refusal(self, answer: "_Answer", told: Access) -> InvalidSettings | NotNow | Unanswered:
        words = str(answer.says("description") or "no reason")[:LONGEST_WORDS].replace(told.token, "(hidden)")
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            pause = max(_number((answer.says("parameters") or {}).get("retry_after")), LEAST_PAUSE_SECONDS)
            self._quiet_until = self._now() + pause
            return _quiet(pause)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return NotNow(f"Telegram is in trouble ({answer.status}: {words}); nothing was sent, try again.")
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND):
            return _mend("token", f"token is not accepted by Telegram ({words}); {STORE_IT}.")
        if answer.status == HTTPStatus.FORBIDDEN or "chat" in words.lower():
            start = "Write to the bot in Telegram first, or add it to the group"
            return _mend("chat", f"chat {told.chat} cannot be written to ({words}). {start}; {STORE_IT}.")
        if answer.status == HTTPStatus.OK:
            return Unanswered("Telegram's answer was not understood: it may have arrived or not. It is not sent again.")
        return _mend("telegram", f"telegram refused it ({answer.status}: {words}).")

    def _now(self) -> float:
        return self._clock().timestamp()


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: Any

    def says(self, name: str) -> Any:
        return self.body.get(name) if isinstance(self.body, Mapping) else None


def _was_never_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError):
        return True
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _mend(name: str, message: str) -> InvalidSettings:
    return InvalidSettings([FieldError(name, message)])


def _quiet(seconds: float) -> NotNow:
    return NotNow(f"Telegram wants to be left alone for {seconds:.0f} s; nothing was sent, try again then.")


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
