"""A conversion from the wish to the commit: every way it can go, and that at most one commit is ever sent."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from heisenbug.domain.errors import FenceLost, MarketUnavailable, MissingAct, NeedsPerson, Quiet
from heisenbug.domain.ledger import Ledger, Watched
from heisenbug.domain.trade import Filled, Settlement, Trade, TradeState
from tests.fakes import Answer, Died, completed, failed, processing, raising
from tests.markets import MONDAY
from tests.trades import DOUBT, LAST_SECOND, LEASE_SECONDS, LEFT_SECONDS, REFUSED, Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_conversion_that_works_is_written_down_step_by_step_and_executed_once(desk: Desk) -> None:
    desk.exchange.cost = Decimal("0.002")
    ended = desk.convert()
    trade = ended.trade
    assert desk.book.steps == ["intend", "committing", "finish"]
    assert desk.exchange.asked == ["balances", "quote", "commit"]
    assert (trade.state, trade.sequence, trade.finished_at) == (TradeState.EXECUTED, 42, MONDAY)
    assert (trade.source, trade.target, trade.amount) == ("USD", "BTC", Decimal("100.00"))
    assert trade.realised_cost_bps == pytest.approx(20, abs=0.01)
    assert trade.quoted_cost_bps == trade.realised_cost_bps
    assert ended.position.ledger.holdings == {"USD": Decimal("900.00"), "BTC": trade.received}
    assert (ended.position.sequence, desk.book.finished) == (42, [trade])
    assert trade.reason.startswith("every gate is open")
    desk.assert_rests()


def test_the_intent_states_its_lease(desk: Desk) -> None:
    desk.left_behind(TradeState.INTENDED)
    assert desk.book.running is not None
    assert desk.book.running.lease_until == MONDAY + LEASE_SECONDS


def test_the_limit_of_the_history_reaches_the_book() -> None:
    desk = Desk()
    desk.settings = replace(desk.settings, history_limit=77)
    desk.convert()
    assert desk.book.limits == [77]


def too_dear(desk: Desk) -> None:
    desk.exchange.cost = Decimal("0.02")


def refuses(desk: Desk) -> None:
    desk.exchange.on_quote = lambda: (_ for _ in ()).throw(REFUSED)


def does_not_answer(desk: Desk) -> None:
    desk.exchange.on_quote = lambda: (_ for _ in ()).throw(MarketUnavailable("it took too long"))


def wants_quiet(desk: Desk) -> None:
    desk.exchange.on_quote = lambda: (_ for _ in ()).throw(Quiet("the exchange wants to be left alone"))


def twisted(**changes: Any) -> Callable[[Desk], None]:
    def twist(desk: Desk) -> None:
        desk.exchange.twist = lambda quote: replace(quote, **changes)

    return twist


def card_is_empty(desk: Desk) -> None:
    desk.exchange.holdings = {"USD": Decimal("99.99")}


def ledger_is_empty(desk: Desk) -> None:
    desk.exchange.holdings = {"USD": Decimal(5000)}
    desk.position = replace(desk.position, ledger=Ledger({"USD": Decimal("99.99")}))
    desk.ledger = desk.position.ledger


def budget_is_full(desk: Desk) -> None:
    desk.settings = replace(desk.settings, budget={"BTC": Decimal("0.5")})


def live_money_is_not_for_that(desk: Desk) -> None:
    desk.settings = replace(desk.settings, mode="live", budget={"USD": Decimal(1000)})


def time_runs_out(desk: Desk) -> None:
    desk.exchange.on_quote = lambda: desk.clock.sleep(LEFT_SECONDS)


def quote_is_short(desk: Desk) -> None:
    desk.exchange.lasts_seconds = 2


SKIPS: list[tuple[Callable[[Desk], None], str]] = [
    (too_dear, "The quote costs 200 bp, 0 bp were expected"),
    (refuses, "The venue says no."),
    (twisted(target="ETH"), "not for the conversion that was asked for"),
    (twisted(source="EUR"), "not for the conversion that was asked for"),
    (does_not_answer, "There was no quote: it took too long. Nothing was sent."),
    (wants_quiet, "There was no quote: the exchange wants to be left alone. Nothing was sent."),
    (twisted(amount=Decimal(1000)), "The quote is over 1000 USD, not over the 100.00 asked for."),
    (twisted(amount=Decimal("100.01")), "The quote is over 100.01 USD, not over the 100.00 asked for."),
    (twisted(amount=Decimal(0)), "The quote is over 0 USD, not over the 100.00 asked for."),
    (twisted(amount=Decimal(-100)), "The quote is over -100 USD, not over the 100.00 asked for."),
    (card_is_empty, "Only 99.99 USD may be spent, not 100.00."),
    (ledger_is_empty, "Only 99.99 USD may be spent, not 100.00."),
    (budget_is_full, "The budget allows 0.5 BTC"),
    (live_money_is_not_for_that, "The budget allows 0 BTC"),
    (time_runs_out, "Only 0.0 s are left to commit."),
    (quote_is_short, "Only 2.0 s are left to commit."),
]


@pytest.mark.parametrize(("happens", "words"), SKIPS, ids=lambda item: getattr(item, "__name__", "")[:20])
def test_what_speaks_against_a_quote_skips_the_trade_before_anything_is_sent(
    desk: Desk, happens: Callable[[Desk], None], words: str
) -> None:
    happens(desk)
    ended = desk.convert()
    assert ended.trade.state is TradeState.SKIPPED
    assert words in ended.trade.outcome
    assert desk.book.steps == ["intend", "drop"]
    assert desk.exchange.commits == 0
    assert (ended.trade.sequence, ended.position.sequence, ended.halt) == (0, 41, "")
    desk.assert_nothing_moved()
    desk.assert_rests()


@pytest.mark.parametrize("refused", [NeedsPerson("Renew the token."), MissingAct("Store the token.")])
@pytest.mark.parametrize("at", ["quote", "balances"])
def test_a_quote_that_only_a_person_can_bring_about_is_skipped_and_halts(
    desk: Desk, refused: NeedsPerson, at: str
) -> None:
    def refuses(*_: object) -> Any:
        raise refused

    setattr(desk.exchange, at, refuses)
    ended = desk.convert()
    assert (ended.trade.state, ended.trade.outcome, ended.halt) == (TradeState.SKIPPED, str(refused), str(refused))
    assert desk.exchange.commits == 0
    desk.assert_nothing_moved()


def test_balances_that_cannot_be_read_skip_the_trade(desk: Desk) -> None:
    def silent() -> Any:
        raise MarketUnavailable("it took too long")

    desk.exchange.balances = silent  # type: ignore[method-assign]
    ended = desk.convert()
    assert (ended.trade.state, ended.halt) == (TradeState.SKIPPED, "")
    assert "it took too long" in ended.trade.outcome


def test_a_quote_over_less_than_was_asked_for_is_committed_over_that(desk: Desk) -> None:
    desk.exchange.twist = lambda quote: replace(quote, amount=Decimal("99.99"))
    ended = desk.convert()
    assert (ended.trade.state, ended.trade.amount) == (TradeState.EXECUTED, Decimal("99.99"))
    assert ended.position.ledger.holdings["USD"] == Decimal("900.01")


@pytest.mark.parametrize(("used", "commits"), [(LEFT_SECONDS - 3, 1), (LEFT_SECONDS - 2.9, 0)])
def test_three_seconds_of_the_invocation_must_be_left_to_commit(desk: Desk, used: float, commits: int) -> None:
    desk.exchange.on_quote = lambda: desk.clock.sleep(used)
    desk.exchange.lasts_seconds = 60
    desk.convert()
    assert desk.exchange.commits == commits


def test_a_skipped_quote_leaves_its_cost_behind(desk: Desk) -> None:
    too_dear(desk)
    ended = desk.convert()
    assert ended.position.ledger.seen_costs["USD", "BTC"].bps == pytest.approx(200, abs=0.01)


def test_an_edge_that_is_exactly_the_least_return_is_not_enough(desk: Desk) -> None:
    quoted = desk.convert().trade
    assert quoted.quoted_cost_bps is not None
    gone = Desk(replace(desk.settings))
    net = gone.decision.conversion(0, 1).expected_return
    gone.settings = replace(gone.settings, min_expected_return=net)
    assert gone.convert().trade.state is TradeState.SKIPPED


@pytest.mark.parametrize(
    ("answer", "state", "outcome"),
    [
        (raising(REFUSED), TradeState.FAILED, "The venue says no."),
        (failed, TradeState.FAILED, "It never landed at the venue."),
    ],
)
def test_a_commit_that_the_venue_refuses_fails_takes_a_sequence_and_moves_nothing(
    desk: Desk, answer: Answer, state: TradeState, outcome: str
) -> None:
    desk.exchange.answer = answer
    ended = desk.convert()
    assert (ended.trade.state, ended.trade.outcome, ended.trade.sequence) == (state, outcome, 42)
    assert (desk.book.finished, ended.halt) == ([ended.trade], "")
    assert ended.position.ledger.watched == (Watched(42, MONDAY, MONDAY + 60),)
    desk.assert_nothing_moved()
    desk.assert_rests()


def test_a_commit_that_only_a_person_can_bring_about_fails_and_halts(desk: Desk) -> None:
    desk.exchange.answer = raising(NeedsPerson("Uphold asks for a one-time password: turn that off."))
    ended = desk.convert()
    assert ended.trade.state is TradeState.FAILED
    assert ended.halt == ended.trade.outcome == "Uphold asks for a one-time password: turn that off."
    desk.assert_nothing_moved()


def test_a_commit_that_the_venue_is_still_at_stays_open(desk: Desk) -> None:
    desk.exchange.answer = processing
    ended = desk.convert()
    assert (ended.trade.state, ended.trade.finished_at) == (TradeState.COMMITTING, None)
    assert desk.book.steps == ["intend", "committing"]
    assert desk.book.open_trade == ended.trade.id


def test_a_lost_answer_is_unresolved_blocks_and_is_never_sent_again(desk: Desk) -> None:
    desk.exchange.answer = raising(DOUBT)
    ended = desk.convert()
    assert (ended.trade.state, ended.trade.outcome) == (TradeState.UNRESOLVED, "The answer was lost.")
    assert desk.book.open_trade == ended.trade.id
    assert ended.trade.finished_at is None
    assert ended.position.ledger is desk.ledger
    for _ in range(5):
        assert desk.later(5).trade.state is TradeState.UNRESOLVED
    assert desk.exchange.commits == 1


@pytest.mark.parametrize("error", [RuntimeError("broken"), MarketUnavailable("no connection"), Died("kill -9")])
def test_an_unknown_failure_of_the_commit_is_let_out_and_resolved_later(desk: Desk, error: BaseException) -> None:
    desk.exchange.answer = raising(error)  # type: ignore[arg-type]
    with pytest.raises(type(error)):
        desk.convert()
    assert desk.book.running is not None
    assert desk.book.running.state is TradeState.COMMITTING
    quote = desk.book.running.quote
    assert quote is not None
    desk.exchange.found = lambda _: completed(quote)
    ended = desk.later(10)
    assert (ended.trade.state, ended.trade.sequence) == (TradeState.EXECUTED, 42)
    assert desk.exchange.commits == 1


def test_whoever_lost_the_fence_at_the_intent_asks_the_venue_nothing(desk: Desk) -> None:
    desk.book.version = 7
    with pytest.raises(FenceLost):
        desk.convert()
    assert desk.exchange.asked == []


@pytest.mark.parametrize("meanwhile", ["killed", "abandoned"])
def test_whoever_lost_the_fence_before_the_commit_commits_nothing(desk: Desk, meanwhile: str) -> None:
    def happens() -> None:
        if meanwhile == "killed":
            desk.book.killed = True
        else:
            desk.book.open_trade, desk.book.running = None, None

    desk.exchange.on_quote = happens
    with pytest.raises(FenceLost):
        desk.convert()
    assert desk.exchange.commits == 0


@pytest.mark.parametrize("died_after", ["intend", "committing", "finish", "drop"])
@pytest.mark.parametrize("lands", [True, False])
def test_wherever_the_process_dies_a_later_one_brings_the_trade_to_its_end(died_after: str, lands: bool) -> None:
    desk = Desk()
    if died_after == "drop":
        too_dear(desk)
    desk.book.die_after = died_after
    with pytest.raises(Died):
        desk.convert()
    desk.book.die_after = ""
    if desk.book.running is not None:
        quote = desk.book.running.quote
        desk.exchange.found = lambda _: completed(quote) if lands and quote else None
        desk.later(LAST_SECOND + 10)
    assert desk.book.open_trade is None
    assert desk.exchange.commits <= 1
    executed = [trade for trade in desk.book.finished if trade.state is TradeState.EXECUTED]
    assert desk.book.ledger is not None
    received = sum((trade.received or Decimal(0) for trade in executed), Decimal(0))
    assert desk.book.ledger.holdings.get("BTC", Decimal(0)) == received
    assert desk.book.ledger.holdings["USD"] == Decimal("1000.00") - 100 * len(executed)


def test_the_amounts_of_an_outcome_are_the_venues_and_not_the_quotes(desk: Desk) -> None:
    desk.exchange.answer = lambda quote: Filled(Settlement.COMPLETED, Decimal("99.50"), Decimal("0.9"))
    ended = desk.convert()
    assert ended.position.ledger.holdings == {"USD": Decimal("900.50"), "BTC": Decimal("0.9")}
    assert (ended.trade.amount, ended.trade.received) == (Decimal("99.50"), Decimal("0.9"))


def test_only_a_decision_that_chose_can_be_converted(desk: Desk) -> None:
    desk.decision = replace(desk.decision, chosen=None)
    with pytest.raises(ValueError, match="without a chosen"):
        desk.convert()
    assert desk.book.steps == []


def test_a_trade_stated_twice_is_one_value() -> None:
    once, again = Desk().convert().trade, Desk().convert().trade
    assert isinstance(once, Trade)
    assert once == again
