"""A tick: from the schedule, which also starts the other bots and the minute's other ticks, or from the queue; or a
live wish."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from aws_lambda_powertools.utilities.typing import LambdaContext

from heisenbug.bot import Bot, Report
from heisenbug.counting import counted
from heisenbug.minute import run_minute
from heisenbug.observing import logger, tell
from heisenbug.starting import Begun, NotStarted
from heisenbug.tick import run_tick
from heisenbug.wiring import Wiring

wiring = Wiring()


@counted("trader")
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """The minute event, that of one bot (`{"bot": id}`), one tick from the queue, or `{"live": wish}` (giving.py).

    A rehearsal's event says in `now` (epoch seconds) what time it is; no other event may.
    """
    wiring.tell_time(event.get("now"))
    if "live" in event:
        return answered(event, context)
    # The others and this one at the same time: none waits for what another does, or for its failure.
    begun = begin_others(event, context)
    try:
        for body in event["Records"] if "Records" in event else [{"body": json.dumps(event)}]:
            run(json.loads(body["body"]), context)
    finally:
        failed = begun.failed()
    if failed:
        raise NotStarted("; ".join(failed))
    return None


def is_of_the_deployment(event: Mapping[str, Any]) -> bool:
    """Whether it is the schedule's own event, which wakes every bot."""
    return "Records" not in event and "bot" not in event


def begin_others(event: Mapping[str, Any], context: LambdaContext) -> Begun:
    """Give each other bot its minute, in an invocation of its own; none where the event is not the deployment's."""
    others = wiring.others() if is_of_the_deployment(event) else []
    told = {"now": event["now"]} if "now" in event else {}
    return wiring.starter(context.function_name).begin(others, told) if others else Begun(())


def answered(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The answer to a wish about live money."""
    giving = wiring.giving(context.get_remaining_time_in_millis(), event.get("bot"))
    return giving.answer(event["live"]) if giving else {"error": f"There is no bot {str(event['bot'])[:64]}."}


def run(body: Mapping[str, Any], context: LambdaContext) -> None:
    """One bot's minute, or its tick that `body` states; nothing for a bot that was removed meanwhile."""
    # The same request may be delivered twice, so its id alone would not tell two attempts apart.
    token = f"{context.aws_request_id}/{uuid4().hex}"
    bot = wiring.bot(token, context.get_remaining_time_in_millis(), body.get("bot"))
    if bot is None:
        logger.info("there is no such bot any more", bot=body["bot"])
        return
    for report in ticks(body, bot):
        tell(report, bot.bot_id)


def ticks(body: Mapping[str, Any], bot: Bot) -> Iterator[Report]:
    """The ticks that are asked for."""
    if "due" not in body:
        return start_minute(bot)
    return iter([run_tick(bot, int(body["due"]), int(body["interval"]))])


def start_minute(bot: Bot) -> Iterator[Report]:
    """The tick that is due now; where an interval of minutes leaves none due, the word that the bot is alive."""
    plan = run_minute(bot)
    if plan.now is not None:
        yield run_tick(bot, plan.now)
    elif not plan.later:
        yield Report(plan.planned.until, "not due")
