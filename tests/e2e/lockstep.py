"""The deployed bot made to tick by hand, at the time and the prices of a market that stands still in between."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cli.emulator import aws_environment
from heisenbug.configuration import Configurations
from heisenbug.store.all import bind_all
from heisenbug.wiring import now
from local.exchange import running
from tests.e2e.conftest import Deployed, deployed, run_cli
from tests.parity import Backtest, Compared, Course, compare, lockstep

TRADER, API = "heisenbug-trader", "heisenbug-api"


@dataclass
class Rehearsal:
    """A deployed stack of which nothing ticks by itself; each bot that is rehearsed is a new one."""

    bot: Deployed
    functions: Any
    boards: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    def go_through(
        self,
        bot_id: str,
        course: Course,
        settings: Mapping[str, Any],
        board_every: int = 100,
        process: int = 1000,
        tell: Callable[[int], None] = lambda made: None,
    ) -> None:
        """Tick through a course, look at the opportunities now and then, and start the process anew now and then."""
        pairs = sorted(course.market.pairs)
        Configurations(bot_id).change({**settings, "pairs": pairs}, "a rehearsal", now())
        self.boards = {}
        with running(course.exchange()) as exchange:
            self._be(API, BOT_ID=bot_id)

            def tick(number: int, due: int) -> None:
                if number % process == 0:
                    self._be(TRADER, BOT_ID=bot_id, EXCHANGE_URL=exchange.url, HISTORY_URL="")
                self._invoke(lockstep(due))
                if number % board_every == 0:
                    self.boards[due] = self.bot.get("opportunities?limit=1000")["opportunities"]
                tell(number)

            course.go_through(exchange, tick)

    def compared(self, bot_id: str, course: Course, **told: Any) -> Compared:
        """The rehearsal against its backtest; `told` is told to the backtest alone."""
        return compare(bot_id, Backtest.of(bot_id, course.history, **told), self.boards)

    def _be(self, function: str, **changes: str) -> None:
        """Give a function another environment, which ends its process."""
        known = self.functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        environment = {"Variables": {**known, **changes}}
        self.functions.update_function_configuration(FunctionName=function, Environment=environment)

    def _invoke(self, event: Mapping[str, Any]) -> None:
        answer = self.functions.invoke(FunctionName=TRADER, Payload=json.dumps(event).encode())
        assert "FunctionError" not in answer, answer["Payload"].read()


@contextmanager
def rehearsal(home: Path, port: int) -> Iterator[Rehearsal]:
    """`heisenbug up`, put to sleep, with its tables open in this process; and down again."""
    try:
        up = run_cli(home, "up", "--market", "demo", "--port", str(port), "--detach")
        assert up.returncode == 0, up.stderr
        bot = deployed(home, port)
        _put_to_sleep(bot)
        with patch.dict(os.environ, aws_environment(port)):
            bind_all("heisenbug-")
            yield Rehearsal(bot, bot.aws("lambda"))
    finally:
        run_cli(home, "down")


def _put_to_sleep(bot: Deployed) -> None:
    """No minute, no tick of the queue, nothing pushed; and nothing is forgotten, long expired as it all is."""
    scheduler, functions, queue = bot.aws("scheduler"), bot.aws("lambda"), bot.aws("sqs")
    minute = scheduler.get_schedule(Name="heisenbug-minute")
    kept = {name: minute[name] for name in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")}
    scheduler.update_schedule(**kept, State="DISABLED")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    queue.purge_queue(QueueUrl=queue.get_queue_url(QueueName="heisenbug-ticks")["QueueUrl"])
    bot.aws("dynamodb").update_time_to_live(
        TableName="heisenbug-PriceSnapshot", TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"}
    )
