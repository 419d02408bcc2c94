"""`heisenbug watch`: it tells all that happened, comes back by itself, and fits a terminal, a pipe and a program."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text
from typer.testing import CliRunner
from websockets.exceptions import ConnectionClosedOK, InvalidStatus

from cli import main, watching
from cli.errors import CannotRun
from cli.keeping_up import PING_SECONDS, KeepingUp
from cli.live_view import drawn, line
from cli.watched import Known, Plain, taken

BEGIN = datetime(2026, 11, 22, 17, 52, 30, tzinfo=UTC)
CLOSED = ConnectionClosedOK(None, None)


def trade(sequence: int, state: str = "EXECUTED", **changes: Any) -> Plain:
    row = {
        **{"id": f"id-{sequence}", "sequence": sequence, "state": state, "mode": "paper"},
        **{"at": "2026-11-22T17:52:31Z", "finished_at": "2026-11-22T17:52:32Z"},
        **{"from": "USD", "to": "BTC", "amount": "81", "received": "0.0010419"},
        **{"reason": "every gate is open: net 127 bp after 6 bp of cost", "outcome": ""},
    }
    return {**row, **changes}


def whole(ticks: int = 3, trades: tuple[Plain, ...] = (), **status: Any) -> Plain:
    known = {
        **{"ticks": ticks, "settings_version": 1, "mode": "paper", "state": "running", "killed": None, "halts": []},
        **{"open_trade": None, "held_back": None, "settings_errors": [], "guarded": {}, "exchange_quiet_until": None},
        **{"equity": "1000", "drawdown": 0.01, "max_drawdown": 0.2, "base_currency": "USD", "data_age_seconds": 1.0},
        **{"check_interval": 5, "window": {"samples": 120, "of": 120}, "next_tick": "2026-11-22T17:52:35Z"},
    }
    holdings = [
        {"asset": "BTC", "amount": "0.001", "value": 92.0},
        {"asset": "ETH", "amount": "0", "value": 0.0},
        {"asset": "USD", "amount": "908", "value": 908.0},
    ]
    return {
        "status": {**known, **status},
        "portfolio": {"holdings": holdings},
        "trades": list(trades),
        "equity": [{"equity": str(worth)} for worth in (998, 999, 1000)],
    }


def tick(number: int, **changes: Any) -> Plain:
    data = {
        **{"tick": number, "due": "2026-11-22T17:52:35Z", "equity": "1001", "drawdown": 0.0, "guarded": {}},
        **{
            "samples": 120,
            "price_age_seconds": 0.5,
            "killed": False,
            "halts": [],
            "settings_version": 1,
            "open_trade": None,
        },
    }
    return {"type": "tick_completed", "data": {**data, **changes}, "at": data["due"], "seq": number}


def pushed(one: Plain) -> Plain:
    return {"type": f"trade_{one['state'].lower()}", "data": one, "at": one["finished_at"], "seq": one["sequence"]}


@dataclass
class Heard:
    """Keeps what it is told."""

    messages: list[Plain]
    known: list[Known]
    pauses: list[float]

    def connected(self) -> None: ...

    def lost(self, why: str, pause_seconds: float) -> None:
        self.pauses.append(pause_seconds)

    def told(self, message: Plain) -> None:
        self.messages.append(message)

    def knows(self, known: Known) -> None:
        self.known.append(known)


@dataclass
class Bot:
    """A bot with its two doors: scripts of what each connection pushes, and what the whole is each time."""

    connections: list[list[Plain | BaseException]]
    wholes: list[Plain]
    now: datetime = BEGIN
    sent: list[str] = field(default_factory=list)
    told: list[Plain] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    asked: int = 0
    seconds_a_message: float = 0.0

    @contextmanager
    def connect(self) -> Iterator["Bot"]:
        if not self.connections:
            raise KeyboardInterrupt
        self.script = self.connections.pop(0)
        if self.script and isinstance(self.script[0], InvalidStatus | OSError):
            raise self.script[0]
        yield self

    def recv(self, timeout: float) -> str:
        if self.seconds_a_message and timeout < self.seconds_a_message:
            self.now += timedelta(seconds=timeout)
            raise TimeoutError
        self.now += timedelta(seconds=self.seconds_a_message)
        message = self.script.pop(0) if self.script else CLOSED
        if isinstance(message, BaseException):
            raise message
        return json.dumps(message)

    def send(self, message: str) -> None:
        self.sent.append(message)

    def ask(self) -> Plain:
        self.asked += 1
        return self.wholes.pop(0) if len(self.wholes) > 1 else self.wholes[0]

    def watched(self, random: float = 1.0) -> list[str]:
        """What a watcher is told until there is nothing more, in short."""
        telling = Heard(self.told, self.known, self.pauses)
        keeping = KeepingUp(self.connect, self.ask, telling, lambda _: None, lambda: self.now, lambda: random)
        with pytest.raises(KeyboardInterrupt):
            keeping.follow()
        return [_short(message) for message in self.told]


def _short(message: Plain) -> str:
    return f"{message['type']} {message['seq']}" if "seq" in message else message["type"]


# ------------------------------------------------------------- keeping up


def test_a_watcher_is_told_how_the_bot_is_then_all_that_is_pushed() -> None:
    bot = Bot([[tick(4), pushed(trade(1)), tick(5)]], [whole()])
    assert bot.watched() == ["bot_status", "tick_completed 4", "trade_executed 1", "tick_completed 5"]


def test_what_is_delivered_twice_is_told_once() -> None:
    bot = Bot([[tick(4), tick(4), pushed(trade(1)), pushed(trade(1)), tick(3)]], [whole(), whole(4, (trade(1),))])
    assert bot.watched() == ["bot_status", "tick_completed 4", "trade_executed 1"]


def test_a_failure_that_landed_after_all_is_told_again_under_its_old_number() -> None:
    landed = pushed(trade(1))
    bot = Bot([[pushed(trade(1, "FAILED")), pushed(trade(2)), landed]], [whole()])
    assert bot.watched()[1:] == ["trade_failed 1", "trade_executed 2", "trade_executed 1"]


def test_over_a_gap_the_whole_is_asked_for_and_every_trade_is_told_once_in_its_order() -> None:
    after = whole(9, (trade(3), trade(2), trade(1)))
    bot = Bot([[tick(4), tick(9), pushed(trade(3)), pushed(trade(2))]], [whole(), after])
    assert bot.watched() == [
        *("bot_status", "tick_completed 4"),
        *("bot_status", "trade_executed 1", "trade_executed 2", "trade_executed 3", "tick_completed 9"),
    ]
    assert bot.asked == 2


def test_trades_that_were_there_before_are_not_told_as_new() -> None:
    bot = Bot([[tick(4)]], [whole(3, (trade(2), trade(1)))])
    assert bot.watched() == ["bot_status", "tick_completed 4"]
    assert [one["sequence"] for one in bot.known[-1].trades] == [2, 1]


def test_a_connection_that_ends_is_opened_again_and_the_whole_asked_for_anew() -> None:
    bot = Bot([[tick(4)], [tick(9)]], [whole(), whole(8, (trade(1),))])
    assert bot.watched() == [
        *("bot_status", "tick_completed 4"),
        *("bot_status", "trade_executed 1", "tick_completed 9"),
    ]


@pytest.mark.parametrize(("random", "pauses"), [(1.0, [1, 1, 2, 4, 60, 60]), (0.0, [0.5, 0.5, 1, 2, 30, 30])])
def test_it_comes_back_after_pauses_that_grow_and_differ_between_watchers(random: float, pauses: list[float]) -> None:
    away: list[list[Plain | BaseException]] = [[OSError("away")] for _ in range(9)]
    bot = Bot([[tick(4)], [tick(5)], *away], [whole()])
    bot.watched(random)
    assert [*bot.pauses[:4], *bot.pauses[-2:]] == pauses


def test_a_bot_that_never_answered_is_an_error_at_once() -> None:
    bot = Bot([[OSError("refused")]], [whole()])
    with pytest.raises(CannotRun, match=r"does not answer \(refused\); `heisenbug doctor` looks why"):
        bot.watched()


def test_who_is_not_let_in_any_more_does_not_try_for_ever() -> None:
    refusal = InvalidStatus(SimpleNamespace(status_code=401))  # type: ignore[arg-type]
    bot = Bot([[tick(4)], [refusal]], [whole()])
    with pytest.raises(CannotRun):
        bot.watched()


def test_it_pings_before_the_gateway_finds_it_idle_also_while_it_is_told_a_lot() -> None:
    every_second: list[Plain | BaseException] = [tick(number) for number in range(4, 500)]
    bot = Bot([every_second], [whole()], seconds_a_message=1.0)
    bot.watched()
    assert bot.sent == ['{"action": "ping"}'] * int(496 // PING_SECONDS)


@pytest.mark.parametrize(
    "message",
    [
        tick(4, killed=True),
        tick(4, settings_version=2),
        tick(4, open_trade="id-1"),
        pushed(trade(1)),
        {"type": "config_updated", "data": {"version": 2}, "at": "t", "seq": 2},
        {"type": "protection_triggered", "data": {"by": "a person", "why": "fear"}, "at": "t"},
    ],
)
def test_what_changes_more_than_it_tells_has_the_whole_asked_for_quietly(message: Plain) -> None:
    bot = Bot([[message]], [whole(), whole(equity="900")])
    assert len(bot.watched()) == 2
    assert bot.known[-1].status["equity"] == "900"


def test_a_tick_moves_what_is_known_on() -> None:
    bot = Bot([[tick(4)]], [whole()])
    bot.watched()
    known = bot.known[-1]
    assert (known.status["equity"], known.equity) == ("1001", [998.0, 999.0, 1000.0, 1001.0])
    assert known.status["next_tick"] == "2026-11-22T17:52:40+00:00"
    assert known.priced_at == datetime(2026, 11, 22, 17, 52, 34, 500_000, tzinfo=UTC)


# ------------------------------------------------------------- the frame


def frame(told: Plain, at: float = 2.0, width: int = 100) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    known, _ = taken(told, None, BEGIN)
    console.print(drawn(known, Text("live"), BEGIN + timedelta(seconds=at)))
    return console.export_text()


def test_the_frame_tells_whose_money_it_is_and_all_that_one_watches() -> None:
    shown = frame(whole(trades=(trade(1),)))
    for said in (
        "PAPER money",
        "running",
        "1000 USD  ▁▅█",
        "1.00% of 20% at most",
        "908 USD · 0.001 BTC ≈ 92.00",
        "3 s old, 120 of 120 samples",
        "in 3 s, every 5 s",
        "17:52:31Z  81 USD → 0.0010419 BTC  executed",
        "every gate is open: net 127 bp after 6 bp of cost",
        "Ctrl-C ends the watching, not the bot",
    ):
        assert said in shown
    assert "ETH" not in shown


def test_live_money_and_everything_that_bars_it_cannot_be_missed() -> None:
    open_trade = trade(0, "UNRESOLVED", id="3b0c", outcome="The answer was lost.")
    killed = {"by": "drawdown", "why": "it fell by 20 %.", "at": "t"}
    guarded = {"BTC-USD": {"reason": "crossed quote", "since": "t"}}
    halt = {"by": "daily_loss", "why": "It fell.", "until": "00:00", "since": "t", "lift": "heisenbug rearm lifts it."}
    bars = {
        "halts": [halt],
        "killed": killed,
        "open_trade": open_trade,
        "guarded": guarded,
        "exchange_quiet_until": "18:00",
    }
    shown = frame(whole(mode="live", state="killed", **bars))
    for said in (
        "LIVE money",
        "! Killed by drawdown: it fell by 20 %. Next: heisenbug rearm.",
        "! Entries are stopped until 00:00 by daily_loss: It fell. heisenbug rearm lifts it.",
        "! BTC-USD is left out: crossed quote",
        "! The exchange wants to be left alone until 18:00",
        "! Trade 3b0c is UNRESOLVED: The answer was lost. Next: heisenbug resolve 3b0c",
    ):
        assert said in shown


@pytest.mark.parametrize(("at", "says"), [(4.6, "in 0 s"), (6.0, "now"), (15.0, "10 s late")])
def test_the_frame_counts_down_to_the_next_check(at: float, says: str) -> None:
    assert says in frame(whole(), at)


def test_a_bot_that_knows_nothing_yet_is_drawn_too() -> None:
    empty = {**whole(equity=None, drawdown=None, data_age_seconds=None), "equity": []}
    shown = frame(empty)
    assert "none yet" in shown
    assert "No trade yet" in shown


@pytest.mark.parametrize("width", [40, 60, 200])
def test_the_frame_fits_the_terminal(width: int) -> None:
    assert max(map(len, frame(whole(trades=(trade(1),)), width=width).splitlines())) <= width


def test_the_line_goes_from_its_least_to_its_most_and_keeps_the_newest() -> None:
    assert line([1, 2, 3]) == "▁▅█"
    assert line([1, 1]) == "▁▁"
    assert line([1]) == line([]) == ""
    assert line([*[1.0] * 400, 9.0])[-1] == "█"
    assert len(line([float(value) for value in range(400)])) <= 40


# ------------------------------------------------------------- the command


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The command on a bot that pushes two ticks and a trade, until a person ends it."""

    def run(*arguments: str) -> Any:
        bot = Bot([[tick(4), pushed(trade(1)), tick(5), KeyboardInterrupt()]], [whole()])
        monkeypatch.setattr(watching, "_open", bot.connect)
        monkeypatch.setattr(watching, "call", lambda *_: bot.ask())
        return CliRunner().invoke(main.command_line(), ["watch", *arguments])

    return run


def test_where_stdout_is_no_terminal_every_event_is_a_plain_line(watch: Callable[..., Any]) -> None:
    told = watch()
    assert [row.split()[1] for row in told.stdout.splitlines()] == [
        *("bot_status", "tick_completed", "trade_executed", "tick_completed"),
    ]
    assert watch("--plain").stdout.splitlines()[1:] == told.stdout.splitlines()[1:]
    assert "Ctrl-C ends the watching" in told.stderr
    assert told.exit_code == 0


def test_a_program_gets_every_event_as_one_line_of_json(watch: Callable[..., Any]) -> None:
    events = [json.loads(row) for row in watch("--json").stdout.splitlines()]
    assert [event["type"] for event in events] == ["bot_status", "tick_completed", "trade_executed", "tick_completed"]
    assert all({"type", "data", "at"} <= set(event) for event in events)
