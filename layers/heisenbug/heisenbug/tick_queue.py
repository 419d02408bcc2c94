"""The tick queue: the rest of a minute's ticks, each with its due time in the body and its delay on the envelope."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

BATCH = 10


class NotSent(RuntimeError):
    """Ticks that the queue did not take, even at the second try; the next minute's event plans anew."""


class Ticks:
    """Sends the ticks of one bot through SQS."""

    def __init__(self, client: Any, url: str, bot_id: str) -> None:
        self._client = client
        self._url = url
        self._bot_id = bot_id

    def send(self, ticks: Mapping[int, int], interval: int) -> None:
        """Send each due time with its delay in seconds, ten a batch; what a batch refuses is sent once more."""
        entries = [self._entry(due, delay, interval) for due, delay in ticks.items()]
        still = self._send_all(self._send_all(entries))
        if still:
            raise NotSent(f"The queue refused {len(still)} of {len(entries)} ticks twice.")

    def _send_all(self, entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        batches = (entries[start : start + BATCH] for start in range(0, len(entries), BATCH))
        return [refused for batch in batches for refused in self._send(batch)]

    def _send(self, batch: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        answer = self._client.send_message_batch(QueueUrl=self._url, Entries=list(batch))
        failed = {failure["Id"] for failure in answer.get("Failed", ())}
        return [entry for entry in batch if entry["Id"] in failed]

    def _entry(self, due: int, delay: int, interval: int) -> dict[str, Any]:
        body = json.dumps({"bot": self._bot_id, "due": due, "interval": interval})
        return {"Id": str(due), "MessageBody": body, "DelaySeconds": delay}
