"""The simulated exchange without its sockets: a request and the time go in, an answer comes out."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus

from local.catalogue import asset, card_body, open_cards
from local.faults import Fault, FaultPlan, InvalidFault, Kind, fault_from, spoilt_quotes, spoilt_row
from local.market import Market, Quotes, epoch, iso
from local.replay import InvalidPosition, Replay, samples
from local.ticker import DEFAULT_CURRENCY, Row, one_pair, ticker

MOST_SAMPLES = 10_000
MOST_ITEMS = 150
_RANGE = re.compile(r"items=(\d{1,6})-(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Request:
    """A request; header names in lower case, `query` with the last value of each name."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: JSON of `body`, or `html` as it is; none at all after `hang_seconds`, where they are given."""

    body: object = None
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    html: str | None = None
    hang_seconds: float | None = None


class BadRequest(ValueError):
    """A request that makes no sense; the text says what would."""


class SimulatedExchange:
    """Uphold's public and account routes over one replayed market, and the local ones to steer it."""

    def __init__(self, market: Market, replay: Replay, balances: Mapping[str, Decimal] | None = None) -> None:
        self.market = market
        self.replay = replay
        self.faults = FaultPlan()
        currencies = {currency for pair in market.pairs for currency in pair.split("-")}
        self.currencies = tuple(sorted(currencies | {DEFAULT_CURRENCY}))
        start_balances = {DEFAULT_CURRENCY: Decimal(1000)} if balances is None else balances
        self.cards = open_cards(self.currencies, start_balances)

    def answer(self, request: Request, now: float) -> Answer:
        """The answer to any request; `now` is the wall clock (epoch seconds)."""
        try:
            return self._route(request, now)
        except (BadRequest, InvalidFault, InvalidPosition) as problem:
            return _error(HTTPStatus.BAD_REQUEST, "validation_failed", str(problem))

    def quotes(self, now: float) -> Quotes:
        """The prices that the market shows at wall time `now`."""
        return self.market.quotes_at([self.replay.market_time(now)])[0]

    def _route(self, request: Request, now: float) -> Answer:
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["v0", "ticker", *rest] if len(rest) <= 1:
                return self._ticker(rest[0].upper() if rest else DEFAULT_CURRENCY, now)
            case "GET", ["v0", "assets"]:
                return self._assets(request)
            case _, ["v0", "me", *rest]:
                return self._account(request, rest, now) if _has_token(request) else _unauthorized()
            case _, ["local", name]:
                return self._local(request, name, now)
        return _not_found()

    def _local(self, request: Request, name: str, now: float) -> Answer:
        match request.method, name:
            case "GET", "health":
                return Answer(self._health(now))
            case "GET", "samples":
                return self._samples(request.query, now)
            case "GET", "faults":
                return Answer(_fault_body(self.faults.fault))
            case "POST", "faults":
                self.faults.order(fault_from(_json(request.body), self.market.pairs))
                return Answer(_fault_body(self.faults.fault))
            case "POST", "position":
                self.replay = self.replay.moved(_market_time(request.body), now)
                return Answer(self._health(now))
        return _not_found()

    def _account(self, request: Request, rest: list[str], now: float) -> Answer:
        match request.method, rest:
            case "GET", ["cards"]:
                return self._cards(request, now)
            case "GET", ["cards", card_id]:
                found = [body for body in self._card_bodies(now) if body["id"] == card_id]
                return Answer(found[0]) if found else _not_found()
            case ("POST", ["cards"]) | (_, ["transactions", *_]) | (_, ["cards", _, "transactions", *_]):
                text = "This simulated exchange shows prices and balances; it does not convert anything yet."
                return _error(HTTPStatus.NOT_IMPLEMENTED, "not_implemented", text)
        return _not_found()

    def _ticker(self, name: str, now: float) -> Answer:
        fault = self.faults.take()
        whole = _whole_answer_fault(fault)
        if whole is not None:
            return whole
        quotes = spoilt_quotes(fault, self.quotes(now))
        if name in self.currencies:
            return Answer([spoilt_row(fault, pair, row) for pair, row in ticker(quotes, name)])
        found = one_pair(quotes, name)
        return Answer(_without_pair(spoilt_row(fault, *found))) if found else _not_found()

    def _assets(self, request: Request) -> Answer:
        wanted = _filter(request.query, "type")
        items = [asset(code) for code in self.currencies]
        return _page([item for item in items if not wanted or item["type"] in wanted], request)

    def _cards(self, request: Request, now: float) -> Answer:
        wanted = _filter(request.query, "currency")
        return _page([body for body in self._card_bodies(now) if not wanted or body["currency"] in wanted], request)

    def _card_bodies(self, now: float) -> list[dict[str, object]]:
        quotes = self.quotes(now)
        return [card_body(card, position, quotes) for position, card in enumerate(self.cards)]

    def _health(self, now: float) -> dict[str, object]:
        return {
            "market": self.market.name,
            "speed": self.replay.speed,
            "market_time": iso(self.replay.market_time(now)),
            "ended": self.replay.ended(now),
            "pairs": list(self.market.pairs),
            "first": iso(self.market.first),
            "last": None if self.market.last is None else iso(self.market.last),
            "spacing_seconds": self.market.spacing_seconds,
        }

    def _samples(self, query: Mapping[str, str], now: float) -> Answer:
        seconds = int(_number(query, "seconds", 1, 86_400, int))
        count = int(_number(query, "count", 1, MOST_SAMPLES, int))
        before = _number(query, "before", 0, 1e11, float) if "before" in query else None
        return Answer({"samples": samples(self.market, self.replay, now, seconds, count, before)})


def _whole_answer_fault(fault: Fault) -> Answer | None:
    match fault.kind:
        case Kind.STATUS_429:
            wait = {"Retry-After": str(round(fault.seconds))}
            return _error(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", "Try again later", wait)
        case Kind.STATUS_500:
            return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_server_error", "Internal Server Error")
        case Kind.HANG:
            return Answer(hang_seconds=fault.seconds)
        case Kind.HTML:
            return Answer(html="<!doctype html><title>Just a moment</title><p>We will be right back.</p>\n")
    return None


def _without_pair(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "pair"}


def _fault_body(fault: Fault) -> dict[str, object]:
    return {"kind": fault.kind, "pair": fault.pair, "count": fault.count, "seconds": fault.seconds}


def _market_time(body: bytes) -> float:
    order = _json(body)
    try:
        return epoch(order["market_time"]) if isinstance(order, dict) else epoch("")
    except (KeyError, TypeError, ValueError):
        raise BadRequest('a position is a JSON object like {"market_time":"2025-05-10T12:00:00Z"}.') from None


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        raise BadRequest("the body is not JSON: send a JSON object.") from None


def _number(query: Mapping[str, str], name: str, least: float, most: float, read: Callable[[str], float]) -> float:
    text = query.get(name, "")
    try:
        value = read(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise BadRequest(f"{name} '{text}' must be a number from {least:g} to {most:g}.")
    return value


def _filter(query: Mapping[str, str], field_name: str) -> list[str]:
    """The accepted values of a filter like `q=type:fiat,equity`; empty where there is none."""
    name, _, values = query.get("q", "").partition(":")
    return values.split(",") if name == field_name and values else []


def _page(items: Sequence[object], request: Request) -> Answer:
    """All items, or the asked part of them (206) for a header like `Range: items=0-49`."""
    wanted = request.headers.get("range")
    if wanted is None:
        return Answer(list(items))
    match = _RANGE.fullmatch(wanted)
    if match is None:
        return _error(HTTPStatus.PRECONDITION_FAILED, "precondition_failed", "Send a range like items=0-49")
    first, last = int(match[1]), min(int(match[2]), int(match[1]) + MOST_ITEMS - 1, len(items) - 1)
    if first > last:
        return _error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "requested_range_not_satisfiable", "No such items")
    part = {"Accept-Ranges": "items", "Content-Range": f"items {first}-{last}/{len(items)}"}
    return Answer(list(items[first : last + 1]), HTTPStatus.PARTIAL_CONTENT, part)


def _has_token(request: Request) -> bool:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and bool(token.strip())


def _unauthorized() -> Answer:
    body = {"error": "invalid_token", "error_description": "Send any token: Authorization: Bearer TOKEN"}
    return Answer(body, HTTPStatus.UNAUTHORIZED)


def _not_found() -> Answer:
    return _error(HTTPStatus.NOT_FOUND, "not_found", "Not Found")


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer({"code": code, "message": message}, status, headers or {})
