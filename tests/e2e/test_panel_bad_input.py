"""What is typed wrong into the panel: beside its field, in the API's words, and nothing changes or is lost."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from cli.telling import typed
from heisenbug.domain.settings import DEFAULTS, RULES, as_plain
from tests.bad_input import KINDS
from tests.e2e.browser import Visit
from tests.e2e.conftest import Deployed

NOTHING_ALLOWED = {name for name, value in as_plain(DEFAULTS).items() if value is None}
BESIDE = """
    () => Object.fromEntries([...document.querySelectorAll("#form .field")]
      .filter((field) => field.querySelector("[aria-invalid=true]"))
      .map((field) => [field.querySelector("[name]").name, field.querySelector("[role=alert]")?.textContent]))
"""
pytest_plugins = ["tests.e2e.visits"]


@pytest.fixture
def page(visit: Visit) -> Page:
    """The Settings screen, open."""
    visit.sign_in()
    visit.go("settings")
    visit.page.get_by_label("risk_tolerance", exact=True).wait_for()
    return visit.page


def errors_in(page: Page) -> dict[str, str]:
    """What stands beside each setting that is said to be wrong."""
    found: dict[str, str] = page.evaluate(BESIDE)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_says_what_is_wrong_in_the_apis_words_and_keeps_what_was_typed(
    page: Page, visit: Visit, bot: Deployed, kind: str
) -> None:
    text, before = KINDS[kind], bot.get("config")
    names: list[str] = page.locator("#form input").evaluate_all("inputs => inputs.map(({ name }) => name)")
    wrong = [name for name in names if text or name not in NOTHING_ALLOWED]
    changes = {name: typed(text) for name in wrong}
    fields: list[dict[str, Any]] = bot.http("PATCH", "config", changes).json()["error"]["fields"]
    for name in wrong:
        page.get_by_label(name, exact=True).fill(text)
    page.get_by_role("button", name="See what changes").click()
    expect(page.locator("#form [role=alert]")).to_have_count(len(wrong))
    assert errors_in(page) == {row["field"]: row["message"] for row in fields}
    assert set(wrong) <= set(RULES)
    assert [page.get_by_label(name, exact=True).input_value() for name in wrong] == [text] * len(wrong)
    expect(page.get_by_role("button", name="Save it")).to_have_count(0)
    assert visit.violations() == []
    assert bot.get("config") == before


@pytest.mark.parametrize("text", ["", "high", "NaN", "-7", "0", "101", "1.5", "9" * 400, "[1]"])
def test_a_priority_that_is_none_is_said_beside_it(page: Page, visit: Visit, bot: Deployed, text: str) -> None:
    before = bot.get("pairs")
    (row,) = bot.http("PUT", "pairs/BTC-USD", {"priority": typed(text)}).json()["error"]["fields"]
    entry = page.get_by_label("Priority of BTC-USD")
    entry.fill(text)
    entry.press("Tab")
    expect(page.locator("#pairs tr", has_text="BTC-USD").get_by_role("alert")).to_have_text(row["message"])
    expect(entry).to_have_value(text)
    expect(entry).to_have_attribute("aria-invalid", "true")
    assert visit.violations() == []
    assert bot.get("pairs") == before


@pytest.mark.parametrize("name", ["BTC", "btc-usd", "BTC-BTC", "NaN", "-7", "A" * 60 + "-USD"])
def test_a_pair_that_is_none_is_said_beside_it(page: Page, bot: Deployed, name: str) -> None:
    before = bot.get("pairs")
    (row,) = bot.http("PUT", f"pairs/{name}", {}).json()["error"]["fields"]
    entry = page.locator("#pairs .entry")
    entry.get_by_label("Another pair").fill(name)
    entry.get_by_label("Another pair").press("Enter")
    expect(entry.get_by_role("alert")).to_have_text(row["message"])
    expect(entry.get_by_label("Another pair")).to_have_value(name)
    assert bot.get("pairs") == before
