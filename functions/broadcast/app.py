"""Table streams to connected clients."""

import os
import time
import zlib
from typing import Any

from aws_lambda_powertools import Logger

from heisenbug.counting import counted
from heisenbug.push.gateway import gateway
from heisenbug.push.sender import Sender
from heisenbug.pushing import change_of, messages_of
from heisenbug.store.connection import Connections, bind_connections

logger = Logger()
prefix = os.environ["TABLE_PREFIX"]
bind_connections(prefix)
connections = Connections()
sender = Sender(
    gateway(os.environ["WEBSOCKET_ENDPOINT"]),
    forget=lambda connection_id: connections.forget(connection_id, int(time.time())),
    failed=lambda connection_id, error: logger.error("push failed", connection_id=connection_id, error=str(error)),
)


@counted("broadcast")
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of changes, told to every client in its order; one poison change is skipped and logged."""
    messages = [message for record in event["Records"] for message in told(record)]
    if messages:
        clients = [client.connection_id for client in connections.all()]
        logger.info("pushed", messages=len(messages), clients=len(clients), reached=sender.send(clients, messages))
    return {"batchItemFailures": []}


def told(record: dict[str, Any]) -> list[bytes]:
    """What clients are told of one record; nothing of one that is not understood: it must not block the rest."""
    try:
        return list(messages_of(change_of(record, prefix)))
    except (KeyError, ValueError, TypeError, zlib.error):
        logger.exception("a change was not understood", keys=record.get("dynamodb", {}).get("Keys"))
        return []
