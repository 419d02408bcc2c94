"""$connect and $disconnect: who is there."""

import os
import time
from typing import Any

from heisenbug.counting import counted
from heisenbug.store.connection import Client, Connections, bind_connections

bind_connections(os.environ["TABLE_PREFIX"])
connections = Connections()


@counted("connection")
def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Remember a client that the authorizer let in, forget one that left."""
    request = event["requestContext"]
    if request["eventType"] == "CONNECT":
        connections.add(Client(request["connectionId"], request["authorizer"]["role"]), int(time.time()))
    else:
        connections.remove(request["connectionId"])
    return {"statusCode": 200}
