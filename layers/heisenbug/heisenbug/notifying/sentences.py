"""What is worth a notice, and its sentence: made of what clients are pushed, and of the dead bot's alarm."""

from collections.abc import Callable, Mapping
from typing import Any

from heisenbug.domain.notices import Kind, Notice

Data = Mapping[str, Any]
# What the alarm watches that goes off where the bot checks no more.
TICKS = "TicksCompleted"
LONGEST = 1000


def notice_of(kind: str, data: Data, at: str) -> Notice | None:
    """The notice of a message that clients are pushed; None where it is worth none."""
    if kind not in _PUSHED:
        return None
    about, key, sentence = _PUSHED[kind]
    return Notice(about, f"{kind} {key(data) or at}", _cut(f"{at}: {sentence(data)}"))


def alarm_notice(alarm: Data) -> Notice | None:
    """The notice of an alarm that went off or is over; None unless it says whether the bot is dead."""
    state, before = alarm.get("NewStateValue"), alarm.get("OldStateValue")
    if (alarm.get("Trigger") or {}).get("MetricName") != TICKS or (state, before) not in _DEAD_OR_ALIVE:
        return None
    at = str(alarm.get("StateChangeTime", ""))
    says = str(alarm.get("AlarmDescription")) if state == "ALARM" else "The bot checks the market again."
    return Notice(Kind.DEAD, f"{state} {at}", _cut(f"{at[:19]}Z: {says}"))


_DEAD_OR_ALIVE = (("ALARM", "OK"), ("ALARM", "INSUFFICIENT_DATA"), ("OK", "ALARM"))


def _executed(trade: Data) -> str:
    cost = "" if trade["cost_bps"] is None else f", at a cost of {trade['cost_bps']:g} bp"
    gave, got = f"{trade['amount']} {trade['from']}", f"{trade['received']} {trade['to']}"
    return f"{_money(trade)} {gave} became {got}{cost}; {trade['outcome'] or trade['reason']}"


def _failed(trade: Data) -> str:
    return f"{_money(trade)} {trade['amount']} {trade['from']} did not become {trade['to']}. {trade['outcome']}"


def _unresolved(trade: Data) -> str:
    return (
        f"{_money(trade)} nobody knows whether {trade['amount']} {trade['from']} became {trade['to']}; nothing is "
        f"traded until it is known. If the bot does not find out by itself, state it: heisenbug resolve {trade['id']}"
    )


def _protected(protection: Data) -> str:
    what = "Entries are" if protection.get("lift") else "Trading is"
    until = f" until {protection['until']}" if protection.get("until") else ""
    lift = f" {protection['lift']}" if protection.get("lift") else ""
    return f"{what} stopped{until}, by {protection['by']}: {protection['why']}{lift}"


def _money(trade: Data) -> str:
    return f"{str(trade['mode']).capitalize()} money:"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _trade_id(trade: Data) -> str:
    return str(trade["id"])


def _by_its_time(data: Data) -> str:
    return f"{data['by']} {data['since']}" if data.get("since") else ""


# Whatever protection arrives later is told too, as long as clients are pushed it in the same shape.
_PUSHED: Mapping[str, tuple[Kind, Callable[[Data], str], Callable[[Data], str]]] = {
    "trade_executed": (Kind.TRADES, _trade_id, _executed),
    "trade_failed": (Kind.TRADES, _trade_id, _failed),
    "trade_unresolved": (Kind.UNRESOLVED, _trade_id, _unresolved),
    "protection_triggered": (Kind.PROTECTIONS, _by_its_time, _protected),
}
