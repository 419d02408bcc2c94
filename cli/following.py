"""Following the local bot's log, one line a tick, with a line of progress below, until Ctrl-C."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.status import Status

from cli import emulator, processes, show
from cli.errors import CannotRun, Refused
from cli.paths import Home
from cli.stack import STACK_NAME, call

PAUSE_SECONDS = 1.0
LOOK_BACK_SECONDS = 60
GROUPS = tuple(
    f"/aws/lambda/{STACK_NAME}-{name}" for name in ("trader", "refit", "broadcast", "notify", "actions", "api")
)


def follow(home: Home, port: int) -> None:
    """Print the bot's ticks and errors as they are logged; ends with KeyboardInterrupt."""
    logs = emulator.client("logs", port)
    seen: set[tuple[str, int, str]] = set()
    with Status("", console=show.talk) as status:
        while True:
            if not processes.running(home, emulator.NAME):
                raise CannotRun("The embedded AWS has ended by itself; `make up` starts it again.")
            for event in _told(logs, seen):
                show.out.print(event, soft_wrap=True)
            status.update(_progress())
            time.sleep(PAUSE_SECONDS)


def _told(logs: Any, seen: set[tuple[str, int, str]]) -> list[str]:
    """What is new in the logs of the last minute, as lines; nothing while they cannot be read."""
    try:
        events = list(new_events(logs, int((time.time() - LOOK_BACK_SECONDS) * 1000), seen))
    except (BotoCoreError, ClientError):
        return []
    return list(filter(None, map(line, events)))


def new_events(logs: Any, since: int, seen: set[tuple[str, int, str]]) -> Iterator[str]:
    """The lines of the functions' logs since a moment (epoch milliseconds) that are not `seen` yet, and are then."""
    for group in GROUPS:
        try:
            events = logs.filter_log_events(logGroupName=group, startTime=since)["events"]
        except logs.exceptions.ResourceNotFoundException:
            continue
        for event in events:
            known = (group, event["timestamp"], event["message"])
            if known not in seen:
                seen.add(known)
                yield event["message"]


def line(message: str) -> str:
    """A log line as a person reads it; empty for those that say nothing new."""
    try:
        entry = json.loads(message)
    except ValueError:
        return message.strip() if "Error" in message or "Traceback" in message else ""
    if "outcome" in entry:
        return _tick_line(entry)
    return f"{entry.get('level')}: {entry.get('message')}" if entry.get("level") in ("ERROR", "WARNING") else ""


def _tick_line(entry: dict[str, Any]) -> str:
    due = datetime.fromtimestamp(entry["due"], UTC).strftime("%H:%M:%S")
    samples = f"{entry['samples']} samples" if "samples" in entry else ""
    told = [entry.get("chosen", ""), entry.get("detail", ""), entry.get("failure", "")]
    return "  ".join(filter(None, (due, f"{entry['outcome']:<10}", samples, *told)))


def _progress() -> str:
    try:
        status = call("GET", "status")
    except (CannotRun, Refused) as error:
        return str(error)
    window = status["window"]
    left = (datetime.fromisoformat(status["next_tick"].replace("Z", "+00:00")) - datetime.now(UTC)).total_seconds()
    bar = ", UNRESOLVED trade" if (status["open_trade"] or {}).get("state") == "UNRESOLVED" else ""
    bar += ", held back from live" if status.get("held_back") else ""
    return (
        f"{status['mode'].upper()} {status['state']}{bar}, tick {status['ticks']}, equity {status['equity']} "
        f"{status['base_currency']}, window {window['samples']} of {window['of']}, next check in {max(left, 0):.0f} s "
        "(Ctrl-C stops the bot and keeps its state)"
    )
