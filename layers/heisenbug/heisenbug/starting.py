"""Beginning an invocation for each other bot, so that no bot waits for what another one does."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

# A hundred bots are asked for within the time of a dozen.
AT_ONCE = 8


class NotStarted(RuntimeError):
    """Bots whose invocation could not be begun; the next event begins it anew."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Invocations that are being begun."""

    answers: Sequence[Future[str]]

    def failed(self) -> list[str]:
        """The reasons of those that could not be, once all were asked for."""
        return [why for answer in self.answers if (why := answer.result())]


@dataclass(frozen=True, slots=True)
class Starter:
    """Begins invocations of `function` through a client that `client` makes once there is one to begin."""

    client: Callable[[], Any]
    function: str

    def begin(self, bots: Sequence[str], event: Mapping[str, Any]) -> Begun:
        """Begin one for each bot, `event` with its name, while the caller goes on with its own."""
        if not bots:
            return Begun(())
        client, pool = self.client(), ThreadPoolExecutor(AT_ONCE)
        answers = [pool.submit(self._begin, client, {**event, "bot": bot_id}) for bot_id in bots]
        pool.shutdown(wait=False)
        return Begun(answers)

    def _begin(self, client: Any, event: Mapping[str, Any]) -> str:
        try:
            client.invoke(FunctionName=self.function, InvocationType="Event", Payload=json.dumps(event).encode())
        except (BotoCoreError, ClientError) as error:
            return f"{event['bot']}: {error}"
        return ""
