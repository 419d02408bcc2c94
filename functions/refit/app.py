"""The daily event: the forecaster fitted on what the bot has recorded, and used where that is better."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from heisenbug.counting import counted
from heisenbug.observing import logger
from heisenbug.wiring import refitting_from_environment

refitting = refitting_from_environment()


@counted("refit")
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Refit once; the answer, for who invokes it by hand, is what the status shows from then on."""
    refit = refitting.run().plain()
    logger.info(refit["outcome"], extra={"why": refit["why"], "version": refit["version"]})
    return refit
