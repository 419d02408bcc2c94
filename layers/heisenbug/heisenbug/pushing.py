"""What the tables' streams say, as messages for every client."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.protections import Halt, Protection
from heisenbug.domain.settings import as_plain, parse
from heisenbug.messages import (
    PUSHED_TRADES,
    dropped_message,
    halt_message,
    price_message,
    tick_message,
    trade_message,
    utc,
)
from heisenbug.push.sender import envelope
from heisenbug.store.bot_config import ABOUT
from heisenbug.store.bot_state import LEDGER, TICK, BotStateItem, dropped_of, halts_from
from heisenbug.store.price_snapshot import PriceSnapshotItem, snapshot_of
from heisenbug.store.trade_history import TradeHistoryItem, trade_of
from heisenbug.store.values import from_dynamo

Image = Mapping[str, Any]
BY_HAND = "re-armed by hand"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one item: the table's own name, the item before and after as DynamoDB writes them."""

    table: str
    before: Image
    after: Image

    @property
    def bot_id(self) -> str:
        """The bot that it is of; partitions of one bot are told apart by what follows a colon."""
        key: str = (self.after or self.before)["bot_id"]["S"]
        return key.partition(":")[0]


def change_of(record: Mapping[str, Any], prefix: str) -> Change:
    """The change that a stream record states."""
    table = record["eventSourceARN"].split(":table/")[1].split("/")[0]
    stream = record["dynamodb"]
    return Change(table.removeprefix(prefix), stream.get("OldImage") or {}, stream.get("NewImage") or {})


@dataclass(frozen=True, slots=True)
class News:
    """What a change has to tell: its type, data, time and, where a client must see gaps, its number."""

    kind: str
    data: Mapping[str, Any]
    at: str
    seq: int | None = None


def messages_of(change: Change) -> Iterable[bytes]:
    """What clients are told of a change, each as they get it."""
    return (envelope(news.kind, news.data, news.at, news.seq) for news in news_of(change))


def news_of(change: Change) -> Iterable[News]:
    """What a change has to tell; nothing is told that is not stored."""
    teller = _TELLERS.get(change.table)
    return teller(change) if teller and change.after else ()


def _trade(change: Change) -> Iterable[News]:
    item = TradeHistoryItem()
    item.from_dynamodb_dict(dict(change.after))
    trade = trade_of(item)
    kind = PUSHED_TRADES.get(trade.state)
    if kind and change.before.get("state") != change.after["state"]:
        at = utc(trade.finished_at or trade.due)
        yield News(kind, trade_message(trade), at, trade.sequence or None)


def _tick(change: Change) -> Iterable[News]:
    item = PriceSnapshotItem()
    item.from_dynamodb_dict(dict(change.after))
    snapshot = snapshot_of(item)
    if snapshot.ticks and not change.before:
        at = utc(snapshot.at)
        yield News("price_update", price_message(snapshot), at)
        yield News("tick_completed", tick_message(snapshot), at, snapshot.ticks)


def _settings(change: Change) -> Iterable[News]:
    if change.before.get("version") == change.after.get("version"):
        return
    plain = {name: from_dynamo(value) for name, value in change.after.items()}
    try:
        settings = parse({name: value for name, value in plain.items() if name not in ABOUT})
    except InvalidSettings:
        return
    version = int(plain.get("version", 0))
    data = {"version": version, "settings": as_plain(settings), "by": plain.get("updated_by", "")}
    yield News("config_updated", data, str(plain.get("updated_at", "")), version)


def _state(change: Change) -> Iterable[News]:
    after = change.after
    if after["item"]["S"].startswith(LEDGER) and after.get("dropped") != change.before.get("dropped"):
        yield from _dropped(after)
    if after["item"] == {"S": TICK} and "killed_at" in after and "killed_at" not in change.before:
        at, by, why = (after[name]["S"] for name in ("killed_at", "killed_by", "killed_why"))
        yield News("protection_triggered", {"by": by, "why": why, "until": BY_HAND}, at)
    if after["item"] == {"S": TICK} and after.get("halts") != change.before.get("halts"):
        yield from _halted(change)


def _halted(change: Change) -> Iterable[News]:
    """What stops entries since this change, whichever money it is of."""
    before, after = (_halts(image) for image in (change.before, change.after))
    for key, halt in after.items():
        if key not in before or before[key].since != halt.since:
            told = halt_message(key[1], halt)
            yield News("protection_triggered", {**told, "until": told["until"] or BY_HAND}, told["since"])


def _halts(image: Image) -> dict[tuple[str, Protection], Halt]:
    kept = json.loads(image["halts"]["S"]) if "halts" in image else {}
    return {(mode, name): halt for mode, some in kept.items() for name, halt in halts_from(some).items()}


def _dropped(ledger: Image) -> Iterable[News]:
    item = BotStateItem()
    item.from_dynamodb_dict(dict(ledger))
    for row in (item.dropped or [])[:1]:
        data = dropped_message(dropped_of(row))
        yield News("trade_skipped", data, data["at"])


_TELLERS: Mapping[str, Callable[[Change], Iterable[News]]] = {
    "TradeHistory": _trade,
    "PriceSnapshot": _tick,
    "BotConfig": _settings,
    "BotState": _state,
}
