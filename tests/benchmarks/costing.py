"""`make cost`: a simulated day of the bot, minute by minute and tick by tick, and the bill of a month of such days.

The functions' handlers run here, on tables, a queue and an exchange in processes of their own, with the market's time
injected; what they use is counted by themselves, as it is in AWS. How long they take is measured: waiting as it is
here, computing as at the 256 MB of the template, which have a seventh of a processor. Nobody looks and nothing trades.
"""

import argparse
import base64
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

from cli.emulator import aws_environment, client
from cli.paths import ROOT, home
from heisenbug.messages import utc
from heisenbug.usage.bill import Bill, Usage, forecast_of
from heisenbug.usage.meter import MEMORY_MB, Counts
from heisenbug.usage.prices import PRICES
from tests.benchmarks.ticking import PAIRS, bench

BOT_ID, MONTH_DAYS = "default", 365.25 / 12
WARM_SECONDS = 180
WHOLE_PROCESSOR_MB = 1769
CONTEXT = SimpleNamespace(
    memory_limit_in_mb=str(MEMORY_MB), aws_request_id="cost", get_remaining_time_in_millis=lambda: 20_000
)
# Interval in seconds, pairs, and at most how many dollars a month inside what is always free, and at list price.
RUNS = ((60, 1, 0.15, 3.5), (60, 10, 0.15, 3.5), (5, 1, 1.10, 6.0), (5, 10, 1.10, 6.0))


def main() -> None:
    """Run them all; exit with 1 where a bill is above its goal."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--hours", type=float, default=24, help="how much of a day is run (default 24)")
    hours = options.parse_args().hours
    good = True
    for interval, pairs, free, listed in RUNS:
        bill = bill_of_month(interval, pairs, hours)
        good &= told(f"{interval} s, {pairs} pairs", bill, free, listed)
    sys.exit(0 if good else 1)


def bill_of_month(interval: int, pairs: int, hours: float) -> Bill:
    """The bill of a month like this part of a day."""
    with bench(home()) as (port, url):
        used = used_in(hours, interval, pairs, port, url)
    counted = hours / 24 / MONTH_DAYS
    return forecast_of(used, counted, 1 - counted)


def told(what: str, bill: Bill, free: float, listed: float) -> bool:
    """Print a bill; whether it is within its goals."""
    print(f"\n{what}: ${bill.charged:.2f} a month (<= {free:.2f}), ${bill.listed:.2f} at list price (<= {listed:.2f})")
    for line in bill.lines:
        price = PRICES[line.name]
        print(f"  {price.what:<24} {line.amount:>16,.0f} {price.unit:<12} {line.charged:>7.3f} {line.listed:>7.3f}")
    return bill.charged <= free and bill.listed <= listed


def used_in(hours: float, interval: int, pairs: int, port: int, url: str) -> Usage:
    """What the trader and the broadcaster use in so many hours."""
    queue = client("sqs", port).create_queue(QueueName="bench")["QueueUrl"]
    os.environ.update(aws_environment(port))
    os.environ.update(TABLE_PREFIX="bench-", EXCHANGE_URL=url, TICK_QUEUE_URL=queue, HISTORY_URL=f"{url}/local/samples")
    os.environ.update(BOT_ID=BOT_ID, VENUE="uphold", WEBSOCKET_ENDPOINT=url, POWERTOOLS_SERVICE_NAME="bench")
    from heisenbug.configuration import Configurations
    from heisenbug.store.all import MODELS, bind_all
    from heisenbug.wiring import now

    bind_all("bench-")
    for model in MODELS:
        model.create_table(billing_mode="PAY_PER_REQUEST")
    settings = {"pairs": PAIRS[:pairs], "is_active": True, "check_interval_seconds": interval}
    Configurations(BOT_ID).change(settings, "bench", now())
    return Day(port, interval).run(int(time.time()) // 60 * 60, int(hours * 3600))


class Day:
    """The two functions that work though nobody looks, at the time that they are told."""

    def __init__(self, port: int, interval: int) -> None:
        from heisenbug import wiring
        from heisenbug.usage.metering import METER

        self._now, self._interval, self._gb_seconds = 0.0, interval, 0.0
        self._meter, self._used = METER, Counts()
        METER._clock = lambda: self._now
        wiring.time = SimpleNamespace(sleep=lambda seconds: None, time=time.time, monotonic=time.monotonic)  # type: ignore[assignment, attr-defined]
        self._trader, self._broadcast = _loaded("trader"), _loaded("broadcast")
        self._sent: list[int] = []
        self._told = 0
        send = wiring.Ticks.send

        def noted(queue: wiring.Ticks, ticks: Mapping[int, int], interval: int) -> None:
            send(queue, ticks, interval)
            self._sent += ticks

        wiring.Ticks.send = noted  # type: ignore[method-assign]
        self._tables = client("dynamodb", port)

    def run(self, begin: int, seconds: int) -> Usage:
        """What is used from `begin` (epoch seconds) on, when the bot has been running for a while."""
        for minute in range(begin - WARM_SECONDS, begin + seconds, 60):
            if minute == begin:
                self._used, self._gb_seconds = Counts(), 0.0
            self._tick(minute, {})
            for due in sorted(self._sent):
                body = f'{{"due": {due}, "interval": {self._interval}}}'
                self._tick(due, {"Records": [{"eventSource": "aws:sqs", "body": body}]})
            self._sent.clear()
            _progress(max(minute - begin + 60, 0), seconds)
        self._used["gb_seconds"] = self._gb_seconds
        return self._used

    def _tick(self, due: int, event: dict[str, Any]) -> None:
        self._now = float(due)
        self._call(self._trader.handler, {**event, "now": due})
        if due > self._told:
            for record in self._written(due):
                self._call(self._broadcast.handler, {"Records": [record]})
                self._told = due

    def _written(self, due: int) -> Iterator[dict[str, Any]]:
        """The record of the tick's snapshot, as its table's stream tells it: samples have a partition of their own."""
        for partition in (BOT_ID, f"{BOT_ID}:60"):
            key = {"bot_id": {"S": partition}, "at": {"S": utc(due)}}
            item = self._tables.get_item(TableName="bench-PriceSnapshot", Key=key).get("Item")
            if item:
                yield _record(item)

    def _call(self, handler: Callable[[dict[str, Any], Any], Any], event: dict[str, Any]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        handler(event, CONTEXT)
        taken = time.process_time() - cpu
        waited = max(time.perf_counter() - wall - taken, 0)
        self._gb_seconds += (waited + taken * WHOLE_PROCESSOR_MB / MEMORY_MB) * MEMORY_MB / 1024
        self._used.add(self._meter.taken())


def _record(item: dict[str, Any]) -> dict[str, Any]:
    image = {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value}
        for name, typed in item.items()
        for kind, value in typed.items()
    }
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/bench-PriceSnapshot/stream/1"
    change = {"NewImage": image, "Keys": {}}
    return {"eventSource": "aws:dynamodb", "eventName": "INSERT", "eventSourceARN": arn, "dynamodb": change}


def _loaded(function: str) -> ModuleType:
    path = ROOT / "functions" / function / "app.py"
    spec = importlib.util.spec_from_file_location(f"{function}_app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _progress(done: int, whole: int) -> None:
    if sys.stderr.isatty() or done == whole:
        print(f"\r{done / 3600:.1f} of {whole / 3600:.1f} hours", end="" if done < whole else "\n", file=sys.stderr)


if __name__ == "__main__":
    main()
