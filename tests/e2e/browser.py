"""A real browser on the deployed panel: visits that remember what went wrong, and answers made up for them."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from tests.e2e.conftest import Deployed

AXE = (Path(__file__).parents[1] / "vendor" / "axe.js").read_text()
SCREENS = ("overview", "opportunities", "trades", "backtest", "settings", "health")
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
# Adds up how far things jump while nobody touches them, as browsers measure it.
SHIFTS = """
    globalThis.shifted = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifted += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
"""


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """Debian's Chromium without a window; the test is skipped where it is not installed."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not executable:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """One person at one panel; `said` is all that the console heard, `asked` every request."""

    bot: Deployed
    context: BrowserContext
    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the panel is."""
        return self.bot.outputs["PanelUrl"]

    def sign_in(self, token: str = "") -> None:
        """Come by the link that `heisenbug up` prints, and wait until the first screen is whole."""
        self.page.goto(f"{self.url}#token={token or self.bot.token}")
        self.page.locator("#newest").wait_for()

    def go(self, screen: str) -> None:
        """Open a screen by its key and wait for its title."""
        self.page.locator("main").focus()
        self.page.keyboard.press(str(SCREENS.index(screen) + 1))
        self.page.locator("main h1", has_text=screen.capitalize()).wait_for()

    def settle(self) -> None:
        """Wait until nothing is asked for any more."""
        self.page.wait_for_function("() => !document.querySelector('.waiting')")

    def violations(self) -> list[str]:
        """What axe finds wrong with the page as it stands."""
        self.page.evaluate(AXE)
        found = self.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]

    def shifted(self) -> float:
        """How far the layout has jumped by itself since the visit began."""
        return float(self.page.evaluate("shifted"))

    def answer(self, path: str, changes: Mapping[str, Any], status: int = 200) -> None:
        """Let GETs of an address of the API be answered with the real answer changed so, or with a failure."""

        def answered(route: Route) -> None:
            if status != 200:
                route.fulfill(status=status, body="{}")
                return
            real = route.fetch()
            route.fulfill(response=real, body=json.dumps({**real.json(), **changes}))

        self.page.route(f"**/api/{path}", answered)


@contextmanager
def visiting(browser: Browser, bot: Deployed, size: str = "desktop", theme: str = "light") -> Iterator[Visit]:
    """A new visitor without any past."""
    context = browser.new_context(viewport=SIZES[size], color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.add_init_script(SHIFTS)
    visit = Visit(bot, context, page)
    page.on("console", lambda message: visit.said.append(message.text))
    page.on("pageerror", lambda error: visit.said.append(str(error)))
    page.on("request", lambda request: visit.asked.append((request.method, request.url)))
    try:
        yield visit
    finally:
        page.unroute_all(behavior="ignoreErrors")
        context.close()
