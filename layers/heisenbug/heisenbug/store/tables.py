"""The tables together: their names, and the one client they share."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TypeVar

from botocore.session import Session
from pynamodb.attributes import Attribute
from pynamodb.constants import NUMBER
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from heisenbug.domain.errors import FenceLost
from heisenbug.usage.metering import METER

CONNECT_TIMEOUT_SECONDS = 2
READ_TIMEOUT_SECONDS = 5
CONFLICT_PAUSES_SECONDS = (0.02, 0.05, 0.1, 0.2)
# Their debug lines hold whatever is sent and read: tokens, tickets, the address of a presigned answer.
TALKATIVE = ("botocore", "urllib3", "pynamodb")
CONDITION_FAILED = ("ConditionalCheckFailedException", "TransactionCanceledException")


Written = TypeVar("Written")


class BotModel(Model):
    """A table of the bot's; `Meta.table` is its name without the deployment's prefix."""


class PlainMeta:
    """What all tables' connections have in common."""

    connect_timeout_seconds = CONNECT_TIMEOUT_SECONDS
    read_timeout_seconds = READ_TIMEOUT_SECONDS
    table_name = ""


def bind(prefix: str, models: tuple[type[BotModel], ...]) -> Session:
    """Name every model's table `prefix` + its own name, and let all of them share one client (a client costs 30 ms).

    From now on the libraries below keep to themselves what they carry, whatever the level of the log is.
    Returns the client's session, which makes the next client for a quarter of what a new session would cost.
    """
    for talkative in TALKATIVE:
        logging.getLogger(talkative).setLevel(logging.INFO)
    for model in models:
        model.Meta.table_name = prefix + model.Meta.table  # type: ignore[attr-defined]
        model._connection = None
    shared = models[0]._get_connection().connection
    METER.watch(shared.session)
    for model in models[1:]:
        table = model._get_connection()
        shared.add_meta_table(table.get_meta_table())
        table.connection = shared
    _ = shared.client  # made now, while a starting function has all the CPU it can get
    return shared.session


class DecimalAttribute(Attribute[Any]):
    """Money: a DynamoDB number that never passes through a float."""

    attr_type = NUMBER

    def serialize(self, value: Any) -> str:
        """The number as DynamoDB carries it."""
        return f"{value:f}"

    def deserialize(self, value: str) -> Any:
        """The number as it was put in."""
        return Decimal(value)


def past_conflicts(write: Callable[[], Written]) -> Written:
    """Do a write that another transaction may be in the way of: nothing was written then, so it is tried again."""
    for pause in CONFLICT_PAUSES_SECONDS:
        try:
            return write()
        except PynamoDBException as error:
            if not _is_conflict(error):
                raise
        time.sleep(pause)
    return write()


def _is_conflict(error: PynamoDBException) -> bool:
    if isinstance(error, TransactWriteError):
        codes = {reason.code for reason in error.cancellation_reasons if reason}
        return codes == {"TransactionConflict"}
    return error.cause_response_code == "TransactionConflictException"


class Step(TransactWrite):
    """A transaction that waits for another one in its way."""

    def put_raw(self, table: Any, hash_key: str, attributes: dict[str, Any], condition: Condition) -> None:
        """Put an item as DynamoDB writes it, over a model's connection to its table."""
        told = table.get_operation_kwargs(hash_key, key="Item", attributes=attributes, condition=condition)
        self._put_items.append(told)

    def _commit(self) -> Any:
        return past_conflicts(super()._commit)


def failed_condition(error: PynamoDBException) -> bool:
    """Whether `error` says that a condition did not hold, rather than that the write could not be tried."""
    return error.cause_response_code in CONDITION_FAILED


@contextmanager
def fenced(what: str) -> Iterator[None]:
    """Turn a failed condition into FenceLost: another process moved the state on, so `what` was not written."""
    try:
        yield
    except TransactWriteError as error:
        codes = [reason.code for reason in error.cancellation_reasons if reason]
        if "ConditionalCheckFailed" in codes:
            raise FenceLost(f"{what} was not written: another process moved the bot's state on first.") from error
        raise
    except PynamoDBException as error:
        if failed_condition(error):
            raise FenceLost(f"{what} was not written: another process moved the bot's state on first.") from error
        raise
