"""The panel's Backtest screen in a real browser: run one, follow it, read it, and hold two against each other."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import Visit
from tests.e2e.conftest import Deployed
from tests.histories import KEEN
from tests.jobs import MARKET, write_made

SLOW = 60_000
KEEN_TEXT = " ".join(f"{name}={value}" for name, value in KEEN.items())
pytest_plugins = ["tests.e2e.visits"]


@pytest.fixture(scope="module")
def market(bot: Deployed, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An uploaded market."""
    file = write_made(tmp_path_factory.mktemp("market"))
    uploaded = bot.cli("market", "upload", str(file), "--force")
    assert uploaded.returncode == 0, uploaded.stderr
    return MARKET


@pytest.fixture
def page(visit: Visit, market: str) -> Page:
    """The screen, open."""
    visit.sign_in()
    visit.go("backtest")
    visit.page.locator("#begin form").wait_for()
    return visit.page


def run(page: Page, settings: str) -> None:
    """Run one and wait until its figures are listed."""
    done = page.locator("#jobs tbody tr", has_text="done")
    before = done.count()
    page.get_by_label("Settings", exact=True).fill(settings)
    page.get_by_role("button", name="Run it").click()
    expect(done).to_have_count(before + 1, timeout=SLOW)


def test_two_are_run_read_and_held_against_each_other(page: Page, visit: Visit, bot: Deployed) -> None:
    run(page, KEEN_TEXT)
    run(page, f"{KEEN_TEXT} trade_size_percentage=0.5")
    newest: list[dict[str, Any]] = bot.get("backtests?limit=2")["backtests"]
    boxes = page.locator("#jobs tbody tr", has_text="done").get_by_role("checkbox")

    boxes.nth(1).check()
    expect(page.locator("#report h2")).to_contain_text("Report")
    expect(page.locator("#report")).to_contain_text(newest[1]["summary"]["headline"])
    expect(page.locator("#report canvas").first).to_be_visible()

    boxes.nth(0).check()
    expect(page.locator("#report h2")).to_contain_text("Two held against each other")
    expect(page.locator("#report .legend li")).to_have_count(3)
    expect(page.locator("#report .legend")).to_contain_text("trade_size_percentage=0.5")
    expect(page.locator("#report canvas").first).to_be_visible()
    assert page.locator(".figures tbody tr").first.locator("td").count() == 2
    visit.settle()
    assert visit.violations() == []
    assert visit.said == []

    page.locator("#report summary").first.click()
    cells = page.locator("#report details tbody tr").last.locator("td").all_inner_texts()
    for cell, job in zip(cells[1:3], newest[::-1], strict=True):
        assert float(cell.split()[0]) == pytest.approx(100 * job["summary"]["gain"], abs=1)

    boxes.nth(0).uncheck()
    boxes.nth(1).uncheck()
    expect(page.locator("#report")).to_have_count(0)


@pytest.mark.parametrize(
    ("label", "typed", "field"),
    [("From", "yesterday", "from"), ("To", "soon", "to"), ("Settings", "risk_tolerance=2", "risk_tolerance")],
)
def test_what_is_typed_wrong_is_said_beside_its_field_in_the_apis_words_and_begins_nothing(
    page: Page, visit: Visit, bot: Deployed, label: str, typed: str, field: str
) -> None:
    wish = {"market": MARKET, "set": {"risk_tolerance": 2}} if label == "Settings" else {"market": MARKET, field: typed}
    (row,) = bot.http("POST", "backtests", wish).json()["error"]["fields"]
    before = bot.get("backtests")
    page.get_by_label(label, exact=True).fill(typed)
    page.get_by_role("button", name="Run it").click()
    entry = page.locator(".entry", has=page.get_by_label(label, exact=True))
    expect(entry.get_by_role("alert")).to_have_text(row["message"])
    expect(page.get_by_label(label, exact=True)).to_have_value(typed)
    expect(page.get_by_label(label, exact=True)).to_have_attribute("aria-invalid", "true")
    assert visit.violations() == []
    assert bot.get("backtests") == before
