"""A deployed bot with live money on a simulated exchange that misbehaves, and its books held against the exchange's."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests
from boto3.dynamodb.types import TypeDeserializer

from tests.e2e.conftest import ROOT, Deployed, deployed, run_cli
from tests.models import model

TOKEN = "a-secret-token-5e1f0b7c"
BUDGET = {"USD": "500", "BTC": "1", "ETH": "10"}
SENTENCE = "risk 1 BTC and 10 ETH and 500 USD"
# Every second a decision that wants to trade, on the demo's planted drift.
KEEN: Mapping[str, Any] = {
    "is_active": True,
    "check_interval_seconds": 1,
    "cache_ttl_seconds": 1,
    "forecaster": "drift",
    "model": model(sample_seconds=30, assets=(*["ADA", "BTC", "DOT", "ETH", "LINK", "LTC", "SOL", "XRP"],)).plain(),
    "cost_bps": 0,
    "cooldown_seconds": 0,
    "min_confidence": 0.5,
    "min_expected_return": 0,
    "risk_tolerance": 1,
    "max_drawdown": 1,
    "trade_size_percentage": 0.05,
    "history_limit": 1000,
}
# What ends by itself within seconds, at each step of a conversion that it fits, so that a short run is over soon; the
# long run meets every kind there is by chance, and waits for those that are only known when a quote's grace is over.
SOON_OVER: Mapping[str, tuple[str, ...]] = {
    "ticker": ("status_429",),
    "cards": ("extra_fields",),
    "quote": (
        *("status_429", "lost_answer", "missing_reference", "extra_fields", "insufficient_funds", "locked_funds"),
        *("minimum", "maximum", "halted", "worse", "ttl_zero", "wrong_card", "wrong_currency"),
    ),
    "commit": ("lost_answer", "processing", "missing_reference", "insufficient_funds"),
    "read": ("status_404", "extra_fields"),
}
MEASURES = {
    "status_429": {"seconds": 2},
    "lost_answer": {"seconds": 0},
    "processing": {"reads": 1},
    "worse": {"bps": 300},
}
STEPS = ("ticker", "assets", "cards", "quote", "commit", "read", "me")
PATIENCE_SECONDS = 900.0
# How late a line of a log may arrive.
SLOWEST_LINE_SECONDS = 60.0
_plain = TypeDeserializer().deserialize


@dataclass
class Living:
    """A deployed bot with its simulated exchange; `rearmed` counts how often a person had to look."""

    bot: Deployed
    rearmed: int = 0
    chosen: set[int] = field(default_factory=set)
    read_until: float = SLOWEST_LINE_SECONDS

    def say(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """The command line, with what a person types."""
        path = f"{ROOT}:{ROOT / 'layers' / 'heisenbug'}"
        environment = {**os.environ, "HEISENBUG_HOME": str(self.bot.home), "PYTHONPATH": path}
        command = [sys.executable, "-m", "cli.main", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=environment, input=typed, capture_output=True, text=True, timeout=120, check=False
        )

    def trouble(self, plan: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """From now on the exchange follows this plan."""
        requests.post(f"{self.bot.exchange}/local/trouble", json=plan, timeout=10).raise_for_status()

    def trouble_each(self, kinds: Mapping[str, Sequence[str]]) -> Counter[str]:
        """Every second request of a step goes wrong, in each way once; of reads, which are few, each. What will be."""
        self.trouble(
            [
                {"step": step, "kind": kind, "nth": 1 if step == "read" else 2 * place, **MEASURES.get(kind, {})}
                for step, names in kinds.items()
                for place, kind in enumerate(names, 1)
            ]
        )
        return Counter(kind for names in kinds.values() for kind in names)

    def truth(self) -> dict[str, Any]:
        """What happened at the exchange."""
        found: dict[str, Any] = requests.get(f"{self.bot.exchange}/local/conversions", timeout=10).json()
        return found

    def completed(self) -> dict[str, tuple[str, Decimal, str, Decimal]]:
        """Every conversion that happened, by its id."""
        return {
            each["id"]: (
                each["origin_currency"],
                Decimal(each["origin_amount"]),
                each["destination_currency"],
                Decimal(each["destination_amount"]),
            )
            for each in self.truth()["conversions"]
            if each["status"] == "completed"
        }

    def decisions_per_conversion(self) -> Counter[str]:
        """How often each decision was converted, by its reference."""
        done = [each for each in self.truth()["conversions"] if each["status"] == "completed"]
        return Counter(each["reference"] for each in done)

    def booked(self, table: str) -> dict[str, tuple[str, Decimal, str, Decimal]]:
        """Every executed live trade of TradeHistory or TradeArchive, by its quote's id."""
        return {
            trade["quote_id"]: (trade["from_asset"], trade["amount"], trade["to_asset"], trade["received"])
            for trade in self.items(table)
            if trade["state"] == "EXECUTED" and trade["mode"] == "live"
        }

    def items(self, table: str) -> list[dict[str, Any]]:
        """Every item of a table, plain."""
        pages = self.bot.aws("dynamodb").get_paginator("scan").paginate(TableName=f"heisenbug-{table}")
        return [{name: _plain(value) for name, value in item.items()} for page in pages for item in page["Items"]]

    def dealt(self) -> dict[str, int]:
        """The troubles that the plan in force has dealt, by kind."""
        found: dict[str, int] = requests.get(f"{self.bot.exchange}/local/trouble", timeout=10).json()["dealt"]
        return found

    def followed(self) -> dict[str, Decimal]:
        """What the conversions alone say is held now."""
        held = {"USD": Decimal(BUDGET["USD"])}
        for source, amount, target, received in self.completed().values():
            held[source] = held.get(source, Decimal(0)) - amount
            held[target] = held.get(target, Decimal(0)) + received
        return {asset: amount for asset, amount in held.items() if amount}

    def holdings(self) -> dict[str, Decimal]:
        """What the live ledger says."""
        ledger = next(item for item in self.items("BotState") if item["item"] == "ledger-live")
        return {asset: Decimal(amount) for asset, amount in json.loads(ledger["holdings"]).items()}

    def log_lines(self, since: float = 0) -> Iterator[dict[str, Any]]:
        """What the trader has logged as JSON since a moment (epoch seconds)."""
        for text in self.log_texts("trader", since):
            if text.startswith("{"):
                yield json.loads(text)

    def log_texts(self, group: str, since: float = 0) -> Iterator[str]:
        """Everything a function has logged since a moment (epoch seconds)."""
        pages = self.bot.aws("logs").get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=f"/aws/lambda/heisenbug-{group}", startTime=int(since * 1000)):
            yield from (event["message"] for event in page["events"])

    def concluded(self) -> int:
        """How many decisions chose a conversion and came to some end or other, so far."""
        now = time.time()
        lines = self.log_lines(self.read_until - SLOWEST_LINE_SECONDS)
        self.chosen |= {line["due"] for line in lines if line.get("chosen") and "trade" in line}
        self.read_until = now
        return len(self.chosen)

    def look_after(self) -> None:
        """What a person does when the bot has stopped itself: look, and let it go on."""
        if self.bot.get("status")["killed"]:
            self.rearmed += 1
            assert self.bot.http("POST", "rearm").status_code == 200

    def trade_on(self, decisions: int, tell: Callable[[str], None]) -> None:
        """Let it trade until so many decisions have been acted on."""
        until = time.monotonic() + PATIENCE_SECONDS + 30 * decisions
        told = 0
        while (done := self.concluded()) < decisions:
            assert time.monotonic() < until, f"only {done} decisions"
            self.look_after()
            if done >= told + 10:
                told = done
                tell(f"{done} decisions, {len(self.completed())} conversions, {self.rearmed} times re-armed")
            time.sleep(1)

    def settle(self) -> None:
        """The exchange is well again; begin nothing more, and wait until all that landed is in the books."""
        self.trouble({})
        self.bot.change(is_active=False)
        until = time.monotonic() + PATIENCE_SECONDS
        while self.bot.get("status")["open_trade"] or self.truth()["landing"] or self.missing():
            self.look_after()
            assert time.monotonic() < until, (self.bot.get("status")["open_trade"], self.truth()["landing"])
            time.sleep(1)

    def missing(self) -> set[str]:
        """Conversions that are not in the books (yet)."""
        return self.completed().keys() - self.booked("TradeArchive").keys()


@contextmanager
def living(home: Path, port: int) -> Iterator[Living]:
    """`heisenbug up` on the demo market with live trading enabled, and down again.

    A sample is 30 s there: a quiet that the exchange asks for makes no hole in the window.
    """
    up = run_cli(home, "up", "--market", "demo", "--speed", "2", "--port", str(port), "--live-trading", "--detach")
    assert up.returncode == 0, up.stderr
    try:
        yield Living(deployed(home, port))
    finally:
        run_cli(home, "down")


def give_live_money(one: Living) -> None:
    """The three acts: the deployment has the first half of the first one already."""
    assert one.say("credential", typed=TOKEN + "\n").returncode == 0
    one.bot.change(mode="live", budget=BUDGET)
    given = one.say("live", typed=SENTENCE + "\n")
    assert given.returncode == 0, given.stderr
