"""The tables in memory: every conditional write, its fence, its lost answer, and the limits of what is kept."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from heisenbug.domain.assets import Pair, TradingPair
from heisenbug.domain.entries import Entry
from heisenbug.domain.errors import FenceLost, InvalidSettings, NotFound, StaleVersion
from heisenbug.domain.ledger import Ledger, Newest, Watched, settle
from heisenbug.domain.live import Consent
from heisenbug.domain.portfolio import SeenCost
from heisenbug.domain.schedule import Planned
from heisenbug.domain.state import State
from heisenbug.domain.trade import Expected, Trade, TradeState, VenueQuote
from heisenbug.store.all import MODELS
from heisenbug.store.bot_state import Ledgers, States, ledger_item
from heisenbug.store.connection import Admitted, Client, Connections
from heisenbug.store.paper_fills import PaperFills
from heisenbug.store.price_snapshot import SAMPLE_TTL_SECONDS, TICK_TTL_SECONDS, PriceSnapshots
from heisenbug.store.trade_archive import TradeArchive
from heisenbug.store.trade_book import TradeBook
from heisenbug.store.trade_history import TradeHistory
from heisenbug.store.trading_pair import TradingPairs
from tests.markets import MONDAY
from tests.snapshots import full
from tests.tables import Cloud, table_definitions, without_record

BOT = "default"
AT = datetime.fromtimestamp(MONDAY, UTC)
EXPECTED = Expected(0.8123456789012345, 0.0123, 0.0131, 0.21, 0.002, 1.0, 64213.27)
LEDGER = Ledger({"USD": Decimal("1000.00")})

pytestmark = pytest.mark.usefixtures("tables")


def trade(number: int = 1, due: int = MONDAY, state: TradeState = TradeState.INTENDED) -> Trade:
    return Trade(
        f"trade-{number}", "paper", due, "USD", "BTC", Decimal("100.00"), EXPECTED, "because", state, MONDAY + 20
    )


def quoted(one: Trade) -> Trade:
    quote = VenueQuote(f"q-{one.id}", "USD", "BTC", one.amount, Decimal("0.00155731"), MONDAY + 18)
    return replace(one, quote=quote, quoted_cost_bps=12.5)


def executed(one: Trade, sequence: int) -> Trade:
    return replace(
        quoted(one),
        state=TradeState.EXECUTED,
        received=Decimal("0.00155731"),
        sequence=sequence,
        finished_at=MONDAY,
        realised_cost_bps=12.5,
    )


def committing(book: TradeBook, number: int = 1, due: int = MONDAY, version: int = 0) -> Trade:
    one = trade(number, due)
    States(BOT).claim(due, f"t{number}")
    book.intend(one, version, b"record")
    book.committing(quoted(one))
    return replace(quoted(one), state=TradeState.COMMITTING)


def loses_answer(tables: Cloud, operation: str) -> None:
    """The next such request is carried out, its answer is lost, and the SDK sends it again."""

    def lost(name: str, call: dict[str, Any]) -> None:
        if name == operation:
            tables.after = lambda *_: None
            tables.client._make_api_call(name, call)

    tables.after = lost


def test_the_models_have_the_keys_of_the_template() -> None:
    definitions = table_definitions()
    assert {model.Meta.table for model in MODELS} == set(definitions)  # type: ignore[attr-defined]
    for model in MODELS:
        properties = definitions[model.Meta.table]  # type: ignore[attr-defined]
        keys = {key["KeyType"]: key["AttributeName"] for key in properties["KeySchema"]}
        keyed = [each for each in model.get_attributes().values() if each.is_hash_key or each.is_range_key]
        hash_key = next(each for each in keyed if each.is_hash_key)
        range_key = next((each for each in keyed if each.is_range_key), None)
        assert keys["HASH"] == hash_key.attr_name
        assert keys.get("RANGE") == (range_key.attr_name if range_key else None)
        types = {each["AttributeName"]: each["AttributeType"] for each in properties["AttributeDefinitions"]}
        for attribute in keyed:
            assert types[attribute.attr_name] == attribute.attr_type


# ---------------------------------------------------------------- the tick


def test_a_tick_is_claimed_once_and_the_claim_is_the_state_read(tables: Cloud) -> None:
    states = States(BOT)
    first = states.claim(MONDAY, "a")
    assert first == State(last_tick=MONDAY, ticks=1)
    assert [states.claim(MONDAY, token) for token in "bcd"] == [None, None, None]
    second = states.claim(MONDAY + 5, "e")
    assert second == State(last_tick=MONDAY + 5, previous_tick=MONDAY, ticks=2)
    assert tables.counted()["UpdateItem"] == 5


@pytest.mark.parametrize("order", list(permutations([0, 5, 10])))
def test_ticks_that_come_out_of_order_are_claimed_only_forwards(order: tuple[int, ...]) -> None:
    states = States(BOT)
    claimed = [late for late in order if states.claim(MONDAY + late, f"t{late}") is not None]
    assert claimed == sorted(claimed)
    assert states.read().last_tick == MONDAY + 10
    assert states.read().ticks == len(claimed)


def test_a_claim_whose_answer_was_lost_is_ours_and_counts_once(tables: Cloud) -> None:
    loses_answer(tables, "UpdateItem")
    state = States(BOT).claim(MONDAY, "mine")
    assert state == State(last_tick=MONDAY, ticks=1)
    assert States(BOT).claim(MONDAY, "other") is None


def test_how_far_ticks_are_planned_is_remembered() -> None:
    States(BOT).planned(Planned(MONDAY + 65, 5))
    assert States(BOT).read().planned == Planned(MONDAY + 65, 5)


# ----------------------------------------------------------- kill and rearm


def test_a_killed_bot_keeps_its_first_reason_until_it_is_rearmed() -> None:
    states = States(BOT)
    killed = states.kill(AT, "anna", "enough")
    assert (killed.killed_by, killed.killed_why) == ("anna", "enough")
    assert killed.killed_at == "2025-05-05T00:00:00.000+00:00"
    again = states.kill(AT, "ben", "more")
    assert (again.killed_by, again.killed_why, again.version) == ("anna", "enough", killed.version)
    free = states.rearm(AT)
    assert (free.killed_at, free.killed_by, free.killed_why, free.peak_base) == (None, None, None, None)


def test_a_killed_bot_intends_nothing_and_commits_nothing() -> None:
    states, book = States(BOT), TradeBook(BOT, "paper", "t")
    states.claim(MONDAY, "t")
    states.kill(AT, "anna", "enough")
    with pytest.raises(FenceLost):
        book.intend(trade(), states.read().version, b"record")
    states.rearm(AT)
    book.intend(trade(), states.read().version, b"record")
    states.kill(AT, "anna", "enough")
    with pytest.raises(FenceLost):
        book.committing(quoted(trade()))
    running = TradeHistory(BOT, "paper").running()
    assert running is not None
    assert running.state is TradeState.INTENDED


def test_a_kill_during_the_commit_does_not_keep_its_outcome_from_being_written_down() -> None:
    book = TradeBook(BOT, "paper", "t")
    one = committing(book)
    States(BOT).kill(AT, "anna", "enough")
    book.finish(executed(one, 1), LEDGER, b"record", 100)
    assert TradeHistory(BOT, "paper").newest(1)[0].state is TradeState.EXECUTED


# ------------------------------------------------------- the steps of a trade


def test_a_trade_goes_through_its_steps_and_is_read_back_as_it_was() -> None:
    book, history = TradeBook(BOT, "paper", "t"), TradeHistory(BOT, "paper")
    States(BOT).claim(MONDAY, "t")
    book.intend(trade(), 0, b"record")
    assert history.running() == trade()
    assert States(BOT).read().open_trade == "trade-1"
    assert States(BOT).read().version == 1
    book.committing(quoted(trade()))
    assert history.running() == replace(quoted(trade()), state=TradeState.COMMITTING)
    done = executed(trade(), 1)
    moved = settle(LEDGER, done, MONDAY, 300)
    book.finish(done, moved, b"record", 100)
    assert history.running() is None
    assert history.newest(1)[0] == done
    assert TradeArchive(BOT, "paper").get(1)[1] == b"record"
    assert Ledgers(BOT).read("paper") == (moved, 1)
    state = States(BOT).read()
    assert (state.open_trade, state.version) == (None, 2)


def test_the_archive_holds_the_same_trade(tables: Cloud) -> None:
    book = TradeBook(BOT, "paper", "t")
    book.finish(executed(committing(book), 1), LEDGER, b"record", 100)
    assert without_record(tables.items("TradeArchive")) == tables.items("TradeHistory")


def test_a_recovered_trade_keeps_the_record_of_its_intent() -> None:
    one = committing(TradeBook(BOT, "paper", "t"))
    TradeBook(BOT, "paper", "later").finish(executed(one, 1), LEDGER, None, 100)
    assert TradeArchive(BOT, "paper").get(1) == (executed(one, 1), b"record")


def test_an_unresolved_trade_stays_open_with_what_is_known() -> None:
    book = TradeBook(BOT, "paper", "t")
    one = committing(book)
    book.unresolved(replace(one, state=TradeState.UNRESOLVED, outcome="The answer was lost."))
    running = TradeHistory(BOT, "paper").running()
    assert running is not None
    assert (running.state, running.outcome) == (TradeState.UNRESOLVED, "The answer was lost.")
    assert States(BOT).read().open_trade == "trade-1"
    with pytest.raises(FenceLost):
        book.unresolved(replace(one, state=TradeState.UNRESOLVED))


def test_a_dropped_trade_takes_no_sequence_and_leaves_nothing_but_its_rest() -> None:
    book = TradeBook(BOT, "paper", "t")
    States(BOT).claim(MONDAY, "t")
    book.intend(trade(), 0, b"record")
    skipped = replace(trade(), state=TradeState.SKIPPED, outcome="too dear", finished_at=MONDAY)
    rested = settle(LEDGER, skipped, MONDAY, 300)
    book.drop(skipped, rested, 7)
    assert TradeHistory(BOT, "paper").newest(10) == []
    assert TradeHistory(BOT, "paper").running() is None
    assert Ledgers(BOT).read("paper") == (rested, 7)
    assert States(BOT).read().open_trade is None


def moved_on() -> None:
    States(BOT).kill(AT, "x", "x")
    States(BOT).rearm(AT)


def next_tick() -> None:
    States(BOT).claim(MONDAY + 5, "other")


def other_trade() -> None:
    TradeBook(BOT, "paper", "other").intend(trade(2), 0, b"other")


@pytest.mark.parametrize("meanwhile", [moved_on, next_tick, other_trade])
def test_an_intent_is_refused_when_the_state_moved_on(meanwhile: Callable[[], None]) -> None:
    States(BOT).claim(MONDAY, "t")
    meanwhile()
    with pytest.raises(FenceLost):
        TradeBook(BOT, "paper", "t").intend(trade(), 0, b"record")
    running = TradeHistory(BOT, "paper").running()
    assert running is None or running.id == "trade-2"


def test_nothing_is_intended_while_a_trade_is_open_even_at_the_right_version() -> None:
    committing(TradeBook(BOT, "paper", "t"))
    States(BOT).claim(MONDAY + 5, "other")
    with pytest.raises(FenceLost):
        TradeBook(BOT, "paper", "other").intend(trade(2, MONDAY + 5), States(BOT).read().version, b"other")


def ended(book: TradeBook) -> None:
    book.drop(replace(trade(), state=TradeState.ABANDONED, finished_at=MONDAY), LEDGER, 0)


def test_a_resurrected_process_neither_commits_nor_ends_what_another_one_ended() -> None:
    book = TradeBook(BOT, "paper", "t")
    States(BOT).claim(MONDAY, "t")
    book.intend(trade(), 0, b"record")
    ended(TradeBook(BOT, "paper", "later"))
    with pytest.raises(FenceLost):
        book.committing(quoted(trade()))
    with pytest.raises(FenceLost):
        book.finish(executed(trade(), 1), LEDGER, b"record", 100)
    assert TradeHistory(BOT, "paper").newest(5) == []


def test_a_trade_is_not_committed_twice() -> None:
    committing(TradeBook(BOT, "paper", "t"))
    with pytest.raises(FenceLost):
        TradeBook(BOT, "paper", "other").committing(quoted(trade()))


def test_a_trade_that_reached_committing_cannot_be_abandoned_any_more() -> None:
    committing(TradeBook(BOT, "paper", "t"))
    with pytest.raises(FenceLost):
        ended(TradeBook(BOT, "paper", "later"))


@pytest.mark.parametrize("step", ["intend", "committing", "finish"])
def test_a_step_whose_answer_was_lost_is_ours(tables: Cloud, step: str) -> None:
    book = TradeBook(BOT, "paper", "t")
    States(BOT).claim(MONDAY, "t")
    if step != "intend":
        book.intend(trade(), 0, b"record")
    if step == "finish":
        book.committing(quoted(trade()))
    failing_retry(tables)
    match step:
        case "intend":
            book.intend(trade(), 0, b"record")
        case "committing":
            book.committing(quoted(trade()))
        case _:
            book.finish(executed(trade(), 1), LEDGER, b"record", 100)
    state = States(BOT).read()
    assert (state.version, state.open_trade) == ((2, None) if step == "finish" else (1, "trade-1"))


def failing_retry(tables: Cloud) -> None:
    """The next transaction is carried out and its answer lost; sent again it meets its own writes."""

    def again(name: str, call: dict[str, Any]) -> None:
        if name == "TransactWriteItems":
            tables.before = lambda *_: None
            tables.client._make_api_call(name, {**call, "ClientRequestToken": "first"})

    tables.before = again


def test_a_drop_whose_answer_was_lost_is_ours(tables: Cloud) -> None:
    book = TradeBook(BOT, "paper", "t")
    States(BOT).claim(MONDAY, "t")
    book.intend(trade(), 0, b"record")
    failing_retry(tables)
    ended(book)


# ------------------------------------------------ failed, watched, corrected

WATCHED = replace(LEDGER, watched=(Watched(1, MONDAY, MONDAY + 60),))
LATER = replace(LEDGER, watched=(Watched(1, MONDAY, MONDAY + 120),))
CORRECTED = Ledger({"USD": Decimal("-3.50"), "BTC": Decimal("0.00155731")})
HALT = "Trade 1 landed after all."


def has_failed(history_limit: int = 100) -> Trade:
    """A trade that failed after its commit, in the archive and the history; no trade is open."""
    book = TradeBook(BOT, "paper", "t")
    one = committing(book)
    failed = replace(one, state=TradeState.FAILED, sequence=1, finished_at=MONDAY, outcome="It never landed.")
    return book.finish(failed, WATCHED, b"record", history_limit)


def landed(failed: Trade) -> Trade:
    return replace(executed(failed, failed.sequence), finished_at=MONDAY + 90, outcome="It landed after all.")


def keeps(book: TradeBook) -> None:
    book.keep(LATER, 1, 2)


def corrects(book: TradeBook) -> None:
    book.correct(landed(book.watched(1)), CORRECTED, Newest(1, 2, 100), HALT)


def test_a_trade_that_failed_is_found_in_the_archive_by_its_sequence() -> None:
    failed = has_failed()
    assert TradeBook(BOT, "paper", "later").watched(1) == failed


def test_the_ledger_alone_is_written_while_no_trade_is_open() -> None:
    has_failed()
    keeps(TradeBook(BOT, "paper", "later"))
    assert Ledgers(BOT).read("paper") == (LATER, 1)
    assert States(BOT).read().version == 3


def test_a_correction_is_written_to_archive_history_and_ledger_and_kills_all_in_one_transaction(tables: Cloud) -> None:
    failed = has_failed()
    tables.calls.clear()
    corrects(TradeBook(BOT, "paper", "later"))
    assert tables.counted()["TransactWriteItems"] == 1
    assert not {"PutItem", "UpdateItem", "DeleteItem"} & set(tables.counted())
    history = TradeHistory(BOT, "paper")
    assert history.newest(1)[0] == landed(failed) == TradeBook(BOT, "paper", "x").watched(1)
    assert TradeArchive(BOT, "paper").get(1)[1] == b"record"
    assert Ledgers(BOT).read("paper") == (CORRECTED, 1)
    state = States(BOT).read()
    assert (state.killed_by, state.killed_why, state.version) == ("a late conversion", HALT, 3)
    assert state.killed_at == "2025-05-05T00:01:30.000+00:00"
    assert without_record(tables.items("TradeArchive")) == tables.items("TradeHistory")


def test_a_correction_of_a_bot_that_is_killed_keeps_its_first_reason() -> None:
    failed = has_failed()
    States(BOT).kill(AT, "anna", "enough")
    TradeBook(BOT, "paper", "later").correct(landed(failed), CORRECTED, Newest(1, 3, 100), HALT)
    assert (States(BOT).read().killed_by, Ledgers(BOT).read("paper")) == ("anna", (CORRECTED, 1))


@pytest.mark.parametrize(("newest", "is_kept"), [(10, True), (11, False), (50, False)])
def test_a_correction_leaves_what_the_history_has_evicted_evicted_but_archives_it(
    tables: Cloud, newest: int, is_kept: bool
) -> None:
    failed = has_failed()
    if not is_kept:
        TradeHistory(BOT, "paper").forget([1])
    TradeBook(BOT, "paper", "later").correct(landed(failed), CORRECTED, Newest(newest, 2, 10), HALT)
    assert [int(item["sequence"]["N"]) for item in tables.items("TradeHistory")] == [1] * is_kept
    (archived,) = tables.items("TradeArchive")
    assert (archived["state"]["S"], archived["record"]["B"]) == ("EXECUTED", b"record")
    assert Ledgers(BOT).read("paper") == (CORRECTED, newest)


def opens_a_trade() -> None:
    committing(TradeBook(BOT, "paper", "other"), 2, MONDAY + 5, 2)


@pytest.mark.parametrize("step", [keeps, corrects])
@pytest.mark.parametrize("meanwhile", [moved_on, opens_a_trade])
def test_the_ledger_is_not_written_when_the_state_moved_on(
    step: Callable[[TradeBook], None], meanwhile: Callable[[], None]
) -> None:
    failed = has_failed()
    meanwhile()
    with pytest.raises(FenceLost):
        step(TradeBook(BOT, "paper", "later"))
    assert Ledgers(BOT).read("paper") == (WATCHED, 1)
    assert TradeHistory(BOT, "paper").newest(1)[0] == failed
    assert States(BOT).read().killed_at is None


@pytest.mark.parametrize("step", [keeps, corrects])
def test_while_a_trade_is_open_only_that_trade_moves_the_ledger_even_at_the_right_version(
    step: Callable[[TradeBook], None],
) -> None:
    has_failed()
    opens_a_trade()
    version = States(BOT).read().version
    book = TradeBook(BOT, "paper", "later")
    late, newest = landed(book.watched(1)), Newest(1, version, 100)
    write = (
        (lambda: book.keep(LATER, 1, version)) if step is keeps else lambda: book.correct(late, CORRECTED, newest, HALT)
    )
    with pytest.raises(FenceLost):
        write()
    assert Ledgers(BOT).read("paper") == (WATCHED, 1)


@pytest.mark.parametrize("step", [keeps, corrects])
def test_a_ledger_whose_written_answer_was_lost_is_ours(tables: Cloud, step: Callable[[TradeBook], None]) -> None:
    has_failed()
    book = TradeBook(BOT, "paper", "later")
    failing_retry(tables)
    step(book)
    assert States(BOT).read().version == 3
    assert Ledgers(BOT).read("paper") == ((LATER if step is keeps else CORRECTED), 1)


@pytest.mark.parametrize("step", [keeps, corrects])
def test_of_two_processes_that_ask_at_once_one_writes_the_ledger(step: Callable[[TradeBook], None]) -> None:
    has_failed()
    step(TradeBook(BOT, "paper", "one"))
    with pytest.raises(FenceLost):
        step(TradeBook(BOT, "paper", "other"))
    assert States(BOT).read().version == 3


# --------------------------------------------------------- whose money it is

CONSENT = Consent("risk 100 USD", "0123456789abcdef", "anna", "2025-05-05T00:00:00+00:00")


def test_where_the_bot_stands_is_remembered_and_forgotten_whole(tables: Cloud) -> None:
    states = States(BOT)
    states.claim(MONDAY, "t")
    assert states.stand("paper", "Nobody has typed.", CONSENT)
    states.quiet(MONDAY + 60.1234)
    state = states.read()
    assert (state.mode, state.held_back, state.consent) == ("paper", "Nobody has typed.", CONSENT)
    assert (state.quiet_until, state.version) == (MONDAY + 60.123, 1)
    assert states.claim(MONDAY + 5, "t") == replace(state, last_tick=MONDAY + 5, previous_tick=MONDAY, ticks=2)
    assert states.stand("live", "", None)
    state = states.read()
    assert (state.mode, state.held_back, state.consent, state.version) == ("live", "", None, 2)
    (item,) = tables.items("BotState")
    assert not {"held_back", "consent"} & set(item)


def test_a_consent_moves_the_state_on() -> None:
    States(BOT).claim(MONDAY, "t")
    States(BOT).consent(CONSENT)
    assert (States(BOT).read().consent, States(BOT).read().version) == (CONSENT, 1)


def test_while_a_trade_is_open_the_bot_stands_where_it_stood() -> None:
    committing(TradeBook(BOT, "paper", "t"))
    before = States(BOT).read()
    assert not States(BOT).stand("live", "", CONSENT)
    assert States(BOT).read() == before


@pytest.mark.parametrize(("stands", "wants"), [("paper", "live"), ("live", "paper"), (None, "live")])
def test_an_intent_is_refused_when_the_bot_trades_other_money(stands: str | None, wants: str) -> None:
    States(BOT).claim(MONDAY, "t")
    version = 0
    if stands is not None:
        States(BOT).stand(stands, "", None)
        version = 1
    with pytest.raises(FenceLost):
        TradeBook(BOT, wants, "t").intend(replace(trade(), mode=wants), version, b"record")
    assert States(BOT).read().open_trade is None
    TradeBook(BOT, stands or "paper", "t").intend(trade(), version, b"record")
    assert States(BOT).read().open_trade == "trade-1"


def test_live_and_paper_have_a_ledger_a_history_and_an_archive_each(tables: Cloud) -> None:
    states, book = States(BOT), TradeBook(BOT, "live", "t")
    states.claim(MONDAY, "t")
    states.stand("live", "", CONSENT)
    one = replace(trade(), mode="live")
    book.intend(one, 1, b"record")
    book.committing(quoted(one))
    book.finish(executed(one, 1), CORRECTED, b"record", 100)
    assert Ledgers(BOT).read("live") == (CORRECTED, 1)
    assert Ledgers(BOT).read("paper") is None
    assert TradeHistory(BOT, "paper").newest(5) == []
    assert [each.sequence for each in TradeHistory(BOT, "live").newest(5)] == [1]
    for table in ("TradeHistory", "TradeArchive"):
        assert [item["bot_id"]["S"] for item in tables.items(table)] == ["default:live"]


def test_a_ledger_is_opened_anew_while_no_trade_is_open_and_moves_the_state_on() -> None:
    Ledgers(BOT).open_anew("live", LEDGER, 7)
    assert Ledgers(BOT).read("live") == (LEDGER, 7)
    assert States(BOT).read().version == 1
    committing(TradeBook(BOT, "paper", "t"), version=1)
    with pytest.raises(StaleVersion, match="A trade is open"):
        Ledgers(BOT).open_anew("live", CORRECTED, 8)
    assert Ledgers(BOT).read("live") == (LEDGER, 7)


def test_a_lost_answer_of_someone_else_is_not_ours(tables: Cloud) -> None:
    States(BOT).claim(MONDAY, "t")
    TradeBook(BOT, "paper", "other").intend(trade(), 0, b"record")
    with pytest.raises(FenceLost):
        TradeBook(BOT, "paper", "mine").intend(trade(), 0, b"record")


def test_a_table_that_cannot_be_reached_is_let_out_and_not_taken_for_a_lost_fence(tables: Cloud) -> None:
    States(BOT).claim(MONDAY, "t")

    def cut_off(name: str, call: dict[str, Any]) -> None:
        if name == "TransactWriteItems":
            raise ConnectionClosedError(endpoint_url="x")

    tables.before = cut_off
    with pytest.raises(Exception, match="Failed to write transaction items") as failure:
        TradeBook(BOT, "paper", "t").intend(trade(), 0, b"record")
    assert not isinstance(failure.value, FenceLost)


# ----------------------------------------------------------- what is kept


def test_history_holds_exactly_the_newest_and_the_archive_every_trade(tables: Cloud) -> None:
    limit, version = 10, 0
    for number in range(1, limit + 31):
        book = TradeBook(BOT, "paper", f"t{number}")
        one = committing(book, number, MONDAY + 5 * number, version)
        book.finish(executed(one, number), LEDGER, b"record", limit)
        version += 2
    newest = TradeHistory(BOT, "paper").newest(100)
    assert [one.sequence for one in newest] == list(range(40, 30, -1))
    assert [one.id for one in newest] == [f"trade-{number}" for number in range(40, 30, -1)]
    assert sorted(int(item["sequence"]["N"]) for item in tables.items("TradeArchive")) == list(range(1, 41))
    assert TradeHistory(BOT, "paper").oldest(3) == [31, 32, 33]
    assert TradeArchive(BOT, "paper").get(30)[0].id == "trade-30"
    with pytest.raises(NotFound, match="no trade 99"):
        TradeArchive(BOT, "paper").get(99)


@pytest.mark.parametrize(
    ("limit", "before", "sequences"), [(2, None, [5, 4]), (9, 4, [3, 2, 1]), (9, 1, []), (2, 3, [2, 1])]
)
def test_trades_are_listed_newest_first_page_by_page(limit: int, before: int | None, sequences: list[int]) -> None:
    for number in range(1, 6):
        book = TradeBook(BOT, "paper", f"t{number}")
        one = committing(book, number, MONDAY + 5 * number, 2 * (number - 1))
        book.finish(executed(one, number), LEDGER, b"record", 100)
    committing(TradeBook(BOT, "paper", "t6"), 6, MONDAY + 30, 10)
    listed = TradeHistory(BOT, "paper").newest(limit, before)
    assert [one.sequence for one in listed] == sequences


def test_money_is_stored_to_the_last_digit() -> None:
    ledger = Ledger(
        {"USD": Decimal("123456789012345.67"), "SHIB": Decimal("0.00000001")},
        {"SHIB": Entry(Decimal("0.000000000001"), MONDAY, Decimal("123456789012345.67"))},
        {("USD", "BTC"): MONDAY},
        {("USD", "BTC"): SeenCost(41.24, MONDAY)},
        (Watched(7, MONDAY, MONDAY + 60), Watched(8, MONDAY + 5, MONDAY + 65)),
        base="USD",
    )
    Ledgers(BOT).begin("paper", ledger)
    Ledgers(BOT).begin("paper", LEDGER)
    assert Ledgers(BOT).read("paper") == (ledger, 0)
    assert Ledgers(BOT).read("live") is None


def test_a_ledger_from_before_knows_what_was_paid_and_learns_the_rest() -> None:
    item = ledger_item(BOT, "paper", Ledger({"USD": Decimal(1), "BTC": Decimal(1)}), 7)
    item.entries = {"BTC": "100.5"}
    item.save()
    kept, sequence = Ledgers(BOT).read("paper") or (LEDGER, 0)
    assert (kept.entries, kept.base, sequence) == ({"BTC": Entry(Decimal("100.5"))}, "", 7)
    learned = kept.looked_at("USD", {"USD": 1.0, "BTC": 99.0}, MONDAY, None)
    assert learned.entries == {"BTC": Entry(Decimal("100.5"), MONDAY, Decimal("99.0"))}


def test_the_newest_paper_fill_is_found_and_a_second_record_changes_nothing() -> None:
    fills, quote = PaperFills(BOT), quoted(trade()).quote
    assert quote is not None
    assert fills.find(quote.id) is None
    fills.record(quote)
    first = fills.find(quote.id)
    fills.record(quote)
    assert fills.find(quote.id) == first
    assert first is not None
    assert (first.amount, first.received) == (Decimal("100.00"), Decimal("0.00155731"))
    assert fills.find("q-other") is None


# --------------------------------------------------------------- snapshots


def test_samples_are_kept_long_and_read_by_themselves_and_ticks_for_an_hour(tables: Cloud) -> None:
    snapshots = PriceSnapshots(BOT)
    for second in range(0, 60, 5):
        snapshots.save(replace(full(), at=MONDAY + second, sample_seconds=60 if second == 0 else 0))
    snapshots.save(replace(full(), at=MONDAY + 60, sample_seconds=60))
    assert [one.at for one in snapshots.samples(60, 10, MONDAY + 61)] == [MONDAY, MONDAY + 60]
    assert [one.at for one in snapshots.samples(60, 10, MONDAY + 60)] == [MONDAY]
    assert [one.at for one in snapshots.samples(60, 10, MONDAY + 61, MONDAY)] == [MONDAY + 60]
    assert [one.at for one in snapshots.samples(60, 1, MONDAY + 61)] == [MONDAY + 60]
    assert [one.at for one in snapshots.newest(60, 3)] == [MONDAY + 60, MONDAY + 55, MONDAY + 50]
    assert snapshots.newest(60, 1)[0] == replace(full(), at=MONDAY + 60, sample_seconds=60)
    lives = {item["at"]["S"]: int(item["expires_at"]["N"]) for item in tables.items("PriceSnapshot")}
    assert lives["2025-05-05T00:00:00Z"] == MONDAY + SAMPLE_TTL_SECONDS
    assert lives["2025-05-05T00:00:05Z"] == MONDAY + 5 + TICK_TTL_SECONDS


def test_samples_are_counted_by_slots_however_many_ticks_of_one_overlapped() -> None:
    snapshots = PriceSnapshots(BOT)
    for second in range(0, 300, 2):
        snapshots.save(replace(full(), at=MONDAY + second + 1, sample_seconds=60))
    assert [one.at - MONDAY for one in snapshots.samples(60, 3, MONDAY + 300)] == [121, 181, 241]
    assert [one.at - MONDAY for one in snapshots.samples(60, 9, MONDAY + 300, MONDAY + 60)] == [61, 121, 181, 241]


# ------------------------------------------------------------- pairs, clients


def test_pairs_are_read_in_order_and_changed_one_by_one() -> None:
    pairs = TradingPairs(BOT)
    pairs.fill(["ETH-USD", "BTC-USD"])
    pairs.put(TradingPair(Pair("XRP", "USD"), False, 7))
    assert [str(one.pair) for one in pairs.all()] == ["BTC-USD", "ETH-USD", "XRP-USD"]
    assert pairs.all()[2] == TradingPair(Pair("XRP", "USD"), False, 7)
    pairs.remove(Pair("ETH", "USD"))
    pairs.remove(Pair("ETH", "USD"))
    assert [str(one.pair) for one in pairs.all()] == ["BTC-USD", "XRP-USD"]


def test_a_pair_that_a_person_adds_by_its_name_alone_is_enabled(tables: Cloud) -> None:
    tables.put("TradingPair", {"bot_id": {"S": BOT}, "pair": {"S": "BTC-USD"}})
    assert TradingPairs(BOT).all() == (TradingPair(Pair("BTC", "USD"), True, 50),)


@pytest.mark.parametrize(
    "item",
    [
        {"pair": {"S": "BTCUSD"}},
        {"pair": {"S": "BTC-USD"}, "priority": {"S": "high"}},
        {"pair": {"S": "BTC-USD"}, "enabled": {"S": "yes"}},
        pytest.param({"pair": {"S": "BTC-USD"}, "priority": {"N": "-3"}}),
    ],
)
def test_a_pair_that_is_not_understood_is_named(tables: Cloud, item: dict[str, Any]) -> None:
    tables.put("TradingPair", {"bot_id": {"S": BOT}, **item})
    with pytest.raises(InvalidSettings, match="TradingPair"):
        TradingPairs(BOT).all()


def test_a_ticket_lets_in_once_in_its_time_and_is_no_client() -> None:
    connections = Connections()
    connections.add(Client("c1", "admin"), MONDAY)
    connections.issue("secret", "reader", MONDAY)
    assert list(connections.all()) == [Client("c1", "admin")]
    assert connections.redeem("other", MONDAY) is None
    assert connections.redeem("secret", MONDAY + 30) == Admitted("reader")
    assert connections.redeem("secret", MONDAY + 30) is None
    connections.issue("late", "reader", MONDAY)
    assert connections.redeem("late", MONDAY + 31) is None
    connections.remove("c1")
    connections.remove("c1")
    assert list(connections.all()) == []
