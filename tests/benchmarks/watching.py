"""`python -m tests.benchmarks.watching`: what those who watch the bot see, and when: one browser, then 500 clients."""

import argparse
import asyncio
import json
import math
import os
import random
import re
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Page
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from cli.emulator import client
from cli.paths import ROOT
from tests.benchmarks.soak import Client, bearer, get, log_lines, running, told
from tests.e2e.browser import opened_browser

SHOWN, CHANGES = 100, 12
CLIENTS, TOLD = 500, 50
# The embedded AWS starts a process for each of many that knock at once, and none gets in.
DOOR = 6
# Notes when each trade is on the screen first, by its id.
NOTING = """
    globalThis.shown = {};
    const note = () => {
      for (const link of document.querySelectorAll("#newest tbody a")) shown[link.hash.slice(9)] ??= Date.now();
    };
    new MutationObserver(note).observe(document, { subtree: true, childList: true, attributes: true });
"""


def main() -> None:
    """Run both parts, print each figure, exit with 1 where one is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", choices=["browser", "crowd"], help="one of the two parts")
    options.add_argument("--clients", type=int, default=CLIENTS)
    options.add_argument("--trades", type=int, default=TOLD, help="how many trades the clients are told")
    options.add_argument("--port", type=int, default=5600)
    asked = options.parse_args()
    home, good = Path(os.environ.get("HEISENBUG_HOME", ROOT / ".heisenbug")).resolve(), True
    if asked.only in (None, "browser"):
        with running(home, asked.port, "--market", "demo", "--interval", "1") as stack:
            good &= in_a_browser(stack, asked.port)
    if asked.only in (None, "crowd"):
        with running(home, asked.port, "--market", "demo", "--interval", "5") as stack:
            good &= crowd(stack, asked.port, asked.clients, asked.trades)
    sys.exit(0 if good else 1)


def in_a_browser(stack: dict[str, Any], port: int) -> bool:
    """How soon a trade is on the screen, and when a change made in the panel acts."""
    with opened_browser() as browser:
        page = browser.new_page()
        page.add_init_script(NOTING)
        page.goto(f"{stack['outputs']['PanelUrl']}#token={stack['token']}")
        page.locator("#newest").wait_for()
        first = get(stack, "status")["last_tick"]
        waits: list[float] = []
        for _ in range(600):
            page.wait_for_timeout(1000)
            waits = waits_of(page, stack, port, first)
            if len(waits) >= SHOWN:
                break
        late = ticks_until_changed(page, stack)
    p95 = waits[math.ceil(len(waits) * 0.95) - 1] if waits else math.inf
    return told(
        ("trades on the screen", len(waits), f">= {SHOWN}", len(waits) >= SHOWN),
        ("from written to on the screen, 95th percentile, s", round(p95, 3), "<= 1", p95 <= 1),
        ("from written to on the screen, median, s", round(waits[len(waits) // 2], 3), "", True),
        ("changes made in the panel", len(late), f">= {CHANGES}", len(late) >= CHANGES),
        ("ticks due after a change was saved that did not know it", sum(late), "0", not any(late)),
    )


def waits_of(page: Page, stack: Mapping[str, Any], port: int, first: str) -> list[float]:
    """Seconds from a trade's line in the log, written right after the trade, to its being on the screen, sorted."""
    shown = page.evaluate("shown")
    trades = {
        trade["id"]: trade["at"] for trade in get(dict(stack), "trades?limit=100")["trades"] if trade["at"] > first
    }
    if len(shown.keys() & trades.keys()) < min(SHOWN, len(trades)) or len(trades) < SHOWN:
        return []
    written = {line["due"]: line["_aws"]["Timestamp"] for line in log_lines(port) if line.get("outcome") == "executed"}
    pairs = ((shown[name], written.get(int(_seconds(at)))) for name, at in trades.items() if name in shown)
    return sorted(max(seen - known, 0) / 1000 for seen, known in pairs if known)


def ticks_until_changed(page: Page, stack: dict[str, Any]) -> list[int]:
    """For each change that was made in the panel, how many ticks that were due after it did not know it yet."""
    listener, stop = Client(stack["outputs"]["WebSocketUrl"], stack["token"]), threading.Event()
    thread = threading.Thread(target=listener.listen, args=(stop,))
    thread.start()
    saved = [_changed(page, stack, f"0.{40 + number}") for number in range(CHANGES)]
    time.sleep(5)
    stop.set()
    thread.join()
    ticks = [(_seconds(one["at"]), one["data"]["settings_version"]) for _, one in listener.of("tick_completed")]
    late = []
    for at, version in saved:
        after = [known for due, known in ticks if due > at]
        late.append(sum(known < version for known in after) if after else 1)
    return late


def _changed(page: Page, stack: dict[str, Any], value: str) -> tuple[float, int]:
    """Save one setting by the form; when it was saved (epoch seconds), and as which version."""
    page.goto(f"{stack['outputs']['PanelUrl']}#/settings")
    box = page.get_by_label("risk_tolerance", exact=True)
    box.wait_for()
    box.fill(value)
    page.get_by_role("button", name="See what changes").click()
    version = get(stack, "config")["version"] + 1
    page.get_by_role("button", name=re.compile("^Save it")).click()
    page.get_by_text(f"Saved as version {version};").wait_for()
    newest = get(stack, "config/history?limit=1")["versions"][0]
    page.wait_for_timeout(random.uniform(500, 2500))
    page.goto(f"{stack['outputs']['PanelUrl']}#/overview")
    page.locator("#newest").wait_for()
    return _seconds(newest["at"]), newest["version"]


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


@dataclass
class Watcher:
    """A client by the protocol: pushes by their number, and a snapshot on each connection and wherever one is missing.

    `got` are the trades in the order in which they were first known.
    """

    stack: Mapping[str, Any]
    got: list[int] = field(default_factory=list)
    dropped: int = 0
    snapshots: int = 0

    async def watch(self, door: asyncio.Semaphore, stop: asyncio.Event, drops: bool) -> None:
        """Listen until `stop`; one that `drops` loses its connection now and then, without a word."""
        while not stop.is_set():
            try:
                socket = await self._come_in(door)
                if await self._listen(socket, stop, time.monotonic() + random.uniform(30, 90) if drops else math.inf):
                    self.dropped += 1
                    socket.transport.abort()
                else:
                    await socket.close()
            except (WebSocketException, OSError, TimeoutError):
                await asyncio.sleep(random.uniform(0.2, 2))

    async def _come_in(self, door: asyncio.Semaphore) -> ClientConnection:
        url, headers = self.stack["outputs"]["WebSocketUrl"], bearer(dict(self.stack))
        async with door:
            socket = await connect(url, additional_headers=headers, open_timeout=60)
            await self._catch_up()
        return socket

    async def _listen(self, socket: ClientConnection, stop: asyncio.Event, until: float) -> bool:
        while not stop.is_set():
            if time.monotonic() > until:
                return True
            try:
                async with asyncio.timeout(1):
                    message = json.loads(await socket.recv())
            except TimeoutError:
                continue
            if message["type"] == "trade_executed":
                await self._hear(message["seq"])
        return False

    async def _hear(self, number: int) -> None:
        if self.got and number > self.got[-1] + 1:
            await self._catch_up()
        self._know([number])

    async def _catch_up(self) -> None:
        self.snapshots += 1
        answer = await asyncio.to_thread(get, dict(self.stack), "trades?limit=100")
        numbers = sorted(trade["sequence"] for trade in answer["trades"])
        self._know(numbers if self.got else numbers[-1:])

    def _know(self, numbers: list[int]) -> None:
        self.got += [number for number in numbers if not self.got or number > self.got[-1]]


def crowd(stack: dict[str, Any], port: int, count: int, trades: int) -> bool:
    """Many clients, of whom one in ten comes and goes; then who is still in the table."""
    return asyncio.run(_crowd(stack, port, count, trades))


async def _crowd(stack: dict[str, Any], port: int, count: int, trades: int) -> bool:
    door, stop, watchers = asyncio.Semaphore(DOOR), asyncio.Event(), [Watcher(stack) for _ in range(count)]
    tasks = [asyncio.create_task(each.watch(door, stop, place % 10 == 0)) for place, each in enumerate(watchers)]
    while not all(each.snapshots for each in watchers):
        print(f"     {sum(bool(each.snapshots) for each in watchers)} clients are connected", flush=True)
        await asyncio.sleep(15)
    first = max(each.got[-1] if each.got else 0 for each in watchers)
    print(f"     {count} clients are connected; trade {first} is the newest", flush=True)
    while (newest := await asyncio.to_thread(_newest, stack)) < first + trades:
        await asyncio.sleep(2)
    await asyncio.to_thread(requests.post, f"{stack['outputs']['ApiUrl']}/stop", headers=bearer(stack), timeout=30)
    wanted = list(range(first + 1, newest + 1))
    for _ in range(120):
        if all(each.got[-1:] >= wanted[-1:] for each in watchers):
            break
        await asyncio.sleep(1)
    whole = sum([number for number in each.got if first < number <= newest] == wanted for each in watchers)
    stop.set()
    await asyncio.gather(*tasks)
    return told(
        ("clients", count, "", True),
        ("trades told", len(wanted), f">= {trades}", len(wanted) >= trades),
        ("clients that knew every trade, in order", whole, str(count), whole == count),
        ("connections lost without a word", sum(each.dropped for each in watchers), "", True),
        ("snapshots fetched", sum(each.snapshots for each in watchers), "", True),
        *await asyncio.to_thread(_stale, stack, port),
    )


def _stale(stack: dict[str, Any], port: int) -> list[tuple[str, Any, str, bool]]:
    """Who is left in the table when everyone has gone, some of them without a word, and one push was made since."""
    time.sleep(45)
    left = _connections(port)
    requests.patch(
        f"{stack['outputs']['ApiUrl']}/config", json={"risk_tolerance": 0.39}, headers=bearer(stack), timeout=30
    )
    deadline = time.monotonic() + 60
    while (kept := _connections(port)) and time.monotonic() < deadline:
        time.sleep(1)
    return [("left in the table when all had gone", left, "", True), ("and after the next push", kept, "0", not kept)]


def _newest(stack: dict[str, Any]) -> int:
    return max((trade["sequence"] for trade in get(stack, "trades?limit=1")["trades"]), default=0)


def _connections(port: int) -> int:
    items = client("dynamodb", port).scan(TableName="heisenbug-Connection")["Items"]
    return sum(not item["connection_id"]["S"].startswith("ticket#") for item in items)


if __name__ == "__main__":
    main()
