"""A conversion over a bridge: what follows each end of each leg, and that nothing is begun that cannot be finished."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from heisenbug.converting import Converting
from heisenbug.domain.bridging import (
    MOST_ATTEMPTS,
    OLDEST_SECONDS,
    PATIENCE_SECONDS,
    Onward,
    first_leg,
    leg_id,
    onward,
    second_leg,
)
from heisenbug.domain.decide import Decision, decide
from heisenbug.domain.errors import MarketUnavailable, NeedsPerson, Rejected, Unresolved
from heisenbug.domain.exits import Exit
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.leg import Leg, Part, leg_of
from heisenbug.domain.settings import Settings
from heisenbug.domain.trade import Expected, Filled, Settlement, Trade, TradeState, VenueQuote
from heisenbug.domain.venue import Venue
from heisenbug.reconciling import Reconciling
from heisenbug.settling import Ended, Position, Settling
from tests.fakes import Clock, FakeBook, FakeExchange, completed, failed, raising
from tests.markets import FREE, MONDAY, climbing, eager, falling, holding, market

LEAST = Decimal(1)
EXPECTED = Expected(0.9, 0.02, 0.03, 0.1, 0.009, 50_000.0, 3_000.0)
WHOLE = Trade("whole", "live", MONDAY, "BTC", "ETH", Decimal("0.01"), EXPECTED, "every gate is open")
FIRST = first_leg(WHOLE, "USD", 1.0, 0.0045)
SECOND = replace(second_leg(FIRST, Decimal(498), 0.0045, MONDAY), state=TradeState.INTENDED)


def ended(trade: Trade, state: TradeState, **changes: object) -> Trade:
    return replace(trade, state=state, **changes)  # type: ignore[arg-type]


def after(begun: Trade, done: Trade, now: int = MONDAY, is_sure: bool = True) -> Onward:
    return onward(begun, done, now, LEAST, is_sure)


def executed_first(received: str = "498") -> Trade:
    return ended(FIRST, TradeState.EXECUTED, received=Decimal(received), realised_cost_bps=45.0)


# --- the legs ---


def test_the_first_leg_is_the_conversion_itself_as_far_as_the_bridge() -> None:
    assert (FIRST.id, FIRST.source, FIRST.target, FIRST.amount) == ("whole", "BTC", "USD", Decimal("0.01"))
    assert (FIRST.expected.target_price, FIRST.decided) == (1.0, ("BTC", "ETH"))
    assert FIRST.leg == Leg("whole", Part.FIRST, "BTC", "ETH", 50_000.0, 3_000.0, 0.0045)


def test_the_second_expects_what_the_first_left_of_the_gain_and_has_an_id_of_its_own() -> None:
    assert (SECOND.source, SECOND.target, SECOND.amount) == ("USD", "ETH", Decimal(498))
    assert SECOND.expected.expected_log_return == pytest.approx(0.03 - 0.0045, abs=2e-5)
    assert (SECOND.expected.source_price, SECOND.expected.target_price) == (1.0, 3_000.0)
    assert SECOND.leg is not None
    assert SECOND.id == leg_id(SECOND.leg) != FIRST.id
    assert (SECOND.leg.until, SECOND.decided) == (MONDAY + PATIENCE_SECONDS, ("BTC", "ETH"))


def test_a_leg_is_stored_and_read_to_the_last_digit() -> None:
    assert SECOND.leg is not None
    assert leg_of(SECOND.leg.plain()) == SECOND.leg
    assert leg_of(None) is None


# --- what follows ---


def test_a_first_leg_that_went_through_is_followed_by_the_second_with_all_that_it_brought() -> None:
    then = after(FIRST, executed_first()).trade
    assert then is not None
    assert (then.id, then.amount, then.state) == (SECOND.id, Decimal(498), TradeState.INTENDED)


@pytest.mark.parametrize("state", [TradeState.FAILED, TradeState.SKIPPED, TradeState.ABANDONED])
def test_a_first_leg_that_moved_nothing_is_followed_by_nothing(state: TradeState) -> None:
    assert after(FIRST, ended(FIRST, state)) == Onward()


def test_what_is_worth_too_little_to_go_on_with_stays_where_it_is() -> None:
    assert after(FIRST, executed_first("0.99")) == Onward()
    almost = ended(SECOND, TradeState.EXECUTED, amount=Decimal("497.5"))
    assert after(SECOND, almost) == Onward()


def test_a_second_leg_in_part_is_followed_by_the_rest() -> None:
    then = after(SECOND, ended(SECOND, TradeState.EXECUTED, amount=Decimal(200))).trade
    assert then is not None
    assert then.leg is not None
    assert (then.source, then.target, then.amount, then.leg.attempt) == ("USD", "ETH", Decimal(298), 2)
    assert then.id != SECOND.id


def failures(begun: Trade, times: int) -> list[Trade]:
    """What follows so many failures of a leg, one after the other."""
    followed = [begun]
    for _ in range(times):
        then = after(followed[-1], ended(followed[-1], TradeState.FAILED)).trade
        assert then is not None
        followed.append(then)
    return followed


def test_a_second_leg_is_tried_again_then_the_way_back_and_then_a_person_is_told() -> None:
    followed = failures(SECOND, 2 * MOST_ATTEMPTS - 1)
    parts = [(trade.leg.part, trade.leg.attempt, trade.target) for trade in followed if trade.leg]
    tries = range(1, MOST_ATTEMPTS + 1)
    assert parts == [(Part.SECOND, n, "ETH") for n in tries] + [(Part.BACK, n, "BTC") for n in tries]
    assert len({trade.id for trade in followed}) == len(followed)
    last = after(followed[-1], ended(followed[-1], TradeState.FAILED))
    assert last.trade is None
    assert last.halt == (
        "The conversion of BTC into ETH is stuck at its bridge: the leg from USD did not go through, nor did the way "
        "back. The bot holds 498 USD of it, in its ledger. Look at the market, then: heisenbug rearm; it converts from "
        "there on."
    )


def test_a_leg_whose_time_is_over_turns_back_at_once() -> None:
    for state, now in ((TradeState.SKIPPED, MONDAY), (TradeState.FAILED, MONDAY + PATIENCE_SECONDS)):
        then = after(SECOND, ended(SECOND, state), now).trade
        assert then is not None
        assert then.leg is not None
        assert (then.leg.part, then.leg.until, then.target) == (Part.BACK, now + PATIENCE_SECONDS, "BTC")


def test_a_leg_that_may_still_land_is_followed_by_nothing_but_a_word() -> None:
    then = after(SECOND, ended(SECOND, TradeState.FAILED), is_sure=False)
    assert then.trade is None
    assert "the leg from USD may still land" in then.halt


def test_a_second_leg_of_an_old_decision_is_left_to_a_person() -> None:
    then = after(FIRST, executed_first(), MONDAY + OLDEST_SECONDS + 1)
    assert then.trade is None
    assert "its decision is too old" in then.halt


# --- the whole way, with fakes ---

NO_MARKET = Venue("books", FREE.fee_bps, LEAST, has_books=True)


@dataclass
class Desk:
    """A bot that holds BTC while that falls and ETH climbs, both traded against dollars alone."""

    settings: Settings = field(default_factory=lambda: eager(cooldown_seconds=300))
    clock: Clock = field(default_factory=Clock)
    book: FakeBook = field(default_factory=FakeBook)

    def __post_init__(self) -> None:
        seen = market({"BTC-USD": falling(), "ETH-USD": climbing()})
        self.venue = NO_MARKET.over((trading.pair for trading in seen.pairs), "USD")
        self.position = Position(Ledger({"BTC": Decimal("10.00000000")}), 41, self.book.version)
        self.decision: Decision = decide(seen, holding(BTC="10"), self.settings, self.venue)
        prices = dict(zip(self.decision.assets, self.decision.prices.tolist(), strict=True))
        self.exchange = FakeExchange(prices, self.position.ledger.holdings, self.clock)

    def settling(self) -> Settling:
        return Settling(self.book, self.settings, self.clock, LEAST)

    def converting(self) -> Converting:
        return Converting("default", self.exchange, self.settling(), self.clock.at + 20, self.venue)

    def convert(self) -> Ended:
        return self._went(self.converting().convert(self.decision, self.position, b"record"))

    def later(self, seconds: float) -> Ended:
        """A later invocation that finds a leg waiting."""
        self.clock.at += seconds
        assert self.book.running is not None
        found = Reconciling(self.exchange, self.settling()).reconcile(self.book.running, self.position)
        assert found.trade == self.book.running
        converting = self.converting()
        return self._went(converting.onwards(converting.go_on(found.trade, found.position)))

    def answers(self, *answers: Callable[[VenueQuote], Filled]) -> None:
        """What becomes of the next commits; the last one for good."""
        waiting = list(answers)
        self.exchange.answer = lambda quote: (waiting.pop(0) if len(waiting) > 1 else waiting[0])(quote)

    def held(self) -> dict[str, Decimal]:
        return {asset: amount for asset, amount in self.position.ledger.holdings.items() if amount}

    def _went(self, done: Ended) -> Ended:
        self.position = done.position
        return done


@pytest.fixture
def desk() -> Desk:
    return Desk()


def refusing(nth: int, error: Exception) -> Callable[[], None]:
    asked = [0]

    def on_quote() -> None:
        asked[0] += 1
        if asked[0] == nth:
            raise error

    return on_quote


def test_both_legs_are_trades_of_their_own_in_one_invocation(desk: Desk) -> None:
    done = desk.convert()
    assert desk.book.steps == ["intend", "committing", "finish", "committing", "finish"]
    assert desk.exchange.asked == ["balances", "quote", "quote", "commit", "balances", "quote", "commit"]
    first, second = desk.book.finished
    assert [(one.source, one.target, one.sequence) for one in (first, second)] == [
        ("BTC", "USD", 42),
        ("USD", "ETH", 43),
    ]
    assert second.amount == first.received
    assert (done.following, set(desk.held())) == (None, {"BTC", "ETH"})
    assert desk.book.open_trade is None


def test_a_conversion_with_a_market_of_its_own_is_one_trade(desk: Desk) -> None:
    desk.venue = replace(desk.venue, markets=frozenset({frozenset({"BTC", "ETH"})}))
    desk.convert()
    assert [(one.source, one.target, one.leg) for one in desk.book.finished] == [("BTC", "ETH", None)]


def test_nothing_is_begun_where_the_second_leg_would_be_refused(desk: Desk) -> None:
    desk.exchange.on_quote = refusing(2, Rejected("98 USD is too little for Kraken's ETH-USD."))
    done = desk.convert()
    assert (done.trade.state, desk.exchange.commits) == (TradeState.SKIPPED, 0)
    assert done.trade.outcome == "The second leg would be refused: 98 USD is too little for Kraken's ETH-USD."
    assert set(desk.held()) == {"BTC"}
    assert {("BTC", "ETH"), ("ETH", "BTC"), ("BTC", "USD"), ("USD", "BTC")} == set(desk.position.ledger.resting)


def test_nothing_is_begun_that_both_legs_together_make_too_dear(desk: Desk) -> None:
    alone = desk.decision.chosen
    assert alone is not None
    desk.exchange.cost = Decimal(repr(alone.expected_return * 0.6))
    done = desk.convert()
    assert (done.trade.state, desk.exchange.commits) == (TradeState.SKIPPED, 0)
    assert done.trade.outcome.startswith("The quote costs")


def test_a_stop_goes_over_the_bridge_whatever_it_is_expected_to_lose(desk: Desk) -> None:
    desk.settings = replace(desk.settings, min_expected_return=1.0, budget={"USD": Decimal(1), "ETH": Decimal("0.001")})
    assert desk.convert().trade.state is TradeState.SKIPPED
    chosen = desk.decision.chosen
    assert chosen is not None
    desk.decision = replace(desk.decision, chosen=replace(chosen, exit=Exit.STOP_LOSS, expected_log_return=-0.5))
    assert desk.convert().trade.state is TradeState.EXECUTED
    assert [(one.target, one.exit) for one in desk.book.finished] == [("USD", "stop_loss"), ("ETH", "stop_loss")]


def test_the_way_back_of_a_stop_is_none() -> None:
    stop = replace(SECOND, exit="stop_loss")
    again = after(stop, ended(stop, TradeState.FAILED)).trade
    back = after(stop, ended(stop, TradeState.SKIPPED)).trade
    assert again is not None
    assert back is not None
    assert (again.exit, back.leg and back.leg.part, back.exit) == ("stop_loss", Part.BACK, "")


@pytest.mark.parametrize("error", [Rejected("no"), MarketUnavailable("it took too long")])
def test_a_second_leg_without_a_quote_waits_and_is_tried_by_a_later_tick(desk: Desk, error: Exception) -> None:
    desk.exchange.on_quote = refusing(3, error)
    done = desk.convert()
    assert (done.trade.state, desk.book.open_trade) == (TradeState.INTENDED, done.trade.id)
    assert set(desk.held()) == {"BTC", "USD"}
    done = desk.later(5)
    assert (done.trade.state, desk.book.open_trade) == (TradeState.EXECUTED, None)
    assert set(desk.held()) == {"BTC", "ETH"}


def test_a_leg_that_waited_too_long_is_dropped_and_the_way_back_is_intended_in_the_same_step(desk: Desk) -> None:
    desk.exchange.on_quote = refusing(3, Rejected("no"))
    desk.convert()
    desk.exchange.on_quote = refusing(1, Rejected("still no"))
    done = desk.later(PATIENCE_SECONDS)
    assert (done.trade.state, done.trade.outcome) == (TradeState.SKIPPED, "still no")
    assert done.following is not None
    assert (desk.book.open_trade, done.following.target) == (done.following.id, "BTC")
    desk.exchange.on_quote = lambda: None
    desk.later(5)
    assert desk.held() == {"BTC": Decimal("10.00000000")}


def test_a_second_leg_that_the_venue_refuses_is_another_trade_at_the_next_tick(desk: Desk) -> None:
    desk.answers(completed, raising(Rejected("The market is closed.")), completed)
    done = desk.convert()
    assert (done.trade.state, desk.exchange.commits) == (TradeState.FAILED, 2)
    assert done.following is not None
    assert done.following.id != done.trade.id
    desk.later(5)
    assert [one.state for one in desk.book.finished] == [
        TradeState.EXECUTED,
        TradeState.FAILED,
        TradeState.EXECUTED,
    ]
    assert set(desk.held()) == {"BTC", "ETH"}


def test_a_way_back_that_costs_too_much_is_not_gone(desk: Desk) -> None:
    desk.answers(completed, failed)
    desk.convert()
    for _ in range(MOST_ATTEMPTS - 1):
        desk.later(5)
    desk.exchange.cost = Decimal("0.04")
    done = desk.later(5)
    assert (done.trade.state, done.trade.target) == (TradeState.INTENDED, "BTC")
    assert done.trade.outcome == "The way back would cost 400 bp."


def test_where_neither_way_goes_a_person_is_told_and_the_bridge_is_in_the_ledger(desk: Desk) -> None:
    desk.answers(completed, failed)
    done = desk.convert()
    while not done.halt:
        done = desk.later(5)
    assert "did not go through, nor did the way back" in done.halt
    assert (desk.book.open_trade, set(desk.held())) == (None, {"BTC", "USD"})
    assert len(desk.book.finished) == 1 + 2 * MOST_ATTEMPTS


def test_a_doubt_about_a_leg_stops_everything_after_it(desk: Desk) -> None:
    desk.answers(completed, raising(Unresolved("The answer was lost.")))
    done = desk.convert()
    assert (done.trade.state, done.following) == (TradeState.UNRESOLVED, None)
    assert desk.book.open_trade == done.trade.id


def test_what_only_a_person_can_mend_halts_between_the_legs(desk: Desk) -> None:
    desk.exchange.on_quote = refusing(3, NeedsPerson("The key is gone."))
    done = desk.convert()
    assert (done.halt, desk.book.open_trade) == ("The key is gone.", done.trade.id)


def test_a_leg_in_part_is_finished_in_parts(desk: Desk) -> None:
    def half(quote: VenueQuote) -> Filled:
        return Filled(Settlement.COMPLETED, quote.amount / 2, quote.receives / 2)

    desk.answers(completed, half, completed)
    desk.convert()
    assert [one.leg.attempt for one in desk.book.finished if one.leg] == [1, 1, 2]
    assert set(desk.held()) == {"BTC", "ETH"}
