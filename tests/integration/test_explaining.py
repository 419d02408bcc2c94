"""Every decision is decided again on what was recorded: it comes out the same, or what differs is said."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heisenbug.domain.errors import Rejected
from heisenbug.domain.record import pack_record, unpack_record
from heisenbug.domain.snapshot import Snapshot, pack
from heisenbug.store.price_snapshot import PriceSnapshots
from heisenbug.store.trade_archive import TradeArchive
from tests import commands
from tests.bots import BOT, live, price_of, process, run, seasoned
from tests.fakes import Clock, raising
from tests.lambdas import Http, load, shelve_page
from tests.markets import MONDAY
from tests.tables import PREFIX, Cloud
from tests.trades import DOUBT

KEY = {"bot_id": {"S": BOT}}
DAY = ("--from", "2025-05-05", "--to", "2025-05-06")


def serve(monkeypatch: pytest.MonkeyPatch, folder: Path, at: int) -> Http:
    """The API at this time, and the command line before it."""
    shelve_page(monkeypatch, folder)
    monkeypatch.setattr("heisenbug.wiring.now", Clock(at))
    opened = Http(load(monkeypatch, "api").handler)
    commands.connect(opened, monkeypatch, folder)
    return opened


@pytest.fixture
def api(tables: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Http:
    return serve(monkeypatch, tmp_path, MONDAY + 600)


@pytest.fixture
def busy(api: Http) -> Http:
    """The API of a bot that has traded on a rise for 20 ticks, each of them a sample."""
    run(process(Clock()), range(20))
    return api


def replayed(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and answer of a replay of the whole day."""
    result = commands.run("replay", *(arguments or DAY), "--json")
    return commands.exit_code(result), json.loads(result.stdout)


def retouch(at: int, touch: Callable[[Snapshot], Snapshot]) -> None:
    """Change what is kept of one tick."""
    store = PriceSnapshots(BOT)
    (kept,) = [one for one in store.ticks((5, 10, 60), 1000) if one.at == at]
    store.save(touch(kept))


# ------------------------------------------------------------------- a trade told


def test_a_trade_tells_what_was_seen_scored_passed_and_paid(busy: Http) -> None:
    trade = busy("GET", "/api/trades/1").data
    told = trade["explanation"]
    assert told["again"]["same"] is True
    assert "to the last digit" in told["again"]["why"]
    seen, scored = told["seen"], told["scored"]
    assert (seen["at"], seen["samples"], seen["settings_version"]) == (trade["at"], 10, 1)
    assert seen["prices"]["BTC"] == trade["to_price"]
    assert seen["holdings"] == {"USD": "1000"}
    assert [scored[name] for name in ("confidence", "risk", "expected_return", "forecaster", "horizon")] == [
        *(trade[name] for name in ("confidence", "risk", "expected_return")),
        "drift",
        10,
    ]
    assert told["cost"] == {name: trade[name] for name in ("expected_cost_bps", "quoted_cost_bps", "cost_bps")}
    assert [gate["gate"] for gate in told["gates"]] == [
        *("window", "price", "held", "confidence", "risk", "return"),
        *("cooldown", "minimum", "budget", "reserve", "open_trade", "stopped", "killed", "halted"),
    ]
    assert all(gate["passed"] for gate in told["gates"])
    confidence = told["gates"][3]
    assert (confidence["value"], confidence["limit"]) == (trade["confidence"], 0.5)
    assert "0.50, by " in confidence["why"]
    assert any("converted 100.00 USD for" in line for line in told["words"])


def test_every_trade_is_explained_alike_after_all_its_samples_have_expired(busy: Http, tables: Cloud) -> None:
    count = len(busy("GET", "/api/trades").data["trades"])
    before = [busy("GET", f"/api/trades/{number}").data for number in range(1, count + 1)]
    tables.forget("PriceSnapshot")
    assert count > 3
    assert [busy("GET", f"/api/trades/{number}").data for number in range(1, count + 1)] == before


def test_a_trade_that_the_history_has_evicted_is_explained_by_its_number(api: Http) -> None:
    run(process(Clock(), history_limit=10, window=10), range(45))
    newest = api("GET", "/api/trades").data["trades"]
    assert newest[-1]["sequence"] > 1
    assert api("GET", "/api/trades/1").data["explanation"]["again"]["same"] is True


def test_a_trade_with_live_money_is_decided_again_by_live_rules(api: Http) -> None:
    run(live().bot, range(10, 13))
    trade = api("GET", "/api/trades/1").data
    assert (trade["mode"], trade["explanation"]["again"]["same"]) == ("live", True)
    budget = next(gate for gate in trade["explanation"]["gates"] if gate["gate"] == "budget")
    assert (budget["passed"], budget["limit"]) == (True, 5)


def test_a_trade_that_is_still_open_is_explained_by_its_id(api: Http) -> None:
    opened = live()
    opened.exchange.answer = raising(DOUBT)
    run(opened.bot, range(10, 11))
    trade_id = api("GET", "/api/status").data["open_trade"]["id"]
    trade = api("GET", f"/api/trades/{trade_id}").data
    assert (trade["sequence"], trade["state"]) == (0, "UNRESOLVED")
    assert trade["explanation"]["again"]["same"] is True
    assert "none was paid" in trade["explanation"]["words"][-1]


# -------------------------------------------------------------- nothing is hidden


@pytest.mark.parametrize(
    ("attribute", "value", "words"),
    [
        ("confidence", {"N": "0.987654321"}, "The confidence was 0.987654321; now it is"),
        ("risk", {"N": "0.000001"}, "The risk was 1e-06; now it is"),
        ("to_price", {"N": "99.5"}, "The price of BTC was 99.5; now it is"),
        ("to_asset", {"S": "ETH"}, "It converted USD into ETH; now it would convert USD into BTC"),
        ("amount", {"N": "123.45"}, "It converted 123.45 USD; now it would convert 100.00"),
    ],
)
def test_a_trade_that_was_tampered_with_is_told_apart(
    busy: Http, tables: Cloud, attribute: str, value: dict[str, str], words: str
) -> None:
    tables.edit("TradeArchive", {**KEY, "sequence": {"N": "1"}}, **{attribute: value})
    again = busy("GET", "/api/trades/1").data["explanation"]["again"]
    assert again["same"] is False
    assert any(words in line for line in again["differences"])
    assert words in again["why"]
    code, answer = replayed()
    assert code == 1
    assert [row.get("trade") for row in answer["differences"]] == [1]


def test_a_record_whose_window_was_tampered_with_is_told_apart(busy: Http, tables: Cloud) -> None:
    trade, record = TradeArchive(BOT, "paper").get(1)
    assert record is not None
    kept = unpack_record(trade.due, record)
    assert kept.window is not None
    last = kept.window[-1]
    window = (*kept.window[:-1], replace(last, log_mids={"BTC-USD": last.log_mids["BTC-USD"] + 1e-4}))
    tables.edit("TradeArchive", {**KEY, "sequence": {"N": "1"}}, record={"B": pack_record(kept.snapshot, window)})
    again = busy("GET", "/api/trades/1").data["explanation"]["again"]
    assert again["same"] is False


def test_other_settings_under_the_same_version_are_told_apart(busy: Http, tables: Cloud) -> None:
    (kept,) = tables.items("SettingsHistory")
    settings = {**json.loads(kept["settings"]["S"]), "horizon": 11}
    tables.put("SettingsHistory", {**kept, "settings": {"S": json.dumps(settings)}})
    assert busy("GET", "/api/trades/1").data["explanation"]["again"]["same"] is False


def test_settings_that_are_not_kept_or_not_understood_any_more_are_named(busy: Http, tables: Cloud) -> None:
    (kept,) = tables.items("SettingsHistory")
    tables.put("SettingsHistory", {**kept, "settings": {"S": json.dumps({"no_such_thing": 1})}})
    fresh = busy("GET", "/api/trades/1").data["explanation"]
    assert fresh["again"]["same"] is None
    assert "Version 1 of the settings is not understood any more" in fresh["again"]["why"]
    assert fresh["seen"]["quotes"]
    tables.forget("SettingsHistory")
    row = busy("GET", "/api/decisions", query={"limit": "1"}).data["decisions"][0]
    assert row["again"] == {"same": None, "differences": [], "why": "Version 1 of the settings is not kept."}


def test_a_record_from_before_windows_were_copied_is_decided_again_while_its_samples_are_kept(
    busy: Http, tables: Cloud
) -> None:
    trade, record = TradeArchive(BOT, "paper").get(1)
    assert record is not None
    snapshot = replace(unpack_record(trade.due, record).snapshot, outcome=None)
    tables.edit("TradeArchive", {**KEY, "sequence": {"N": "1"}}, record={"B": pack(snapshot)})
    assert busy("GET", "/api/trades/1").data["explanation"]["again"]["same"] is True
    tables.forget("PriceSnapshot")
    told = busy("GET", "/api/trades/1").data["explanation"]
    assert told["again"]["same"] is None
    assert "no copy of its window" in told["again"]["why"]
    assert told["words"]


# -------------------------------------------------------------- how one is named


def test_a_trade_is_found_by_its_id_or_by_the_beginning_of_it(busy: Http) -> None:
    trade = busy("GET", "/api/trades/2").data
    for named in (trade["id"], trade["id"][:8]):
        assert busy("GET", f"/api/trades/{named}").data == trade


def test_the_beginning_of_several_ids_is_refused_with_some_of_them(busy: Http, tables: Cloud) -> None:
    for number in (1, 2):
        key = {**KEY, "sequence": {"N": str(number)}}
        tables.edit("TradeHistory", key, trade_id={"S": f"abcd{number}" + "0" * 19})
    reply = busy("GET", "/api/trades/abcd")
    assert reply.status == 404
    assert "2 trades begin with abcd" in reply.error["message"]
    assert "abcd1" in reply.error["message"]


def refuse() -> None:
    raise Rejected("The venue says no.")


def test_a_decision_that_came_to_nothing_is_told_as_such(api: Http) -> None:
    opened = live()
    opened.exchange.on_quote = refuse
    run(opened.bot, range(10, 11))
    (dropped,) = api("GET", "/api/status").data["dropped"]
    reply = api("GET", f"/api/trades/{dropped['id']}")
    assert (reply.status, reply.error["code"]) == (404, "not_found")
    assert reply.error["message"] == f"{dropped['id']} never became a trade, nothing was sent. The venue says no."


# ------------------------------------------------------------------------ replay


def test_a_replay_of_all_that_was_recorded_finds_no_difference(busy: Http) -> None:
    code, answer = replayed()
    assert (code, answer["differences"]) == (0, [])
    assert answer["ticks"] == {"compared": 20, "same": 20, "not_comparable": [], "not_kept": 0}
    assert answer["trades"]["compared"] == answer["trades"]["same"] == len(busy("GET", "/api/trades").data["trades"])


def test_a_replay_says_so_in_a_few_words(busy: Http) -> None:
    result = commands.run("replay", *DAY)
    assert result.exit_code == 0
    assert "20 compared, 0 not comparable, 0 expired or left nothing" in result.stdout
    assert "Differences  none" in result.stdout


def test_a_trade_that_is_missing_between_others_is_a_difference_and_hides_none_behind_it(
    busy: Http, tables: Cloud
) -> None:
    lost = next(item for item in tables.items("TradeArchive") if item["sequence"]["N"] == "3")
    tables.client.delete_item(
        TableName=PREFIX + "TradeArchive", Key={name: lost[name] for name in ("bot_id", "sequence")}
    )
    code, answer = replayed()
    assert (code, [row["differences"] for row in answer["differences"]]) == (
        1,
        [["Trade 3 is not in TradeArchive, though older ones are."]],
    )
    assert answer["trades"]["same"] == len(busy("GET", "/api/trades").data["trades"]) - 1


def test_only_what_was_asked_for_is_replayed(busy: Http) -> None:
    code, answer = replayed("--from", "2025-05-05T00:00:50Z", "--to", "2025-05-05T00:01:10Z")
    assert (code, answer["ticks"]["compared"]) == (0, 5)
    assert answer["trades"]["compared"] == 5


def test_a_price_that_was_changed_in_the_record_of_a_tick_is_found(busy: Http) -> None:
    def dearer(kept: Snapshot) -> Snapshot:
        quotes = {pair: replace(quote, ask=quote.ask * 2, bid=quote.bid * 2) for pair, quote in kept.quotes.items()}
        return replace(kept, quotes=quotes)

    retouch(MONDAY + 95, dearer)
    code, answer = replayed()
    assert code == 1
    assert [row["tick"] for row in answer["differences"]] == [20]
    assert any("The volatility of all conversions" in line for line in answer["differences"][0]["differences"])
    shown = commands.run("replay", *DAY)
    assert commands.exit_code(shown) == 1
    assert "2025-05-05T00:01:35Z tick 20: " in shown.stdout


def test_an_outcome_that_was_changed_in_the_record_of_a_tick_is_found(busy: Http) -> None:
    def chose_otherwise(kept: Snapshot) -> Snapshot:
        assert kept.outcome is not None
        return replace(kept, outcome=replace(kept.outcome, chosen="BTC-USD", gates=7))

    retouch(MONDAY + 60, chose_otherwise)
    code, answer = replayed()
    assert code == 1
    assert answer["differences"] == [
        {
            "at": "2025-05-05T00:01:00Z",
            "tick": 13,
            "differences": [
                "It chose BTC-USD; now it chooses USD-BTC.",
                "Not all conversions are stopped by the gates that stopped them.",
            ],
        }
    ]


def expire(tables: Cloud, partition: str, *seconds: int) -> None:
    """Let the snapshots of these ticks expire."""
    for second in seconds:
        key = {"bot_id": {"S": partition}, "at": {"S": f"2025-05-05T00:00:{second:02}Z"}}
        tables.client.delete_item(TableName="test-PriceSnapshot", Key=key)


def test_ticks_that_expired_are_counted(api: Http, tables: Cloud) -> None:
    run(process(Clock(), sample_seconds=10), range(20))
    expire(tables, BOT, 5, 25, 35)
    code, answer = replayed()
    assert (code, answer["ticks"]["compared"], answer["ticks"]["not_kept"]) == (0, 17, 3)


def test_a_tick_whose_window_is_not_whole_any_more_is_not_called_the_same(busy: Http, tables: Cloud) -> None:
    expire(tables, f"{BOT}:5", 0, 5)
    code, answer = replayed()
    untold = answer["ticks"]["not_comparable"]
    assert (code, answer["ticks"]["compared"], [row["tick"] for row in untold]) == (0, 9, list(range(11, 2, -1)))
    assert untold[0]["why"] == "1 of the 10 samples that it looked back on are not kept any more."
    assert untold[-1]["why"] == "2 of the 3 samples that it looked back on are not kept any more."


def test_a_tick_whose_samples_have_begun_to_expire_is_not_called_different(
    tables: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(process(Clock()), range(20))
    expire(tables, f"{BOT}:5", 25)
    serve(monkeypatch, tmp_path, MONDAY + 90 * 86400)
    code, answer = replayed()
    assert (code, answer["ticks"]["compared"], answer["differences"]) == (0, 0, [])
    assert {row["why"] for row in answer["ticks"]["not_comparable"]} == {
        "Samples that it looked back on have begun to expire."
    }


def test_ticks_that_recorded_no_outcome_are_not_called_the_same(busy: Http, tables: Cloud) -> None:
    retouch(MONDAY + 95, lambda kept: replace(kept, outcome=None))
    _, answer = replayed()
    assert [row["tick"] for row in answer["ticks"]["not_comparable"]] == [20]


def test_where_nothing_is_kept_nothing_is_claimed(busy: Http) -> None:
    result = commands.run("replay", "--from", "2020-01-01", "--to", "2020-01-02", "--json")
    assert commands.exit_code(result) == 1
    assert "Nothing was compared" in str(result.exception)


def test_settings_that_changed_meanwhile_are_those_of_the_tick(api: Http) -> None:
    bot = process(Clock())
    run(bot, range(15))
    bot.tell(sample_seconds=10, window=11, is_active=False)
    run(bot, range(15, 45))
    bot.tell(sample_seconds=5, window=10, horizon=20, is_active=True)
    run(bot, range(45, 60))
    code, answer = replayed()
    assert (code, answer["differences"], answer["ticks"]["compared"]) == (0, [], 60)


def test_a_market_that_gave_its_past_shows_no_decisions_of_before_there_was_a_bot(api: Http) -> None:
    run(seasoned(Clock()), range(10, 14))
    rows = api("GET", "/api/decisions").data["decisions"]
    assert [row["tick"] for row in rows] == [4, 3, 2, 1]
    code, answer = replayed("--from", "2025-05-04", "--to", "2025-05-06")
    assert (code, answer["ticks"]["compared"], answer["ticks"]["not_kept"]) == (0, 4, 0)


def test_prices_that_were_left_out_are_left_out_again(api: Http) -> None:
    bot = process(Clock(), pairs=["BTC-USD", "ETH-USD"])
    for tick in range(30):
        bot.tickers.set(BTC=price_of(tick), **({"ETH": price_of(tick + 3)} if tick not in (14, 22) else {}))
        bot.tick(MONDAY + 5 * tick)
    code, answer = replayed()
    assert (code, answer["ticks"]["same"]) == (0, 30)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("replay", "--from", "yesterday"), "give a day or a time like 2025-05-10"),
        (("replay", "--from", "2025-05-06", "--to", "2025-05-05"), "give the earlier time first"),
        (("explain", "99"), "There is no trade 99"),
        (("explain", "nonsense/../1"), "There is no trade"),
        (("explain", ""), "no such address"),
    ],
)
def test_what_was_typed_wrong_is_said_and_exits_with_two(busy: Http, arguments: tuple[str, ...], words: str) -> None:
    result = commands.run(*arguments)
    assert commands.exit_code(result) == 2
    assert words in str(result.exception)


def test_explain_tells_it_to_a_person_and_to_a_program(busy: Http) -> None:
    shown = commands.run("explain", "1").stdout
    for words in ("Trade 1, ", "It expected of converting USD into BTC", "confidence", "to the last digit", "Cost: "):
        assert words in shown
    assert json.loads(commands.run("explain", "1", "--json").stdout) == busy("GET", "/api/trades/1").data
