"""What is told away from the panel: nothing unless chosen, each thing once, never too much, in a person's words."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.notices import HOUR_SECONDS, Kind, Told, Way, ways_of
from heisenbug.domain.settings import DEFAULTS, change
from heisenbug.domain.trade import Expected, Trade, TradeState
from heisenbug.messages import trade_message
from heisenbug.notifying.sentences import LONGEST, alarm_notice, notice_of

AT = "2025-05-05T00:00:55Z"
EXPECTED = Expected(0.8, 0.002, 0.002, 0.1, 0.002, 1.0, 95_000.0)
TRADE = Trade("0a1b2c", "paper", 1_746_403_200, "USD", "BTC", Decimal("100.00"), EXPECTED, "net 20 bp, confidence 0.8.")
ALARM = {
    "AlarmName": "heisenbug-NoTicks-1ABC",
    "AlarmDescription": "No tick for three minutes: the bot is dead or cut off. Look at the trader's log.",
    "NewStateValue": "ALARM",
    "OldStateValue": "OK",
    "StateChangeTime": "2025-05-05T00:03:10.123+0000",
    "Trigger": {"MetricName": "TicksCompleted", "Namespace": "Heisenbug"},
}


@pytest.mark.parametrize("kind", Kind)
def test_nothing_is_told_unless_a_person_chose_it(kind: Kind) -> None:
    assert ways_of(kind, DEFAULTS) == ()


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    ("chosen", "ways"),
    [("off", ()), ("telegram", (Way.TELEGRAM,)), ("sns", (Way.SNS,)), ("both", (Way.TELEGRAM, Way.SNS))],
)
def test_each_kind_goes_the_ways_that_were_chosen_for_it_and_for_no_other(
    kind: Kind, chosen: str, ways: tuple[Way, ...]
) -> None:
    settings = change(DEFAULTS, {f"notify_{kind.value}": chosen})

    assert {each: ways_of(each, settings) for each in Kind} == {each: ways if each is kind else () for each in Kind}


# ------------------------------------------------------- once, and not too much


NOTICES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 900)), max_size=80)


@given(NOTICES, st.integers(1, 5))
def test_within_any_hour_no_more_is_told_than_the_limit_and_nothing_twice(
    told: list[tuple[int, int]], most: int
) -> None:
    now, so_far, sent = 0, Told(), list[tuple[str, int]]()
    for key, later in told:
        now += later
        if (after := so_far.add(str(key), now, most)) is not None:
            so_far = after
            sent.append((str(key), now))

    for key, at in sent:
        lately = [one for one, then in sent if at - HOUR_SECONDS < then <= at]
        assert len(lately) <= most
        assert lately.count(key) == 1


@given(NOTICES, st.integers(1, 5))
def test_what_is_within_the_limit_and_new_is_always_told(told: list[tuple[int, int]], most: int) -> None:
    now, so_far = 0, Told()
    for place, (_, later) in enumerate(told):
        now += later
        lately = sum(now - at < HOUR_SECONDS for _, at in so_far.entries)
        after = so_far.add(str(place), now, most)
        assert (after is None) == (lately >= most)
        so_far = after or so_far


def test_what_is_delivered_again_within_its_hour_is_known_even_after_another_hour() -> None:
    told = Told().add("first", 0, 10)
    assert told is not None
    later = told.add("second", HOUR_SECONDS, 10)
    assert later is not None

    assert later.add("first", HOUR_SECONDS + 60, 10) is None
    assert later.left(HOUR_SECONDS + 60, 10) == 9


def test_what_surely_did_not_arrive_may_be_told_again_and_counts_for_nothing() -> None:
    told = Told().add("first", 0, 1)
    assert told is not None
    assert told.without("first").add("first", 1, 1) is not None


def test_what_is_remembered_stays_small() -> None:
    told = Told()
    for now in range(0, 10 * HOUR_SECONDS, 40):
        told = told.add(str(now), now, 100) or told

    assert len(told.entries) <= 200


# ---------------------------------------------------------------- sentences


def says(kind: str, **changes: object) -> str:
    notice = notice_of(kind, trade_message(replace(TRADE, **changes)), AT)
    assert notice is not None
    return notice.says


def test_an_executed_trade_is_told_with_what_was_given_what_came_and_why() -> None:
    told = says("trade_executed", state=TradeState.EXECUTED, received=Decimal("0.00105"), realised_cost_bps=22.5)

    assert told == (
        "2025-05-05T00:00:55Z: Paper money: 100.00 USD became 0.00105 BTC, at a cost of 22.5 bp; "
        "net 20 bp, confidence 0.8."
    )


def test_a_failed_trade_is_told_with_its_reason_and_whose_money_it_was() -> None:
    told = says("trade_failed", state=TradeState.FAILED, mode="live", outcome="The venue says no.")

    assert told == "2025-05-05T00:00:55Z: Live money: 100.00 USD did not become BTC. The venue says no."


def test_an_unresolved_trade_is_told_with_what_follows_and_what_to_do() -> None:
    told = says("trade_unresolved", state=TradeState.UNRESOLVED)

    assert "nobody knows whether 100.00 USD became BTC; nothing is traded until it is known." in told
    assert told.endswith("heisenbug resolve 0a1b2c")


def test_a_protection_is_told_with_who_why_and_until_when() -> None:
    notice = notice_of("protection_triggered", {"by": "max_drawdown", "why": "Equity fell.", "until": "re-armed"}, AT)

    assert notice is not None
    assert (notice.kind, notice.says) == (
        Kind.PROTECTIONS,
        "2025-05-05T00:00:55Z: Trading is stopped until re-armed, by max_drawdown: Equity fell.",
    )


def test_the_stages_of_one_trade_are_different_notices_and_each_is_the_same_whenever_it_is_made() -> None:
    data = trade_message(TRADE)
    keys = [notice_of(kind, data, AT) for kind in ("trade_unresolved", "trade_failed", "trade_executed")]

    assert len({notice.key for notice in keys if notice}) == 3
    assert notice_of("trade_executed", data, AT) == keys[2]


@pytest.mark.parametrize("kind", ["price_update", "tick_completed", "config_updated", "trade_skipped", "pong"])
def test_what_is_no_outcome_is_worth_no_notice(kind: str) -> None:
    assert notice_of(kind, {}, AT) is None


def test_a_sentence_is_never_longer_than_any_way_carries() -> None:
    told = says("trade_failed", outcome="no " * 5000)

    assert len(told) == LONGEST
    assert told.endswith("…")


# ------------------------------------------------------------------ a dead bot


def test_a_dead_bot_is_told_in_the_words_of_its_alarm() -> None:
    notice = alarm_notice(ALARM)

    assert notice is not None
    assert (notice.kind, notice.says) == (Kind.DEAD, f"2025-05-05T00:03:10Z: {ALARM['AlarmDescription']}")


def test_that_it_lives_again_is_told_too_as_something_else() -> None:
    dead, alive = alarm_notice(ALARM), alarm_notice({**ALARM, "NewStateValue": "OK", "OldStateValue": "ALARM"})

    assert dead is not None
    assert alive is not None
    assert alive.key != dead.key
    assert alive.says.endswith("The bot checks the market again.")


@pytest.mark.parametrize(
    "other",
    [
        {"Trigger": {"MetricName": "Errors"}},
        {"Trigger": None},
        {"NewStateValue": "OK", "OldStateValue": "INSUFFICIENT_DATA"},
        {"NewStateValue": "INSUFFICIENT_DATA"},
    ],
)
def test_other_alarms_and_a_bot_that_was_never_dead_are_worth_no_notice(other: dict[str, object]) -> None:
    assert alarm_notice({**ALARM, **other}) is None
    assert alarm_notice({}) is None
