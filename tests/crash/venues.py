"""The venues of the proof: what a world's exchange speaks, how a process opens it, and what its calls are called."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

import requests
from requests.adapters import BaseAdapter

from heisenbug.credential import Credential
from heisenbug.domain.assets import AssetClass
from heisenbug.domain.venue import Venue
from heisenbug.exchange.http import Http
from heisenbug.exchange.order_book.dialect import Dialect
from heisenbug.exchange.order_book.kraken import Kraken
from heisenbug.exchange.order_book.venue import OrderBookVenue
from heisenbug.exchange.patience import Patience
from heisenbug.exchange.port import LiveVenue
from heisenbug.exchange.uphold_venue import UpholdVenue
from local.kraken.entry import Rules as KrakenRules
from local.kraken.exchange import SimulatedKraken
from local.kraken.trouble import FITS as KRAKEN_FITS
from local.replay import Replay
from local.replayed import Replayed
from local.routes import SimulatedExchange
from local.rules import Rules
from local.trouble import FITS, Fits, Plan, TroublePlan
from tests.crash.market import ONE, TWO, Wave
from tests.fakes import Clock
from tests.order_books import KEYS

FEE_BPS = 5
OF_ONE: Mapping[str, str] = {"USD": "1000", "BTC": "100"}
MARGIN_PERCENT = Decimal("0.05")


class Kind(StrEnum):
    """What is worth dying in there."""

    ENTRIES = "entries"
    BRIDGES = "conversions over a bridge"
    EXITS = "exits"
    EXITS_OVER_BRIDGE = "exits over a bridge"


class CrashVenue(Protocol):
    """One venue; `commit` is the call that sends a commit, `quote` one before it, `trade` those only a trade makes.

    `told` are the settings that make its kind of trades.
    """

    title: str
    kind: Kind
    told: Mapping[str, Any]
    domain: Venue
    market: Wave
    budget: Mapping[str, str]
    fits: Fits
    secret: str
    commit: str
    quote: str
    trade: tuple[str, ...]

    def exchange(self, replay: Replay, held: Mapping[str, Decimal], plan: Plan) -> Replayed:
        """A new exchange."""

    def open(self, url: str, clock: Clock, patience: Patience, credential: Credential, way: BaseAdapter) -> LiveVenue:
        """The venue as one process knows it, reached over `way`."""


def _domain(name: str) -> Venue:
    return Venue(name, dict.fromkeys(AssetClass, float(FEE_BPS)), has_books=name != "uphold")


class AtUphold:
    """Cards, and quotes that are committed."""

    title = "Uphold"
    kind = Kind.ENTRIES
    told: Mapping[str, Any] = {}
    domain = _domain("uphold")
    market = ONE
    budget = OF_ONE
    fits = FITS
    secret = "a-token-of-the-proof"
    commit = "POST commit"
    quote = "GET assets"
    trade = ("POST commit", "POST transactions", "TransactWriteItems", "GET assets")

    def exchange(self, replay: Replay, held: Mapping[str, Decimal], plan: Plan) -> Replayed:
        """A new exchange."""
        return SimulatedExchange(self.market, replay, held, Rules(margin_percent=MARGIN_PERCENT), TroublePlan(plan))

    def open(self, url: str, clock: Clock, patience: Patience, credential: Credential, way: BaseAdapter) -> LiveVenue:
        """The venue as one process knows it, reached over `way`."""
        opened = UpholdVenue(url, clock, clock.sleep, patience, credential.sign)
        _lead(url, way, opened.http, opened.public)
        return opened


class AtKraken:
    """An order book, and orders that are filled at once or cancelled."""

    title = "Kraken"
    kind = Kind.ENTRIES
    told: Mapping[str, Any] = {}
    domain = _domain("kraken")
    market = ONE
    budget = OF_ONE
    fits = KRAKEN_FITS
    secret = KEYS.text()
    commit = "POST AddOrder"
    quote = "GET Depth"
    dialect: Dialect = Kraken()
    trade = ("POST AddOrder", "GET Depth", "TransactWriteItems", "POST BalanceEx", "POST ClosedOrders")

    def exchange(self, replay: Replay, held: Mapping[str, Decimal], plan: Plan) -> Replayed:
        """A new exchange."""
        trouble = TroublePlan(plan, KRAKEN_FITS)
        return SimulatedKraken(self.market, replay, held, KrakenRules(fee_percent=MARGIN_PERCENT), trouble)

    def open(self, url: str, clock: Clock, patience: Patience, credential: Credential, way: BaseAdapter) -> LiveVenue:
        """The venue as one process knows it, reached over `way`."""
        opened = OrderBookVenue(self.dialect, url, clock, clock.sleep, patience, credential.keys)
        _lead(url, way, opened.http)
        return opened


def _lead(url: str, way: BaseAdapter, *connections: Http) -> None:
    for connection in connections:
        session: requests.Session = connection.session
        session.mount(url, way)


class OverBridge(AtKraken):
    """Two coins that are traded against dollars alone, and want to become each other."""

    title = "Kraken, over a bridge"
    kind = Kind.BRIDGES
    market = TWO
    budget: Mapping[str, str] = {"USD": "5000", "BTC": "100", "ETH": "100"}


class OutOfUphold(AtUphold):
    """What was bought goes back at a small gain, all of it."""

    title = "Uphold, exits"
    kind = Kind.EXITS
    told: Mapping[str, Any] = {"take_profit": 0.001}


class OutOfKraken(AtKraken):
    """The same with orders."""

    title = "Kraken, exits"
    kind = Kind.EXITS
    told = OutOfUphold.told


class OutOverBridge(OverBridge):
    """Coins that go back into another coin, over dollars."""

    title = "Kraken, exits over a bridge"
    kind = Kind.EXITS_OVER_BRIDGE
    told: Mapping[str, Any] = {
        "base_currency": "ETH",
        "bridge": "USD",
        "trade_size_percentage": 0.9,
        "take_profit": 0.001,
    }


AT_UPHOLD, AT_KRAKEN, OVER_BRIDGE = AtUphold(), AtKraken(), OverBridge()
CRASH_VENUES: Mapping[str, CrashVenue] = {
    "uphold": AT_UPHOLD,
    "kraken": AT_KRAKEN,
    "bridge": OVER_BRIDGE,
    "uphold-exits": OutOfUphold(),
    "kraken-exits": OutOfKraken(),
    "bridge-exits": OutOverBridge(),
}
