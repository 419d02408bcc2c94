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

    It is told from when counting began in that month; what was used in less than an hour counts as an hour's.
    """
    at = now.timestamp()
    found, used = usage_of(at), Counts()
    for counts in found.each.values():
        used.add(counts)
    share = share_of_month(now)
    counted = max(share - share_of_month(datetime.fromtimestamp(found.since, UTC)), LEAST_SHARE)
    bills = bill_of(used, counted), forecast_of(used, counted, 1 - share)
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
    return {"month": month_of(at), "share": round(counted, 4), "lines": lines, **total}


def share_of_month(now: datetime) -> float:
    """How much of its month has passed at a moment, as a fraction."""
    at = now.astimezone(UTC)
    begin = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (at - begin).total_seconds() / (monthrange(at.year, at.month)[1] * 86_400)


def _dollars(amount: float) -> float:
    return round(amount, 4)
