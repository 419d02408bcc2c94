"""`heisenbug watch`: what the bot pushes, line by line."""

import json as jsonlib
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from cli import show
from cli.asking import Json
from cli.errors import CannotRun
from cli.stack import find_stack

PING_SECONDS = 240


def watch(json: Json = False) -> None:
    """Follow the bot live over its WebSocket until Ctrl-C."""
    stack = find_stack()
    headers = {"Authorization": f"Bearer {stack.token}"}
    try:
        with connect(stack.websocket, additional_headers=headers, open_timeout=15) as socket:
            show.say("Connected. Ctrl-C ends the watching, not the bot.")
            socket.send('{"action": "get_status"}')
            follow(socket, json)
    except KeyboardInterrupt:
        return
    except (OSError, WebSocketException) as error:
        raise CannotRun(f"The bot's WebSocket does not answer ({error}); `heisenbug doctor` looks why.") from error


def follow(socket: ClientConnection, json: bool) -> None:
    """Print every message until the connection ends; ping before the gateway finds it idle."""
    while True:
        try:
            message = jsonlib.loads(socket.recv(timeout=PING_SECONDS))
        except TimeoutError:
            socket.send('{"action": "ping"}')
            continue
        show.as_json(message) if json else show.out.print(line(message), soft_wrap=True)


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
