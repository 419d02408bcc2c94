"""API Gateway's way to a connected client."""

from typing import Any

from heisenbug.push.sender import Gone


class Gateway:
    """Posts to connections through the management API's boto3 client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __call__(self, connection_id: str, body: bytes) -> None:
        """Deliver `body`; raises Gone where the connection is no longer there."""
        try:
            self._client.post_to_connection(ConnectionId=connection_id, Data=body)
        except self._client.exceptions.GoneException as gone:
            raise Gone(connection_id) from gone
