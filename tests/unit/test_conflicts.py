"""Two transactions in each other's way: nothing was written by the one that was refused, so it is tried again."""

import pytest
from botocore.exceptions import ClientError
from pynamodb.exceptions import UpdateError

from heisenbug.store import tables
from heisenbug.store.tables import past_conflicts


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "CONFLICT_PAUSES_SECONDS", (0, 0, 0))


def refused(code: str) -> UpdateError:
    return UpdateError("refused", ClientError({"Error": {"Code": code, "Message": ""}}, "UpdateItem"))


def failing(*errors: Exception) -> object:
    """A write that fails with these, one after the other, and then succeeds."""
    left = list(errors)

    def write() -> str:
        if left:
            raise left.pop(0)
        return "written"

    return write


def test_a_write_in_the_way_of_a_transaction_is_tried_again() -> None:
    conflict = "TransactionConflictException"
    assert past_conflicts(failing(refused(conflict), refused(conflict))) == "written"  # type: ignore[type-var, arg-type]


def test_it_is_not_tried_for_ever() -> None:
    conflicts = [refused("TransactionConflictException") for _ in range(9)]
    with pytest.raises(UpdateError):
        past_conflicts(failing(*conflicts))  # type: ignore[type-var, arg-type]


def test_a_condition_that_failed_is_let_out_at_once() -> None:
    write = failing(refused("ConditionalCheckFailedException"))
    with pytest.raises(UpdateError):
        past_conflicts(write)  # type: ignore[type-var, arg-type]
    assert write() == "written"  # type: ignore[operator]
