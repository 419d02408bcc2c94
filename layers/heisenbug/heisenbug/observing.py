"""How the bot tells its operator: one line a tick, carrying the metrics that the alarms watch."""

import os
import sys
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from heisenbug.bot import Report
from heisenbug.domain.trade import TradeState
from heisenbug.domain.words import why

logger = Logger(
    service=os.environ.get("POWERTOOLS_SERVICE_NAME", "heisenbug"), level=os.environ.get("LOG_LEVEL", "INFO")
)
metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Heisenbug"), service=logger.service)


def tell(report: Report, bot_id: str) -> None:
    """Write one tick's line: whose it was, what became of it, how late it was, what it would have traded, why not."""
    for name, value in {"bot": bot_id, **_line(report)}.items():
        metrics.add_metadata(key=name, value=value)
    for name, count in _counts(report).items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=count)
    metrics.flush_metrics()
    sys.stdout.flush()


def _counts(report: Report) -> dict[str, int]:
    trade = report.trade
    return {
        "TicksCompleted": int(report.outcome not in ("stale", "early", "claimed before")),
        "TradesExecuted": int(trade is not None and trade.state is TradeState.EXECUTED),
        "TradesUnresolved": int(trade is not None and trade.state is TradeState.UNRESOLVED),
        "Halts": int(report.halted),
        "GuardedPairs": report.guarded,
    }


def _line(report: Report) -> dict[str, Any]:
    line = {
        "due": report.due,
        "outcome": report.outcome,
        "late_seconds": round(report.late_seconds, 3),
        "detail": report.detail,
        "failure": report.failure,
    }
    if report.decision is not None:
        line["samples"] = report.decision.samples
    if report.decision is not None and report.decision.chosen is not None:
        line["chosen"] = (
            f"{report.decision.chosen.source} -> {report.decision.chosen.target}: {why(report.decision.chosen)}"
        )
    if report.trade is not None:
        line["trade"] = report.trade.id
    return {name: value for name, value in line.items() if value != ""}
