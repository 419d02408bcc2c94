"""Who may call either API: the admin's or the reader's token, or for a WebSocket a ticket that lets in once."""

import hmac
import os
import time
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.parameters import get_parameter

from heisenbug.store.connection import Connections, bind_connections

TOKEN_AGE_SECONDS = 300
PARAMETERS = {"admin": os.environ["ADMIN_TOKEN_PARAMETER"], "reader": os.environ["READER_TOKEN_PARAMETER"]}

logger = Logger()
bind_connections(os.environ["TABLE_PREFIX"])
connections = Connections()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Allow or deny one HTTP request (simple response) or one WebSocket connection (policy)."""
    is_websocket = event["requestContext"].get("eventType") == "CONNECT"
    role = role_of(event, is_websocket)
    logger.info("authorized" if role else "refused", role=role, websocket=is_websocket)
    return policy(event["methodArn"], role) if is_websocket else {"isAuthorized": role is not None, **context_of(role)}


def role_of(event: dict[str, Any], is_websocket: bool) -> str | None:
    """The role of the caller, or None."""
    token = bearer(event.get("headers") or {})
    if token:
        return role_of_token(token)
    ticket = (event.get("queryStringParameters") or {}).get("ticket")
    return connections.redeem(ticket, int(time.time())) if is_websocket and ticket else None


def bearer(headers: dict[str, str]) -> str:
    """The token of the Authorization header, in whatever case the header is written."""
    value = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    kind, _, token = value.partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def role_of_token(token: str) -> str | None:
    """The role whose token this is, compared in constant time."""
    for role, name in PARAMETERS.items():
        known = get_parameter(name, decrypt=True, max_age=TOKEN_AGE_SECONDS)
        if known and hmac.compare_digest(str(known).encode(), token.encode()):
            return role
    return None


def policy(arn: str, role: str | None) -> dict[str, Any]:
    """What a WebSocket API wants to hear."""
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow" if role else "Deny", "Resource": arn}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": role or "nobody", "policyDocument": document, **context_of(role)}


def context_of(role: str | None) -> dict[str, Any]:
    """What the functions behind are told of the caller."""
    return {"context": {"role": role}} if role else {}
