"""The life of a trade: every way it can end, and that at most one conversion happens whatever ends it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.converting import GRACE_SECONDS, Converting, Ended, Position
from heisenbug.domain.decide import Decision, decide
from heisenbug.domain.errors import FenceLost, MarketUnavailable, Rejected, Unresolved
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.settings import Settings
from heisenbug.domain.trade import Filled, Settlement, Trade, TradeState, VenueQuote
from tests.fakes import Answer, Clock, Died, FakeBook, FakeExchange, completed, failed, processing, raising
from tests.markets import FREE, MONDAY, climbing, eager, holding, market

LEFT_SECONDS = 20
DOUBT = Unresolved("The answer was lost.")
REFUSED = Rejected("The venue says no.")


@dataclass
class Desk:
    """One bot at one decision: 1000 USD, and BTC that climbs."""

    settings: Settings = field(default_factory=lambda: eager(cooldown_seconds=300))
    clock: Clock = field(default_factory=Clock)
    book: FakeBook = field(default_factory=FakeBook)

    def __post_init__(self) -> None:
        self.ledger = Ledger({"USD": Decimal("1000.00")})
        self.position = Position(self.ledger, 41, self.book.version)
        self.decision: Decision = decide(market({"BTC-USD": climbing()}), holding(USD="1000"), self.settings, FREE)
        prices = dict(zip(self.decision.assets, self.decision.prices.tolist(), strict=True))
        self.exchange = FakeExchange(prices, self.ledger.holdings, self.clock)

    def converting(self, left_seconds: float = LEFT_SECONDS) -> Converting:
        deadline = self.clock.at + left_seconds
        return Converting("default", self.exchange, self.book, self.settings, self.clock, deadline)

    def convert(self, left_seconds: float = LEFT_SECONDS) -> Ended:
        return self.converting(left_seconds).convert(self.decision, self.position, b"record")

    def later(self, seconds: float) -> Ended:
        """A later invocation that finds the trade open."""
        self.clock.at += seconds
        assert self.book.running is not None
        return self.converting().reconcile(self.book.running, replace(self.position, version=self.book.version))

    def assert_nothing_moved(self) -> None:
        moved = self.book.ledger or self.ledger
        assert moved.holdings == self.ledger.holdings
        assert self.book.open_trade is None

    def assert_rests(self) -> None:
        assert self.book.ledger is not None
        assert set(self.book.ledger.resting) == {("USD", "BTC"), ("BTC", "USD")}


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


def test_the_intent_states_its_lease_and_the_limit_reaches_the_book(desk: Desk) -> None:
    desk.settings = replace(desk.settings, history_limit=77)
    desk.exchange.on_quote = lambda: (_ for _ in ()).throw(MarketUnavailable("gone"))
    with pytest.raises(MarketUnavailable):
        desk.convert()
    assert desk.book.running is not None
    assert desk.book.running.lease_until == MONDAY + LEFT_SECONDS + 1
    other = Desk(replace(desk.settings))
    other.convert()
    assert other.book.limits == [77]


def too_dear(desk: Desk) -> None:
    desk.exchange.cost = Decimal("0.02")


def refuses(desk: Desk) -> None:
    desk.exchange.on_quote = lambda: (_ for _ in ()).throw(REFUSED)


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


def time_runs_out(desk: Desk) -> None:
    desk.exchange.on_quote = lambda: desk.clock.sleep(LEFT_SECONDS)


def quote_is_short(desk: Desk) -> None:
    desk.exchange.lasts_seconds = 2


SKIPS: list[tuple[Callable[[Desk], None], str]] = [
    (too_dear, "The quote costs 200 bp, 0 bp were expected"),
    (refuses, "The venue says no."),
    (twisted(target="ETH"), "not for the conversion that was asked for"),
    (twisted(source="EUR"), "not for the conversion that was asked for"),
    (twisted(amount=Decimal(1000)), "not for the conversion that was asked for"),
    (card_is_empty, "Only 99.99 USD may be spent, not 100.00."),
    (ledger_is_empty, "Only 99.99 USD may be spent, not 100.00."),
    (budget_is_full, "The budget allows 0.5 BTC"),
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
    assert (ended.trade.sequence, ended.position.sequence) == (0, 41)
    desk.assert_nothing_moved()
    desk.assert_rests()


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
    assert desk.book.finished == [ended.trade]
    desk.assert_nothing_moved()
    desk.assert_rests()


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


def open_trade(desk: Desk, state: TradeState) -> VenueQuote:
    """A trade that an earlier invocation left behind in this state."""
    desk.exchange.answer = raising(DOUBT) if state is TradeState.UNRESOLVED else processing
    if state is TradeState.INTENDED:
        desk.book.die_after = "intend"
        with pytest.raises(Died):
            desk.convert()
        desk.book.die_after = ""
        return VenueQuote("", "", "", Decimal(0), Decimal(0), 0)
    desk.convert()
    assert desk.book.running is not None
    assert desk.book.running.quote is not None
    return desk.book.running.quote


LAST_QUOTE_SECOND = 18 + GRACE_SECONDS


def test_a_commit_that_may_be_on_its_way_is_left_alone_until_its_invocation_must_have_ended(desk: Desk) -> None:
    open_trade(desk, TradeState.COMMITTING)
    desk.exchange.found = lambda _: None
    ended = desk.later(5)
    assert ended.trade.state is TradeState.COMMITTING
    assert ended.trade.finished_at is None


@pytest.mark.parametrize("state", [TradeState.COMMITTING, TradeState.UNRESOLVED])
@pytest.mark.parametrize(
    ("found", "after", "becomes"),
    [
        (completed, 5, TradeState.EXECUTED),
        (completed, 86400, TradeState.EXECUTED),
        (failed, 5, TradeState.FAILED),
        (processing, 5, TradeState.UNRESOLVED),
        (processing, 86400, TradeState.UNRESOLVED),
        (None, 60, TradeState.UNRESOLVED),
        (None, LAST_QUOTE_SECOND, TradeState.UNRESOLVED),
        (None, LAST_QUOTE_SECOND + 1, TradeState.FAILED),
    ],
)
def test_recovery_asks_the_venue_and_takes_its_word_but_never_commits(
    desk: Desk, state: TradeState, found: Answer | None, after: float, becomes: TradeState
) -> None:
    quote = open_trade(desk, state)
    desk.exchange.found = lambda _: found(quote) if found else None
    ended = desk.later(after)
    assert ended.trade.state is becomes
    assert desk.exchange.commits == 1
    if becomes is TradeState.UNRESOLVED:
        assert desk.book.open_trade == ended.trade.id
        assert desk.book.steps.count("unresolved") == 1
    else:
        assert desk.book.finished == [ended.trade]
        assert ended.trade.sequence == 42
        expected = quote.receives if becomes is TradeState.EXECUTED else None
        assert ended.position.ledger.holdings.get("BTC") == expected


@pytest.mark.parametrize(("after", "ends"), [(5, False), (LEFT_SECONDS, False), (LEFT_SECONDS + 1, True), (9999, True)])
def test_an_intent_is_abandoned_when_its_lease_is_over_and_not_before(desk: Desk, after: float, ends: bool) -> None:
    open_trade(desk, TradeState.INTENDED)
    ended = desk.later(after)
    assert desk.exchange.asked == []
    if ends:
        assert ended.trade.state is TradeState.ABANDONED
        assert ended.position.sequence == 41
        desk.assert_nothing_moved()
        desk.assert_rests()
    else:
        assert ended.trade.state is TradeState.INTENDED
        assert desk.book.open_trade == ended.trade.id


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
        desk.later(LAST_QUOTE_SECOND + 10)
    assert desk.book.open_trade is None
    assert desk.exchange.commits <= 1
    executed = [trade for trade in desk.book.finished if trade.state is TradeState.EXECUTED]
    assert desk.book.ledger is not None
    received = sum((trade.received or Decimal(0) for trade in executed), Decimal(0))
    assert desk.book.ledger.holdings.get("BTC", Decimal(0)) == received
    assert desk.book.ledger.holdings["USD"] == Decimal("1000.00") - 100 * len(executed)


ANSWERS: list[Answer] = [completed, failed, processing, raising(REFUSED), raising(DOUBT), raising(RuntimeError("x"))]


@given(
    st.sampled_from(ANSWERS),
    st.lists(st.tuples(st.sampled_from([completed, failed, processing, None]), st.floats(1, 100)), max_size=6),
)
def test_whatever_the_venue_answers_at_most_one_commit_and_one_outcome(
    answer: Answer, finds: list[tuple[Answer | None, float]]
) -> None:
    desk = Desk()
    desk.exchange.answer = answer
    with suppress(RuntimeError):
        desk.convert()
    for found, seconds in finds:
        if desk.book.running is None:
            break
        quote = desk.book.running.quote
        assert quote is not None
        desk.exchange.found = (lambda f, q: lambda _: f(q) if f else None)(found, quote)
        desk.later(seconds)
    assert desk.exchange.commits == 1
    assert len(desk.book.finished) + (desk.book.running is not None) == 1
    assert not desk.book.dropped


def test_the_amounts_of_an_outcome_are_the_venues_and_not_the_quotes(desk: Desk) -> None:
    desk.exchange.answer = lambda quote: Filled(Settlement.COMPLETED, Decimal("99.50"), Decimal("0.9"))
    ended = desk.convert()
    assert ended.position.ledger.holdings == {"USD": Decimal("900.50"), "BTC": Decimal("0.9")}
    assert (ended.trade.amount, ended.trade.received) == (Decimal("99.50"), Decimal("0.9"))


def test_a_venue_that_cannot_be_asked_now_leaves_the_trade_open(desk: Desk) -> None:
    open_trade(desk, TradeState.UNRESOLVED)
    desk.exchange.found = raising(MarketUnavailable("no connection"))
    with pytest.raises(MarketUnavailable):
        desk.later(5)
    assert desk.book.open_trade is not None
    assert desk.exchange.commits == 1


def test_a_committing_trade_without_a_quote_is_for_a_person(desk: Desk) -> None:
    open_trade(desk, TradeState.COMMITTING)
    assert desk.book.running is not None
    desk.book.running = replace(desk.book.running, quote=None)
    with pytest.raises(Unresolved, match="a person must look"):
        desk.later(5)


def test_only_a_decision_that_chose_can_be_converted(desk: Desk) -> None:
    desk.decision = replace(desk.decision, chosen=None)
    with pytest.raises(ValueError, match="without a chosen"):
        desk.convert()
    assert desk.book.steps == []


def test_a_trade_stated_twice_is_one_value() -> None:
    once, again = Desk().convert().trade, Desk().convert().trade
    assert isinstance(once, Trade)
    assert once == again
