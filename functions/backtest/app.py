"""One backtest that the API was asked for, or a share of a sweep that its state machine hands out."""

from typing import Any
from uuid import uuid4

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from heisenbug.counting import counted
from heisenbug.wiring import BacktestWiring

logger = Logger()
wiring = BacktestWiring()


@counted("backtest")
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """`{"backtest": id}`, carried out once however often it is delivered, or `{"sweep": id, "asked", "numbers"}`.

    A sweep's event without numbers ends it.
    """
    outcome = share(event) if "sweep" in event else backtest(event["backtest"], context)
    logger.info("done", event=event.get("sweep") or event.get("backtest"), outcome=outcome)
    return {"outcome": outcome}


def backtest(job_id: str, context: LambdaContext) -> str:
    """Carry out one backtest."""
    # The same event may be delivered twice, so its request's id alone would not tell two attempts apart.
    claim = f"{context.aws_request_id}/{uuid4().hex}"
    return wiring.work(claim, context.get_remaining_time_in_millis()).carry_out(job_id)


def share(event: dict[str, Any]) -> str:
    """Run a batch of configurations, or make the table of all."""
    work = wiring.sweep_work()
    if "numbers" not in event:
        return work.end(event["sweep"], event["asked"])
    return f"{work.run_batch(event['sweep'], event['asked'], event['numbers'])} rows"
