"""Usage (month, function): what each function used of AWS in a month, counted by itself."""

from collections.abc import Mapping
from datetime import UTC, datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from heisenbug.store.tables import BotModel, PlainMeta


class UsageItem(BotModel):
    """The counts of one function in one month."""

    class Meta(PlainMeta):
        table = "Usage"

    month = UnicodeAttribute(hash_key=True)
    function = UnicodeAttribute(range_key=True)
    invocations = NumberAttribute(null=True)
    gb_seconds = NumberAttribute(null=True)
    write_units = NumberAttribute(null=True)
    read_units = NumberAttribute(null=True)
    queue_requests = NumberAttribute(null=True)
    schedules = NumberAttribute(null=True)
    pushes = NumberAttribute(null=True)
    api_requests = NumberAttribute(null=True)
    log_bytes = NumberAttribute(null=True)


COUNTS = tuple(sorted(UsageItem.get_attributes().keys() - {"month", "function"}))


def month_of(at: float) -> str:
    """The month of a moment (epoch seconds), UTC, as 2026-11."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m")


def add_usage(month: str, function: str, counts: Mapping[str, float]) -> None:
    """Add to what a function used in a month; what is 0 is not written."""
    some = [getattr(UsageItem, name).add(_short(counts[name])) for name in COUNTS if counts.get(name)]
    if some:
        UsageItem(month, function).update(some)


def usage_of(month: str) -> Mapping[str, Mapping[str, float]]:
    """What each function used in a month."""
    return {
        item.function: {name: float(value) for name in COUNTS if (value := getattr(item, name))}
        for item in UsageItem.query(month)
    }


def _short(number: float) -> float:
    return round(number, 6)
