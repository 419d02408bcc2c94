"""The short form of the lives with protections of `make crash`: none is got round, and without one that is seen."""

from collections.abc import Iterator

import pytest

from tests.crash.guarded import MEETINGS, MUTANTS, Place, guarded_lives, place, without

LIVES, LIVES_OF_A_MUTANT = 3, 30
# What it takes many lives to find out is left to `make crash`.
FOUND_OUT_LATE = ("the halt that outlasts its cause", "the hour in which a late tick's trade ends")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, "set back after the test")
    with place() as opened:
        yield opened


@pytest.mark.parametrize("name", MEETINGS)
def test_no_protection_is_got_round_whatever_is_done_to_a_bot_in_whatever_order(here: Place, name: str) -> None:
    lived = guarded_lives(here, name, LIVES, 1)
    assert lived.lives >= LIVES
    assert lived.entries > 0
    # What bounds a single trade stops ticks no more than others, and is seen where it is missing.
    assert name in ("reserve", "budget") or lived.in_force["max_drawdown" if name == "exits" else name]
    assert lived.exits or name != "exits"


@pytest.mark.parametrize("mutant", [name for name in MUTANTS if name not in FOUND_OUT_LATE])
def test_a_bot_without_one_of_them_is_found_out(here: Place, mutant: str) -> None:
    says = "an exit was stopped" if "exits" in mutant else "did not stop"
    with without(mutant), pytest.raises(AssertionError, match=says):
        guarded_lives(here, MUTANTS[mutant][0], LIVES_OF_A_MUTANT, 1, shrink=False)
