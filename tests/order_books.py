"""An account at a simulated Kraken, through ccxt and our own HTTP, without a socket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import requests

from heisenbug.domain.assets import Pair
from heisenbug.exchange.keys import KeyPair
from heisenbug.exchange.order_book.account import OrderBookAccount
from heisenbug.exchange.order_book.dialect import Dialect
from heisenbug.exchange.order_book.kraken import Kraken
from heisenbug.exchange.order_book.venue import OrderBookVenue
from heisenbug.exchange.patience import Patience
from local.kraken.entry import DEMO_KEY, DEMO_SECRET
from tests.exchanges import NOW
from tests.fakes import Clock
from tests.in_process_exchange import InProcess
from tests.kraken import KrakenTrader, kraken

URL = "http://exchange.test"
KEYS = KeyPair(DEMO_KEY, DEMO_SECRET)
PAIRS = (Pair("BTC", "USD"), Pair("ETH", "USD"))
HELD = {"USD": "1000", "BTC": "0.5"}


class Wire(InProcess):
    """The way to the exchange; keeps what was sent."""

    sent: list[requests.PreparedRequest]

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        self.sent.append(request)
        return super().send(request, *args, **options)


@dataclass
class Bench:
    """A bot's view of the venue, and the venue itself."""

    clock: Clock = field(default_factory=lambda: Clock(NOW))
    venue: KrakenTrader = field(default_factory=lambda: kraken(HELD))
    keys: KeyPair = KEYS
    dialect: Dialect = field(default_factory=Kraken)

    def __post_init__(self) -> None:
        self.patience = Patience()
        self.wire = Wire(self.venue.exchange, lambda: self.clock.at, self.clock.sleep)
        self.wire.sent = []
        self.process()

    def process(self) -> None:
        """A new process, that knows no markets."""
        self.opened = OrderBookVenue(self.dialect, URL, self.clock, self.clock.sleep, self.patience, lambda: self.keys)
        self.opened.http.session.mount(URL, self.wire)

    def account(self, pairs: Sequence[Pair] = PAIRS, seconds: float = 20) -> OrderBookAccount:
        """The account for one invocation."""
        return self.opened.account({}, pairs, self.clock.at + seconds)

    def asked(self, name: str = "") -> list[Mapping[str, str]]:
        """What was sent to the routes of that name, as fields, queries included."""
        wanted = [request for request in self.wire.sent if name in str(request.path_url)]
        return [dict(parse_qsl(str(request.body or str(request.path_url).partition("?")[2]))) for request in wanted]

    def plan(self, *troubles: Mapping[str, object], **plan: object) -> None:
        """Order troubles, or another plan."""
        self.venue.plan(*troubles, **plan)
