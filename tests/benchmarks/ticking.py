"""What a warm tick costs: its own CPU, and the units of DynamoDB it reads and writes."""

import gzip
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import requests

from cli.emulator import aws_environment, client, start_emulator, wait_until_ready
from cli.environments import make_environments
from cli.paths import ROOT, Home
from cli.processes import stop
from tests.benchmarks.figures import Figure

TICKS = 200
PAIRS = [f"{base}-USD" for base in ("BTC", "ETH", "SOL", "XRP", "ADA", "LTC", "DOT", "LINK", "UNI", "BCH")]
MINUTES = 600


def ticking(home: Home) -> Iterator[Figure]:
    """Warm ticks without a trade against tables and an exchange in processes of their own."""
    with bench(home) as (port, url):
        yield from _measure(port, url)


@contextmanager
def bench(home: Home) -> Iterator[tuple[int, str]]:
    """The embedded AWS without anything in it, by its port, and an exchange beside it, by its address."""
    make_environments(home)
    own = Home(home.path / "bench")
    shutil.rmtree(own.path, ignore_errors=True)
    own.path.mkdir()
    for name in ("ministack", "functions"):
        link = own.path / name
        link.symlink_to(home.path / name)
    port = _free_port()
    start_emulator(own, port)
    try:
        wait_until_ready(own, port)
        _write_market(own.path / "market.csv.gz")
        with _exchange(own.path / "market.csv.gz", port + 1) as url:
            yield port, url
    finally:
        stop(own, "ministack")


def _measure(port: int, url: str) -> Iterator[Figure]:
    queue = client("sqs", port).create_queue(QueueName="bench")["QueueUrl"]
    os.environ.update(aws_environment(port))
    os.environ.update(TABLE_PREFIX="bench-", EXCHANGE_URL=url, TICK_QUEUE_URL=queue, HISTORY_URL=f"{url}/local/samples")
    from heisenbug.configuration import Configurations
    from heisenbug.observing import tell
    from heisenbug.store.all import MODELS, bind_all
    from heisenbug.tick import run_tick
    from heisenbug.wiring import Wiring, now

    bind_all("bench-")
    for model in MODELS:
        model.create_table(billing_mode="PAY_PER_REQUEST")
    Configurations("default").change({"pairs": PAIRS, "is_active": True, "sample_seconds": 5}, "bench", now())
    wiring, units = Wiring(), _count_units(MODELS[0])
    due = int(time.time()) // 5 * 5
    taken, written, read = [], [], []
    for number in range(TICKS):
        units.update(write=0.0, read=0.0)
        requests.post(f"{url}/local/position", json={"market_time": _market_time(200 + number)}, timeout=5)
        wiring.forget_prices()
        began = time.process_time()
        report = run_tick(wiring.bot(f"bench-{number}", 20_000), due + 5 * number)
        taken.append((time.process_time() - began) * 1000)
        assert report.outcome == "no trade", report
        written.append(units["write"])
        read.append(units["read"])
    tell(report, "default")
    warm = slice(20, None)
    yield Figure(f"a warm tick over {len(PAIRS)} pairs, own CPU", median(taken[warm]), "<= 10", "ms CPU")
    yield Figure("write units of a warm tick without a trade, the most seen", max(written[warm]), "<= 2", "units")
    yield Figure("read units of a warm tick without a trade, the most seen", max(read[warm]), "<= 3", "units")


def _count_units(model: Any) -> dict[str, float]:
    """Ask every answer for the capacity it consumed, and add it up."""
    units = {"write": 0.0, "read": 0.0}
    dynamodb = model._get_connection().connection.client
    plain = dynamodb._make_api_call

    def counted(operation: str, arguments: dict[str, Any]) -> Any:
        answer = plain(operation, {**arguments, "ReturnConsumedCapacity": "TOTAL"})
        told = answer.get("ConsumedCapacity") or {}
        kind = "read" if operation in ("GetItem", "Query", "Scan", "BatchGetItem") else "write"
        units[kind] += sum(part["CapacityUnits"] for part in (told if isinstance(told, list) else [told]) if part)
        return answer

    dynamodb._make_api_call = counted
    return units


def _market_time(minute: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime(1_768_003_200 + 60 * minute))


def _write_market(file: Path) -> None:
    """Ten pairs of random walks, a minute a row."""
    walks = 100 * np.exp(np.random.default_rng(7).normal(0, 0.0007, (MINUTES, len(PAIRS))).cumsum(axis=0))
    with gzip.open(file, "wt") as out:
        out.write("at,pair,bid,ask\n")
        for minute, prices in enumerate(walks):
            for pair, price in zip(sorted(PAIRS), prices, strict=True):
                out.write(f"{_market_time(minute)},{pair},{price:.6f},{price * 1.0002:.6f}\n")


@contextmanager
def _exchange(market: Path, port: int) -> Iterator[str]:
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "local.exchange", "--market", str(market), "--speed", "12", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                requests.get(f"{url}/local/health", timeout=1).raise_for_status()
                break
            except requests.RequestException:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
