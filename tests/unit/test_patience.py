"""How long a venue wants to be left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.errors import Quiet
from heisenbug.exchange.patience import LONGEST_SECONDS, UNTOLD_SECONDS, Patience

NOW = 1_800_000_000.0


def test_nothing_keeps_a_new_patience_from_asking() -> None:
    Patience().check(NOW)


@pytest.mark.parametrize(
    ("asked", "lasts"),
    [(None, UNTOLD_SECONDS), (0, 1), (-5, 1), (2.5, 2.5), (3600, 3600), (1e9, LONGEST_SECONDS), (float("inf"), 3600)],
)
def test_the_venue_is_left_alone_as_long_as_it_asked_within_reason(asked: float | None, lasts: float) -> None:
    patience = Patience()
    patience.asked(NOW, asked)
    assert patience.until == NOW + lasts
    with pytest.raises(Quiet) as quiet:
        patience.check(NOW + lasts - 0.001)
    assert str(quiet.value).startswith("the exchange wants to be left alone for another ")
    patience.check(NOW + lasts)


def test_the_sentence_says_how_long_it_still_is() -> None:
    patience = Patience(NOW + 42)
    with pytest.raises(Quiet, match=r"^the exchange wants to be left alone for another 42 s$"):
        patience.check(NOW)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1e4), st.one_of(st.none(), st.floats(0, 1e4)))))
def test_nothing_that_is_told_shortens_the_quiet(told: list[tuple[bool, float, float | None]]) -> None:
    patience = Patience()
    for by_another, later, seconds in told:
        before = patience.until
        if by_another:
            patience.remember(NOW + later)
            assert patience.until == max(before, NOW + later)
        else:
            patience.asked(NOW + later, seconds)
            assert NOW + later + 1 <= patience.until
        assert patience.until >= before
        assert patience.until <= NOW + 1e4 + LONGEST_SECONDS
