"""A venue of canned answers by route: what each is asked is kept, and what it answers is told beforehand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from heisenbug.domain.assets import Pair
from heisenbug.exchange.keys import KeyPair
from heisenbug.exchange.order_book.account import OrderBookAccount
from heisenbug.exchange.order_book.dialect import Dialect
from heisenbug.exchange.order_book.venue import OrderBookVenue
from heisenbug.exchange.patience import Patience
from tests.canned import URL, Canned, Reply, Told
from tests.fakes import Clock

Asked = Mapping[str, str]
Served = Reply | Callable[[Asked], Told] | Exception


class Routed(Canned):
    """Answers by method and the end of the path; keeps the fields of each request, of its query and its body."""

    def __init__(self, clock: Clock, routes: dict[str, Served]) -> None:
        super().__init__(clock, Reply())
        self.routes = routes
        self.asked: list[tuple[str, Asked]] = []

    def answer(self, request: requests.PreparedRequest) -> Told:
        address = urlsplit(str(request.url))
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
        fields = dict(parse_qsl(f"{address.query}&{body}")) if not body.startswith("{") else {"json": body}
        name = f"{request.method} {address.path.rsplit('/', 1)[-1]}"
        self.asked.append((name, fields))
        served = self.routes[name]
        return served(fields) if callable(served) and not isinstance(served, Reply) else served


@dataclass
class Bench:
    """An account at a venue of canned answers."""

    dialect: Dialect
    keys: KeyPair
    routes: dict[str, Served]
    pairs: tuple[Pair, ...]
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.wire = Routed(self.clock, self.routes)
        self.venue = OrderBookVenue(self.dialect, URL, self.clock, self.clock.sleep, Patience(), lambda: self.keys)
        self.venue.http.session.mount(URL, self.wire)

    def account(self) -> OrderBookAccount:
        """The account for one invocation."""
        return self.venue.account({}, self.pairs, self.clock.at + 20)

    def asked(self, name: str) -> list[Asked]:
        """What was sent to a route."""
        return [fields for asked, fields in self.wire.asked if asked == name]

    def sent(self) -> list[Any]:
        """Every request, as it was sent."""
        return self.wire.sent
