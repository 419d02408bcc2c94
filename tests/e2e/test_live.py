"""Live money, as a person gives it, on an exchange that misbehaves; and the token, which nobody ever sees again."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.living import BUDGET, KEEN, SENTENCE, SOON_OVER, TOKEN, Living, living
from tests.e2e.places import free_ports, new_home

Until = Callable[..., Any]
DECISIONS = 25
GROUPS = ("trader", "refit", "broadcast", "notify", "actions", "connection", "api", "authorizer", "tokens")
TABLES = ("BotConfig", "SettingsHistory", "TradingPair", "BotState", "TradeHistory", "TradeArchive", "PriceSnapshot")
ASKED = ("status", "health", "config", "config/history", "trades?limit=100", "decisions", "portfolio")


@pytest.fixture(scope="module")
def one() -> Iterator[Living]:
    """A bot that may trade live, for all tests of this file in their order."""
    with living(new_home("live"), free_ports()) as alive:
        alive.bot.change(**KEEN)
        alive.bot.plan_minute()
        yield alive


def held_back(one: Living, until: Until) -> str:
    """Why the bot stays paper, as every surface says it."""
    told: str = until(lambda: one.bot.get("status")["held_back"])
    assert told in " ".join(one.bot.get("health")["problems"])
    assert told in one.say("status").stdout.replace("\n", " ")
    return told


def test_without_a_credential_it_stays_paper_and_says_which_act_is_missing(one: Living, until: Until) -> None:
    one.bot.change(mode="live", budget=BUDGET)
    assert "There is no credential" in held_back(one, until)
    refused = one.say("live", typed=SENTENCE + "\n")
    assert refused.returncode == 1
    assert "There is no credential" in refused.stderr.replace("\n", " ")


def test_without_the_typed_sentence_it_stays_paper_and_says_so(one: Living, until: Until) -> None:
    stored = one.say("credential", typed=TOKEN + "\n")
    assert stored.returncode == 0
    until(lambda: "Nobody has typed" in (one.bot.get("status")["held_back"] or ""), 60)
    refused = one.say("live", typed="risk everything\n")
    assert (refused.returncode, one.bot.get("status")["mode"]) == (1, "paper")
    assert "Nothing was given" in refused.stderr
    assert {trade["mode"] for trade in one.bot.get("trades?limit=100")["trades"]} <= {"paper"}


def test_the_doctor_looks_at_everything_and_finds_it_well(one: Living) -> None:
    found = {row["check"]: row for row in json.loads(one.say("doctor", "--json").stdout)}
    for name in ("token", "clock", "one-time password", "card USD", "card BTC", "quote"):
        assert found[f"live {name}"]["ok"], found[f"live {name}"]
    assert "would be accepted" in found["live quote"]["says"]
    assert one.truth()["conversions"] == []


def test_with_all_three_acts_it_trades_live_money_and_pins_the_cards(one: Living, until: Until) -> None:
    given = one.say("live", typed=SENTENCE + "\n")
    assert given.returncode == 0, given.stderr
    assert "Given: " in given.stderr
    until(lambda: one.bot.get("status")["mode"] == "live")
    until(lambda: len(one.booked("TradeArchive")) >= 2, 60)
    assert set(one.bot.get("config")["settings"]["cards"]) == set(BUDGET)


def test_while_live_money_is_at_work_paper_has_its_own_books(one: Living) -> None:
    trades = one.bot.get("trades?limit=100")["trades"]
    assert {trade["mode"] for trade in trades} == {"live"}
    kept = {item["bot_id"] for item in one.items("TradeArchive")}
    assert kept <= {"demo", "demo:live"}


def test_under_trouble_every_conversion_is_in_the_books_once_to_the_last_digit(one: Living, until: Until) -> None:
    begun = one.concluded()
    ordered = one.trouble_each(SOON_OVER)
    one.trade_on(begun + DECISIONS, lambda _: None)
    until(lambda: one.look_after() or one.dealt() == ordered, 120)
    one.settle()

    assert one.completed() == one.booked("TradeArchive") == one.booked("TradeHistory")
    assert set(one.decisions_per_conversion().values()) == {1}
    assert one.holdings() == one.followed()
    assert one.truth()["conserved"]


def test_the_mode_cannot_be_changed_behind_an_open_trades_back_and_paper_is_one_setting_away(
    one: Living, until: Until
) -> None:
    one.bot.change(mode="paper")
    until(lambda: one.bot.get("status")["mode"] == "paper")
    assert one.bot.get("status")["held_back"] in (None, "")
    assert one.bot.get("status")["consent"] is None


def test_the_token_is_in_no_log_no_table_no_answer_and_no_file(one: Living) -> None:
    texts = [text for group in GROUPS for text in one.log_texts(group)]
    texts += [str(item) for table in TABLES for item in one.items(table)]
    texts += [one.bot.http("GET", path).text for path in ASKED]
    texts += [one.say(*words, "--json").stdout for words in (("status",), ("doctor",), ("trades",), ("live",))]
    logs = [path for path in (one.bot.home / "log").iterdir() if path.is_file()]
    texts += [path.read_text("utf-8", "replace") for path in logs]
    assert len(texts) > 200
    assert [text[:200] for text in texts if TOKEN in text] == []
