"""`make fuzz`: the deployed API asked what nobody would think of, for five minutes, while the bot trades beside it."""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.benchmarks.soak import errors, told
from tests.e2e.conftest import Deployed, deployed, run_cli
from tests.e2e.places import new_home
from tests.fuzzing import Figures, Known, fuzz, operations
from tests.histories import KEEN
from tests.jobs import MARKET, write_made

EXAMPLES = 30
PATIENCE_SECONDS = 120
# No trade is in doubt there, so there is nothing to be stated; and nobody has stored where to be told.
REFUSED_THERE = {"POST /api/trades/{id}/resolve", "POST /api/notifications/test"}
MOST_TOLD = 20


def main() -> None:
    """Run it, print the figures, exit with 1 where an answer was none that the document states."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=300, help="how long (default 300)")
    options.add_argument("--port", type=int, default=5500)
    asked = options.parse_args()
    with up(asked.port) as bot:
        known = _known(bot)
        figures = fuzz(bot.outputs["ApiUrl"].removesuffix("/api"), bot.token, known, EXAMPLES, asked.seconds)
        good = _told(figures, errors(asked.port))
    sys.exit(0 if good else 1)


@contextmanager
def up(port: int) -> Iterator[Deployed]:
    """`heisenbug up` on the demo market, and down again."""
    home = new_home("fuzz")
    started = run_cli(home, "up", "--market", "demo", "--port", str(port), "--detach")
    assert started.returncode == 0, started.stderr
    try:
        yield deployed(home, port)
    finally:
        run_cli(home, "down")


def _known(bot: Deployed) -> Known:
    """A trade, a market, and a job of either kind that is done."""
    uploaded = bot.cli("market", "upload", str(write_made(bot.home)))
    assert uploaded.returncode == 0, uploaded.stderr
    backtest = _begun(bot, "backtests", {"market": MARKET})
    sweep = _begun(bot, "sweeps", {"market": MARKET, "grid": "min_confidence=0.6,0.8", "set": {"window": 30}})
    bot.change(is_active=True, check_interval_seconds=1, **KEEN)
    bot.plan_minute()
    _wait_for(lambda: bot.get("trades")["trades"])
    _wait_for(lambda: bot.get(f"backtests/{backtest}")["state"] == "done")
    _wait_for(lambda: bot.get(f"sweeps/{sweep}")["state"] == "done")
    bot.http("POST", "bots", {"name": "1"})
    named = {"bot": ["default"], "clone": ["default"]}
    return {**named, "id": ["1"], "job": [backtest, sweep], "market": [MARKET], "If-Match": ["*"]}


def _begun(bot: Deployed, kind: str, wish: Any) -> str:
    answer = bot.http("POST", kind, wish)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def _wait_for(question: Any) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not question():
        assert time.monotonic() < until, "the stack did not get ready in time"
        time.sleep(0.5)


def _told(figures: Figures, errors: int) -> bool:
    every = operations()
    for failure in sorted(set(figures.failures))[:MOST_TOLD]:
        print(failure)
    return told(
        ("requests", figures.calls.total(), "", bool(figures.calls)),
        ("operations asked", len(figures.calls), str(len(every)), set(figures.calls) == every),
        ("operations never answered well", never := sorted(every - figures.well - REFUSED_THERE), "[]", not never),
        ("answers that the document does not state", len(figures.failures), "0", not figures.failures),
        ("errors in any log", errors, "0", not errors),
    )


if __name__ == "__main__":
    main()
