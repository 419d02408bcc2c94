"""The client's actions."""

import os
from typing import Any

from aws_lambda_powertools import Logger

from heisenbug.actions import Actions
from heisenbug.counting import counted
from heisenbug.push.gateway import gateway
from heisenbug.push.sender import Gone, envelope
from heisenbug.wiring import fleet_from_environment, now

logger = Logger()
fleet = fleet_from_environment()
actions = Actions(fleet)
post = gateway(os.environ["WEBSOCKET_ENDPOINT"])


@counted("actions")
def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """One message of one client, answered on its own connection."""
    request = event["requestContext"]
    told = request.get("authorizer", {})
    kind, data = actions.answer(event.get("body") or "", told.get("role", "reader"), told.get("bot") or None)
    version = data.get("version") if kind == "config_updated" else None
    try:
        post(request["connectionId"], envelope(kind, data, now().isoformat(timespec="milliseconds"), version))
    except Gone:
        logger.info("left before the answer", connection_id=request["connectionId"])
    return {"statusCode": 200}
