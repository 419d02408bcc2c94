"""Three acts stand before live money; each that is missing alone keeps the bot on paper and is named."""

from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.live import Consent, Deployment, Standing, barred_by, digest, standing, to_type
from heisenbug.domain.settings import DEFAULTS, Settings, change

ENABLED = Deployment(enabled=True)


def told(**changes: Any) -> Settings:
    return change(DEFAULTS, {"mode": "live", "budget": {"USD": "100"}, **changes})


def consented(settings: Settings) -> Consent:
    return Consent("risk 100 USD", digest(settings), "anna", "2025-05-05T00:00:00+00:00")


def test_with_all_three_acts_the_bot_trades_live_money() -> None:
    settings = told()
    assert standing(settings, ENABLED, consented(settings), "") == Standing("live", "")


def test_without_the_setting_the_bot_trades_paper_and_nothing_is_missing() -> None:
    settings = told(mode="paper")
    assert standing(settings, ENABLED, consented(settings), "") == Standing("paper", "")
    assert standing(DEFAULTS, Deployment(), None, "There is none.") == Standing("paper", "")


MISSING = [
    (Deployment(), "", True, "LiveTrading=enabled"),
    (ENABLED, "There is no credential; store one.", True, "There is no credential; store one."),
    (Deployment(True, True, False), "", True, "on the loopback"),
    (ENABLED, "", False, "Nobody has typed what may be risked"),
]


@pytest.mark.parametrize(("deployment", "credential", "has_typed", "words"), MISSING)
def test_one_missing_act_keeps_the_bot_on_paper_and_is_the_only_one_named(
    deployment: Deployment, credential: str, has_typed: bool, words: str
) -> None:
    settings = told()
    held = standing(settings, deployment, consented(settings) if has_typed else None, credential)
    assert (held.mode, held.held_back.count(".") <= 2) == ("paper", True)
    assert words in held.held_back
    assert not any(other in held.held_back for *_, other in MISSING if other != words)


def test_all_that_is_missing_is_named_at_once() -> None:
    held = standing(told(), Deployment(), None, "")
    assert "LiveTrading=enabled" in held.held_back
    assert "Nobody has typed" in held.held_back


def test_a_budget_is_the_first_thing_that_can_be_risked() -> None:
    settings = told(budget=None)
    held = standing(settings, ENABLED, consented(settings), "")
    assert held.mode == "paper"
    assert "No budget is set" in held.held_back


@pytest.mark.parametrize(
    "changes",
    [
        {"budget": {"USD": "100.01"}},
        {"budget": {"USD": "99"}},
        {"budget": {"USD": "100", "BTC": "1"}},
        {"budget": {"EUR": "100"}},
        {"cards": {"USD": "48ce2ac5-c038-4426-b2f8-a2bdbcc93053"}},
    ],
)
def test_a_consent_is_about_this_budget_and_these_cards_and_no_others(changes: dict[str, Any]) -> None:
    settings = told()
    held = standing(change(settings, changes), ENABLED, consented(settings), "")
    assert held.mode == "paper"
    assert "changed since anna typed 'risk 100 USD'" in held.held_back


@pytest.mark.parametrize("changes", [{"budget": {"USD": "100.00"}}, {"window": 20}, {"is_active": True}])
def test_a_consent_holds_while_only_other_things_change(changes: dict[str, Any]) -> None:
    settings = told()
    assert standing(change(settings, changes), ENABLED, consented(settings), "").mode == "live"


@pytest.mark.parametrize(("enabled", "is_local", "exchange"), list(product([True, False], repeat=3)))
def test_a_stack_on_a_computer_accepts_only_an_exchange_on_it_and_a_stack_on_aws_any(
    enabled: bool, is_local: bool, exchange: bool
) -> None:
    barred = barred_by(Deployment(enabled, is_local, exchange))
    assert bool(barred) == (not enabled or (is_local and not exchange))


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [
        ({"USD": "100"}, "risk 100 USD"),
        ({"USD": "100.00"}, "risk 100 USD"),
        ({"USD": "12.50", "BTC": "0.00000001"}, "risk 0.00000001 BTC and 12.5 USD"),
        ({"USD": "1E+3"}, "risk 1000 USD"),
    ],
)
def test_the_sentence_to_type_names_every_amount_in_plain_digits(budget: dict[str, str], sentence: str) -> None:
    assert to_type({asset: Decimal(amount) for asset, amount in budget.items()}) == sentence


AMOUNTS = st.dictionaries(st.sampled_from(["USD", "BTC", "ETH"]), st.decimals("0.01", "1000", places=2), min_size=1)


@given(AMOUNTS, AMOUNTS)
def test_two_budgets_have_one_digest_only_where_they_are_the_same(
    one: dict[str, Decimal], other: dict[str, Decimal]
) -> None:
    first, second = replace(DEFAULTS, budget=one), replace(DEFAULTS, budget=other)
    assert (digest(first) == digest(second)) == (one == other)
    assert digest(first) == digest(replace(first, budget=dict(reversed(one.items())), window=77))


def test_what_time_it_is_is_told_only_where_nothing_can_be_real() -> None:
    rehearsals = [each for each in product((False, True), repeat=3) if Deployment(*each).is_rehearsal]
    assert rehearsals == [(False, True, True)]
