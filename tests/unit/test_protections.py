"""Brakes that stop the bot by themselves."""

from decimal import Decimal

import pytest

from heisenbug.domain.protections import Drawdown, drawdown_verdict


@pytest.mark.parametrize(
    ("equity", "peak", "fraction", "stops"),
    [
        ("1000", "1000", 0.0, False),
        ("800.01", "1000", 0.19999, False),
        ("800", "1000", 0.2, True),
        ("799.99", "1000", 0.20001, True),
        ("0", "1000", 1.0, True),
        ("1000", "0", 0.0, False),
        ("0", "0", 0.0, False),
    ],
)
def test_equity_at_its_limit_under_the_peak_stops_the_bot(equity: str, peak: str, fraction: float, stops: bool) -> None:
    drawdown = Drawdown(Decimal(equity), Decimal(peak))
    assert drawdown.fraction == pytest.approx(fraction)
    assert (drawdown_verdict(drawdown, 0.2) is not None) == stops


def test_the_verdict_says_how_far_under_which_peak_and_what_to_do() -> None:
    verdict = drawdown_verdict(Drawdown(Decimal("750.00"), Decimal("1000.00")), 0.2)
    assert verdict is not None
    for words in ("750.00", "25.0%", "1000.00", "20.0%", "heisenbug rearm"):
        assert words in verdict
