"""What requests cost at DynamoDB, counted by its own rules from the real sizes of the items they touch.

A write costs a unit per KB of the larger of the item before and after, a strongly consistent read a unit per 4 KB, an
eventually consistent one half; a query counts all items it reads together; in a transaction everything costs double.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from tests.tables import PREFIX, Call, Cloud, table_definitions

WRITTEN_BYTES = 1024
READ_BYTES = 4096
SINGLE_WRITES = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}
Item = Mapping[str, Any]


def size_of(item: Item) -> int:
    """Bytes that DynamoDB counts of an item: names and values of its attributes."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(typed: Mapping[str, Any]) -> int:
    ((kind, value),) = typed.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return _number_size(value)
        case "B":
            return len(value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size(part) for name, part in value.items())
        case "L":
            return 3 + sum(1 + _value_size(part) for part in value)
        case "SS" | "BS":
            return sum(len(part) for part in value)
        case "NS":
            return sum(map(_number_size, value))
    return 1


def _number_size(text: str) -> int:
    digits = text.lower().partition("e")[0].lstrip("-").replace(".", "").strip("0")
    return ceil(len(digits) / 2) + 1 + text.startswith("-")


def _of_whole_items(query: Call) -> Call:
    """The query without its projection: what is left out of the answer is read and paid for all the same."""
    whole = {name: value for name, value in query.items() if name != "ProjectionExpression"}
    said = " ".join(str(whole.get(name, "")) for name in ("KeyConditionExpression", "FilterExpression"))
    names = {short: name for short, name in _short_names(query).items() if short in said}
    return {**whole, "ExpressionAttributeNames": names} if names else whole


def _short_names(call: Call) -> Mapping[str, str]:
    """The short names that an expression uses, and what they stand for."""
    names: Mapping[str, str] = call.get("ExpressionAttributeNames", {})
    return names


@dataclass
class Spent:
    """Units of what was asked for while it was counted; `requests` names each with its table and its units."""

    write: float = 0.0
    read: float = 0.0
    requests: list[tuple[str, str, float]] = field(default_factory=list)

    def add(self, name: str, table: str, write: float = 0.0, read: float = 0.0) -> None:
        self.write, self.read = self.write + write, self.read + read
        self.requests.append((name, table.removeprefix(PREFIX), write or read))


@contextmanager
def metered(tables: Cloud) -> Iterator[Spent]:
    """Count what every request costs from here on; it is counted whether or not its condition holds."""
    meter = _Meter(tables)
    tables.before, tables.after = meter.before, meter.after
    try:
        yield meter.spent
    finally:
        meter.settle()
        tables.before = tables.after = lambda *_: None


class _Meter:
    def __init__(self, tables: Cloud) -> None:
        self.spent = Spent()
        self._tables = tables
        self._is_looking = False
        self._pending: list[tuple[str, str, Item, int]] = []
        self._keys = {
            PREFIX + name: [key["AttributeName"] for key in properties["KeySchema"]]
            for name, properties in table_definitions().items()
        }

    def before(self, name: str, call: Call) -> None:
        if self._is_looking:
            return
        self.settle()
        writes = list(self._writes(name, call))
        self._pending = [(name, table, key, self._size(table, key)) for table, key in writes]
        if not writes:
            self._count_read(name, call)

    def after(self, name: str, call: Call) -> None:
        if not self._is_looking:
            self.settle()

    def settle(self) -> None:
        """Count the writes that were carried out, or refused, since the last time."""
        pending, self._pending = self._pending, []
        for name, table, key, before in pending:
            size = max(before, self._size(table, key))
            double = 2 if name == "TransactWriteItems" else 1
            self.spent.add(name, table, write=double * max(ceil(size / WRITTEN_BYTES), 1))

    def _writes(self, name: str, call: Call) -> Iterator[tuple[str, Item]]:
        if name in SINGLE_WRITES:
            yield self._written(call["TableName"], call)
        elif name == "TransactWriteItems":
            for item in call["TransactItems"]:
                (part,) = item.values()
                yield self._written(part["TableName"], part)
        elif name == "BatchWriteItem":
            for table, requests in call["RequestItems"].items():
                for request in requests:
                    (part,) = request.values()
                    yield self._written(table, part)

    def _written(self, table: str, part: Call) -> tuple[str, Item]:
        item = part.get("Item") or part["Key"]
        return table, {name: item[name] for name in self._keys[table]}

    def _count_read(self, name: str, call: Call) -> None:
        assert name in ("GetItem", "Query"), f"{name} is not counted yet."
        if name == "GetItem":
            size = self._size(call["TableName"], call["Key"])
        else:
            size = sum(size_of(item) for item in self._look("query", _of_whole_items(call))["Items"])
        whole_units = max(ceil(size / READ_BYTES), 1)
        self.spent.add(name, call["TableName"], read=whole_units * (1.0 if call.get("ConsistentRead") else 0.5))

    def _size(self, table: str, key: Item) -> int:
        found = self._look("get_item", {"TableName": table, "Key": key, "ConsistentRead": True})
        return size_of(found["Item"]) if "Item" in found else 0

    def _look(self, operation: str, call: Call) -> Any:
        """Ask the tables without being counted."""
        asked = len(self._tables.calls)
        self._is_looking = True
        try:
            return getattr(self._tables.client, operation)(**call)
        finally:
            self._is_looking = False
            del self._tables.calls[asked:]
