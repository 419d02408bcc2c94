"""Usage (month, function): what each function used of AWS in a month, counted by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from heisenbug.store.tables import BotModel, PlainMeta


class UsageItem(BotModel):
    """The counts of one function in one month."""

    class Meta(PlainMeta):
        table = "Usage"

    month = UnicodeAttribute(hash_key=True)
    function = UnicodeAttribute(range_key=True)
    since = NumberAttribute(null=True)
    invocations = NumberAttribute(null=True)
    gb_seconds = NumberAttribute(null=True)
    write_units = NumberAttribute(null=True)
    read_units = NumberAttribute(null=True)
    queue_requests = NumberAttribute(null=True)
    schedules = NumberAttribute(null=True)
    pushes = NumberAttribute(null=True)
    api_requests = NumberAttribute(null=True)
    log_bytes = NumberAttribute(null=True)


COUNTS = tuple(sorted(UsageItem.get_attributes().keys() - {"month", "function", "since"}))


def month_of(at: float) -> str:
    """The month of a moment (epoch seconds), UTC, as 2026-11."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m")


@dataclass(frozen=True, slots=True)
class Counted:
    """What all functions used in a month, and since when it was counted (epoch seconds)."""

    since: float
    each: Mapping[str, Mapping[str, float]]


def add_usage(at: float, function: str, counts: Mapping[str, float]) -> None:
    """Add to what a function used in the month of a moment (epoch seconds); what is 0 is not written."""
    some = [getattr(UsageItem, name).add(_short(counts[name])) for name in COUNTS if counts.get(name)]
    if some:
        begun = UsageItem.since.set(UsageItem.since | int(at))
        UsageItem(month_of(at), function).update([begun, *some])


def usage_of(at: float) -> Counted:
    """What each function used in the month of a moment (epoch seconds)."""
    items = list(UsageItem.query(month_of(at)))
    each = {item.function: {name: float(value) for name in COUNTS if (value := getattr(item, name))} for item in items}
    return Counted(min((float(item.since) for item in items), default=at), each)


def _short(number: float) -> float:
    return round(number, 6)
