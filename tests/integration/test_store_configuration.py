"""Settings, however they come: through the API, by hand in the console, good or bad."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from heisenbug.configuration import Configurations
from heisenbug.domain.assets import Pair, TradingPair
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.errors import InvalidSettings, StaleVersion
from heisenbug.domain.settings import DEFAULTS, RULES, as_plain, parse
from heisenbug.store.settings_history import SettingsHistory
from heisenbug.store.trading_pair import TradingPairs
from tests.bad_settings import BAD_SETTINGS
from tests.markets import MONDAY
from tests.tables import Cloud

BOT = "default"
KEY = {"bot_id": {"S": BOT}}
AT = datetime.fromtimestamp(MONDAY, UTC)

pytestmark = pytest.mark.usefixtures("tables")


@pytest.fixture
def started() -> Configurations:
    configurations = Configurations(BOT)
    configurations.begin(AT)
    return configurations


def edit(tables: Cloud, **attributes: Any) -> None:
    serialize = TypeSerializer().serialize
    tables.edit("BotConfig", KEY, **{name: serialize(value) for name, value in attributes.items()})


def versions() -> list[tuple[int, str]]:
    return [(one.version, one.who) for one in SettingsHistory(BOT).newest(50)]


def test_before_the_first_start_the_defaults_hold_and_nothing_is_written(tables: Cloud) -> None:
    assert Configurations(BOT).now() == Configuration(DEFAULTS, (PAIR("BTC-USD"), PAIR("ETH-USD")), 0)
    assert tables.items("BotConfig") == []


def PAIR(name: str, priority: int = 50) -> TradingPair:
    return TradingPair(Pair.parse(name), True, priority)


def test_the_first_start_writes_one_readable_item_the_pairs_and_version_one(tables: Cloud) -> None:
    told = Configurations(BOT).begin(AT)
    assert told == Configuration(DEFAULTS, (PAIR("BTC-USD"), PAIR("ETH-USD")), 1)
    (item,) = tables.items("BotConfig")
    assert set(item) == {"bot_id", "version", "updated_by", "updated_at", *RULES}
    assert item["risk_tolerance"] == {"N": "0.5"}
    assert item["is_active"] == {"BOOL": False}
    assert item["pairs"] == {"L": [{"S": "BTC-USD"}, {"S": "ETH-USD"}]}
    assert item["paper_start"] == {"M": {"USD": {"N": "1000"}}}
    assert versions() == [(1, "first start")]


def test_a_pair_table_that_a_person_filled_before_is_left_alone() -> None:
    TradingPairs(BOT).put(TradingPair(Pair("XRP", "USD"), True, 3))
    assert Configurations(BOT).begin(AT).pairs == (PAIR("XRP-USD", 3),)


def test_ticks_that_see_the_same_content_write_nothing(tables: Cloud, started: Configurations) -> None:
    tables.calls.clear()
    for _ in range(5):
        started.begin(AT)
    assert tables.counted() == {"GetItem": 5, "Query": 5}
    cold = Configurations(BOT)
    assert cold.begin(AT).version == 1
    assert versions() == [(1, "first start")]


def test_a_change_is_a_new_version_with_who_made_it(started: Configurations) -> None:
    changed = started.change({"risk_tolerance": 0.6}, "anna", AT, version=1)
    assert (changed.settings.risk_tolerance, changed.version) == (0.6, 2)
    assert started.begin(AT).version == 2
    assert versions() == [(2, "anna"), (1, "first start")]


def test_of_two_changes_to_the_same_version_the_second_is_told_about_the_first(started: Configurations) -> None:
    started.change({"window": 60}, "anna", AT, version=1)
    with pytest.raises(StaleVersion, match="at version 2, not 1"):
        started.change({"window": 90}, "ben", AT, version=1)
    assert started.now().settings.window == 60


def test_a_change_without_a_version_is_repeated_over_a_newer_one(tables: Cloud, started: Configurations) -> None:
    def meanwhile(name: str, call: dict[str, Any]) -> None:
        if name == "PutItem":
            tables.before = lambda *_: None
            Configurations(BOT).change({"horizon": 30}, "ben", AT)

    tables.before = meanwhile
    changed = started.change({"window": 60}, "anna", AT)
    assert (changed.version, changed.settings.window, changed.settings.horizon) == (3, 60, 30)


def test_a_bad_change_changes_nothing(tables: Cloud, started: Configurations) -> None:
    before = tables.items("BotConfig")
    for name, value in BAD_SETTINGS:
        with pytest.raises(InvalidSettings) as refused:
            started.change({name: value, "is_active": True} if name != "is_active" else {name: value}, "anna", AT)
        assert [error.field for error in refused.value.fields] == [name]
    assert tables.items("BotConfig") == before


def test_a_console_edit_becomes_a_version_by_hand(tables: Cloud, started: Configurations) -> None:
    edit(tables, risk_tolerance=Decimal("0.4"), check_interval_seconds=Decimal(30))
    told = started.begin(AT)
    assert (told.settings.risk_tolerance, told.settings.check_interval_seconds, told.version) == (0.4, 30, 2)
    assert tables.items("BotConfig")[0]["version"] == {"N": "2"}
    assert versions() == [(2, "by hand"), (1, "first start")]
    assert started.begin(AT).version == 2
    assert started.version(1) == Configuration(DEFAULTS, (PAIR("BTC-USD"), PAIR("ETH-USD")), 1)


def test_an_edit_of_the_pairs_becomes_a_version_too(started: Configurations) -> None:
    TradingPairs(BOT).put(TradingPair(Pair("XRP", "USD"), True, 5))
    assert started.begin(AT).version == 2
    TradingPairs(BOT).put(TradingPair(Pair("XRP", "USD"), False, 5))
    told = started.begin(AT)
    assert (told.version, told.pairs) == (3, (PAIR("BTC-USD"), PAIR("ETH-USD")))
    seen = started.version(2)
    assert seen is not None
    assert PAIR("XRP-USD", 5) in seen.pairs


def test_two_ticks_that_see_an_edit_at_once_agree_on_its_version(tables: Cloud, started: Configurations) -> None:
    edit(tables, window=Decimal(60))
    other = Configurations(BOT)
    assert started.begin(AT).version == other.begin(AT).version == 2
    assert versions() == [(2, "by hand"), (1, "first start")]


def test_two_ticks_that_see_different_edits_at_once_each_find_their_own_under_its_version(
    tables: Cloud, started: Configurations
) -> None:
    edit(tables, risk_tolerance=Decimal("0.6"))

    def meanwhile(name: str, call: dict[str, Any]) -> None:
        if name == "PutItem" and call["TableName"].endswith("SettingsHistory"):
            tables.before = lambda *_: None
            edit(tables, risk_tolerance=Decimal("0.7"))
            Configurations(BOT).begin(AT)

    tables.before = meanwhile
    told = started.begin(AT)
    assert told.settings.risk_tolerance == 0.6
    kept = Configurations(BOT).version(told.version)
    assert kept is not None
    assert kept.settings == told.settings
    assert [one.settings["risk_tolerance"] for one in SettingsHistory(BOT).newest(3)] == [0.6, 0.7, 0.5]


def test_an_api_change_over_an_edit_keeps_both(tables: Cloud, started: Configurations) -> None:
    edit(tables, window=Decimal(60))
    started.change({"horizon": 30}, "anna", AT)
    told = started.begin(AT)
    assert (told.settings.window, told.settings.horizon, told.version) == (60, 30, 2)


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({"risk_tolerance": "high"}, "risk_tolerance"),
        ({"risk_tolerance": Decimal(7)}, "risk_tolerance"),
        ({"is_active": "yes"}, "is_active"),
        ({"window": Decimal("12.5")}, "window"),
        ({"mode": "LIVE"}, "mode"),
        ({"cards": {"USD": Decimal(1)}}, "cards"),
        ({"pairs": {"BTC-USD": True}}, "pairs"),
        ({"pairs": {"BTC-USD", "BITCOIN"}}, "pairs"),
        ({"cost_bps": {"default": "x"}}, "cost_bps"),
        ({"budget": [Decimal(1)]}, "budget"),
        ({"base_currency": "EUR"}, "base_currency"),
        ({"rsik_tolerance": Decimal(1)}, "rsik_tolerance"),
        ({"horizon": None}, "horizon"),
        ({"horizon": b"60"}, "horizon"),
    ],
)
def test_a_bad_item_made_by_hand_is_named_and_mended_by_the_api_or_by_hand(
    tables: Cloud, started: Configurations, attributes: dict[str, Any], field: str
) -> None:
    edit(tables, **attributes)
    for read in (started.now, lambda: started.begin(AT)):
        with pytest.raises(InvalidSettings) as refused:
            read()
        assert [error.field for error in refused.value.fields] == [field]
        assert refused.value.fields[0].message.startswith(f"{field} ")
    assert versions() == [(1, "first start")]
    if field in RULES:
        started.change({field: as_plain(DEFAULTS)[field]}, "anna", AT)
        assert started.begin(AT).settings == DEFAULTS


def test_a_set_typed_in_the_console_is_a_list(tables: Cloud, started: Configurations) -> None:
    edit(tables, pairs={"BTC-USD", "ETH-USD"})
    assert set(started.begin(AT).settings.pairs) == {"BTC-USD", "ETH-USD"}


def test_a_change_of_something_else_does_not_pass_over_a_bad_item(tables: Cloud, started: Configurations) -> None:
    edit(tables, risk_tolerance="high")
    with pytest.raises(InvalidSettings, match="risk_tolerance"):
        started.change({"window": 60}, "anna", AT)


def test_a_base_currency_that_no_pair_has_is_refused_and_not_written(started: Configurations) -> None:
    with pytest.raises(InvalidSettings, match="base_currency"):
        started.change({"base_currency": "EUR"}, "anna", AT)
    assert started.now().settings == DEFAULTS


def test_an_amount_with_too_many_digits_is_named(started: Configurations) -> None:
    with pytest.raises(InvalidSettings, match="trade_size_amount"):
        started.change({"trade_size_amount": "1." + "1" * 40}, "anna", AT)


@pytest.mark.parametrize("version", ["two", None, Decimal("1.5"), Decimal(-4)])
def test_a_version_spoilt_by_hand_is_mended_by_the_next_tick(
    tables: Cloud, started: Configurations, version: Any
) -> None:
    edit(tables, version=version, window=Decimal(60))
    assert started.begin(AT).settings.window == 60
    started.change({"horizon": 30}, "anna", AT)
    assert Configurations(BOT).begin(AT).settings.horizon == 30


def test_an_item_emptied_by_hand_means_the_defaults(tables: Cloud, started: Configurations) -> None:
    tables.put("BotConfig", KEY)
    assert started.begin(AT).settings == DEFAULTS
    started.change({"horizon": 30}, "anna", AT)
    assert started.begin(AT).settings.horizon == 30


def test_every_value_survives_the_table_exactly(started: Configurations) -> None:
    changes = {
        "trade_size_amount": "12.34000001",
        "min_expected_return": 0.1 + 0.2,
        "cost_bps": {"default": 20.25, "BTC-USD": 10},
        "budget": {"USD": "500.10", "BTC": "0.00000001"},
        "paper_start": {"USD": "1000.00", "ETH": "3"},
        "mode": "live",
        "cards": {"USD": "48ce2ac5-c038-4426-b2f8-a2bdbcc93053"},
    }
    changed = started.change(changes, "anna", AT)
    assert started.now().settings == changed.settings == parse(as_plain(changed.settings))
    assert changed.settings.min_expected_return == 0.1 + 0.2
