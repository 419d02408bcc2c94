"""The nine tables in memory, made from template.yaml, with every request counted, and able to fail when told."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.client import BaseClient
from moto import mock_aws
from moto.backends import get_backend
from moto.dynamodb.models import dynamodb_backends

from heisenbug.store.all import bind_all
from heisenbug.store.bot_state import BotStateItem
from tests.template import template

PREFIX = "test-"
ACCOUNT = "123456789012"
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem")


def table_definitions() -> dict[str, dict[str, Any]]:
    """The properties of every table of the template, by its name without the prefix."""
    resources = template()["Resources"].items()
    return {name: r["Properties"] for name, r in resources if r["Type"] == "AWS::DynamoDB::Table"}


Call = dict[str, Any]
Hook = Callable[[str, Call], None]


@dataclass
class Cloud:
    """The tables, and what was asked of them; `before` and `after` every request may raise what they like."""

    client: Any = None
    calls: list[tuple[str, Call]] = field(default_factory=list)
    before: Hook = field(default=lambda name, call: None)
    after: Hook = field(default=lambda name, call: None)

    def items(self, table: str) -> list[dict[str, Any]]:
        """Every item of a table, raw."""
        found: list[dict[str, Any]] = self.client.scan(TableName=PREFIX + table, ConsistentRead=True)["Items"]
        return found

    def put(self, table: str, item: dict[str, Any]) -> None:
        """Put a raw item, as a person in the console would."""
        self.client.put_item(TableName=PREFIX + table, Item=item)

    def edit(self, table: str, key: dict[str, Any], **attributes: Any) -> None:
        """Change attributes of one raw item, as a person in the console would."""
        names = {f"#{place}": name for place, name in enumerate(attributes)}
        values = {f":{place}": value for place, value in enumerate(attributes.values())}
        update = "SET " + ", ".join(f"#{place} = :{place}" for place in range(len(attributes)))
        self.client.update_item(
            TableName=PREFIX + table,
            Key=key,
            UpdateExpression=update,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )

    def counted(self) -> Counter[str]:
        """How often each operation was asked for."""
        return Counter(name for name, _ in self.calls)


@contextmanager
def cloud() -> Iterator[Cloud]:
    """The tables, open for one test; each request is atomic, as it is at the real service."""
    opened, lock = Cloud(), threading.RLock()
    plain = BaseClient._make_api_call  # type: ignore[attr-defined]

    def asked(self: Any, name: str, call: Call) -> Any:
        opened.before(name, call)
        with lock:
            opened.calls.append((name, call))
            answer = plain(self, name, call)
        opened.after(name, call)
        return answer

    with _emptied() as opened.client:
        BaseClient._make_api_call = asked  # type: ignore[attr-defined]
        try:
            yield opened
        finally:
            BaseClient._make_api_call = plain  # type: ignore[attr-defined]


_made: list[tuple[Any, Any]] = []


@contextmanager
def _emptied() -> Iterator[Any]:
    """A client of the tables, all empty: made once a process, because that takes longer than most tests."""
    mock = mock_aws()
    mock.start(reset=not _made)
    try:
        if not _made:
            _made.append((_created(), None))
        client, connection = _made[0]
        forget_everything()
        if connection is None or BotStateItem._connection is not connection:
            bind_all(PREFIX)
            _made[0] = client, BotStateItem._connection
        yield client
    finally:
        mock.stop(remove_data=False)


def _created() -> Any:
    client = boto3.client("dynamodb", region_name="us-east-1")
    for name, properties in table_definitions().items():
        client.create_table(
            TableName=PREFIX + name,
            BillingMode=properties["BillingMode"],
            KeySchema=properties["KeySchema"],
            AttributeDefinitions=properties["AttributeDefinitions"],
        )
    return client


def forget_items() -> None:
    """Empty the tables."""
    for region in dynamodb_backends[ACCOUNT].values():
        for table in region.tables.values():
            table.items.clear()


def forget_everything() -> None:
    """Empty the tables, and forget every parameter, queue and bucket."""
    forget_items()
    for name in ("ssm", "sqs", "s3"):
        for region in get_backend(name)[ACCOUNT].values():
            region.reset()
