"""`make screenshots`: the panel on the demo market as the README shows it, taken by the browser that tests it."""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page

from cli.paths import ROOT
from tests.e2e.browser import opened_browser, visiting
from tests.e2e.conftest import Deployed, deployed, run_cli
from tests.e2e.places import free_ports, new_home
from tests.jobs import MARKET, write_made

FOLDER = ROOT / "docs" / "pictures"
TRADES = 25
PATIENCE_SECONDS = 600
COLOURS = 128  # enough for a panel, and half of the bytes
# The drift that the demo plants is traded at the demo's low costs, in amounts that a curve shows.
KEEN: Mapping[str, Any] = {
    **{"is_active": True, "forecaster": "drift", "drift_weight": 0.7, "cost_bps": 5, "cooldown_seconds": 60},
    **{"check_interval_seconds": 3, "cache_ttl_seconds": 2, "min_confidence": 0.7, "min_expected_return": 0.004},
    **{"trade_size_percentage": 0.25, "trade_size_amount": None},
}
DRIFT: Mapping[str, Any] = {"forecaster": "drift", "drift_weight": 1, "cost_bps": 5}
RUNS: tuple[Mapping[str, Any], ...] = (
    {**DRIFT, "window": 30, "horizon": 15, "min_confidence": 0.55},
    {**DRIFT, "window": 60, "horizon": 30, "min_confidence": 0.7},
)
# Screen, size and theme of every picture.
PICTURES = {
    "overview-light": ("overview", "desktop", "light"),
    "overview-dark": ("overview", "desktop", "dark"),
    "opportunities-light": ("opportunities", "desktop", "light"),
    "backtest-dark": ("backtest", "desktop", "dark"),
    "settings-light": ("settings", "desktop", "light"),
    "health-dark": ("health", "desktop", "dark"),
    "phone-light": ("overview", "phone", "light"),
    "phone-dark": ("opportunities", "phone", "dark"),
}
# Neither room for a scroll bar that a picture does not have, nor what is said for a moment.
STILL = "document.documentElement.style.scrollbarGutter = 'auto'; document.querySelector('.toasts').hidden = true"


@contextmanager
def running() -> Iterator[Deployed]:
    """A new bot on the demo market."""
    home, port = new_home("pictures"), free_ports()
    up = run_cli(home, "up", "--market", "demo", "--speed", "12", "--port", str(port), "--detach")
    try:
        if up.returncode:
            sys.exit(up.stderr)
        yield deployed(home, port)
    finally:
        run_cli(home, "down")


def prepare(bot: Deployed) -> None:
    """Let the bot trade for some minutes, and run two backtests."""
    bot.change(**KEEN)
    with TemporaryDirectory() as folder:
        bot.cli("market", "upload", str(write_made(Path(folder))))
    for told in RUNS:
        bot.http("POST", "backtests", {"market": MARKET, "set": told})
    until = time.monotonic() + PATIENCE_SECONDS
    while len(bot.get(f"trades?limit={TRADES}")["trades"]) < TRADES:
        if time.monotonic() > until:
            sys.exit(f"Not {TRADES} trades within {PATIENCE_SECONDS} s.")
        time.sleep(2)


def photograph(browser: Browser, bot: Deployed, name: str, folder: Path) -> None:
    """Take one picture."""
    screen, size, theme = PICTURES[name]
    with visiting(browser, bot, size, theme) as visit:
        visit.sign_in()
        visit.page.get_by_text("live, heard").wait_for()
        visit.go(screen)
        visit.settle()
        visit.page.evaluate(STILL)
        visit.page.evaluate("document.activeElement.blur(), scrollTo(0, 0)")
        if screen == "backtest":
            compare(visit.page)
        visit.page.wait_for_timeout(1000)  # charts are drawn a frame after they have their data
        visit.page.screenshot(path=folder / f"{name}.png")
    with Image.open(folder / f"{name}.png") as taken:
        small = taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(folder / f"{name}.png", optimize=True)


def compare(page: Page) -> None:
    """Hold the two newest backtests against each other."""
    for box in page.locator("#jobs input[type=checkbox]").all()[:2]:
        box.check()
    page.locator("#report canvas").first.wait_for()
    page.locator("#report").evaluate("found => scrollTo(0, found.offsetTop - 125)")
    page.mouse.move(0, 0)  # no cross where it happened to be


def main() -> None:
    """Take every picture, or those alone that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PICTURES)}; all without")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with opened_browser() as browser, running() as bot:
        prepare(bot)
        for name in asked.names or PICTURES:
            photograph(browser, bot, name, asked.folder)


if __name__ == "__main__":
    main()
