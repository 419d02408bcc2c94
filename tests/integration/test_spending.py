"""Functions count what they use, add it to the month's, and are not stopped where that fails."""

import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from heisenbug import counting
from heisenbug.spending import share_of_month, spending
from heisenbug.store.usage import Counted, add_usage, usage_of
from heisenbug.usage.meter import Meter
from tests.lambdas import load
from tests.tables import Cloud

CONNECT = {"requestContext": {"eventType": "CONNECT", "connectionId": "c1", "authorizer": {"role": "admin"}}}
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
CONTEXT = SimpleNamespace(memory_limit_in_mb="256")


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> Meter:
    fresh = Meter()
    monkeypatch.setattr(counting, "METER", fresh)
    return fresh


def test_a_function_tells_what_it_used_after_its_first_invocation(
    tables: Cloud, monkeypatch: pytest.MonkeyPatch, meter: Meter
) -> None:
    function = load(monkeypatch, "websocket", "connection")
    assert function.handler(CONNECT, CONTEXT) == {"statusCode": 200}
    function.handler(CONNECT, CONTEXT)
    told = usage_of(time.time()).each["connection"]
    assert told["invocations"] == 1
    assert told["gb_seconds"] > 0
    assert meter.counts["invocations"] == 1


def test_counts_of_a_month_add_up(tables: Cloud) -> None:
    for number in (1, 2):
        add_usage(NOVEMBER + number, "trader", {"invocations": number, "gb_seconds": 0.25, "pushes": 0})
    assert usage_of(NOVEMBER) == Counted(NOVEMBER + 1, {"trader": {"invocations": 3, "gb_seconds": 0.5}})
    assert usage_of(NOVEMBER - 1) == Counted(NOVEMBER - 1, {})


def test_a_function_does_its_work_where_its_counts_cannot_be_told_and_tells_them_later(
    tables: Cloud, monkeypatch: pytest.MonkeyPatch, meter: Meter, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(at: float, function: str, counts: Any) -> None:
        raise OSError("no table")

    monkeypatch.setattr(counting, "add_usage", broken)
    assert load(monkeypatch, "websocket", "connection").handler(CONNECT, CONTEXT) == {"statusCode": 200}
    assert meter.counts["invocations"] == 1
    assert "usage was not told" in capsys.readouterr().out


def test_the_cost_of_a_month_is_that_of_all_functions_and_of_what_stands(tables: Cloud) -> None:
    add_usage(NOVEMBER, "trader", {"write_units": 1_000_000})
    add_usage(NOVEMBER, "api", {"api_requests": 2_000_000})
    told = spending(datetime(2026, 11, 16, tzinfo=UTC))
    assert told["share"] == 0.5
    assert told["so_far"] == pytest.approx(2.625)
    assert told["forecast"] == pytest.approx(5.25)
    assert told["forecast_listed"] > told["forecast"]
    amounts = {line["name"]: line["amount"] for line in told["lines"]}
    assert amounts["write_units"] == 1_000_000


def test_a_bot_that_began_within_the_month_is_told_from_there_on(tables: Cloud) -> None:
    add_usage(datetime(2026, 11, 16, tzinfo=UTC).timestamp(), "trader", {"write_units": 1_000_000})
    told = spending(datetime(2026, 11, 19, tzinfo=UTC))
    assert told["share"] == 0.1
    assert told["forecast"] == pytest.approx(0.625 * 5)


def test_before_anything_was_counted_only_what_stands_is_told(tables: Cloud) -> None:
    told = spending(datetime(2026, 11, 16, tzinfo=UTC))
    assert told["so_far"] == 0
    assert told["forecast_listed"] > 0


@pytest.mark.parametrize(("moment", "share"), [("2026-02-15T00:00:00+00:00", 0.5), ("2026-02-01T01:00:00+01:00", 0.0)])
def test_a_month_passes_in_utc(moment: str, share: float) -> None:
    assert share_of_month(datetime.fromisoformat(moment)) == share
