"""The trader's own handler and the backtest, sample by sample over one market: the same to the last digit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from heisenbug.configuration import Configurations
from heisenbug.markets.generated import PAIRS, GeneratedMarket
from heisenbug.markets.market import Prices, Quotes
from heisenbug.wiring import now
from local.exchange import running
from tests import lambdas
from tests.parity import KEEN, SPACING, Backtest, Course, compare, lockstep
from tests.tables import Cloud

CONTEXT = SimpleNamespace(aws_request_id="an-attempt", get_remaining_time_in_millis=lambda: 20_000)
BOT = "default"
FEW = PAIRS[:4]
# A window that is full early, and long rests: some hundred samples are enough, and trades are what takes time here.
SHORT: Mapping[str, Any] = {**KEEN, "window": 20, "horizon": 30, "cooldown_seconds": 3600, "pairs": list(FEW)}
# What makes a local stack of a function's environment; the tables are in this process all the same.
LOCAL = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
PROCESS_TICKS = 50


@dataclass(frozen=True)
class Spoilt:
    """Four pairs of the generated market: one goes missing, one freezes, one jumps, one slips and is crossed."""

    whole: GeneratedMarket
    name = "spoilt"
    pairs = FEW
    last = None
    spacing_seconds = float(SPACING)

    @property
    def first(self) -> float:
        """As the whole market."""
        return self.whole.first

    @property
    def start(self) -> float:
        """As the whole market."""
        return self.whole.start

    @property
    def moments(self) -> Sequence[float]:
        """Some minutes are missing, and an hour and more."""
        kept = [*range(85), *range(95, 110), *range(185, 230)]
        return [self.start + SPACING * sample for sample in kept]

    def quotes_at(self, moments: Sequence[float]) -> list[Quotes]:
        """The prices of those moments, some of them wrong."""
        return [self._spoilt(round(moment - self.start) // SPACING) for moment in moments]

    def _spoilt(self, sample: int) -> Quotes:
        btc, eth, sol, xrp = FEW
        quotes = self._whole(sample)
        if 30 <= sample < 40:
            del quotes[btc]
        if 45 <= sample < 70:
            quotes[eth] = self._whole(45)[eth]
        if sample >= 75:
            quotes[sol] = _times(quotes[sol], "1.3")
        if sample == 80:
            quotes[xrp] = _times(quotes[xrp], "1000")
        if sample in (100, 101):
            quotes[xrp] = (quotes[xrp][1], quotes[xrp][0])
        return quotes

    def _whole(self, sample: int) -> dict[str, Prices]:
        (quotes,) = self.whole.quotes_at([self.start + SPACING * sample])
        return {name: quotes[name] for name in FEW}


def _times(prices: Prices, factor: str) -> Prices:
    bid, ask = (f"{Decimal(price) * Decimal(factor):f}" for price in prices)
    return bid, ask


Rehearse = Callable[[Course, Mapping[str, Any]], None]


@pytest.fixture
def rehearse(tables: Cloud, monkeypatch: pytest.MonkeyPatch) -> Rehearse:
    """Goes through a course with the handler as Lambda has it on a laptop, in one process after the other."""

    def go_through(course: Course, settings: Mapping[str, Any]) -> None:
        Configurations(BOT).change(settings, "a test", now())
        with running(course.exchange()) as exchange:
            for name, value in {**LOCAL, "EXCHANGE_URL": exchange.url}.items():
                monkeypatch.setenv(name, value)
            app: Any = None

            def tick(number: int, due: int) -> None:
                nonlocal app
                if number % PROCESS_TICKS == 0:
                    app = lambdas.load(monkeypatch, "trader")
                app.handler(lockstep(due), CONTEXT)

            course.go_through(exchange, tick)

    return go_through


def test_through_gaps_guards_and_trades_nothing_differs(rehearse: Rehearse, tmp_path: Path) -> None:
    market = Spoilt(GeneratedMarket(7))
    course = Course.written(market, market.moments, tmp_path / "spoilt.csv.gz")
    rehearse(course, SHORT)
    backtest = Backtest.of(BOT, course.history)
    found = compare(BOT, backtest)
    assert found.differences == ()
    assert (found.samples, found.guarded) == (145, 20)
    assert found.trades >= 15
    dearer = Backtest.of(BOT, course.history, cost_bps=6)
    assert any("received is" in each for each in compare(BOT, dearer).differences)


def test_at_the_venues_costs_until_a_fall_of_equity_stops_it_all_is_alike(rehearse: Rehearse, tmp_path: Path) -> None:
    course = Course.planted(80, tmp_path / "planted.csv.gz", drift=0.1)
    rehearse(course, {**SHORT, "cost_bps": None, "trade_size_percentage": 0.5, "max_drawdown": 0.01})
    backtest = Backtest.of(BOT, course.history)
    found = compare(BOT, backtest)
    assert found.differences == ()
    assert found.trades
    assert list(backtest.memory.state.halts_of("paper")) == ["max_drawdown"]


@pytest.mark.parametrize(
    "environment",
    [
        {"AWS_ENDPOINT_URL": "", "EXCHANGE_URL": "http://127.0.0.1:9"},
        {"AWS_ENDPOINT_URL": "", "EXCHANGE_URL": "https://api.uphold.com"},
        {**LOCAL, "EXCHANGE_URL": "https://api.uphold.com"},
        {**LOCAL, "EXCHANGE_URL": "http://127.0.0.1:9", "LIVE_TRADING": "enabled"},
    ],
    ids=["on AWS", "on AWS at the real exchange", "at the real exchange", "with live trading"],
)
def test_where_anything_could_be_real_nobody_tells_the_bot_what_time_it_is(
    tables: Cloud, monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    app = lambdas.load(monkeypatch, "trader")
    with pytest.raises(PermissionError, match="leave `now` out of the event"):
        app.handler(lockstep(1_767_225_600), CONTEXT)
    assert tables.items("BotState") == tables.items("PriceSnapshot") == []


def test_told_nothing_it_goes_by_its_own_clock_again(
    tables: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {**LOCAL, "EXCHANGE_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    app, event = lambdas.load(monkeypatch, "trader"), lockstep(1_767_225_600)
    app.handler(event, CONTEXT)
    assert '"outcome":"stale"' not in capsys.readouterr().out
    app.handler({"Records": event["Records"]}, CONTEXT)
    assert '"outcome":"stale"' in capsys.readouterr().out
