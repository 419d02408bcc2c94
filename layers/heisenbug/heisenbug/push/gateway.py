"""API Gateway's way to a connected client."""

from typing import Any

from botocore.config import Config
from botocore.session import get_session

from heisenbug.push.sender import WORKERS, Gone
from heisenbug.usage.metering import METER


def gateway(endpoint: str) -> "Gateway":
    """The way to the clients of the WebSocket API at `endpoint`, which includes the stage."""
    config = Config(
        connect_timeout=1,
        read_timeout=2,
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=WORKERS,
    )
    session = get_session()
    METER.watch(session)
    return Gateway(session.create_client("apigatewaymanagementapi", endpoint_url=endpoint, config=config))


class Gateway:
    """Posts to connections through the management API's client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __call__(self, connection_id: str, body: bytes) -> None:
        """Deliver `body`; raises Gone where the connection is no longer there."""
        try:
            self._client.post_to_connection(ConnectionId=connection_id, Data=body)
        except self._client.exceptions.GoneException as gone:
            raise Gone(connection_id) from gone
