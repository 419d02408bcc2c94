"""Every command that tells something tells it as JSON to programs: one value on stdout, and nothing else there."""

import json
from pathlib import Path

import pytest

from cli.main import command_line
from cli.screens import commands_of
from tests import commands
from tests.bots import process, run
from tests.fakes import Clock
from tests.jobs import stock, write_made
from tests.lambdas import Http, load, shelve_page
from tests.markets import MONDAY
from tests.tables import Cloud
from tests.unit.test_twins import TALK_ONLY

DAY = ("--from", "2025-05-05", "--to", "2025-05-06")
SHORT = ("--set", "window=30", "--set", "horizon=15")
TYPED = {
    **{look: (look,) for look in ("status", "trades", "opportunities", "decisions", "portfolio", "health", "cost")},
    **{look: (look,) for look in ("performance", "ticks", "equity", "prices", "markets", "token")},
    **{tell: (tell,) for tell in ("start", "stop", "kill", "rearm")},
    "explain": ("explain", "1"),
    "replay": ("replay", *DAY),
    "config get": ("config", "get"),
    "config set": ("config", "set", "risk_tolerance=0.4"),
    "config check": ("config", "check", "risk_tolerance=0.4"),
    "config history": ("config", "history"),
    "config restore": ("config", "restore", "1", "risk_tolerance"),
    "pairs list": ("pairs", "list"),
    "pairs add": ("pairs", "add", "SOL-USD"),
    "pairs remove": ("pairs", "remove", "BTC-USD"),
    "bots list": ("bots", "list"),
    "bots create": ("bots", "create", "second", "--clone", "default"),
    "market check": ("market", "check", "MARKET"),
    "backtest": ("backtest", "--market", "MARKET", *SHORT),
    "sweep": ("sweep", "--market", "MARKET", *SHORT, "--grid", "min_confidence=0.6,0.7", "--jobs", "1"),
    "fit": ("fit", "--market", "MARKET", "--forecaster", "drift", "--window", "30", "--horizon", "15"),
}
# What needs more around it has a test beside its own: the stack, the trader's function, a WebSocket, the bucket.
ELSEWHERE = {
    "bots remove": "tests/integration/test_fleet.py",
    "up": "tests/e2e/conftest.py",
    "doctor": "tests/unit/test_cli.py",
    "live": "tests/unit/test_cli.py",
    "credential": "tests/unit/test_cli.py",
    "resolve": "tests/unit/test_cli.py",
    "notify test": "tests/integration/test_notifications.py",
    "notify telegram": "tests/integration/test_notifications.py",
    "watch": "tests/unit/test_watching.py",
    "market upload": "tests/e2e/test_backtests.py",
}


@pytest.fixture
def market(tables: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A market's file, uploaded too, beside a bot that has traded, and the command line before its API."""
    shelve_page(monkeypatch, tmp_path)
    monkeypatch.setattr("heisenbug.wiring.now", Clock(MONDAY + 200))
    commands.connect(Http(load(monkeypatch, "api").handler), monkeypatch, tmp_path)
    run(process(Clock()), range(20))
    file = write_made(tmp_path)
    stock(file)
    return file


@pytest.mark.parametrize("command", TYPED)
def test_a_program_gets_one_value_and_nothing_else(command: str, market: Path) -> None:
    words = [str(market) if word == "MARKET" else word for word in TYPED[command]]
    result = commands.run(*words, "--json")
    assert commands.exit_code(result) == 0, result.output
    assert json.loads(result.stdout)


def test_no_command_is_left_out() -> None:
    assert {*TYPED, *ELSEWHERE, *TALK_ONLY} == {name for name, _ in commands_of(command_line())}
