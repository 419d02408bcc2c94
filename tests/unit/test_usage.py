"""What a function uses is counted by itself, told now and then, and priced by one table."""

from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.bot import Report
from heisenbug.observing import _counts
from heisenbug.usage.bill import bill_of, forecast_of
from heisenbug.usage.meter import TELL_EVERY_SECONDS, Meter
from heisenbug.usage.prices import PRICES, STANDING
from tests.template import template


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Events:
    """A client of AWS that makes calls whose answers are given."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def register(self, event_name: str, handler: Any) -> None:
        self.heard.append((event_name, handler))

    def call(self, service: str, operation: str, answer: dict[str, Any]) -> None:
        model = SimpleNamespace(name=operation, service_model=SimpleNamespace(service_name=service))
        for name, handler in self.heard:
            if name == f"after-call.{service}.*":
                handler(model=model, parsed=answer, http_response=None, context={})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(clock: Clock) -> Meter:
    return Meter(clock)


def test_units_of_tables_are_counted_as_the_tables_state_them(meter: Meter) -> None:
    events = Events()
    meter.watch(events)
    events.call("dynamodb", "UpdateItem", {"ConsumedCapacity": {"CapacityUnits": 2.0}})
    events.call("dynamodb", "Query", {"ConsumedCapacity": {"CapacityUnits": 0.5}})
    units = [{"CapacityUnits": 4.0}, {"CapacityUnits": 2.0}]
    events.call("dynamodb", "TransactWriteItems", {"ConsumedCapacity": units})
    events.call("dynamodb", "UpdateItem", {"Error": {"Code": "ConditionalCheckFailedException"}})
    assert meter.taken() == {"write_units": 8.0, "read_units": 0.5}


def test_messages_to_the_queue_and_to_clients_are_counted(meter: Meter) -> None:
    events = Events()
    meter.watch(events)
    events.call("sqs", "SendMessageBatch", {})
    events.call("apigatewaymanagementapi", "PostToConnection", {})
    assert meter.taken() == {"queue_requests": 1, "pushes": 1}


@pytest.mark.parametrize(
    ("event", "besides"),
    [
        ({"version": "0"}, {"schedules": 1}),
        ({"Records": [{"eventSource": "aws:sqs"}, {"eventSource": "aws:sqs"}]}, {"queue_requests": 4}),
        ({"Records": [{"eventSource": "aws:dynamodb"}]}, {}),
        ({"Records": [{"EventSource": "aws:sns"}]}, {}),
        ({"requestContext": {"http": {"method": "GET"}}}, {"api_requests": 1}),
        ({"requestContext": {"http": {"method": "GET"}}, "routeArn": "arn"}, {}),
        ({"requestContext": {"eventType": "MESSAGE"}}, {"pushes": 1}),
        ({"requestContext": {"eventType": "CONNECT"}}, {}),
    ],
)
def test_an_invocation_is_counted_with_what_called_it(
    meter: Meter, clock: Clock, event: dict[str, Any], besides: dict[str, int]
) -> None:
    context = SimpleNamespace(memory_limit_in_mb="512")
    clock.now += 2  # the process's beginning is paid for
    meter.run(lambda event, context: None, event, context)
    assert meter.taken() == {"invocations": 1, "gb_seconds": pytest.approx(1.0), **besides}
    meter.run(lambda event, context: None, event, None)
    assert meter.taken()["gb_seconds"] == 0


def test_an_invocation_that_fails_is_counted_and_fails(meter: Meter) -> None:
    def fails(event: dict[str, Any], context: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        meter.run(fails, {}, None)
    assert meter.counts["invocations"] == 1


def test_counts_are_told_after_the_first_invocation_and_then_every_ten_minutes(meter: Meter, clock: Clock) -> None:
    assert meter.due()
    clock.now += TELL_EVERY_SECONDS - 1
    assert not meter.due()
    clock.now += 1
    assert meter.due()


def test_what_could_not_be_told_is_counted_on(meter: Meter) -> None:
    meter.counts["invocations"] += 3
    taken = meter.taken()
    meter.counts["invocations"] += 1
    meter.give_back(taken)
    assert meter.taken() == {"invocations": 4}


def test_every_byte_that_is_logged_is_counted(meter: Meter) -> None:
    stream = StringIO()
    print("drawdown \N{EM DASH} 3 %", file=meter.listen(stream))  # type: ignore[arg-type]
    assert stream.getvalue() == "drawdown \N{EM DASH} 3 %\n"
    assert meter.counts["log_bytes"] == len(stream.getvalue().encode())


def test_a_month_within_what_is_always_free_costs_only_what_never_is() -> None:
    bill = bill_of({"invocations": 500_000, "write_units": 1_000_000}, 1.0)
    assert bill.charged == pytest.approx(0.625)
    assert bill.listed == pytest.approx(0.625 + 0.1 + sum(STANDING[name] * PRICES[name].dollars for name in STANDING))


def test_what_stands_is_paid_for_the_part_of_the_month_that_has_passed() -> None:
    assert {line.name: line.amount for line in bill_of({}, 0.5).lines}["alarms"] == 5


@given(st.dictionaries(st.sampled_from(sorted(PRICES)), st.floats(0, 1e12)), st.floats(0.01, 0.5), st.floats(0, 0.5))
def test_a_bill_is_never_negative_free_never_dearer_and_a_forecast_never_below_it(
    usage: dict[str, float], counted: float, left: float
) -> None:
    now, later = bill_of(usage, counted), forecast_of(usage, counted, left)
    for line, end in zip(now.lines, later.lines, strict=True):
        assert 0 <= line.charged <= line.listed
        assert end.charged >= line.charged * (1 - 1e-9)
        assert end.listed >= line.listed * (1 - 1e-9)


@pytest.mark.parametrize(("counted", "left"), [(0, 1), (-0.1, 1), (0.5, -0.1)])
def test_there_is_no_forecast_from_nothing(counted: float, left: float) -> None:
    with pytest.raises(ValueError, match="foretold"):
        forecast_of({}, counted, left)


def test_alarms_and_metrics_are_as_many_as_the_template_and_a_tick_make() -> None:
    kinds = [resource["Type"] for resource in template()["Resources"].values()]
    assert STANDING["alarms"] == kinds.count("AWS::CloudWatch::Alarm")
    assert STANDING["metrics"] == len(_counts(Report(0, "no trade")))
