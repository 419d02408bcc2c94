"""`make soak`: the bot as a person runs it, for minutes, on a recorded and on the demo market, with its figures.

Then with live money on an exchange that misbehaves, which takes about an hour: doubts take minutes to be over.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from cli.emulator import client
from cli.paths import ROOT
from tests.e2e.living import KEEN, STEPS, Living, give_live_money, living

RECORDED = ROOT.parent / "shared" / "data" / "crypto8_1m_2025-05.csv.gz"
GROUPS = ("trader", "broadcast", "actions", "connection", "api", "authorizer")
TRADES = 130
KEPT = 100


@dataclass
class Client:
    """A WebSocket client that notes what arrives, and when (epoch seconds)."""

    url: str
    token: str
    heard: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def listen(self, stop: threading.Event) -> None:
        """Take every message until `stop`."""
        with connect(self.url, additional_headers={"Authorization": f"Bearer {self.token}"}, open_timeout=20) as socket:
            while not stop.is_set():
                try:
                    message = json.loads(socket.recv(1))
                except TimeoutError:
                    continue
                except ConnectionClosed:
                    return
                self.heard.append((time.time(), message))

    def of(self, kind: str) -> list[tuple[float, dict[str, Any]]]:
        """What was heard of one kind."""
        return [(at, message) for at, message in self.heard if message["type"] == kind]


def main() -> None:
    """Run both parts, print each figure, exit with 1 where one is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10, help="how long on the recorded market (default 10)")
    options.add_argument("--only", choices=["recorded", "demo", "live"], help="one of the three parts")
    options.add_argument("--decisions", type=int, default=200, help="how many with live money (default 200)")
    options.add_argument("--port", type=int, default=5500)
    asked = options.parse_args()
    home = Path(os.environ.get("HEISENBUG_HOME", ROOT / ".heisenbug")).resolve()
    good = True
    if asked.only in (None, "recorded") and RECORDED.exists():
        with running(home, asked.port, "--market", str(RECORDED), "--speed", "12") as stack:
            good &= recorded(stack, asked.port, asked.minutes)
    elif asked.only in (None, "recorded"):
        print("The recorded market is not here: that part is left out.")
    if asked.only in (None, "demo"):
        with running(home, asked.port, "--market", "demo", "--interval", "1") as stack:
            good &= demo(stack, asked.port)
    if asked.only in (None, "live"):
        with living(new_home(home), asked.port) as one:
            good &= live(one, asked.decisions)
    sys.exit(0 if good else 1)


def recorded(stack: dict[str, Any], port: int, minutes: float) -> bool:
    """Default settings on a recorded market: no trade, each refusal explained, no tick missed, none twice."""
    time.sleep(minutes * 60)
    lines = log_lines(port)
    ticks = [line for line in lines if line.get("outcome") == "no trade"]
    dues = sorted(line["due"] for line in ticks)
    late = sorted(line["late_seconds"] for line in ticks[1:])
    board = get(stack, "opportunities?limit=1000")["opportunities"]
    return told(
        ("ticks", len(dues), "", True),
        ("missed ticks", (dues[-1] - dues[0]) // 5 + 1 - len(set(dues)), "0", True),
        ("doubled ticks", len(dues) - len(set(dues)), "0", True),
        (
            "latest tick, s after its due time (the first, which is started by hand, apart)",
            late[-1],
            "<= 1.5",
            late[-1] <= 1.5,
        ),
        ("median tick, s after its due time", late[len(late) // 2], "", True),
        ("outcomes of ticks", dict(Counter(str(line["outcome"]) for line in lines if "outcome" in line)), "", True),
        ("errors in any log", errors(port), "0", not errors(port)),
        ("trades", len(get(stack, "trades")["trades"]), "0", not get(stack, "trades")["trades"]),
        ("conversions with a reason", sum(bool(row["why"]) for row in board), "72", len(board) == 72),
        (
            "first failed gates",
            dict(Counter(row["gate"] for row in board)),
            "",
            all(r["gate"] != "open" for r in board),
        ),
    )


def demo(stack: dict[str, Any], port: int) -> bool:
    """The demo's profile: trades happen, each arrives once at two clients, the newest 100 are kept."""
    stop = threading.Event()
    clients = [Client(stack["outputs"]["WebSocketUrl"], stack["token"]) for _ in range(2)]
    threads = [threading.Thread(target=each.listen, args=(stop,)) for each in clients]
    for thread in threads:
        thread.start()
    newest = 0
    for _ in range(1200):
        newest = max((trade["sequence"] for trade in get(stack, "trades?limit=1")["trades"]), default=0)
        if newest >= TRADES:
            break
        time.sleep(1)
    requests.post(f"{stack['outputs']['ApiUrl']}/stop", headers=bearer(stack), timeout=20)
    time.sleep(4)
    stop.set()
    for thread in threads:
        thread.join()
    return judged(stack, port, clients)


def live(one: Living, decisions: int) -> bool:
    """Live money while three requests in ten go wrong, in every way there is; then its books against the exchange's."""
    one.bot.change(**KEEN)
    one.bot.plan_minute()
    give_live_money(one)
    one.trouble({"seed": 7, "rate": 0.3, "steps": list(STEPS)})
    one.trade_on(decisions, lambda text: print(f"     {text}", flush=True))
    dealt = one.dealt()
    one.settle()
    truth, archived, kept = one.completed(), one.booked("TradeArchive"), one.booked("TradeHistory")
    double = sum(number - 1 for number in one.decisions_per_conversion().values())
    return told(
        ("decisions with live money", one.concluded(), f">= {decisions}", one.concluded() >= decisions),
        ("troubles dealt", sum(dealt.values()), "", bool(dealt)),
        ("kinds of trouble dealt", len(dealt), "", True),
        ("conversions at the exchange", len(truth), "", bool(truth)),
        ("double conversions", double, "0", not double),
        ("lost conversions", len(truth.keys() - archived.keys()), "0", truth == archived),
        ("in TradeHistory as at the exchange", len(kept), str(len(truth)), truth == kept),
        ("the live ledger is what the conversions left", same := one.holdings() == one.followed(), "True", same),
        ("value conserved at the exchange", one.truth()["conserved"], "True", one.truth()["conserved"]),
        ("halts that asked for a person (token, password, late landing), re-armed", one.rearmed, "", True),
    )


def judged(stack: dict[str, Any], port: int, clients: list[Client]) -> bool:
    """The figures of the demo's run."""
    kept = sorted(trade["sequence"] for trade in get(stack, "trades?limit=100")["trades"])
    stored = client("dynamodb", port).scan(TableName="heisenbug-TradeHistory", ProjectionExpression="#s", **SEQUENCE)
    numbers = sorted(int(item["sequence"]["N"]) for item in stored["Items"])
    written = {
        line["due"]: line["_aws"]["Timestamp"] / 1000 for line in log_lines(port) if line.get("outcome") == "executed"
    }
    waits = sorted(wait for each in clients for wait in delays(each, written))
    once = [Counter(message["data"]["sequence"] for _, message in each.of("trade_executed")) for each in clients]
    p95 = waits[math.ceil(len(waits) * 0.95) - 1] if waits else math.inf
    newest = kept[-1]
    return told(
        ("trades", newest, f">= {TRADES}", newest >= TRADES),
        ("trades heard by each client", [len(heard) for heard in once], "", min(map(len, once)) >= newest - 3),
        (
            "heard more than once",
            sum(n - 1 for heard in once for n in heard.values()),
            "0",
            all(n == 1 for h in once for n in h.values()),
        ),
        ("from written to heard, 95th percentile, s", round(p95, 3), "< 1", p95 < 1),
        ("from written to heard, median, s", round(waits[len(waits) // 2], 3), "", True),
        ("kept in TradeHistory", len(numbers), str(KEPT), numbers == list(range(newest - KEPT + 1, newest + 1))),
        ("errors in any log", errors(port), "0", not errors(port)),
    )


SEQUENCE: dict[str, Any] = {"ExpressionAttributeNames": {"#s": "sequence"}}


def delays(each: Client, written: dict[int, float]) -> Iterator[float]:
    """Seconds from a trade's line in the log, written right after the trade, to its arrival."""
    for at, message in each.of("trade_executed"):
        due = int(time.mktime(time.strptime(message["data"]["at"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone)
        if due in written:
            yield max(at - written[due], 0.0)


def told(*figures: tuple[str, Any, str, bool]) -> bool:
    """Print the figures beside their goals; whether all are met."""
    for what, value, goal, met in figures:
        print(f"{'ok  ' if met else 'MISS'} {what}: {value}{f'   (goal {goal})' if goal else ''}", flush=True)
    return all(met for *_, met in figures)


def new_home(home: Path) -> Path:
    """A home of its own for one part."""
    own = home / "soak"
    subprocess.run(["rm", "-rf", str(own)], check=True)
    own.mkdir(parents=True)
    for name in ("python", "uv-path"):
        (own / name).write_text((home / name).read_text())
    return own


@contextmanager
def running(home: Path, port: int, *arguments: str) -> Iterator[dict[str, Any]]:
    """`heisenbug up` in a home of its own, for the length of one part."""
    own = new_home(home)
    command = [sys.executable, "-m", "cli.main"]
    environment = {**os.environ, "HEISENBUG_HOME": str(own), "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'heisenbug'}"}
    subprocess.run([*command, "up", *arguments, "--port", str(port), "--detach"], env=environment, check=True)
    try:
        yield json.loads((own / "stack.json").read_text())
    finally:
        subprocess.run([*command, "down"], env=environment, check=True)


def bearer(stack: dict[str, Any]) -> dict[str, str]:
    """The header that shows the admin's token."""
    return {"Authorization": f"Bearer {stack['token']}"}


def get(stack: dict[str, Any], path: str) -> Any:
    """One answer of the API."""
    answer = requests.get(f"{stack['outputs']['ApiUrl']}/{path}", headers=bearer(stack), timeout=30)
    answer.raise_for_status()
    return answer.json()


def raw_lines(port: int) -> Iterator[str]:
    """Every line of every function's log."""
    logs = client("logs", port)
    for group in GROUPS:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/heisenbug-{group}")
        yield from (event["message"] for page in pages for event in page["events"])


def log_lines(port: int) -> list[dict[str, Any]]:
    """The lines that are JSON."""
    return [json.loads(line) for line in raw_lines(port) if line.startswith("{")]


def errors(port: int) -> int:
    """Lines that speak of an error."""
    return sum('"ERROR"' in line or "Traceback" in line or "Task timed out" in line for line in raw_lines(port))


if __name__ == "__main__":
    main()
