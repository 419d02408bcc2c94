"""Beginning an invocation for each other bot, so that no bot waits for what another one does."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError


class NotStarted(RuntimeError):
    """Bots whose invocation could not be begun; the next event begins it anew."""


@dataclass(slots=True)
class Starter:
    """Begins invocations of `function` through a client that `client` makes."""

    client: Callable[[], Any]
    function: str
    _made: Any = field(default=None, repr=False)

    def start(self, bots: Iterable[str], event: Mapping[str, Any]) -> list[str]:
        """Begin one for each bot, `event` with its name, and wait for none; the reasons of those that could not be."""
        return [why for bot_id in bots if (why := self._start(bot_id, event))]

    def _start(self, bot_id: str, event: Mapping[str, Any]) -> str:
        payload = json.dumps({**event, "bot": bot_id}).encode()
        try:
            self._made = self._made or self.client()
            self._made.invoke(FunctionName=self.function, InvocationType="Event", Payload=payload)
        except (BotoCoreError, ClientError) as error:
            return f"{bot_id}: {error}"
        return ""
