"""`make bots`: twenty bots in one deployment, and what one of them does to the others whose venue never answers."""

import argparse
import math
import os
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import requests

from cli.paths import ROOT
from tests.benchmarks.soak import bearer, log_lines, running, told

BOTS = 20
HANGING = "hanging"
# Every other bot asks for the prices in USD; this one's pair is quoted in BTC, and that ticker alone can hang.
HANGING_PAIR, HANGING_CURRENCY = "USD-BTC", "BTC"
# Twenty cold processes at once are a laptop's trouble, not the bots': the stretches begin when all are warm.
WARM_SECONDS = 150


@dataclass
class Seen:
    """The ticks of one bot within a stretch of time: how many were due, how late each began, how many got no prices."""

    due: int
    late: list[float] = field(default_factory=list)
    silent: int = 0

    @property
    def missed(self) -> int:
        """How many never were."""
        return self.due - len(self.late)


def main() -> None:
    """Run both stretches, print each bot's figures, exit with 1 where a bot was kept from its ticks by another."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=int, default=5, help="how long each of the two stretches is (default 5)")
    options.add_argument(
        "--bots", type=int, default=BOTS, help=f"how many, the own and the hanging one among them ({BOTS})"
    )
    options.add_argument("--interval", type=int, default=30, help="seconds between the ticks of each (default 30)")
    options.add_argument("--port", type=int, default=5700)
    asked = options.parse_args()
    home = Path(os.environ.get("HEISENBUG_HOME", ROOT / ".heisenbug")).resolve()
    with running(home, asked.port, "--market", "demo", "--interval", str(asked.interval)) as stack:
        names = furnish(stack, asked.bots, asked.interval)
        time.sleep(WARM_SECONDS)
        calm = stretch(asked.port, names, asked.minutes, asked.interval)
        hang(asked.port)
        hung = stretch(asked.port, names, asked.minutes, asked.interval)
    good = report("all venues answer", calm, names) & report("one bot's venue never answers", hung, names[:-1])
    silent = hung[HANGING].silent
    good &= told(("ticks of that bot that got no prices", silent, "all", silent == hung[HANGING].due))
    sys.exit(0 if good else 1)


def furnish(stack: Mapping[str, Any], count: int, interval: int) -> list[str]:
    """Bots beside the own one: clones of it, and last the one whose venue is to hang; the names of all."""
    names = ["demo", *(f"bot-{number:02d}" for number in range(1, count - 1)), HANGING]
    for name in names[1:]:
        ask(stack, "POST", "bots", {"name": name, **({} if name == HANGING else {"clone": "demo"})})
    for pair in ask(stack, "GET", "pairs", bot=HANGING)["pairs"]:
        ask(stack, "DELETE", f"pairs/{pair['pair']}", bot=HANGING)
    ask(stack, "PUT", f"pairs/{HANGING_PAIR}", {}, bot=HANGING)
    for name in names:
        ask(stack, "PATCH", "config", {"check_interval_seconds": interval, "is_active": True}, bot=name)
    return names


def ask(stack: Mapping[str, Any], method: str, path: str, body: Any = None, bot: str | None = None) -> Any:
    """One request to the API, which must succeed."""
    url, query = f"{stack['outputs']['ApiUrl']}/{path}", {"bot": bot} if bot else {}
    answer = requests.request(method, url, json=body, params=query, headers=bearer(dict(stack)), timeout=30)
    assert answer.ok, answer.text
    return answer.json()


def hang(port: int) -> None:
    """From now on whoever asks for the one ticker gets no answer for half a minute, longer than anybody waits."""
    order = {"kind": "hang", "currency": HANGING_CURRENCY, "seconds": 30}
    requests.post(f"http://127.0.0.1:{port + 1}/local/faults", json=order, timeout=10).raise_for_status()


def stretch(port: int, names: Sequence[str], minutes: int, interval: int) -> dict[str, Seen]:
    """What became of each bot's ticks that were due within so many minutes from now, on the interval's grid."""
    first = math.ceil(time.time() / interval) * interval
    dues = range(first, first + minutes * 60, interval)
    time.sleep(max(dues[-1] + 2 * interval - time.time(), 0))
    begun = defaultdict[str, dict[int, float]](dict)
    silent = defaultdict[str, set[int]](set)
    for line in log_lines(port):
        if (
            "bot" in line
            and line.get("due") in dues
            and line.get("outcome") not in ("stale", "early", "claimed before")
        ):
            begun[line["bot"]][line["due"]] = line["late_seconds"]
            silent[line["bot"]] |= {line["due"]} if line.get("failure") else set()
    return {name: Seen(len(dues), sorted(begun[name].values()), len(silent[name])) for name in names}


def report(when: str, seen: Mapping[str, Seen], judged: Sequence[str]) -> bool:
    """Print what was seen of each bot; whether none of those that are judged missed a tick."""
    print(f"\n{when}:\n{'bot':<10} {'done':>5} {'due':>5} {'late, median s':>15} {'latest s':>9} {'no prices':>10}")
    for name, one in seen.items():
        middle, latest = (one.late[len(one.late) // 2], one.late[-1]) if one.late else (math.nan, math.nan)
        print(f"{name:<10} {len(one.late):>5} {one.due:>5} {middle:>15.2f} {latest:>9.2f} {one.silent:>10}")
    late = sorted(chain.from_iterable(seen[name].late for name in judged))
    missed = sum(seen[name].missed for name in judged)
    return told(
        ("ticks due of the bots whose venue answers", sum(seen[name].due for name in judged), "", True),
        ("of them missed", missed, "0", not missed),
        ("late, median s", late[len(late) // 2] if late else math.nan, "", bool(late)),
        ("late, 95th percentile s", late[math.ceil(len(late) * 0.95) - 1] if late else math.nan, "", bool(late)),
    )


if __name__ == "__main__":
    main()
