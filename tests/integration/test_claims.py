"""No two bots have the same card, nor live money of an account that cannot be divided: refused by the field, on every
surface, whoever is first of two at once, and free again as soon as nobody names it."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.errors import Refused
from cli.stack import speak_of
from heisenbug.actions import Actions
from heisenbug.configuration import MOST_CARDS, Configurations
from heisenbug.domain.errors import InvalidSettings, StaleVersion
from heisenbug.domain.registered import Registered
from heisenbug.domain.venue import KRAKEN, UPHOLD, Venue
from heisenbug.fleet import Fleet
from heisenbug.store.registry import Claims
from tests import commands
from tests.lambdas import Http, load
from tests.tables import WRITES, Cloud

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
CARD, OTHER = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
SAYS = (
    f"cards: {CARD} is a card of bot default's at Uphold already; name another card, or take it out of the cards "
    "there, or remove that bot, first."
)

pytestmark = pytest.mark.usefixtures("tables")


def bot(name: str, venue: Venue = UPHOLD) -> Configurations:
    return Configurations(name, venue)


def tell(name: str, venue: Venue = UPHOLD, **changes: Any) -> None:
    bot(name, venue).change(changes, "a test", NOW)


def refused(ask: Callable[[], Any]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSettings) as told:
        ask()
    return [(error.field, error.message) for error in told.value.fields]


def writes(tables: Cloud) -> list[str]:
    return [name for name, _ in tables.calls if name in WRITES]


def test_a_card_that_another_bot_names_is_refused_by_field_and_nothing_is_changed(tables: Cloud) -> None:
    tell("default", cards={"USD": CARD})
    tell("anna", cards={"BTC": OTHER})
    before = tables.items("BotConfig")
    tables.calls.clear()
    assert refused(lambda: tell("anna", cards={"USD": CARD, "BTC": OTHER})) == [("cards", SAYS)]
    assert writes(tables) == []
    assert tables.items("BotConfig") == before
    assert Claims().holders() == {f"uphold#{CARD}": "default", f"uphold#{OTHER}": "anna"}


def test_the_same_card_in_other_letters_is_the_same_card() -> None:
    tell("default", cards={"USD": CARD})
    assert refused(lambda: tell("anna", cards={"USD": CARD.upper()}))[0][0] == "cards"


@pytest.mark.parametrize("given_up", [None, {"USD": OTHER}])
def test_a_card_is_free_as_soon_as_the_settings_name_it_no_more(given_up: Any) -> None:
    tell("default", cards={"USD": CARD})
    tell("default", cards=given_up)
    tell("anna", cards={"USD": CARD})
    assert Claims().holders()[f"uphold#{CARD}"] == "anna"


def test_other_changes_of_a_bot_keep_its_card() -> None:
    tell("default", cards={"USD": CARD})
    tell("default", cooldown_seconds=77)
    assert refused(lambda: tell("anna", cards={"USD": CARD}))


@pytest.mark.parametrize("version", [None, 1])
def test_of_two_who_save_the_same_card_at_once_exactly_one_gets_it(tables: Cloud, version: int | None) -> None:
    names = [f"bot-{number}" for number in range(6)]
    for name in names:
        tell(name, cooldown_seconds=1)
    begin = threading.Barrier(len(names))
    seen = threading.local()

    def together(name: str, call: Any) -> None:
        # All have looked who holds what before any of them writes.
        if name == "TransactWriteItems" and not getattr(seen, "was", False):
            seen.was = True
            begin.wait(10)

    tables.before = together

    def save(name: str) -> str:
        try:
            bot(name).change({"cards": {"USD": CARD}}, "a test", NOW, version)
        except InvalidSettings as invalid:
            return invalid.fields[0].field
        return "saved"

    with ThreadPoolExecutor(len(names)) as pool:
        came = sorted(pool.map(save, names))
    assert came == ["cards"] * (len(names) - 1) + ["saved"]
    named = [name for name in names if bot(name)._config.read().stated.get("cards")]  # type: ignore[union-attr]
    assert [Claims().holders()[f"uphold#{CARD}"]] == named


def test_a_change_that_counts_on_an_old_version_is_stale_whatever_it_claims() -> None:
    tell("default", cooldown_seconds=1)
    tell("default", cooldown_seconds=2)
    with pytest.raises(StaleVersion):
        bot("default").change({"cards": {"USD": CARD}}, "a test", NOW, version=1)
    assert Claims().holders() == {}


def test_an_account_with_order_books_is_one_live_bots_alone() -> None:
    tell("default", KRAKEN, mode="live")
    ((field, says),) = refused(lambda: tell("anna", KRAKEN, mode="live"))
    assert field == "mode"
    assert "bot default trades live money with the one account at Kraken already" in says
    tell("bert", mode="live")  # at Uphold cards divide it
    tell("default", KRAKEN, mode="paper")
    tell("anna", KRAKEN, mode="live")
    assert Claims().holders() == {"kraken#account": "anna"}


def test_a_removed_bot_gives_back_what_it_had() -> None:
    fleet = Fleet(Registered("default", "uphold"), UPHOLD, lambda: NOW)
    fleet.create({"name": "anna"}, "a test")
    tell("anna", cards={"USD": CARD})
    fleet.remove("anna", "a test")
    tell("default", cards={"USD": CARD})
    assert Claims().holders() == {f"uphold#{CARD}": "default"}


def test_a_clone_has_none_of_the_cards() -> None:
    fleet = Fleet(Registered("default", "uphold"), UPHOLD, lambda: NOW)
    tell("default", cards={"USD": CARD})
    fleet.create({"name": "anna", "clone": "default"}, "a test")
    assert Claims().holders() == {f"uphold#{CARD}": "default"}


def test_more_cards_than_one_transaction_takes_are_refused(tables: Cloud) -> None:
    many = {f"A{number:03d}": f"card-{number:08d}" for number in range(MOST_CARDS + 1)}
    ((field, says),) = refused(lambda: tell("default", cards=many))
    assert (field, says) == ("cards", f"cards: at most {MOST_CARDS} can be new or given up at once, not {len(many)}.")
    assert writes(tables) == []


# ------------------------------------------------------------- told by hand, and before there were claims


def test_cards_that_were_named_before_there_were_claims_are_held_from_the_next_tick_on(tables: Cloud) -> None:
    tell("default", cards={"USD": CARD})
    bot("default").begin(NOW)
    tables.forget("Bot")
    bot("default").begin(NOW)
    assert refused(lambda: tell("anna", cards={"USD": CARD})) == [("cards", SAYS)]


def test_a_bot_that_is_told_another_ones_card_by_hand_stops_and_says_why(tables: Cloud) -> None:
    tell("default", cards={"USD": CARD})
    tell("anna", cooldown_seconds=1)
    anna = bot("anna")
    anna.begin(NOW)
    tables.edit("BotConfig", {"bot_id": {"S": "anna"}}, cards={"M": {"USD": {"S": CARD}}})
    assert refused(lambda: anna.begin(NOW)) == [("cards", SAYS)]
    assert refused(anna.now) == [("cards", SAYS)]
    assert bot("default").begin(NOW).settings.cards == {"USD": CARD}


def test_a_card_that_is_taken_out_by_hand_is_free_from_the_next_tick_on(tables: Cloud) -> None:
    tell("default", cards={"USD": CARD})
    bot("default").begin(NOW)
    tables.edit("BotConfig", {"bot_id": {"S": "default"}}, cards={"NULL": True})
    bot("default").begin(NOW)
    tell("anna", cards={"USD": CARD})


def test_a_tick_of_a_bot_without_cards_asks_nothing_about_claims(tables: Cloud) -> None:
    tell("default", cooldown_seconds=1)
    told = bot("default")
    told.begin(NOW)
    tables.calls.clear()
    told.begin(NOW)
    assert not [call for _, call in tables.calls if call.get("TableName") == "test-Bot"]


# ------------------------------------------------------------- the surfaces


def test_every_surface_refuses_in_the_same_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    api = Http(load(monkeypatch, "api").handler)
    commands.connect(api, monkeypatch, tmp_path)
    api("POST", "/api/bots", {"name": "anna"})
    tell("default", cards={"USD": CARD})
    change = {"cards": {"USD": CARD}}
    told = [{"field": "cards", "message": SAYS}]
    for path, rows in (("/api/config", ["error", "fields"]), ("/api/config/check", ["errors"])):
        reply = api("PATCH" if path == "/api/config" else "POST", path, change, query={"bot": "anna"}).data
        for row in rows:
            reply = reply[row]
        assert reply == told, path
    actions = Actions(Fleet(Registered("default", "uphold"), UPHOLD, lambda: NOW))
    kind, error = actions.answer(json.dumps({"action": "update_config", "data": change}), "admin", "anna")
    assert (kind, error["fields"]) == ("error", told)
    result = commands.run("--bot", "anna", "config", "set", f'cards={{"USD": "{CARD}"}}')
    speak_of("")
    assert isinstance(result.exception, Refused)
    assert result.exception.fields == told
    assert bot("anna").now().settings.cards is None
