"""Asking what became of a commit: the venue's word is taken, silence is never taken for failure, nothing is sent."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.errors import FenceLost, MarketUnavailable, MissingAct, NeedsPerson
from heisenbug.domain.ledger import Watched, settle
from heisenbug.domain.trade import Filled, Trade, TradeState
from heisenbug.settling import Ended
from tests.fakes import Answer, completed, failed, processing, raising
from tests.markets import MONDAY
from tests.trades import DAY, DOUBT, LAST_SECOND, LEASE_SECONDS, REFUSED, Desk

OPEN = [TradeState.COMMITTING, TradeState.UNRESOLVED]
SILENT = MarketUnavailable("it took too long")
FORBIDDEN = NeedsPerson("Uphold does not accept the token: store a new one.")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def finds(desk: Desk, found: Answer | None) -> None:
    """What the venue says of the open trade's quote from now on."""
    quote = desk.quote
    desk.exchange.found = lambda _: found(quote) if found else None


# ------------------------------------------------------------ an intent


@pytest.mark.parametrize("after", [0, 5, LEASE_SECONDS - 1])
def test_an_intent_is_left_alone_while_its_process_may_live(desk: Desk, after: float) -> None:
    desk.left_behind(TradeState.INTENDED)
    ended = desk.later(after)
    assert (ended.trade.state, ended.trade.finished_at) == (TradeState.INTENDED, None)
    assert (desk.book.open_trade, desk.book.steps) == (ended.trade.id, ["intend"])
    assert desk.exchange.asked == []


@pytest.mark.parametrize("after", [LEASE_SECONDS, 9999])
def test_an_intent_whose_process_is_over_is_abandoned_without_asking(desk: Desk, after: float) -> None:
    desk.left_behind(TradeState.INTENDED)
    ended = desk.later(after)
    assert (ended.trade.state, ended.position.sequence) == (TradeState.ABANDONED, 41)
    assert ended.trade.outcome == "The process ended before anything was sent."
    assert desk.exchange.asked == []
    assert ended.position.ledger.watched == ()
    desk.assert_nothing_moved()
    desk.assert_rests()


# ------------------------------------------------------------ a commit


@pytest.mark.parametrize("state", OPEN)
@pytest.mark.parametrize("after", [1, 5, LEASE_SECONDS, 600, DAY])
def test_what_the_venue_has_carried_out_is_executed_whenever_it_is_asked(
    desk: Desk, state: TradeState, after: float
) -> None:
    quote = desk.left_behind(state)
    finds(desk, completed)
    ended = desk.later(after)
    assert (ended.trade.state, ended.trade.sequence, ended.trade.outcome) == (TradeState.EXECUTED, 42, "")
    assert (ended.trade.received, ended.trade.finished_at) == (quote.receives, MONDAY + after)
    assert ended.position.ledger.holdings == {"USD": Decimal("900.00"), "BTC": quote.receives}
    assert desk.exchange.commits == 1


def test_the_amounts_are_the_venues_and_not_the_quotes(desk: Desk) -> None:
    desk.left_behind(TradeState.UNRESOLVED)
    finds(desk, lambda quote: replace(completed(quote), amount=Decimal("99.50"), received=Decimal("0.9")))
    ended = desk.later(30)
    assert (ended.trade.amount, ended.trade.received) == (Decimal("99.50"), Decimal("0.9"))
    assert ended.position.ledger.holdings == {"USD": Decimal("900.50"), "BTC": Decimal("0.9")}


@pytest.mark.parametrize("after", [1, 5, LEASE_SECONDS, 600])
def test_what_the_venue_says_has_failed_is_failed_and_stays_under_watch(desk: Desk, after: int) -> None:
    desk.left_behind(TradeState.COMMITTING)
    finds(desk, failed)
    ended = desk.later(after)
    assert (ended.trade.state, ended.trade.sequence) == (TradeState.FAILED, 42)
    assert ended.trade.outcome == "The venue says that it failed."
    assert ended.position.ledger.watched == (Watched(42, MONDAY + after, MONDAY + after + 60),)
    desk.assert_nothing_moved()
    desk.assert_rests()


def test_a_failure_keeps_the_doubts_that_there_were(desk: Desk) -> None:
    desk.left_behind(TradeState.UNRESOLVED)
    finds(desk, failed)
    assert desk.later(30).trade.outcome == "The venue says that it failed. The answer was lost."


@pytest.mark.parametrize("state", OPEN)
@pytest.mark.parametrize("after", [5, LEASE_SECONDS, LAST_SECOND])
def test_a_venue_that_is_still_at_it_is_given_its_time(desk: Desk, state: TradeState, after: float) -> None:
    desk.left_behind(state)
    finds(desk, processing)
    ended = desk.later(after)
    assert (ended.trade.state, ended.trade.finished_at) == (state, None)
    assert desk.book.open_trade == ended.trade.id


def test_a_venue_that_is_at_it_for_too_long_leaves_the_trade_unresolved(desk: Desk) -> None:
    desk.left_behind(TradeState.COMMITTING)
    finds(desk, processing)
    ended = desk.later(LAST_SECOND + 1)
    assert ended.trade.state is TradeState.UNRESOLVED
    assert ended.trade.outcome.startswith("The venue is still at it")
    assert "heisenbug resolve" in ended.trade.outcome
    finds(desk, completed)
    assert desk.later(DAY).trade.state is TradeState.EXECUTED


@pytest.mark.parametrize("after", [1, LEASE_SECONDS - 1])
def test_a_commit_that_may_be_on_its_way_is_left_alone_while_its_process_may_live(desk: Desk, after: float) -> None:
    desk.left_behind(TradeState.COMMITTING)
    finds(desk, None)
    ended = desk.later(after)
    assert (ended.trade.state, ended.trade.finished_at) == (TradeState.COMMITTING, None)
    assert desk.book.steps == ["intend", "committing"]


@pytest.mark.parametrize("after", [LEASE_SECONDS, LAST_SECOND])
def test_a_commit_that_the_venue_does_not_know_within_the_grace_is_unresolved(desk: Desk, after: float) -> None:
    desk.left_behind(TradeState.COMMITTING)
    finds(desk, None)
    ended = desk.later(after)
    assert (ended.trade.state, ended.trade.outcome) == (
        TradeState.UNRESOLVED,
        "The venue does not know the commit yet.",
    )
    assert desk.book.open_trade == ended.trade.id
    assert desk.later(0).trade.state is TradeState.UNRESOLVED
    assert desk.book.steps.count("unresolved") == 1


@pytest.mark.parametrize("state", OPEN)
@pytest.mark.parametrize("after", [LAST_SECOND + 1, DAY])
def test_a_commit_that_the_venue_does_not_know_beyond_the_grace_is_failed_for_now(
    desk: Desk, state: TradeState, after: int
) -> None:
    desk.left_behind(state)
    finds(desk, None)
    ended = desk.later(after)
    assert (ended.trade.state, ended.trade.sequence) == (TradeState.FAILED, 42)
    assert ended.trade.outcome.startswith("It never landed at the venue.")
    assert ended.position.ledger.watched == (Watched(42, MONDAY + after, MONDAY + after + 60),)
    desk.assert_nothing_moved()


def test_the_grace_is_not_over_before_the_process_that_may_still_commit(desk: Desk) -> None:
    desk.left_behind(TradeState.COMMITTING)
    finds(desk, None)
    assert desk.book.running is not None
    desk.book.running = replace(desk.book.running, lease_until=MONDAY + LAST_SECOND + 50)
    assert desk.later(LAST_SECOND + 49).trade.state is TradeState.COMMITTING
    assert desk.later(1).trade.state is TradeState.FAILED


# -------------------------------------------------- a venue that is silent


@pytest.mark.parametrize("silent", [SILENT, REFUSED])
@pytest.mark.parametrize("after", [1, LEASE_SECONDS - 1])
def test_while_the_process_may_live_a_venue_that_cannot_be_asked_changes_nothing(
    desk: Desk, silent: Exception, after: float
) -> None:
    desk.left_behind(TradeState.COMMITTING)
    desk.exchange.found = raising(silent)
    ended = desk.later(after)
    assert (ended.trade.state, ended.halt) == (TradeState.COMMITTING, "")
    assert desk.book.steps == ["intend", "committing"]


@pytest.mark.parametrize("silent", [SILENT, REFUSED])
@pytest.mark.parametrize("state", OPEN)
@pytest.mark.parametrize("after", [LEASE_SECONDS, LAST_SECOND, LAST_SECOND + 1, 30 * DAY])
def test_a_venue_that_cannot_be_asked_never_makes_a_trade_a_failure(
    desk: Desk, silent: Exception, state: TradeState, after: float
) -> None:
    desk.left_behind(state)
    desk.exchange.found = raising(silent)
    ended = desk.later(after)
    assert (ended.trade.state, ended.trade.finished_at, ended.halt) == (TradeState.UNRESOLVED, None, "")
    assert desk.book.open_trade == ended.trade.id
    if state is TradeState.COMMITTING:
        assert str(silent) in ended.trade.outcome
        assert "heisenbug resolve" in ended.trade.outcome
    finds(desk, completed)
    assert desk.later(1).trade.state is TradeState.EXECUTED


@pytest.mark.parametrize("error", [FORBIDDEN, MissingAct("There is no credential.")])
@pytest.mark.parametrize(("after", "state"), [(5, TradeState.COMMITTING), (LEASE_SECONDS, TradeState.UNRESOLVED)])
def test_a_venue_that_needs_a_person_halts_and_leaves_the_trade_open(
    desk: Desk, error: NeedsPerson, after: float, state: TradeState
) -> None:
    desk.left_behind(TradeState.COMMITTING)
    desk.exchange.found = raising(error)
    ended = desk.later(after)
    assert (ended.trade.state, ended.halt) == (state, str(error))
    assert desk.book.open_trade == ended.trade.id


def test_a_trade_that_was_sent_without_a_quote_is_for_a_person(desk: Desk) -> None:
    desk.left_behind(TradeState.COMMITTING)
    assert desk.book.running is not None
    desk.book.running = replace(desk.book.running, quote=None)
    ended = desk.later(5)
    assert ended.trade.state is TradeState.UNRESOLVED
    assert "heisenbug resolve" in ended.trade.outcome
    assert "find" not in desk.exchange.asked


def test_whoever_was_overtaken_while_asking_writes_nothing(desk: Desk) -> None:
    quote = desk.left_behind(TradeState.COMMITTING)

    def overtaken(_: str) -> Filled:
        desk.book.open_trade = None
        return completed(quote)

    desk.exchange.found = overtaken
    with pytest.raises(FenceLost):
        desk.later(5)
    assert desk.book.finished == []


# --------------------------------------------------- failed, and watched


def asked_at(desk: Desk, until: int, step: int = 1) -> list[int]:
    """The seconds after the failure at which a bot that ticks every `step` seconds asks."""
    moments = []
    for second in range(0, until, step):
        desk.clock.at = MONDAY + second
        if desk.watch() is not None:
            moments.append(second)
    return moments


def test_a_failed_trade_is_asked_for_with_pauses_that_grow_and_a_last_time_after_a_day(desk: Desk) -> None:
    desk.has_failed()
    moments = asked_at(desk, 2 * DAY)
    assert moments == [60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 30720, 61440, DAY]
    assert desk.book.ledger is not None
    assert desk.book.ledger.watched == ()
    assert desk.exchange.asked.count("find") == len(moments)


def test_a_bot_that_slept_through_the_day_asks_once_and_forgets(desk: Desk) -> None:
    desk.has_failed()
    assert desk.watch(3 * DAY) is not None
    assert desk.watch(1) is None


def test_what_is_asked_in_vain_is_written_down_and_moves_nothing(desk: Desk) -> None:
    desk.has_failed()
    before = desk.book.version
    ended = desk.watch(60)
    assert ended is not None
    assert (ended.trade.state, ended.halt) == (TradeState.FAILED, "")
    assert ended.position.version == desk.book.version == before + 1
    assert ended.position.ledger.watched == (Watched(42, MONDAY, MONDAY + 120),)
    assert ended.position.ledger == desk.book.ledger
    assert not desk.book.killed
    desk.assert_nothing_moved()


@pytest.mark.parametrize("found", [failed, processing, None])
def test_only_what_is_completed_counts_as_landed(desk: Desk, found: Answer | None) -> None:
    quote = desk.has_failed()
    desk.exchange.found = lambda _: found(quote) if found else None
    ended = desk.watch(60)
    assert ended is not None
    assert ended.trade.state is TradeState.FAILED
    desk.assert_nothing_moved()


@pytest.mark.parametrize("silent", [SILENT, REFUSED, FORBIDDEN])
def test_a_venue_that_cannot_be_asked_is_asked_again_after_the_pause(desk: Desk, silent: Exception) -> None:
    desk.has_failed()
    desk.exchange.found = raising(silent)
    ended = desk.watch(60)
    assert ended is not None
    assert ended.position.ledger.watched == (Watched(42, MONDAY, MONDAY + 120),)


def test_a_venue_that_cannot_be_asked_the_last_time_is_asked_until_it_answers(desk: Desk) -> None:
    quote = desk.has_failed()
    desk.exchange.found = raising(SILENT)
    for day in range(1, 4):
        ended = desk.watch(DAY)
        assert ended is not None
        assert ended.trade.finished_at is not None
        assert ended.position.ledger.watched == (Watched(42, MONDAY, MONDAY + day * DAY + 3600),)
    desk.exchange.found = None
    desk.lands(quote)
    landed = desk.watch(DAY)
    assert landed is not None
    assert landed.trade.state is TradeState.EXECUTED


def lands_late(desk: Desk, seconds: float = 60) -> Ended:
    quote = desk.has_failed()
    desk.lands(quote)
    ended = desk.watch(seconds)
    assert ended is not None
    return ended


@pytest.mark.parametrize("seconds", [60, 3600, DAY, 3 * DAY])
def test_a_commit_that_lands_late_becomes_executed_moves_the_ledger_and_halts(desk: Desk, seconds: int) -> None:
    ended = lands_late(desk, seconds)
    trade = ended.trade
    assert (trade.state, trade.sequence, trade.amount) == (TradeState.EXECUTED, 42, Decimal("100.00"))
    assert (trade.finished_at, trade.received) == (MONDAY + seconds, desk.exchange.holdings["BTC"])
    assert trade.realised_cost_bps is not None
    assert trade.outcome == (
        "It landed at the venue after it was taken for failed. Before: It never landed at the venue."
    )
    assert "Trade 42 (100.00 USD into BTC)" in ended.halt
    assert "heisenbug rearm" in ended.halt
    assert (desk.book.killed, desk.book.finished[-1]) == (True, trade)
    assert ended.position.sequence == 41 + 1
    assert ended.position.ledger.watched == ()
    desk.assert_holds_what_the_venue_holds()
    desk.assert_rests()


def test_a_commit_that_lands_when_its_money_was_spent_leaves_less_than_nothing(desk: Desk) -> None:
    quote = desk.has_failed()
    desk.position = replace(desk.position, ledger=replace(desk.position.ledger, holdings={"USD": Decimal("30.00")}))
    desk.lands(quote)
    ended = desk.watch(60)
    assert ended is not None
    assert ended.position.ledger.holdings == {"USD": Decimal("-70.00"), "BTC": quote.receives}


def test_a_commit_that_landed_is_not_asked_for_again(desk: Desk) -> None:
    lands_late(desk)
    assert [desk.watch(DAY) for _ in range(3)] == [None, None, None]


def test_an_overtaken_correction_is_not_written(desk: Desk) -> None:
    quote = desk.has_failed()
    desk.lands(quote)
    find = desk.exchange.find

    def overtaken(asked: object) -> Filled | None:
        desk.book.version += 1
        return find(quote)

    desk.exchange.find = overtaken  # type: ignore[method-assign]
    with pytest.raises(FenceLost):
        desk.watch(60)
    assert not desk.book.killed
    assert [one.state for one in desk.book.finished] == [TradeState.FAILED]


def test_of_two_failures_each_is_asked_for_in_its_turn(desk: Desk) -> None:
    first = desk.has_failed()
    desk.clock.at += 30
    desk.settings = replace(desk.settings, cooldown_seconds=0)
    desk.decision = replace(desk.decision, at=desk.decision.at + 30)
    desk.position = replace(desk.position, version=desk.book.version)
    second = desk.has_failed()
    assert first.id != second.id
    assert [one.sequence for one in desk.position.ledger.watched] == [42, 43]
    asked = [desk.watch(10) for _ in range(11)]
    assert [one.trade.sequence for one in asked if one] == [42, 43, 42]
    desk.lands(second)
    landed = desk.watch(10)
    assert landed is not None
    assert (landed.trade.sequence, landed.trade.state) == (43, TradeState.EXECUTED)
    assert [one.sequence for one in landed.position.ledger.watched] == [42]
    assert landed.position.sequence == 43


# ------------------------------------------------------------- whatever comes


ANSWERS: list[Answer] = [
    completed,
    failed,
    processing,
    raising(REFUSED),
    raising(FORBIDDEN),
    raising(DOUBT),
    raising(RuntimeError("x")),
]
FINDS: list[Callable[..., Filled] | None] = [completed, failed, processing, None, raising(SILENT), raising(FORBIDDEN)]


@given(st.sampled_from(ANSWERS), st.lists(st.tuples(st.sampled_from(FINDS), st.floats(1, 100)), max_size=6))
def test_whatever_the_venue_answers_there_is_one_commit_and_one_outcome(
    answer: Answer, finds: list[tuple[Callable[..., Filled] | None, float]]
) -> None:
    desk = Desk()
    desk.exchange.answer = answer
    with suppress(RuntimeError):
        desk.convert()
    for found, seconds in finds:
        if desk.book.running is None:
            break
        quote = desk.quote
        desk.exchange.found = (lambda f, q: lambda _: f(q) if f else None)(found, quote)
        desk.later(seconds)
    assert desk.exchange.commits == 1
    assert len(desk.book.finished) + (desk.book.running is not None) == 1
    assert not desk.book.dropped


LATE = ["completed", "failed", "processing", "unknown", "silent", "refused"]


def says(desk: Desk, word: str) -> Callable[[str], Filled | None]:
    """What the venue says; once it has carried the commit out it does not say otherwise any more."""

    def found(quote_id: str) -> Filled | None:
        if word in ("silent", "refused"):
            raise SILENT if word == "silent" else REFUSED
        quote = next(one.quote for one in known(desk) if one.quote and one.quote.id == quote_id)
        if word == "completed" and quote_id not in desk.exchange.landed:
            desk.lands(quote)
        if quote_id in desk.exchange.landed:
            return desk.exchange.landed[quote_id]
        return {"failed": failed, "processing": processing}[word](quote) if word != "unknown" else None

    return found


def known(desk: Desk) -> list[Trade]:
    return [*desk.book.finished, *([desk.book.running] if desk.book.running else [])]


@given(st.lists(st.tuples(st.sampled_from(LATE), st.integers(1, 40_000)), max_size=12), st.booleans())
def test_whatever_is_heard_late_the_ledger_ends_with_what_the_venue_moved_and_moved_it_once(
    heard: list[tuple[str, int]], is_spent: bool
) -> None:
    """The amounts are the venue's; a commit that lands when its money is gone leaves a debt, not another amount."""
    desk = Desk()
    desk.exchange.answer = raising(DOUBT)
    desk.convert()
    for word, seconds in heard:
        desk.exchange.found = says(desk, word)
        if desk.book.running is not None:
            desk.later(seconds)
        else:
            desk.watch(seconds)
        if is_spent and desk.book.running is None and "USD" in desk.position.ledger.holdings:
            spend_all(desk)
            is_spent = False
    assert_conserved(desk)


def spend_all(desk: Desk) -> None:
    """Another trade converts all the dollars that are left; at the venue too, where they are."""
    ledger, left = desk.position.ledger, desk.position.ledger.holdings["USD"]
    other = Trade(
        "other", "paper", MONDAY, "USD", "ETH", left, known(desk)[0].expected, "", TradeState.EXECUTED, received=left
    )
    desk.position = replace(desk.position, ledger=settle(ledger, other, int(desk.clock.at), 0))
    desk.book.ledger = desk.position.ledger
    held = desk.exchange.holdings
    desk.exchange.holdings = {**held, "USD": held["USD"] - left, "ETH": left}


def assert_conserved(desk: Desk) -> None:
    """What is booked as executed is what landed, once; while nobody has heard of it nothing is booked."""
    booked = {one.id for one in desk.book.finished if one.state is TradeState.EXECUTED}
    moved = [one for one in desk.book.finished if one.state is TradeState.EXECUTED]
    assert len(moved) == len(booked) <= 1
    assert desk.exchange.commits == 1
    ledger = desk.book.ledger or desk.ledger
    spent = sum((one.amount for one in moved), Decimal(0))
    got = sum((one.received or Decimal(0) for one in moved), Decimal(0))
    assert ledger.holdings.get("USD", Decimal(0)) + ledger.holdings.get("ETH", Decimal(0)) == Decimal("1000.00") - spent
    assert ledger.holdings.get("BTC", Decimal(0)) == got
    if moved or not desk.exchange.landed:
        desk.assert_holds_what_the_venue_holds()


def test_an_exchange_that_is_still_at_it_after_a_day_is_asked_on(desk: Desk) -> None:
    quote = desk.has_failed()
    desk.exchange.landed[quote.id] = processing(quote)
    ended = desk.watch(DAY)
    assert ended is not None
    assert ended.position.ledger.watched == (Watched(42, MONDAY, MONDAY + DAY + 3600),)


def test_a_token_that_may_not_ask_for_a_failed_trade_halts_and_says_what_to_do(desk: Desk) -> None:
    desk.has_failed()
    desk.exchange.found = raising(NeedsPerson("Renew the token."))
    ended = desk.watch(60)
    assert ended is not None
    assert ended.halt == "Renew the token."
