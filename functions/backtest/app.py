"""One backtest that the API was asked for, by its id."""

from typing import Any
from uuid import uuid4

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from heisenbug.wiring import BacktestWiring

logger = Logger()
wiring = BacktestWiring()


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """`{"backtest": id}`; delivered twice, it is carried out once."""
    # The same event may be delivered twice, so its request's id alone would not tell two attempts apart.
    work = wiring.work(f"{context.aws_request_id}/{uuid4().hex}", context.get_remaining_time_in_millis())
    logger.info("backtest", id=event["backtest"], outcome=work.carry_out(event["backtest"]))
