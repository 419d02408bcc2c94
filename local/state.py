"""What outlives a stop, in one JSON file: where the market stood, and the account."""

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

from heisenbug.markets.market import Market, epoch, iso
from local.answers import Json
from local.books import Books, Card, Conversion, Landing, Offer, Status
from local.replay import InvalidPosition, Replay

_Record = TypeVar("_Record", Card, Offer, Conversion)


def save_position(state_file: Path, market: Market, replay: Replay, now: float, books: Books | None = None) -> None:
    """Write where the market stands, and the account's books, whole or not at all."""
    state: Json = {"market": market.name, "market_time": iso(replay.market_time(now))}
    if books is not None:
        state["account"] = _books_body(books)
    state_file.parent.mkdir(parents=True, exist_ok=True)
    draft = state_file.with_name(state_file.name + ".new")
    draft.write_text(json.dumps(state) + "\n")
    os.replace(draft, state_file)


def saved_position(state_file: Path, market: Market) -> float | None:
    """Where this market was left; none for another market, or where its recording does not reach that far (any more).

    Raises InvalidPosition where the file holds something else.
    """
    state = _state(state_file)
    if state is None:
        return None
    try:
        position, name = epoch(state["market_time"]), state["market"]
    except (ValueError, KeyError, TypeError):
        raise InvalidPosition(f"{state_file} holds no position of a market: delete it to begin anew.") from None
    inside = market.first <= position <= (math.inf if market.last is None else market.last)
    return position if inside and name == market.name else None


def saved_books(state_file: Path, market: Market) -> Books | None:
    """The account as this market's exchange left it; none for another market, or where no account was kept.

    Raises InvalidPosition where the file holds something else.
    """
    state = _state(state_file)
    if state is None or state.get("market") != market.name or "account" not in state:
        return None
    try:
        return _books(state["account"])
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation):
        raise InvalidPosition(f"{state_file} holds a spoilt account: delete it to begin anew.") from None


def _state(state_file: Path) -> dict[str, Any] | None:
    try:
        state = json.loads(state_file.read_text())
    except FileNotFoundError:
        return None
    except OSError as problem:
        text = f"{state_file} cannot be read ({problem.strerror}): choose another state file."
        raise InvalidPosition(text) from None
    except ValueError:
        state = None
    if isinstance(state, dict):
        return state
    raise InvalidPosition(f"{state_file} holds no position of a market: delete it to begin anew.")


def _books_body(books: Books) -> Json:
    return {
        "opening": {currency: str(amount) for currency, amount in books.opening.items()},
        "cards": _bodies(books.cards),
        "offers": _bodies(books.offers),
        "conversions": _bodies(books.conversions),
        "landings": [
            {"offer": _body(each.offer), "committed_at": each.committed_at, "lands_at": each.lands_at}
            for each in books.landings
        ],
    }


def _books(body: Mapping[str, Any]) -> Books:
    return Books(
        {currency: Decimal(amount) for currency, amount in body["opening"].items()},
        _records(Card, body["cards"]),
        _records(Offer, body["offers"]),
        _records(Conversion, body["conversions"]),
        tuple(
            Landing(_record(Offer, each["offer"]), float(each["committed_at"]), float(each["lands_at"]))
            for each in body["landings"]
        ),
    )


def _bodies(records: Iterable[Card | Offer]) -> list[Json]:
    return [_body(record) for record in records]


def _body(record: Card | Offer) -> Json:
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(record).items()}


def _records(kind: type[_Record], bodies: list[Mapping[str, Any]]) -> tuple[_Record, ...]:
    return tuple(_record(kind, body) for body in bodies)


def _record(kind: type[_Record], body: Mapping[str, Any]) -> _Record:
    """The record whose fields a body holds: amounts as text, each other value as it is."""
    read: dict[object, Callable[[Any], Any]] = {Decimal: Decimal, Status: Status}
    values = {part.name: read.get(part.type, _as_it_is)(body[part.name]) for part in fields(kind)}
    return kind(**values)


def _as_it_is(value: Any) -> Any:
    return value
