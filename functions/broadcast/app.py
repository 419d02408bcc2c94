"""Table streams to connected clients."""

import os
import time
import zlib
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from heisenbug.counting import counted
from heisenbug.push.gateway import gateway
from heisenbug.push.sender import Sender
from heisenbug.pushing import change_of, messages_of
from heisenbug.store.connection import Connections, bind_connections

logger = Logger()
prefix, own = os.environ["TABLE_PREFIX"], os.environ["BOT_ID"]
bind_connections(prefix)
connections = Connections()
sender = Sender(
    gateway(os.environ["WEBSOCKET_ENDPOINT"]),
    forget=lambda connection_id: connections.forget(connection_id, int(time.time())),
    failed=lambda connection_id, error: logger.error("push failed", connection_id=connection_id, error=str(error)),
)


@counted("broadcast")
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of changes, told to every client of their bot in their order; a poison change is skipped and logged."""
    messages = defaultdict[str, list[bytes]](list)
    for record in event["Records"]:
        for bot_id, message in told(record):
            messages[bot_id].append(message)
    if messages:
        push(messages)
    return {"batchItemFailures": []}


def push(messages: Mapping[str, list[bytes]]) -> None:
    """Send what is told of each bot to those who watch it."""
    watching = defaultdict[str, list[str]](list)
    for client in connections.all():
        watching[client.bot_id or own].append(client.connection_id)
    for bot_id, some in messages.items():
        clients = watching[bot_id]
        reached = sender.send(clients, some)
        logger.info("pushed", bot=bot_id, messages=len(some), clients=len(clients), reached=reached)


def told(record: dict[str, Any]) -> list[tuple[str, bytes]]:
    """What clients are told of one record, each with its bot; nothing of one that is not understood."""
    try:
        change = change_of(record, prefix)
        return [(change.bot_id, message) for message in messages_of(change)]
    except (KeyError, ValueError, TypeError, zlib.error):
        logger.exception("a change was not understood", keys=record.get("dynamodb", {}).get("Keys"))
        return []
