"""The daily event: each bot's forecaster fitted on what it has recorded, and used where that is better."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from heisenbug.counting import counted
from heisenbug.observing import logger
from heisenbug.starting import Begun, NotStarted
from heisenbug.wiring import RefitWiring

wiring = RefitWiring()


@counted("refit")
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Refit one bot (`{"bot": id}`), else the own one and begin the others'; the answer is what its status shows."""
    others = [] if "bot" in event else wiring.others()
    begun = wiring.starter(context.function_name).begin(others, {}) if others else Begun(())
    try:
        refit = wiring.refitting(event.get("bot")).run().plain()
    finally:
        failed = begun.failed()
    logger.info(refit["outcome"], extra={"why": refit["why"], "version": refit["version"], "bot": event.get("bot")})
    if failed:
        raise NotStarted("; ".join(failed))
    return refit
