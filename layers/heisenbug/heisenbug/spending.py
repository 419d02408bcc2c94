"""What running the bot has cost this month, and will have at its end, from what its functions counted."""

from calendar import monthrange
from datetime import UTC, datetime
from typing import Any

from heisenbug.store.usage import month_of, usage_of
from heisenbug.usage.bill import bill_of, forecast_of
from heisenbug.usage.meter import Counts
from heisenbug.usage.prices import PRICES

LEAST_SHARE = 1 / (31 * 24)


def spending(now: datetime) -> dict[str, Any]:
    """Line by line in dollars: so far this month (UTC) and at its end, beyond what is always free and at list price.

    In a month's first hour the end is told from a whole hour.
    """
    month, share = month_of(now.timestamp()), share_of_month(now)
    used = Counts()
    for counts in usage_of(month).values():
        used.add(counts)
    bills = bill_of(used, share), forecast_of(used, max(share, LEAST_SHARE))
    lines = [
        {
            "name": line.name,
            "what": PRICES[line.name].what,
            "unit": PRICES[line.name].unit,
            "amount": round(line.amount, 3),
            "so_far": _dollars(line.charged),
            "forecast": _dollars(later.charged),
            "forecast_listed": _dollars(later.listed),
        }
        for line, later in zip(bills[0].lines, bills[1].lines, strict=True)
    ]
    total = {
        "so_far": _dollars(bills[0].charged),
        "so_far_listed": _dollars(bills[0].listed),
        "forecast": _dollars(bills[1].charged),
        "forecast_listed": _dollars(bills[1].listed),
    }
    return {"month": month, "share": round(share, 4), "lines": lines, **total}


def share_of_month(now: datetime) -> float:
    """How much of its month has passed at a moment, as a fraction."""
    at = now.astimezone(UTC)
    begin = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (at - begin).total_seconds() / (monthrange(at.year, at.month)[1] * 86_400)


def _dollars(amount: float) -> float:
    return round(amount, 4)
