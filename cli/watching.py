"""`heisenbug watch`: the bot live, in one frame of a terminal or line by line."""

import random
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Annotated, Any, cast
from urllib.parse import urlencode

import typer
from websockets.sync.client import ClientConnection, connect

from cli import show
from cli.asking import Json
from cli.keeping_up import KeepingUp
from cli.live_view import LiveView
from cli.stack import call, find_stack, of_bot
from cli.watched import Known, Plain

OPEN_SECONDS = 15
Unframed = Annotated[bool, typer.Option("--plain", help="One line an event, also at a terminal.")]


def watch(plain: Unframed = False, json: Json = False) -> None:
    """Follow the bot live until Ctrl-C: in one frame at a terminal, elsewhere a line an event."""
    is_framed = show.out.is_terminal and not show.out.is_dumb_terminal and not plain and not json
    with LiveView(show.out) if is_framed else nullcontext(Lines(json)) as telling:
        keeping = KeepingUp(
            _open,
            lambda: cast(Plain, call("GET", "overview")),
            telling,
            time.sleep,
            lambda: datetime.now(UTC),
            random.random,
        )
        try:
            keeping.follow()
        except KeyboardInterrupt:
            return


def _open() -> ClientConnection:
    stack = find_stack()
    headers = {"Authorization": f"Bearer {stack.token}"}
    return connect(_address(stack.websocket), additional_headers=headers, open_timeout=OPEN_SECONDS)


def _address(websocket: str) -> str:
    """Where the bot that was chosen is watched."""
    asked = urlencode(of_bot("watch"))
    return f"{websocket}?{asked}" if asked else websocket


class Lines:
    """Prints every event on a line of its own, for programs as JSON; says on stderr how the connection is."""

    def __init__(self, json: bool) -> None:
        self._json = json

    def connected(self) -> None:
        """The connection stands."""
        show.say("Connected. Ctrl-C ends the watching, not the bot.")

    def lost(self, why: str, pause_seconds: float) -> None:
        """The connection is gone; it is tried again after a pause."""
        show.tell(f"Not connected ({why}); again in {pause_seconds:.1f} s.")

    def told(self, message: Plain) -> None:
        """Something new."""
        show.as_json_line(message) if self._json else show.out.print(line(message), soft_wrap=True)

    def knows(self, known: Known) -> None:
        """Nothing that was not told."""


def line(message: dict[str, Any]) -> str:
    """One message as a line."""
    kind, data = message["type"], message["data"]
    return f"{message['at']}  {kind:<20} {_TELL.get(kind, show.cell)(data)}"


def _tick(data: dict[str, Any]) -> str:
    guarded = f", guarded: {', '.join(data['guarded'])}" if data["guarded"] else ""
    return f"tick {data['tick']}, equity {data['equity']}, {data['samples']} samples{guarded}"


def _trade(data: dict[str, Any]) -> str:
    live = "LIVE " if data.get("mode") == "live" else ""
    return (
        f"{live}{data['amount']} {data['from']} -> {data['received'] or '-'} {data['to']}: "
        f"{data['reason']} {data['outcome']}"
    )


def _unresolved(data: dict[str, Any]) -> str:
    return f"{_trade(data)} Nothing else is traded. Next: heisenbug resolve {data['id']}"


def _prices(data: dict[str, Any]) -> str:
    return "  ".join(f"{pair} {quote['bid']}/{quote['ask']}" for pair, quote in data.items())


def _status(data: dict[str, Any]) -> str:
    mode = "LIVE" if data["mode"] == "live" else data["mode"]
    trade, quiet_until = data.get("open_trade"), data.get("exchange_quiet_until")
    bars = [
        f"held back from live: {data['held_back']}" if data.get("held_back") else "",
        f"the exchange wants quiet until {quiet_until}" if quiet_until else "",
        f"UNRESOLVED: {_unresolved(trade)}" if trade and trade["state"] == "UNRESOLVED" else "",
    ]
    known = f"{mode}, {data['state']}, equity {data['equity']} {data['base_currency']}"
    return "; ".join(filter(None, (known, *bars)))


_TELL: dict[str, Any] = {
    "tick_completed": _tick,
    "price_update": _prices,
    "bot_status": _status,
    "trade_executed": _trade,
    "trade_failed": _trade,
    "trade_unresolved": _unresolved,
    "trade_skipped": lambda data: f"{data['from']} -> {data['to']} {data['state']}: {data['why']}",
    "protection_triggered": lambda data: f"by {data['by']}: {data['why']}",
    "config_updated": lambda data: f"version {data['version']}",
}
