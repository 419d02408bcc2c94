"""`make parity`: three days of the deployed paper bot, minute by minute, held against the backtest to the last digit.

A recorded market with settings that trade often, where the recording is at hand, and a generated one with planted drift
at the venue's own costs.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.e2e.conftest import MARKET
from tests.e2e.lockstep import Rehearsal, rehearsal
from tests.e2e.places import new_home
from tests.parity import KEEN, Course

MOST_TOLD = 10


def main() -> None:
    """Run both parts, print the figures, exit with 1 where anything differs."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--samples", type=int, default=4320, help="minutes of each market (default 4320, three days)")
    options.add_argument("--only", choices=["recorded", "planted"], help="one of the two markets")
    options.add_argument("--port", type=int, default=5500)
    asked = options.parse_args()
    good = True
    with rehearsal(new_home(f"parity-{asked.only or 'both'}"), asked.port) as one:
        for name, course, settings in _courses(one.bot.home, asked.samples):
            good &= asked.only not in (None, name) or _proven(one, name, course, settings)
    sys.exit(0 if good else 1)


def _courses(folder: Path, samples: int) -> Iterator[tuple[str, Course, Mapping[str, Any]]]:
    if MARKET.exists():
        yield "recorded", Course.recorded(MARKET, samples), KEEN
    else:
        print("The recorded market is not here: that part is left out.")
    yield "planted", Course.planted(samples, folder / "planted.csv.gz"), {**KEEN, "cost_bps": None}


def _proven(one: Rehearsal, name: str, course: Course, settings: Mapping[str, Any]) -> bool:
    began = time.monotonic()
    one.go_through(name, course, settings, tell=lambda made: _tell(made, len(course.history)))
    taken = time.monotonic() - began
    found = one.compared(name, course)
    print(f"{name}: {course.market.name}, {found.samples} samples in {taken:.0f} s")
    print(f"  trades compared          {found.trades}")
    print(f"  decisions that came to nothing, compared  {found.dropped}")
    print(f"  opportunities compared   {found.boards} boards")
    print(f"  differences              {len(found.differences)}", flush=True)
    for difference in found.differences[:MOST_TOLD]:
        print(f"  {difference}")
    return not found.differences and bool(found.trades)


def _tell(made: int, of: int) -> None:
    if sys.stderr.isatty() and made % 10 == 0:
        print(f"\r{made} of {of}", end="\r", file=sys.stderr)


if __name__ == "__main__":
    main()
