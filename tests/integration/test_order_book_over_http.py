"""The five verbs over real HTTP: ccxt's requests, our connection, and a server that speaks Kraken's protocol."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import Unresolved
from heisenbug.domain.trade import Settlement
from heisenbug.exchange.order_book.kraken import Kraken
from heisenbug.exchange.order_book.venue import OrderBookVenue
from heisenbug.exchange.patience import Patience
from heisenbug.exchange.port import Request
from heisenbug.markets.generated import GeneratedMarket
from local.exchange import ExchangeServer, running, serve
from local.kraken.entry import Rules
from local.kraken.trouble import FITS
from local.trouble_orders import plan_from
from tests.order_books import KEYS

PAIRS = (Pair("BTC", "USD"), Pair("ETH", "USD"))


@pytest.fixture
def server() -> Iterator[ExchangeServer]:
    with running(serve(GeneratedMarket(seed=7), kraken=Rules())) as opened:
        yield opened


@pytest.fixture
def venue(server: ExchangeServer) -> OrderBookVenue:
    return OrderBookVenue(Kraken(), server.url, lambda: datetime.now(UTC), time.sleep, Patience(), lambda: KEYS)


def test_the_five_verbs_go_there_and_back(server: ExchangeServer, venue: OrderBookVenue) -> None:
    assert set(venue.tickers.tickers(PAIRS, 4).quotes) == set(PAIRS)
    account = venue.account({}, PAIRS, time.time() + 20)
    assert account.balances()["USD"] == 1000
    quote = account.quote(Request("a trade", "USD", "BTC", Decimal(100)))
    filled = account.commit(quote)
    [conversion] = server.exchange.conversions
    assert (filled.settlement, conversion.reference) == (Settlement.COMPLETED, quote.id)
    assert (filled.amount, filled.received) == (conversion.origin_amount, conversion.destination_amount)
    assert account.find(quote) == filled
    assert account.balances()["USD"] == 1000 - filled.amount


def test_an_order_whose_answer_is_lost_is_found_by_its_id(server: ExchangeServer, venue: OrderBookVenue) -> None:
    account = venue.account({}, PAIRS, time.time() + 20)
    quote = account.quote(Request("a trade", "USD", "BTC", Decimal(100)))
    server.exchange.trouble.order(plan_from([{"step": "commit", "kind": "lost_answer", "seconds": 0}], FITS))
    with pytest.raises(Unresolved, match="no connection"):
        account.commit(quote)
    found = venue.account({}, PAIRS, time.time() + 20).find(quote)
    assert found is not None
    assert found.settlement is Settlement.COMPLETED
    assert len(server.exchange.conversions) == 1
