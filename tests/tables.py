"""The ten tables in memory, made from template.yaml, with every request counted, and able to fail when told."""

import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore import xform_name
from botocore.client import BaseClient
from moto import mock_aws
from moto.backends import get_backend
from moto.core.exceptions import ServiceException
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler
from werkzeug.exceptions import HTTPException

from heisenbug.store.all import MODELS, bind_all
from tests.template import template

PREFIX = "test-"
ACCOUNT = "123456789012"
REGION = "us-east-1"
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem")


def table_definitions() -> dict[str, dict[str, Any]]:
    """The properties of every table of the template, by its name without the prefix."""
    resources = template()["Resources"].items()
    return {name: r["Properties"] for name, r in resources if r["Type"] == "AWS::DynamoDB::Table"}


Call = dict[str, Any]
ITEM_CALLS = (*WRITES, "GetItem", "Query")
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

    def forget(self, table: str) -> None:
        """Take every item out of a table, as expiry does in time."""
        keys = [key["AttributeName"] for key in table_definitions()[table]["KeySchema"]]
        for item in self.items(table):
            self.client.delete_item(TableName=PREFIX + table, Key={name: item[name] for name in keys})

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
            answer = _answered(self, name, call) if name in ITEM_CALLS else plain(self, name, call)
        opened.after(name, call)
        return answer

    with _emptied() as opened.client:
        BaseClient._make_api_call = asked  # type: ignore[attr-defined]
        try:
            yield opened
        finally:
            BaseClient._make_api_call = plain  # type: ignore[attr-defined]


def without_record(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items without the record of their decision, as TradeHistory keeps finished trades."""
    return [{name: value for name, value in item.items() if name != "record"} for item in items]


def _answered(client: Any, name: str, call: Call) -> Any:
    """The emulator's answer without the way over the wire, which takes three quarters of a request's time.

    What it refuses changes nothing, and goes over the wire for the client's own error.
    """
    handler = DynamoHandler()
    handler.region, handler.current_account = REGION, ACCOUNT
    handler.uri_match = {}
    handler.params = handler.body = _as_sent(call)
    try:
        return {**getattr(handler, xform_name(name))().result, "ResponseMetadata": {"HTTPStatusCode": 200}}
    except (ServiceException, HTTPException):
        return _plain_call(client, name, call)


def _as_sent(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_sent(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_sent(each) for each in value]
    return b64encode(value).decode() if isinstance(value, bytes) else value


_plain_call = BaseClient._make_api_call  # type: ignore[attr-defined]
_made: list[Any] = []


@cache
def _bound() -> dict[Any, tuple[str, Any]]:
    """The name and the connection of every model's table, which a test may have bound anew; made once a process."""
    bind_all(PREFIX)
    return {model: (model.Meta.table_name, model._connection) for model in MODELS}


@contextmanager
def _emptied() -> Iterator[Any]:
    """A client of the tables, all empty: made once a process, because that takes longer than most tests."""
    mock = mock_aws()
    mock.start(reset=not _made)
    try:
        if not _made:
            _made.append(_created())
        forget_everything()
        for model, (table, connection) in _bound().items():
            model.Meta.table_name, model._connection = table, connection
        yield _made[0]
    finally:
        mock.stop(remove_data=False)


def _created() -> Any:
    client = boto3.client("dynamodb", region_name=REGION)
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
    """Empty the tables, and forget every parameter, queue, topic and bucket."""
    forget_items()
    for name in ("ssm", "sqs", "s3", "sns"):
        for region in get_backend(name)[ACCOUNT].values():
            region.reset()
