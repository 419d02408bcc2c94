"""An exchange that says what it is told to: a session's adapter with canned answers, which counts what is sent."""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import responses
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.response import HTTPResponse
from urllib3.util import Timeout

from heisenbug.exchange.http import Http, Sign
from heisenbug.exchange.patience import Patience
from tests.fakes import Clock

URL = "http://exchange.test"


@dataclass(frozen=True)
class Reply:
    """An answer: `body` as JSON unless it is bytes; `seconds` until it begins, `drips` between its parts."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    drips: Sequence[float] = ()

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Told = Reply | Exception
HTML = Reply(200, b"<!doctype html><title>Just a moment</title>")
EMPTY = Reply(200, b"")
RESET = requests.ConnectionError("Connection aborted: RemoteDisconnected")
HANGS = Reply(seconds=3600)


class Canned(BaseAdapter):
    """Answers each request by the next of `told`, the last of them for ever; keeps all that was sent."""

    def __init__(self, clock: Clock, *told: Told) -> None:
        super().__init__()
        self.clock = clock
        self.told = list(told)
        self.sent: list[requests.PreparedRequest] = []
        self.at: list[float] = []
        self._builder = HTTPAdapter()

    def answer(self, request: requests.PreparedRequest) -> Told:
        """What is said to this request."""
        return self.told.pop(0) if len(self.told) > 1 else self.told[0]

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The answer; it raises what was told to be raised, and ReadTimeout where the answer comes too late."""
        self.sent.append(request)
        self.at.append(self.clock.at)
        reply = self.answer(request)
        if isinstance(reply, Exception):
            raise reply
        patience = timeout.read_timeout if isinstance(timeout, Timeout) else timeout[1]
        self.clock.sleep(min(reply.seconds, patience))
        if reply.seconds >= patience:
            raise requests.ReadTimeout("Read timed out.", request=request)
        return self._builder.build_response(request, self._raw(reply))

    def close(self) -> None:
        """Nothing is open."""

    def counted(self, method: str) -> int:
        """How often a request of this method was sent."""
        return sum(request.method == method for request in self.sent)

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [f"{request.method} {request.path_url}" for request in self.sent]

    def _raw(self, reply: Reply) -> HTTPResponse:
        return HTTPResponse(
            body=_Body(self._parts(reply)),
            headers=dict(reply.headers),
            status=reply.status,
            reason=responses.get(reply.status, ""),
            preload_content=False,
        )

    def _parts(self, reply: Reply) -> Iterator[bytes]:
        size = len(reply.content) // (len(reply.drips) or 1) + 1
        for place in range(0, len(reply.content), size):
            if reply.drips:
                self.clock.sleep(reply.drips[place // size])
            yield reply.content[place : place + size]


class _Body(io.RawIOBase):
    """A stream that gives one part at a time."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        super().__init__()
        self._parts = parts
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        self._rest = self._rest or next(self._parts, b"")
        size = len(self._rest) if size < 0 else size
        part, self._rest = self._rest[:size], self._rest[size:]
        return part

    def read(self, size: int | None = -1) -> bytes:
        return self.read1(-1 if size is None else size)


def http_to(
    adapter: BaseAdapter,
    clock: Clock,
    patience: Patience | None = None,
    sign: Sign = dict,
    wait: Callable[[float], None] | None = None,
) -> Http:
    """The real HTTP, whose session sends everything to `adapter`."""
    http = Http(URL, clock, wait or clock.sleep, patience, sign)
    http.session.mount("http://", adapter)
    return http


# ---------------------------------------------------------------- Uphold's account

USD_CARD = "48ce2ac5-c038-4426-b2f8-a2bdbcc93053"
BTC_CARD = "bc9b3911-4bc1-4c6d-ac05-0ae87dcfc9b3"
EUR_CARD = "e9225c6a-48b6-4e2e-ba36-beffdb5eb54e"
QUOTE = "2c326b15-7106-48be-a326-06f19e69746b"
GONE = object()


def card(card_id: str, currency: str, available: Any, position: Any = 0, **more: Any) -> dict[str, Any]:
    """A card as Uphold lists it."""
    return {
        "address": {},
        "available": available,
        "balance": available,
        "currency": currency,
        "id": card_id,
        "label": f"{currency} card",
        "lastTransactionAt": None,
        "normalized": [],
        "settings": {"position": position, "protected": False, "starred": True},
        **more,
    }


def asset(code: str, precision: Any = 8, status: Any = "open", **more: Any) -> dict[str, Any]:
    """An asset as Uphold lists it."""
    return {"code": code, "formatting": {"precision": precision}, "name": code, "status": status, **more}


def transaction(status: Any = "pending", **changes: Any) -> dict[str, Any]:
    """10 USD into BTC as Uphold writes it; a change names its place with `__` in it, GONE takes the place out."""
    body: dict[str, Any] = {
        "application": None,
        "createdAt": "2018-08-01T09:53:47.020Z",
        "denomination": {"amount": "10.00", "currency": "USD", "pair": "USDUSD", "rate": "1.00", "target": "origin"},
        "destination": _side(BTC_CARD, "BTC", "0.00075846", "0.00000805"),
        "fees": [{"amount": "0.00000805", "currency": "BTC", "percentage": "1.05", "target": "destination"}],
        "id": QUOTE,
        "message": None,
        "network": "uphold",
        "origin": _side(USD_CARD, "USD", "10.00", "0.00"),
        "params": {"currency": "USD", "margin": "1.05", "pair": "BTCUSD", "rate": "13046.4", "ttl": 18000},
        "priority": "normal",
        "status": status,
        "type": "transfer",
    }
    for place, value in changes.items():
        *outer, last = place.split("__")
        part = body
        for name in outer:
            part = part[name]
        part[last] = value
        if value is GONE:
            del part[last]
    return body


def _side(card_id: str, currency: str, amount: str, commission: str) -> dict[str, Any]:
    node = {"id": card_id, "type": "card", "user": {"id": "21e65c4d-55e4-41be-97a1-ff38d8f3d945"}}
    return {
        "CardId": card_id,
        "amount": amount,
        "base": amount,
        "commission": commission,
        "currency": currency,
        "fee": "0.00",
        "node": node,
        "type": "card",
    }


class Venue(Canned):
    """Uphold's account as documented, 100 USD on it; a test changes what is said to each kind of request."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.cards: Told | list[Any] = [card(USD_CARD, "USD", "100.00"), card(BTC_CARD, "BTC", "0.00000000", 1)]
        self.assets: Told | list[Any] = [asset("USD", 2), asset("BTC"), asset("EUR", 2)]
        self.me: Told = Reply(200, {"settings": {"otp": {"transactions": {"transfer": {"enabled": False}}}}})
        self.quote: Told = Reply(202, transaction())
        self.commit: Told = Reply(200, transaction("completed"))
        self.found: Told = Reply(200, transaction("completed"))

    def answer(self, request: requests.PreparedRequest) -> Told:
        path = request.path_url.partition("?")[0]
        if path.endswith("/commit"):
            return self.commit
        if path.endswith("/transactions"):
            return self.quote
        if path.startswith("/v0/me/transactions/"):
            return self.found
        if path == "/v0/me":
            return self.me
        told = self.cards if path == "/v0/me/cards" else self.assets
        return paged(told, request) if isinstance(told, list) else told


def paged(rows: Sequence[Any], request: requests.PreparedRequest, most: int = 50) -> Reply:
    """The part of a list that the Range asks for, as Uphold pages; 416 where there is none."""
    first, _, last = request.headers["Range"].removeprefix("items=").partition("-")
    part = rows[int(first) : min(int(last) + 1, int(first) + most)]
    if not part:
        return Reply(416, {"code": "requested_range_not_satisfiable"})
    told = {"Accept-Ranges": "items", "Content-Range": f"items {first}-{int(first) + len(part) - 1}/{len(rows)}"}
    return Reply(206, list(part), told)
