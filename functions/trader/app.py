"""A tick: from the schedule, which also starts the minute's other ticks, or from the queue; or a live wish."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from aws_lambda_powertools.utilities.typing import LambdaContext

from heisenbug.bot import Bot, Report
from heisenbug.counting import counted
from heisenbug.minute import run_minute
from heisenbug.observing import tell
from heisenbug.tick import run_tick
from heisenbug.wiring import Wiring

wiring = Wiring()


@counted("trader")
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """The minute event, or one tick from the queue, or `{"live": wish}` from the command line (giving.py).

    A rehearsal's event says in `now` (epoch seconds) what time it is; no other event may.
    """
    wiring.tell_time(event.get("now"))
    if "live" in event:
        return wiring.giving(context.get_remaining_time_in_millis()).answer(event["live"])
    # The same request may be delivered twice, so its id alone would not tell two attempts apart.
    bot = wiring.bot(f"{context.aws_request_id}/{uuid4().hex}", context.get_remaining_time_in_millis())
    for report in run(event, bot):
        tell(report)
    return None


def run(event: dict[str, Any], bot: Bot) -> Iterator[Report]:
    """The ticks that an event asks for."""
    if "Records" not in event:
        return start_minute(bot)
    bodies = (json.loads(record["body"]) for record in event["Records"])
    return (run_tick(bot, int(body["due"]), int(body["interval"])) for body in bodies)


def start_minute(bot: Bot) -> Iterator[Report]:
    """The tick that is due now; where an interval of minutes leaves none due, the word that the bot is alive."""
    plan = run_minute(bot)
    if plan.now is not None:
        yield run_tick(bot, plan.now)
    elif not plan.later:
        yield Report(plan.planned.until, "not due")
