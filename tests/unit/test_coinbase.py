"""Coinbase through ccxt, against answers as its documentation shows them: what is asked, and what is made of it."""

import json
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import MarketUnavailable, NeedsPerson, Rejected, Unresolved
from heisenbug.domain.trade import Settlement
from heisenbug.exchange.keys import KeyPair
from heisenbug.exchange.order_book.account import client_id_of
from heisenbug.exchange.order_book.coinbase import Coinbase
from heisenbug.exchange.port import Request
from tests.canned import Reply
from tests.routes import Asked, Bench

D = Decimal
ID = client_id_of("a trade")
SECRET = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    .decode()
)


def product(base: str, quote: str) -> dict[str, Any]:
    return {
        "product_id": f"{base}-{quote}",
        "price": "50000",
        "base_increment": "0.00000001",
        "quote_increment": "0.01",
        "price_increment": "0.01",
        "quote_min_size": "1",
        "quote_max_size": "150000000",
        "base_min_size": "0.00000001",
        "base_max_size": "3400",
        "status": "online",
        "trading_disabled": False,
        "product_type": "SPOT",
        "quote_currency_id": quote,
        "base_currency_id": base,
    }


def book(asked: Asked) -> Reply:
    bid, ask = ("49990.00", "50010.00") if asked["product_id"] == "BTC-USD" else ("2999.99", "3000.01")
    side = [{"price": bid, "size": "1.5"}], [{"price": ask, "size": "1.5"}]
    return Reply(200, {"pricebook": {"product_id": asked["product_id"], "bids": side[0], "asks": side[1], "time": ""}})


def order(**changes: Any) -> dict[str, Any]:
    return {
        "order_id": "813a53c5",
        "product_id": "BTC-USD",
        "order_configuration": {"sor_limit_ioc": {"base_size": "0.00197590", "limit_price": "50010"}},
        "side": "BUY",
        "client_order_id": ID,
        "status": "FILLED",
        "time_in_force": "IMMEDIATE_OR_CANCEL",
        "created_time": "2025-05-05T00:00:00Z",
        "completion_percentage": "100",
        "filled_size": "0.0019759",
        "average_filled_price": "50009.9999",
        "filled_value": "98.8147588024",
        "total_fees": "1.1857771056288",
        "size_inclusive_of_fees": False,
        "settled": True,
        "product_type": "SPOT",
        **changes,
    }


def orders(*rows: dict[str, Any], **changes: Any) -> Reply:
    return Reply(200, {"orders": list(rows), "sequence": "0", "has_next": False, "cursor": "", **changes})


@pytest.fixture
def bench() -> Bench:
    routes = {
        "GET products": Reply(200, {"products": [product("BTC", "USD"), product("ETH", "USD")], "num_products": 2}),
        "GET product_book": book,
        "GET accounts": Reply(
            200,
            {
                "accounts": [
                    {
                        "uuid": "1",
                        "name": "USD",
                        "currency": "USD",
                        "available_balance": {"value": "999.9900000001", "currency": "USD"},
                        "hold": {"value": "0.01", "currency": "USD"},
                        "type": "ACCOUNT_TYPE_FIAT",
                        "active": True,
                    }
                ],
                "has_next": False,
                "cursor": "",
                "size": 1,
            },
        ),
        "POST orders": Reply(
            200,
            {
                "success": True,
                "order_id": "813a53c5",
                "success_response": {
                    "order_id": "813a53c5",
                    "product_id": "BTC-USD",
                    "side": "BUY",
                    "client_order_id": ID,
                },
            },
        ),
        "GET batch": orders(order()),
    }
    keys = KeyPair("organizations/1/apiKeys/2", SECRET)
    return Bench(Coinbase(), keys, routes, (Pair("BTC", "USD"), Pair("ETH", "USD")))


def wish(amount: str = "100", source: str = "USD", target: str = "BTC") -> Request:
    return Request("a trade", source, target, D(amount))


def test_prices_come_from_the_books_without_a_key(bench: Bench) -> None:
    bench.keys = KeyPair("", "")
    ticker = bench.venue.tickers.tickers(bench.pairs, 4)
    assert {str(pair): (raw.bid, raw.ask) for pair, raw in ticker.quotes.items()} == {
        "BTC-USD": ("49990.00", "50010.00"),
        "ETH-USD": ("2999.99", "3000.01"),
    }


def test_balances_are_what_is_free_to_the_last_digit(bench: Bench) -> None:
    assert bench.account().balances()["USD"] == D("999.9900000001")


def test_an_order_has_our_id_which_ccxt_would_drop_under_its_common_name(bench: Bench) -> None:
    account = bench.account()
    quote = account.quote(wish())
    filled = account.commit(quote)
    [sent] = [json.loads(asked["json"]) for asked in bench.asked("POST orders")]
    assert sent == {
        "client_order_id": ID,
        "product_id": "BTC-USD",
        "side": "BUY",
        "order_configuration": {"sor_limit_ioc": {"base_size": "0.00197588", "limit_price": "50010"}},
    }
    assert (filled.amount, filled.received) == (D("100.0005359080288"), D("0.0019759"))


def test_an_order_is_looked_for_among_all_of_its_market_page_by_page(bench: Bench) -> None:
    def page(asked: Asked) -> Reply:
        if "cursor" not in asked:
            return orders(order(client_order_id="another"), has_next=True, cursor="more")
        return orders(order())

    quote = bench.account().quote(wish())
    bench.routes["GET batch"] = page
    found = bench.account().find(quote)
    assert found is not None
    assert found.settlement is Settlement.COMPLETED
    first, second = bench.asked("GET batch")
    assert (first["product_id"], first["start_date"][:16], second["cursor"]) == ("BTC-USD", "2025-05-04T23:59", "more")
    bench.routes["GET batch"] = orders(order(client_order_id="another"))
    assert bench.account().find(quote) is None


def test_an_order_that_may_be_beyond_what_is_looked_through_is_not_taken_for_none(bench: Bench) -> None:
    quote = bench.account().quote(wish())
    bench.routes["GET batch"] = orders(order(client_order_id="another"), has_next=True, cursor="more")
    with pytest.raises(MarketUnavailable, match="more orders since then"):
        bench.account().find(quote)


@pytest.mark.parametrize(
    ("changes", "settlement"),
    [
        ({"status": "OPEN", "filled_size": "0"}, Settlement.PROCESSING),
        ({"status": "PENDING"}, Settlement.PROCESSING),
        ({"status": "CANCEL_QUEUED"}, Settlement.PROCESSING),
        ({"status": "CANCELLED", "filled_size": "0", "filled_value": "0", "total_fees": "0"}, Settlement.FAILED),
        ({"status": "CANCELLED"}, Settlement.COMPLETED),
    ],
)
def test_an_order_is_what_it_got_once_it_is_over(bench: Bench, changes: Any, settlement: Settlement) -> None:
    quote = bench.account().quote(wish())
    bench.routes["GET batch"] = orders(order(**changes))
    found = bench.account().find(quote)
    assert found is not None
    assert found.settlement is settlement


def refused(error: str, **more: str) -> Reply:
    told = {"error": error, "message": "", "error_details": "", **more}
    return Reply(200, {"success": False, "failure_reason": "UNKNOWN_FAILURE_REASON", "error_response": told})


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        (refused("INSUFFICIENT_FUND"), Rejected, "does not hold enough for this (INSUFFICIENT_FUND)"),
        (refused("INVALID_LIMIT_PRICE_POST_ONLY"), Rejected, "Coinbase refused: INVALID_LIMIT_PRICE_POST_ONLY."),
        (refused("UNKNOWN_FAILURE_REASON"), Unresolved, "The order was sent, but Coinbase says"),
        (
            refused("UNKNOWN_FAILURE_REASON", preview_failure_reason="PREVIEW_INVALID_LIMIT_PRICE"),
            Rejected,
            "Coinbase refused: PREVIEW_INVALID_LIMIT_PRICE.",
        ),
        (Reply(401, {"error": "unauthorized", "error_description": "no"}), NeedsPerson, "does not accept the key"),
        (Reply(403, {"error": "PERMISSION_DENIED", "message": "no"}), NeedsPerson, "does not allow the key"),
        (
            Reply(500, {"error": "internal_server_error"}),
            Unresolved,
            "but the exchange answered 500",
        ),
    ],
)
def test_only_a_plain_refusal_is_a_failure_at_once(
    bench: Bench, reply: Reply, error: type[Exception], says: str
) -> None:
    bench.routes["POST orders"] = reply
    account = bench.account()
    quote = account.quote(wish())
    with pytest.raises(error) as raised:
        account.commit(quote)
    assert says in str(raised.value)
    assert type(raised.value) is error
    assert len(bench.asked("POST orders")) == 1


def test_an_order_is_previewed_where_none_is_placed(bench: Bench) -> None:
    bench.routes["POST preview"] = Reply(200, {"order_total": "100", "errs": [], "preview_id": "1"})
    bench.account().rehearse("USD", "BTC", D(100))
    bench.routes["POST preview"] = Reply(200, {"errs": ["PREVIEW_INSUFFICIENT_FUND"]})
    with pytest.raises(Rejected, match="PREVIEW_INSUFFICIENT_FUND"):
        bench.account().rehearse("USD", "BTC", D(100))
    assert bench.asked("POST orders") == []


def test_the_secret_is_never_sent(bench: Bench) -> None:
    account = bench.account()
    account.commit(account.quote(wish()))
    lines = [line for line in SECRET.splitlines() if "-----" not in line]
    assert not any(lines[0] in f"{request.url} {request.headers} {request.body}" for request in bench.sent())
