"""Who calls: the admin's or the reader's token, a browser's session, or for a WebSocket a ticket that lets in once.

Over HTTP nobody is turned away here: the api function is told who calls, and answers or refuses in its own words.
"""

import hmac
import os
import time
from dataclasses import asdict, dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.parameters import get_parameter

from heisenbug.counting import counted
from heisenbug.session import COOKIE, LASTS_SECONDS, Session, session_of
from heisenbug.store.connection import Connections, bind_connections

TOKEN_AGE_SECONDS = 300
PARAMETERS = {"admin": os.environ["ADMIN_TOKEN_PARAMETER"], "reader": os.environ["READER_TOKEN_PARAMETER"]}
IS_PUBLIC = os.environ["PUBLIC_READING"] == "enabled"

logger = Logger()
bind_connections(os.environ["TABLE_PREFIX"])
connections = Connections()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the role, "" for a stranger, by what it is known, and the session that a token may open."""

    role: str = ""
    by: str = ""
    expires_at: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who opens a WebSocket, and the bot that it wants to watch: "" for the deployment's own."""

    role: str = ""
    by: str = ""
    bot: str = ""


@counted("authorizer")
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Say who makes one HTTP request (simple response), or allow or deny one WebSocket connection (policy)."""
    at = int(time.time())
    if event["requestContext"].get("eventType") == "CONNECT":
        watcher = connecting(event, at)
        note(watcher.role, watcher.by, is_websocket=True)
        return policy(event["methodArn"], watcher)
    caller = calling(event, at)
    note(caller.role, caller.by, is_websocket=False)
    return {"isAuthorized": True, "context": asdict(caller)}


def note(role: str, by: str, is_websocket: bool) -> None:
    """Write down who came, and whether in vain."""
    logger.info("authorized" if role else "refused", role=role, by=by, websocket=is_websocket)


def calling(event: dict[str, Any], now: int) -> Caller:
    """Who makes an HTTP request; a token or a cookie that is wrong is a stranger's, whatever else it carries."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    if headers.get("authorization"):
        return by_token(bearer(headers["authorization"]), now)
    cookie = cookie_of(event, headers)
    if cookie:
        session = session_of(cookie, tokens(), now)
        return Caller(session.role, "session", str(session.expires_at)) if session else Caller(by="session")
    return Caller("reader", "public") if IS_PUBLIC else Caller()


def connecting(event: dict[str, Any], now: int) -> Watcher:
    """Who opens a WebSocket: browsers cannot send a token there, and so come with a ticket."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    query = event.get("queryStringParameters") or {}
    if headers.get("authorization"):
        caller = by_token(bearer(headers["authorization"]), now)
        return Watcher(caller.role, caller.by, query.get("bot") or "")
    admitted = connections.redeem(query["ticket"], now) if query.get("ticket") else None
    return Watcher(admitted.role, "ticket", admitted.bot_id) if admitted else Watcher(by="ticket")


def by_token(token: str, now: int) -> Caller:
    """The caller with this token, compared in constant time with each."""
    for role, known in tokens().items():
        if token and hmac.compare_digest(known.encode(), token.encode()):
            session = Session(role, now + LASTS_SECONDS)
            return Caller(role, "token", str(session.expires_at), session.signed(known))
    return Caller(by="token")


def tokens() -> dict[str, str]:
    """The token of each role."""
    known = {role: get_parameter(name, decrypt=True, max_age=TOKEN_AGE_SECONDS) for role, name in PARAMETERS.items()}
    return {role: str(token) for role, token in known.items() if token}


def bearer(header: str) -> str:
    """The token of an Authorization header."""
    kind, _, token = header.partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def cookie_of(event: dict[str, Any], headers: dict[str, str]) -> str:
    """The session's cookie, or nothing; the emulator leaves cookies among the headers."""
    for text in (*(event.get("cookies") or ()), headers.get("cookie", "")):
        try:
            found = SimpleCookie(text).get(COOKIE)
        except CookieError:
            continue
        if found:
            return found.value
    return ""


def policy(arn: str, watcher: Watcher) -> dict[str, Any]:
    """What a WebSocket API wants to hear."""
    role = watcher.role
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow" if role else "Deny", "Resource": arn}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    known = {"context": {"role": role, **({"bot": watcher.bot} if watcher.bot else {})}} if role else {}
    return {"principalId": role or "nobody", "policyDocument": document, **known}
