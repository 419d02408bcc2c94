"""The panel in a real browser: every screen, both themes, desk and phone, and all that can go wrong around it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, WebSocketRoute, expect

from tests.e2e.browser import SCREENS, SIZES, Visit, visiting
from tests.e2e.conftest import Deployed

Until = Callable[[Callable[[], Any]], Any]
SLOW = 20_000
pytest_plugins = ["tests.e2e.visits"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_screen_is_accessible_silent_and_stands_still(
    browser: Browser, bot: Deployed, size: str, theme: str
) -> None:
    with visiting(browser, bot, size, theme) as visit:
        visit.sign_in()
        for screen in SCREENS:
            visit.go(screen)
            visit.settle()
            assert visit.violations() == [], screen
            wider = visit.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wider <= 0, f"{screen} is {wider} px too wide"
        assert visit.shifted() <= 0.05
        assert visit.said == []


def test_the_entrance_is_accessible_and_refuses_a_wrong_token_in_the_servers_words(visit: Visit) -> None:
    visit.page.goto(visit.url)
    visit.page.get_by_label("Token").wait_for()
    assert visit.violations() == []
    assert visit.said == []
    visit.page.get_by_label("Token").fill("a-guess")
    visit.page.get_by_role("button", name="Sign in").click()
    expect(visit.page.get_by_role("alert")).to_contain_text("This token is not known here")


def test_a_cold_visit_asks_for_four_files_at_most_and_three_times_for_data(visit: Visit) -> None:
    visit.sign_in()
    visit.page.get_by_text("live, heard").wait_for()
    files = [url for _, url in visit.asked if "/api/" not in url]
    assert len(files) <= 4, files
    assert not visit.page.url.endswith(visit.bot.token)
    assert "token" not in visit.page.url


def test_nothing_but_the_panels_own_scripts_can_run(visit: Visit) -> None:
    visit.sign_in()
    with pytest.raises(Error):
        visit.page.add_script_tag(content="document.title = 'taken'")
    assert visit.page.evaluate(
        "() => { try { document.body.innerHTML = '<p>'; return 'set' } catch { return 'refused' } }"
    ) == ("refused")


def test_what_the_bot_does_arrives_by_itself(visit: Visit, bot: Deployed, until: Until) -> None:
    visit.sign_in()
    visit.go("health")
    before = bot.get("status")["ticks"]
    until(lambda: bot.get("status")["ticks"] > before)
    expect(visit.page.locator("#connection")).to_contain_text("live, heard", timeout=SLOW)


def test_the_kill_switch_takes_two_clicks_says_what_it_does_and_stays_until_rearmed(
    visit: Visit, bot: Deployed, until: Until
) -> None:
    visit.sign_in()
    visit.page.get_by_role("button", name="Kill…").click()
    dialog = visit.page.get_by_role("dialog")
    expect(dialog).to_contain_text("nothing is sold")
    expect(dialog.get_by_role("button", name="Leave it as it is")).to_be_focused()
    assert visit.violations() == []
    dialog.get_by_role("button", name="Kill it now").click()
    try:
        expect(visit.page.locator(".banner")).to_contain_text("Killed by api", timeout=SLOW)
        assert bot.get("status")["state"] == "killed"
        for screen in SCREENS:
            visit.go(screen)
            expect(visit.page.locator(".banner")).to_contain_text("re-arming lifts it")
        assert visit.page.title().startswith("PAPER · killed")
        visit.page.get_by_role("button", name="Re-arm…").click()
        visit.page.get_by_role("dialog").get_by_role("button", name="Re-arm it").click()
        expect(visit.page.locator(".banner")).not_to_contain_text("Killed", timeout=SLOW)
    finally:
        bot.http("POST", "rearm")
    assert bot.get("status")["killed"] is None


def test_it_is_used_by_the_keyboard_alone(visit: Visit, bot: Deployed) -> None:
    visit.sign_in()
    page = visit.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    for number, screen in enumerate(SCREENS, 1):
        page.keyboard.press(str(number))
        page.locator("main h1", has_text=screen.capitalize()).wait_for()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("the kill switch")
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+K")
    expect(page.get_by_role("dialog")).to_contain_text("Kill the bot?")
    page.keyboard.press("Enter")  # the safe button has the focus
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert bot.get("status")["killed"] is None


def test_a_setting_is_refused_beside_its_field_in_the_servers_words_and_nothing_changes(
    visit: Visit, bot: Deployed
) -> None:
    version = bot.get("config")["version"]
    words = bot.http("PATCH", "config", {"risk_tolerance": 7}).json()["error"]["fields"][0]["message"]
    visit.sign_in()
    visit.go("settings")
    page = visit.page
    page.get_by_label("risk_tolerance", exact=True).fill("7")
    page.get_by_role("button", name="See what changes").click()
    expect(page.locator(".field", has=page.get_by_label("risk_tolerance", exact=True))).to_contain_text(words)
    expect(page.get_by_label("risk_tolerance", exact=True)).to_be_focused()
    assert visit.violations() == []
    assert bot.get("config")["version"] == version


def test_a_setting_is_shown_as_a_difference_saved_acts_on_the_next_tick_and_is_undone(
    visit: Visit, bot: Deployed, until: Until
) -> None:
    before = bot.get("config")["settings"]["risk_tolerance"]
    visit.sign_in()
    visit.go("settings")
    page = visit.page
    try:
        page.get_by_label("risk_tolerance", exact=True).fill("0.43")
        page.get_by_role("button", name="See what changes").click()
        expect(page.get_by_text(f"risk_tolerance: {before} → 0.43")).to_be_visible()
        page.get_by_role("button", name=re.compile("^Save it")).click()
        expect(page.get_by_text("Saved as version")).to_be_visible()
        version = bot.get("config")["version"]
        until(
            lambda: (
                bot.get("decisions?limit=1") and bot.get("config/history?limit=1")["versions"][0]["version"] == version
            )
        )
        row = page.locator("#history tr", has_text=f"risk_tolerance: {before} → 0.43").first
        row.get_by_role("button", name="Undo").click(timeout=SLOW)
        expect(page.get_by_text(re.compile("Back to what version .* said of risk_tolerance"))).to_be_visible()
        assert bot.get("config")["settings"]["risk_tolerance"] == before
    finally:
        bot.change(risk_tolerance=before)


def test_who_saves_on_old_settings_is_told_so_and_overwrites_nothing(visit: Visit, bot: Deployed) -> None:
    before = bot.get("config")["settings"]
    visit.sign_in()
    visit.go("settings")
    page = visit.page
    page.route("**/api/config", lambda route: route.continue_(headers={**route.request.headers, "if-match": "0"}))
    try:
        page.get_by_label("min_confidence", exact=True).fill("0.91")
        page.get_by_role("button", name="See what changes").click()
        page.get_by_role("button", name=re.compile("^Save it")).click()
        expect(page.get_by_text("someone changed them first")).to_be_visible()
        assert bot.get("config")["settings"]["min_confidence"] == before["min_confidence"]
    finally:
        bot.change(min_confidence=before["min_confidence"])


def test_trying_out_a_notification_says_what_came_of_it_in_the_servers_words(visit: Visit, bot: Deployed) -> None:
    words = bot.http("POST", "notifications/test", {"way": "telegram"}).json()["error"]["message"]
    assert "heisenbug notify telegram" in words
    visit.sign_in()
    visit.go("settings")
    section = visit.page.locator("#notifications")
    section.get_by_role("button", name="Try Telegram").click()
    expect(section.get_by_role("alert")).to_have_text(words, timeout=SLOW)
    section.get_by_role("button", name="Try e-mail and SMS").click()
    expect(section.get_by_role("status")).to_contain_text("It was published to", timeout=SLOW)
    assert visit.violations() == []


def test_the_reader_sees_everything_and_can_change_nothing(visit: Visit, bot: Deployed) -> None:
    visit.sign_in(bot.reader_token)
    expect(visit.page.get_by_role("button", name="Kill…")).to_have_count(0)
    visit.go("settings")
    expect(visit.page.get_by_label("risk_tolerance", exact=True)).to_be_disabled()
    expect(visit.page.get_by_role("button", name="Try Telegram")).to_be_disabled()
    visit.page.keyboard.press("Shift+K")
    expect(visit.page.get_by_role("dialog")).to_have_count(0)


def test_without_a_connection_it_says_so_and_opens_again_from_what_it_kept(visit: Visit) -> None:
    visit.sign_in()
    visit.page.wait_for_function("() => navigator.serviceWorker.controller", timeout=SLOW)
    visit.context.set_offline(True)
    expect(visit.page.locator("#connection")).to_contain_text("offline, retrying", timeout=SLOW)
    visit.page.reload()
    expect(visit.page.get_by_role("alert")).to_contain_text("The API does not answer")
    expect(visit.page.get_by_text("PAPER money")).to_have_count(0)  # nothing old looks fresh
    visit.context.set_offline(False)
    visit.page.locator("#newest").wait_for(timeout=SLOW)


def test_with_its_socket_blocked_it_works_slower_and_says_so(visit: Visit, bot: Deployed, until: Until) -> None:
    visit.page.route_web_socket(re.compile("ws://"), lambda socket: socket.close())
    visit.sign_in()
    expect(visit.page.locator("#connection")).to_contain_text("slower, asking every 15 s")
    asked = len([url for _, url in visit.asked if url.endswith("/overview")])
    until(
        lambda: visit.page.wait_for_timeout(500) or len([u for _, u in visit.asked if u.endswith("/overview")]) > asked
    )


def test_a_message_before_the_first_answer_does_no_harm(visit: Visit, until: Until) -> None:
    def early(socket: WebSocketRoute) -> None:
        tick = '{"type":"tick_completed","data":{"due":"2026-01-01T00:00:00Z"},"at":"2026-01-01T00:00:00Z","seq":7}'
        socket.send(tick)

    visit.page.route_web_socket(re.compile("ws://"), early)
    visit.page.route("**/api/overview", lambda route: (visit.page.wait_for_timeout(1500), route.continue_()))
    visit.sign_in()
    assert visit.said == []


def test_a_session_that_has_ended_leads_to_the_entrance_with_the_reason_and_back(visit: Visit, bot: Deployed) -> None:
    visit.sign_in()
    visit.go("health")
    visit.context.clear_cookies()
    visit.page.reload()
    visit.page.get_by_label("Token").fill(bot.token)
    visit.page.get_by_role("button", name="Sign in").click()
    visit.page.locator("main h1", has_text="Health").wait_for()


def test_an_api_that_fails_is_told_with_a_way_on(visit: Visit) -> None:
    visit.sign_in()
    visit.answer("config", {}, status=500)
    visit.go("settings")
    expect(visit.page.get_by_text("The API failed (500)").first).to_be_visible()
    visit.page.unroute_all(behavior="ignoreErrors")
    visit.page.get_by_role("button", name="Ask again").first.click()
    expect(visit.page.get_by_label("risk_tolerance", exact=True)).to_be_visible()


def test_live_money_cannot_be_missed(visit: Visit, bot: Deployed) -> None:
    status = bot.get("status")
    visit.answer("overview", {"status": {**status, "mode": "live", "websocket_url": bot.outputs["WebSocketUrl"]}})
    visit.sign_in()
    expect(visit.page.get_by_text("LIVE money")).to_be_visible()
    assert visit.page.title().startswith("LIVE")
    assert visit.violations() == []


def test_the_board_shows_every_conversion_and_why_it_was_stopped(visit: Visit, bot: Deployed) -> None:
    told = bot.get("opportunities?limit=1000")["opportunities"]
    visit.sign_in()
    visit.go("opportunities")
    cells = visit.page.locator(".board button")
    expect(cells).to_have_count(len(told))
    cells.nth(3).click()
    expect(visit.page.locator(".detail .gates li")).to_have_count(14)


def test_the_licences_of_what_it_is_made_with_are_shown(visit: Visit) -> None:
    visit.sign_in()
    visit.page.get_by_role("button", name="Licences").click()
    dialog = visit.page.get_by_role("dialog")
    for words in ("Lightweight Charts", "Preact", "Apache License"):
        expect(dialog).to_contain_text(words)


def test_signing_out_forgets_the_cookie(visit: Visit) -> None:
    visit.sign_in()
    visit.page.get_by_role("button", name="Sign out").click()
    visit.page.get_by_label("Token").wait_for()
    visit.page.reload()
    visit.page.get_by_label("Token").wait_for()
    assert not [one for one in visit.context.cookies() if one["name"] == "heisenbug" and one["value"]]


def installable(page: Page) -> list[Any]:
    session = page.context.new_cdp_session(page)
    return list(session.send("Page.getInstallabilityErrors")["installabilityErrors"])


def test_it_can_be_installed_on_a_phone(visit: Visit) -> None:
    visit.sign_in()
    assert [error for error in installable(visit.page) if error["errorId"] != "in-incognito"] == []
