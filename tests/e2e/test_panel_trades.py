"""The Trades screen in a real browser: chosen by the server, refused in its words, explained, stated, and as files."""

from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.bad_filters import BAD_FILTERS
from tests.e2e.browser import SIZES, Visit, visiting
from tests.e2e.conftest import Deployed

pytest_plugins = ["tests.e2e.visits"]


def trade(number: int, **changes: Any) -> dict[str, Any]:
    """A trade as the API tells it."""
    return {
        "id": f"{number:024x}",
        "sequence": number,
        "state": "EXECUTED",
        "mode": "paper",
        "at": f"2026-01-02T03:{number % 60:02d}:00Z",
        "finished_at": f"2026-01-02T03:{number % 60:02d}:01Z",
        "from": "USD",
        "to": "BTC",
        "amount": "100",
        "received": "0.00105",
        "from_price": 1.0,
        "to_price": 95_000.0,
        "confidence": 0.74,
        "risk": 0.2,
        "expected_return": 0.004,
        "cost_bps": 12.0,
        "expected_cost_bps": 11.0,
        "quoted_cost_bps": 12.0,
        "reason": "confidence 0.74 >= 0.70",
        "outcome": "",
        **changes,
    }


LONG = "AVERYLONGASSETNAMEINDEED"


@pytest.mark.parametrize("size", SIZES)
def test_none_and_a_hundred_trades_with_long_names_fit(browser: Browser, bot: Deployed, size: str) -> None:
    with visiting(browser, bot, size) as visit:
        visit.answer("trades?limit=25", {"trades": [], "cursor": None})
        visit.sign_in()
        visit.go("trades")
        expect(visit.page.locator("#kept")).to_contain_text("None yet")
        visit.page.unroute_all(behavior="ignoreErrors")
        many = [trade(number, to=LONG, reason=f"{LONG} " * 8) for number in range(100, 0, -1)]
        visit.answer("trades?limit=25", {"trades": many, "cursor": None})
        visit.go("overview")
        visit.go("trades")
        expect(visit.page.locator("#kept tbody tr")).to_have_count(100)
        assert visit.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert visit.violations() == []
        visit.page.get_by_label("Asset").fill("NONE")
        visit.page.get_by_label("Asset").press("Enter")
        expect(visit.page.locator("#kept")).to_contain_text("None of the kept trades is like that")


def test_trades_are_chosen_and_turned_over_by_the_server(visit: Visit) -> None:
    asked: list[str] = []

    def answered(route: Route) -> None:
        asked.append(route.request.url.partition("?")[2])
        number = 7 if "cursor" in asked[-1] else 9
        route.fulfill(json={"trades": [trade(number)], "cursor": None if number == 7 else 9})

    visit.page.route("**/api/trades?*", answered)
    visit.sign_in()
    visit.go("trades")
    kept = visit.page.locator("#kept")
    visit.page.get_by_label("Outcome").select_option("EXECUTED")
    visit.page.get_by_label("Asset").fill("BTC")
    visit.page.get_by_label("Asset").press("Tab")
    expect(kept).to_contain_text("heisenbug trades --state EXECUTED --asset BTC")
    expect(kept.get_by_role("link", name="CSV of these")).to_have_attribute(
        "href", "api/trades.csv?state=EXECUTED&asset=BTC"
    )
    kept.get_by_role("button", name="Older").click()
    expect(kept.get_by_role("button", name="Older")).to_be_disabled()
    assert asked[-1] == "limit=25&state=EXECUTED&asset=BTC&cursor=9"
    kept.get_by_role("button", name="Newer").click()
    expect(kept.get_by_role("button", name="Newer")).to_be_disabled()
    assert asked[-1] == "limit=25&state=EXECUTED&asset=BTC"


def test_a_filter_that_is_none_is_refused_beside_it_in_the_servers_words(visit: Visit, bot: Deployed) -> None:
    visit.sign_in()
    visit.go("trades")
    for told, field in BAD_FILTERS:
        words = bot.http("GET", f"trades?{urlencode(told)}").json()["error"]["fields"][0]["message"]
        for name in ("asset", "from", "to"):
            visit.page.locator(f"#kept input[name={name}]").fill(told.get(name, ""))
        visit.page.locator("#kept input[name=to]").press("Tab")
        expect(visit.page.locator("#kept").get_by_role("alert")).to_have_text(words)
        expect(visit.page.locator(f"#kept input[name={field}]")).to_have_attribute("aria-invalid", "true")
    assert visit.violations() == []


AGAIN = {"same": True, "differences": [], "why": "Decided again, it came out the same."}
GATES = [{"gate": "window", "passed": True, "value": 120.0, "limit": 120.0, "why": "the window is full"}]
SCORED = {"confidence": 0.74, "risk": 0.2, "expected_return": 0.004, "horizon": 60, "sample_seconds": 60}
EXPLANATION = {
    "words": ["It bought BTC."],
    "again": AGAIN,
    "gates": GATES,
    "scored": {**SCORED, "forecaster": "drift"},
    "cost": {"expected_cost_bps": 11.0, "quoted_cost_bps": 12.0, "cost_bps": 12.0},
    "seen": {"at": "2026-01-02T03:00:00Z", "settings_version": 3, "samples": 120},
}


def test_a_trade_tells_why_it_was_made(visit: Visit) -> None:
    made = trade(9)
    visit.page.route("**/api/trades?*", lambda route: route.fulfill(json={"trades": [made], "cursor": None}))
    explained = {**made, "explanation": EXPLANATION}
    visit.page.route(f"**/api/trades/{made['id']}", lambda route: route.fulfill(json=explained))
    visit.sign_in()
    visit.go("trades")
    visit.page.locator("#kept").get_by_role("link", name="USD → BTC").click()
    told = visit.page.locator("#explained")
    for words in (
        "It bought BTC.",
        "Decided again",
        "the window is full",
        "60 samples of 60 s",
        f"explain {made['id']}",
    ):
        expect(told).to_contain_text(words)
    assert visit.violations() == []
    assert visit.said == []


def test_who_knows_the_end_of_an_unresolved_trade_states_it_in_full(visit: Visit, bot: Deployed) -> None:
    open_trade = trade(0, state="UNRESOLVED", received=None, outcome="The commit was sent, but no answer came.")
    status = {**bot.get("status"), "open_trade": open_trade}
    visit.answer("overview", {"status": status})
    visit.sign_in()
    visit.go("trades")
    doubt = visit.page.locator("#doubt")
    expect(doubt).to_contain_text("no answer came")
    assert visit.violations() == []
    doubt.get_by_label("What became of it").fill("it worked")
    doubt.get_by_role("button", name="State it").click()
    expect(doubt.get_by_role("alert")).to_contain_text("no trade is open")
    sent: list[Any] = []
    ended = trade(10)
    visit.page.route("**/resolve", lambda route: (sent.append(route.request.post_data_json), route.fulfill(json=ended)))
    doubt.get_by_label("What became of it").fill("executed 100 USD for 0.00105 BTC")
    doubt.get_by_role("button", name="State it").click()
    expect(visit.page.get_by_text("Recorded as trade 10, executed, stated by you.")).to_be_visible()
    assert sent == [{"statement": "executed 100 USD for 0.00105 BTC"}]


def test_files_of_trades_are_offered(visit: Visit) -> None:
    visit.sign_in()
    visit.go("trades")
    with visit.page.expect_download() as kept:
        visit.page.get_by_role("link", name="CSV of these").click()
    assert kept.value.suggested_filename == "trades.csv"
