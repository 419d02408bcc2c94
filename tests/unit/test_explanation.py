"""A decision in words and numbers, and the digest by which it is known again."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from heisenbug.converting import _expected
from heisenbug.domain.assets import Pair, TradingPair
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.decide import Decision
from heisenbug.domain.gates import ASKED, Gate
from heisenbug.domain.outcome import differences, outcome_of
from heisenbug.domain.portfolio import Portfolio
from heisenbug.domain.settings import Settings
from heisenbug.domain.snapshot import Snapshot, pack, unpack
from heisenbug.domain.trade import Trade, TradeState
from heisenbug.domain.words import passed
from heisenbug.explanation import explained, tick_again, trade_again
from heisenbug.recall import Inputs, inputs_of
from tests.markets import FREE, MONDAY, climbing, eager, holding, market
from tests.snapshots import believed, full

PORTFOLIO = holding(USD="1000", BTC="2")


def inputs(settings: Settings | None = None, portfolio: Portfolio = PORTFOLIO, **changes: Any) -> Inputs:
    """A market on which BTC climbs steeply and ETH gently."""
    prices = {"BTC-USD": climbing(), "ETH-USD": climbing(start=10, rate=0.0004)}
    return Inputs(market(prices, age=0.4, **changes), portfolio, settings or eager(), FREE)


def snapshot_of(made: Inputs, decision: Decision) -> Snapshot:
    seen = made.market
    watches = {pair: believed(quote) for pair, quote in seen.quotes.items()}
    snapshot = Snapshot(
        seen.at, seen.price_age_seconds, 60, 3, seen.quotes, watches, made.portfolio, None, Decimal(0), 7, 10
    )
    return unpack(seen.at, pack(replace(snapshot, outcome=outcome_of(decision))))


def trade_of(decision: Decision, **changes: Any) -> Trade:
    chosen = decision.chosen
    assert chosen is not None
    conversion = (chosen.source, chosen.target, chosen.amount)
    trade = Trade("a" * 24, "paper", decision.at, *conversion, _expected(decision, chosen), "because")
    return replace(trade, **changes)


# ------------------------------------------------------------------------ digest


def test_the_same_decision_has_the_same_outcome_and_a_snapshot_carries_it() -> None:
    made = inputs()
    outcome = outcome_of(made.decide())
    assert outcome.chosen == "USD-BTC"
    assert differences(outcome, outcome_of(made.decide())) == ()
    assert snapshot_of(made, made.decide()).outcome == outcome


def test_a_decision_of_nothing_says_so_while_the_window_fills() -> None:
    empty = Inputs(market({"BTC-USD": [100.0]}), holding(USD="10"), eager(), FREE)
    outcome = outcome_of(empty.decide())
    assert (outcome.chosen, set(outcome.scored)) == ("", {0.0})


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (inputs(eager(min_expected_return=0.5)), "It chose USD-BTC; now it chooses nothing."),
        (inputs(eager(is_active=False)), "Not all conversions are stopped by the gates"),
        (inputs(eager(drift_weight=0.01)), "The confidence of all conversions comes to"),
        (inputs(eager(cost_bps=1)), "The expected return of all conversions comes to"),
        (inputs(portfolio=holding(USD="1000", BTC="2.001")), "The growth of all conversions comes to"),
    ],
)
def test_another_decision_has_another_outcome(other: Inputs, words: str) -> None:
    found = differences(outcome_of(inputs().decide()), outcome_of(other.decide()))
    assert any(words in line for line in found)


def test_the_last_digits_of_another_processor_make_no_difference() -> None:
    outcome = outcome_of(inputs().decide())
    rounded = replace(outcome, scored=tuple(each * (1 + 2e-7) for each in outcome.scored))
    assert differences(outcome, rounded) == ()
    assert differences(outcome, replace(outcome, scored=tuple(each * (1 + 2e-6) for each in outcome.scored)))


def test_an_outcome_fits_beside_everything_else_in_a_snapshot() -> None:
    outcome = replace(outcome_of(inputs().decide()), chosen="MATIC-USDT", gates=4_012_345_678)
    outcome = replace(outcome, scored=(98.76543, 1.234567, 0.1234567, 12345.67))
    assert len(pack(replace(full(), outcome=outcome))) - len(pack(full())) < 64
    assert len(pack(replace(full(), outcome=outcome))) + 70 < 1024


# ------------------------------------------------------------------------- gates


def test_every_gate_says_by_how_much_it_was_passed() -> None:
    made = inputs()
    decision = made.decide()
    answers = made.gates(decision, "USD", "BTC")
    assert [answer.gate for answer in answers] == list(ASKED)
    assert all(answer.is_open for answer in answers)
    assert all(passed(answer) for answer in answers)
    by_gate = {answer.gate: answer for answer in answers}
    chosen = decision.chosen
    assert chosen is not None
    assert by_gate[Gate.CONFIDENCE].value == chosen.confidence
    assert by_gate[Gate.HELD].value == 1000
    assert passed(by_gate[Gate.PRICE]) == "prices are 0.4 s old, at most 30 s may decide"
    assert passed(by_gate[Gate.BUDGET]) == "no budget bounds it"
    assert passed(by_gate[Gate.RESERVE]) == "no reserve bounds it"


def test_the_first_gate_that_is_closed_is_the_one_that_the_decision_names_for_every_conversion() -> None:
    made = inputs(eager(min_confidence=0.6, is_active=False), holding(USD="1000"))
    decision = made.decide()
    for scored in decision.conversions():
        closed = [answer for answer in made.gates(decision, scored.source, scored.target) if not answer.is_open]
        assert (closed[0].gate, closed[0].value, closed[0].limit) == (scored.gate, scored.value, scored.limit)


def test_of_assets_that_are_not_traded_no_gate_says_anything() -> None:
    made = inputs()
    assert made.gates(made.decide(), "USD", "DOGE") == ()


# ------------------------------------------------------------------- explanations


def test_inputs_made_from_a_snapshot_and_a_window_decide_the_same() -> None:
    made = inputs()
    decision = made.decide()
    told = Configuration(made.settings, tuple(map(TradingPair, map(Pair.parse, ("BTC-USD", "ETH-USD")))), 3)
    again = inputs_of(snapshot_of(made, decision), told, made.market.samples, FREE)
    assert again.decide().chosen == decision.chosen


def test_a_trade_that_comes_out_the_same_says_to_the_last_digit_or_how_far_off_rounding_is() -> None:
    made = inputs()
    decision = made.decide()
    trade, snapshot = trade_of(decision), snapshot_of(made, decision)
    assert "to the last digit" in trade_again(trade, snapshot, decision)["why"]
    expected = replace(trade.expected, confidence=trade.expected.confidence * (1 + 1e-14))
    near = trade_again(replace(trade, expected=expected), snapshot, decision)
    assert near["same"] is True
    assert "but for rounding: no number is off by more than 1e-14 of it" in near["why"]


def test_a_trade_that_now_would_not_be_made_is_said_to_be_different() -> None:
    made = inputs()
    decision = made.decide()
    other = inputs(eager(is_active=False)).decide()
    again = trade_again(trade_of(decision), snapshot_of(made, decision), other)
    assert again["same"] is False
    assert again["differences"][0] == "It converted USD into BTC; now it would convert nothing."
    assert "DIFFERENT" in again["why"]


def test_what_a_venue_converted_less_of_is_no_difference_but_more_is() -> None:
    made = inputs()
    decision = made.decide()
    snapshot = snapshot_of(made, decision)
    less = trade_of(decision, amount=Decimal(99), state=TradeState.EXECUTED, received=Decimal("0.98"))
    assert trade_again(less, snapshot, decision)["same"] is True
    assert "It converted 99 USD (of 100.00 that it wanted to) for 0.98 BTC" in " ".join(
        explained(less, snapshot, made)["words"]
    )
    more = replace(less, amount=Decimal(101))
    assert trade_again(more, snapshot, decision)["same"] is False


def test_a_trade_is_told_in_numbers_and_words() -> None:
    made = inputs(guarded={"ETH-USD": "crossed quote"})
    decision = made.decide()
    trade = trade_of(
        decision,
        state=TradeState.EXECUTED,
        received=Decimal("0.99"),
        quoted_cost_bps=12.5,
        realised_cost_bps=12.5,
        outcome="Stated by a person.",
    )
    told = explained(trade, snapshot_of(made, decision), made)
    words = "\n".join(told["words"])
    assert "by version 3 of the settings, it saw USD at 1 USD and BTC at 100" in words
    assert "0.4 s old, and looked back on 10 of 10 samples" in words
    assert "over 10 samples of 60 s by drift" in words
    assert "Stated by a person." in words
    assert words.endswith("Cost: 0.00 bp were expected, 12.50 bp were quoted, 12.50 bp were paid, as quoted.")
    assert told["scored"]["confidence"] == trade.expected.confidence
    assert told["seen"]["window_begin"] == "2025-05-04T23:51:00Z"


def test_without_its_inputs_a_trade_is_told_as_far_as_it_is_known() -> None:
    decision = inputs().decide()
    told = explained(trade_of(decision), None, None, "What it was decided on was not kept.")
    assert told["again"] == {"same": None, "differences": [], "why": "What it was decided on was not kept."}
    assert (told["seen"], told["scored"], told["gates"]) == (None, None, [])
    assert "no quote came, none was paid" in told["words"][-1]


# ------------------------------------------------------------------------- ticks


def test_a_tick_is_held_against_what_it_recorded() -> None:
    made = inputs()
    decision = made.decide()
    snapshot = snapshot_of(made, decision)
    assert tick_again(snapshot, decision)["same"] is True
    assert tick_again(snapshot, inputs(eager(horizon=11)).decide())["same"] is False
    assert tick_again(replace(snapshot, outcome=None), decision)["same"] is None
    fewer = inputs(at=MONDAY)
    short = replace(fewer, market=replace(fewer.market, samples=fewer.market.samples[2:])).decide()
    assert tick_again(snapshot, short)["why"] == ("2 of the 10 samples that it looked back on are not kept any more.")
