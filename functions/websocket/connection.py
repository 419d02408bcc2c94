"""$connect and $disconnect: who is there."""

import os
import time
from typing import Any

from heisenbug.counting import counted
from heisenbug.domain.registered import is_name
from heisenbug.store.connection import Client, Connections, bind_connections
from heisenbug.store.registry import Registry

bind_connections(os.environ["TABLE_PREFIX"])
connections, registry = Connections(), Registry()


@counted("connection")
def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Remember a client that the authorizer let in, unless there is no bot such as it wants; forget one that left."""
    request = event["requestContext"]
    if request["eventType"] == "CONNECT":
        told = request["authorizer"]
        bot_id = "" if told.get("bot") == os.environ["BOT_ID"] else told.get("bot") or ""
        if bot_id and not (is_name(bot_id) and registry.get(bot_id)):
            return {"statusCode": 404}
        connections.add(Client(request["connectionId"], told["role"], bot_id), int(time.time()))
    else:
        connections.remove(request["connectionId"])
    return {"statusCode": 200}
