"""The deployed paper bot and the backtest, minute by minute over one market; `make parity` is the long form."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import MARKET
from tests.e2e.lockstep import Rehearsal, rehearsal
from tests.e2e.places import free_ports, new_home
from tests.parity import KEEN, Course

SAMPLES = 150
SHORT = {**KEEN, "window": 30, "horizon": 30}


@pytest.fixture(scope="module")
def one() -> Iterator[Rehearsal]:
    """A stack of its own, of which nothing ticks by itself."""
    with rehearsal(new_home("parity"), free_ports()) as opened:
        yield opened


def prove(one: Rehearsal, name: str, course: Course) -> None:
    one.go_through(name, course, SHORT, board_every=25, process=60)
    found = one.compared(name, course)
    assert found.differences == ()
    assert (found.samples, found.boards) == (SAMPLES, SAMPLES // 25)
    assert found.trades > 10
    dearer = one.compared(name, course, cost_bps=SHORT["cost_bps"] + 1)
    assert any(each.startswith("trade 1: ") for each in dearer.differences)


@pytest.mark.skipif(not MARKET.exists(), reason="recorded markets lie beside the checkout")
def test_on_a_recorded_market_the_deployed_bot_does_what_its_backtest_does(one: Rehearsal) -> None:
    prove(one, "recorded", Course.recorded(MARKET, SAMPLES))


def test_on_planted_drift_the_deployed_bot_does_what_its_backtest_does(one: Rehearsal, tmp_path: Path) -> None:
    prove(one, "planted", Course.planted(SAMPLES, tmp_path / "planted.csv.gz"))
