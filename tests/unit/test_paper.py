"""The paper exchange fills at the dearer side, takes the dearer fee, rounds against us, and creates no value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.assets import AssetClass, Pair
from heisenbug.domain.errors import Rejected
from heisenbug.domain.quotes import Quote
from heisenbug.domain.settings import DEFAULTS, Settings, change
from heisenbug.domain.trade import Filled, Settlement, VenueQuote
from heisenbug.domain.venue import UPHOLD, Venue
from heisenbug.exchange.paper import Paper
from heisenbug.exchange.port import Request
from tests.fakes import Clock
from tests.markets import FREE


@dataclass
class Fills:
    """The fills of one paper exchange, in memory."""

    done: dict[str, Filled] = field(default_factory=dict)

    def record(self, quote: VenueQuote) -> None:
        self.done[quote.id] = Filled(Settlement.COMPLETED, quote.amount, quote.receives)

    def find(self, quote_id: str) -> Filled | None:
        return self.done.get(quote_id)


QUOTES = {
    "BTC-USD": ("99", "101"),
    "ETH-USD": ("9.9", "10.1"),
    "EUR-USD": ("1.09", "1.11"),
    "BTC-EUR": ("90", "92"),
    "USD-JPY": ("149.9", "150.1"),
    "SOL-ETH": ("2", "2.1"),
}


def paper(
    names: str, settings: Settings = DEFAULTS, venue: Venue = FREE, quotes: Mapping[str, tuple[str, str]] = QUOTES
) -> Paper:
    known = {Pair.parse(n): Quote(Pair.parse(n), Decimal(quotes[n][0]), Decimal(quotes[n][1])) for n in names.split()}
    return Paper(Fills(), known, {"USD": Decimal(1000)}, settings, venue, Clock())


@pytest.mark.parametrize(
    ("names", "source", "target", "amount", "receives"),
    [
        ("BTC-USD", "BTC", "USD", "2", "198.00"),
        ("BTC-USD", "USD", "BTC", "202", "2.00000000"),
        ("BTC-USD", "USD", "BTC", "100", "0.99009900"),
        ("BTC-USD ETH-USD", "BTC", "ETH", "1", "9.80198019"),
        ("BTC-USD ETH-USD", "ETH", "BTC", "10", "0.98019801"),
        ("USD-JPY", "USD", "JPY", "1", "149"),
        ("USD-JPY", "JPY", "USD", "150", "0.99"),
        ("USD-JPY", "JPY", "USD", "1501", "10.00"),
        ("BTC-EUR EUR-USD", "BTC", "USD", "1", "98.10"),
        ("BTC-EUR EUR-USD", "USD", "BTC", "102.12", "1.00000000"),
        ("SOL-ETH ETH-USD", "SOL", "USD", "1", "19.80"),
    ],
)
def test_it_sells_at_the_bid_buys_at_the_ask_and_rounds_down(
    names: str, source: str, target: str, amount: str, receives: str
) -> None:
    quote = paper(names).quote(Request("t", source, target, Decimal(amount)))
    assert str(quote.receives) == receives
    assert (quote.id, quote.source, quote.target, quote.amount) == ("paper-t", source, target, Decimal(amount))


@pytest.mark.parametrize(
    ("source", "target", "receives"),
    [("USD", "BTC", "0.96831683"), ("BTC", "USD", "96.82"), ("BTC", "SOL", "4.49"), ("USD", "EUR", "89.81")],
)
def test_it_takes_the_fee_of_the_dearer_class_once(source: str, target: str, receives: str) -> None:
    exchange = paper("BTC-USD ETH-USD SOL-ETH EUR-USD", venue=UPHOLD)
    amount = Decimal(100) if source == "USD" else Decimal(1)
    assert str(exchange.quote(Request("t", source, target, amount)).receives).startswith(receives)


def test_the_costs_of_the_settings_replace_the_venues() -> None:
    exchange = paper("BTC-USD", change(DEFAULTS, {"cost_bps": 100}), UPHOLD)
    assert exchange.quote(Request("t", "BTC", "USD", Decimal(1))).receives == Decimal("98.01")


PRICE = st.decimals("0.0001", "100000", places=6)
SPREAD = st.decimals("0", "0.05", places=4)


@given(PRICE, SPREAD, PRICE, SPREAD, st.decimals("0.01", "100000", places=2), st.integers(0, 400))
def test_no_way_there_and_back_creates_value(
    btc: Decimal, btc_spread: Decimal, eth: Decimal, eth_spread: Decimal, start: Decimal, fee: int
) -> None:
    quotes = {
        "BTC-USD": (str(btc), str(btc * (1 + btc_spread))),
        "ETH-USD": (str(eth), str(eth * (1 + eth_spread))),
    }
    venue = Venue("v", dict.fromkeys(AssetClass, float(fee)))
    exchange, amount = paper("BTC-USD ETH-USD", venue=venue, quotes=quotes), start
    for source, target in (("USD", "BTC"), ("BTC", "ETH"), ("ETH", "USD")):
        try:
            amount = exchange.quote(Request("t", source, target, amount)).receives
        except Rejected:
            return
    assert amount <= start * (1 - Decimal(fee) / 10_000) ** 3 * Decimal("1.000000000001")


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request("t", "BTC", "USD", Decimal("0.00000001")), "too little"),
        (Request("t", "XRP", "USD", Decimal(1)), "no price for XRP or USD"),
        (Request("t", "USD", "XRP", Decimal(1)), "no price for USD or XRP"),
    ],
)
def test_what_it_cannot_do_it_refuses(request_: Request, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        paper("BTC-USD").quote(request_)


def test_a_commit_is_carried_out_once_and_found_again() -> None:
    exchange = paper("BTC-USD")
    quote = exchange.quote(Request("t", "USD", "BTC", Decimal(100)))
    assert exchange.find(quote) is None
    first = exchange.commit(quote)
    assert exchange.commit(quote) == first == exchange.find(quote)
    assert exchange.find(replace(quote, id="paper-other")) is None


def test_an_expired_quote_is_not_committed() -> None:
    clock = Clock()
    exchange = paper("BTC-USD")
    exchange = Paper(exchange.fills, exchange.quotes, exchange.holdings, exchange.settings, exchange.venue, clock)
    quote = exchange.quote(Request("t", "USD", "BTC", Decimal(100)))
    clock.at = quote.expires_at + 0.5
    with pytest.raises(Rejected, match="expired"):
        exchange.commit(quote)
    assert exchange.find(quote) is None


def test_what_may_be_spent_is_what_the_paper_ledger_holds() -> None:
    assert paper("BTC-USD").balances() == {"USD": Decimal(1000)}
