"""The one table of prices: AWS in us-east-1, dollars, as published in 2026; your region and your bill decide.

Only what is always free is counted as free: the twelve months' free tier of API Gateway is not there for new accounts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MILLION, GB = 1_000_000, 1 << 30


@dataclass(frozen=True, slots=True)
class Price:
    """What one `unit` costs, and how many a month are always free."""

    what: str
    unit: str
    dollars: float
    free: float = 0.0


PRICES: Mapping[str, Price] = {
    "invocations": Price("Lambda requests", "requests", 0.20 / MILLION, MILLION),
    "gb_seconds": Price("Lambda duration (arm64)", "GB-seconds", 0.0000133334, 400_000),
    "write_units": Price("DynamoDB writes", "units", 0.625 / MILLION),
    "read_units": Price("DynamoDB reads", "units", 0.125 / MILLION),
    "queue_requests": Price("SQS requests", "requests", 0.40 / MILLION, MILLION),
    "schedules": Price("Scheduler", "invocations", 1.00 / MILLION, 14 * MILLION),
    "pushes": Price("WebSocket messages", "messages", 1.00 / MILLION),
    "api_requests": Price("HTTP API requests", "requests", 1.00 / MILLION),
    "log_bytes": Price("CloudWatch logs", "bytes", 0.50 / GB, 5 * GB),
    "metrics": Price("CloudWatch metrics", "metrics", 0.30, 10),
    "alarms": Price("CloudWatch alarms", "alarms", 0.10, 10),
}

# What a month costs whether or not anything happens. The queue's pollers ask 5 at a time, for 20 s each; streams are
# read for nothing by functions. Those parts of the template are counted by a test.
STANDING: Mapping[str, float] = {"metrics": 5, "alarms": 10, "queue_requests": 5 * 3 * 60 * 24 * 30.4}
