"""What a watcher knows of the bot: the whole over HTTP, moved on by what is pushed, and when the whole is needed again.

The panel keeps up in the same way (web/live.js).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

Plain = dict[str, Any]
SHOWN_TRADES = 50
POINTS = 300
# The kinds that are counted, by the messages that carry their `seq`.
COUNTED = {
    "tick_completed": "ticks",
    "trade_executed": "trades",
    "trade_failed": "trades",
    "config_updated": "settings",
}
TRADES = ("trade_executed", "trade_failed", "trade_unresolved")
# What these change is told in full by the whole alone.
CHANGES_MORE = (*TRADES, "config_updated", "protection_triggered")


@dataclass(frozen=True, slots=True)
class Known:
    """The bot as far as it was told; `counted` has the newest `seq` of each kind, `pushed` the newest that came so."""

    status: Plain
    portfolio: Plain
    trades: Sequence[Plain]
    equity: Sequence[float]
    priced_at: datetime | None
    told: frozenset[tuple[str, str]]
    counted: Mapping[str, int]
    pushed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message makes known: is it new, are others before it missing, has more changed than it tells?"""

    known: Known
    is_new: bool = True
    is_gap: bool = False
    changes_more: bool = False


def taken(whole: Mapping[str, Any], before: Known | None, now: datetime) -> tuple[Known, list[Plain]]:
    """What is known once the whole was asked for at `now`, and the trades that no push had told, oldest first."""
    status, trades = whole["status"], whole["trades"]
    told = before.told if before else frozenset()
    missed = [trade for trade in reversed(trades) if _name(trade) not in told] if before else []
    pushed = before.pushed if before else {}
    counted = {
        "ticks": status["ticks"],
        "trades": trades[0]["sequence"] if trades else 0,
        "settings": status["settings_version"],
    }
    age = status["data_age_seconds"]
    known = Known(
        status=status,
        portfolio=whole["portfolio"],
        trades=trades,
        equity=[float(point["equity"]) for point in whole["equity"]],
        priced_at=None if age is None else now - timedelta(seconds=age),
        told=told | {_name(trade) for trade in trades},
        counted={kind: max(count, pushed.get(kind, 0)) for kind, count in counted.items()},
        pushed=pushed,
    )
    return known, [_message_of(trade) for trade in missed]


def heard(known: Known, message: Mapping[str, Any]) -> Heard:
    """What a pushed message makes of what is known."""
    kind, data = message["type"], message["data"]
    if kind in TRADES and _name(data) in known.told:
        return Heard(known, is_new=False)
    counted, seq = COUNTED.get(kind), message.get("seq")
    if counted is None or seq is None:
        return Heard(_moved(known, kind, data), changes_more=kind in CHANGES_MORE)
    if kind not in TRADES and (seq < known.counted[counted] or seq <= known.pushed.get(counted, 0)):
        return Heard(known, is_new=False)
    is_gap = seq > known.counted[counted] + 1
    newest = max(seq, known.counted[counted])
    after = replace(known, counted={**known.counted, counted: newest}, pushed={**known.pushed, counted: newest})
    return Heard(_moved(after, kind, data), is_gap=is_gap, changes_more=_is_more(known, kind, data))


def _is_more(known: Known, kind: str, data: Plain) -> bool:
    """Whether a message lets on that more has changed than it tells."""
    if kind != "tick_completed":
        return kind in CHANGES_MORE
    status = known.status
    return (
        bool(data["killed"]) != bool(status["killed"])
        or data["halts"] != [halt["by"] for halt in status["halts"]]
        or data["settings_version"] != status["settings_version"]
        or data["open_trade"] != (status["open_trade"] or {}).get("id")
        or status["state"] == "settings not understood"
    )


def _moved(known: Known, kind: str, data: Plain) -> Known:
    if kind == "tick_completed":
        return _ticked(known, data)
    if kind in TRADES:
        others = [trade for trade in known.trades if trade["id"] != data["id"]]
        return replace(known, trades=[data, *others][:SHOWN_TRADES], told=known.told | {_name(data)})
    return known


def _ticked(known: Known, data: Plain) -> Known:
    due, status = moment(data["due"]), known.status
    moved = {
        **status,
        "ticks": data["tick"],
        "equity": data["equity"],
        "drawdown": data["drawdown"],
        "guarded": data["guarded"],
        "last_tick": data["due"],
        "next_tick": (due + timedelta(seconds=status["check_interval"])).isoformat(),
        "window": {**status["window"], "samples": min(data["samples"], status["window"]["of"])},
    }
    equity = known.equity if data["equity"] is None else [*known.equity, float(data["equity"])][-POINTS:]
    return replace(known, status=moved, equity=equity, priced_at=due - timedelta(seconds=data["price_age_seconds"]))


def moment(text: str) -> datetime:
    """A time as the bot tells it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def _name(trade: Mapping[str, Any]) -> tuple[str, str]:
    return trade["id"], trade["state"]


def _message_of(trade: Plain) -> Plain:
    """A trade that was missed, as it would have been pushed."""
    kind = f"trade_{trade['state'].lower()}"
    return {"type": kind, "data": trade, "at": trade["finished_at"] or trade["at"], "seq": trade["sequence"]}
