"""Dead letters: what was given up, kept in a queue for a person to read."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

DEPTH = "ApproximateNumberOfMessages"
Plain = dict[str, Any]


class DeadLetters:
    """The queues of what was given up, by what it was; the client is made when they are first counted."""

    def __init__(self, queues: Mapping[str, str], client: Callable[[], Any]) -> None:
        self._queues, self._client = queues, client

    def counted(self) -> list[Plain]:
        """How many letters each queue holds; null and why where it cannot be asked, which must not hide the rest."""
        client = self._client() if self._queues else None
        return [
            {"what": what, "queue": url.rsplit("/", 1)[-1], **_depth(client, url)} for what, url in self._queues.items()
        ]


def _depth(client: Any, url: str) -> Plain:
    try:
        told = client.get_queue_attributes(QueueUrl=url, AttributeNames=[DEPTH])
    except (BotoCoreError, ClientError) as error:
        return {"letters": None, "why": str(error)}
    return {"letters": int(told["Attributes"][DEPTH]), "why": None}
