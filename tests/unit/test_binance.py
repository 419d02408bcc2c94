"""Binance through ccxt, against answers as its documentation shows them: what is asked, and what is made of it."""

import json
from decimal import Decimal
from typing import Any

import pytest

from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import MarketUnavailable, NeedsPerson, Rejected, Unresolved
from heisenbug.domain.trade import Settlement
from heisenbug.exchange.keys import KeyPair
from heisenbug.exchange.order_book.account import client_id_of
from heisenbug.exchange.order_book.binance import Binance
from heisenbug.exchange.port import Request
from tests.canned import Reply
from tests.markets import MONDAY
from tests.routes import Asked, Bench

D = Decimal
ID = client_id_of("a trade")


def symbol(base: str, quote: str) -> dict[str, Any]:
    return {
        "symbol": base + quote,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
            {"filterType": "NOTIONAL", "minNotional": "5.00", "applyMinToMarket": True, "maxNotional": "9000000.00"},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


KNOWN = {"BTCUSDT": symbol("BTC", "USDT"), "ETHUSDT": symbol("ETH", "USDT")}


def info(asked: Asked) -> Reply:
    wanted = json.loads(asked["symbols"])
    if not set(wanted) <= set(KNOWN):
        return Reply(400, {"code": -1121, "msg": "Invalid symbol."})
    return Reply(200, {"timezone": "UTC", "serverTime": 1, "symbols": [KNOWN[name] for name in wanted]})


def order(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "orderId": 28,
        "orderListId": -1,
        "clientOrderId": ID,
        "price": "50010.00",
        "origQty": "0.00199000",
        "executedQty": "0.00199000",
        "cummulativeQuoteQty": "99.51990000",
        "status": "FILLED",
        "timeInForce": "IOC",
        "type": "LIMIT",
        "side": "BUY",
        "time": 1,
        "updateTime": 1,
        "isWorking": True,
        **changes,
    }


def fill(qty: str, commission: str, asset: str) -> dict[str, Any]:
    return {"symbol": "BTCUSDT", "id": 1, "orderId": 28, "qty": qty, "commission": commission, "commissionAsset": asset}


@pytest.fixture
def bench() -> Bench:
    routes = {
        "GET exchangeInfo": info,
        "GET bookTicker": Reply(
            200,
            [
                {"symbol": "BTCUSDT", "bidPrice": "49990.00", "bidQty": "1", "askPrice": "50010.00", "askQty": "1"},
                {"symbol": "ETHUSDT", "bidPrice": "2999.99", "bidQty": "1", "askPrice": "3000.01", "askQty": "1"},
            ],
        ),
        "GET depth": Reply(
            200, {"lastUpdateId": 1, "bids": [["49990.00", "1.00000"]], "asks": [["50010.00", "1.00000"]]}
        ),
        "GET account": Reply(
            200,
            {"balances": [{"asset": "USDT", "free": "1000.00000001", "locked": "5.00000000"}], "permissions": ["SPOT"]},
        ),
        "POST order": Reply(200, {**order(), "transactTime": 1, "fills": []}),
        "GET order": Reply(200, order()),
        "GET myTrades": Reply(200, [fill("0.00199000", "0.00000199", "BTC")]),
    }
    return Bench(
        Binance(), KeyPair("a-binance-key", "a-binance-secret"), routes, (Pair("BTC", "USDT"), Pair("ETH", "USDT"))
    )


def wish(amount: str = "100", source: str = "USDT", target: str = "BTC") -> Request:
    return Request("a trade", source, target, D(amount))


def test_only_the_markets_of_the_pairs_are_asked_for_and_prices_come_at_once_without_a_key(bench: Bench) -> None:
    bench.keys = KeyPair("", "")
    ticker = bench.venue.tickers.tickers(bench.pairs, 4)
    assert {str(pair): raw.bid for pair, raw in ticker.quotes.items()} == {
        "BTC-USDT": "49990.00",
        "ETH-USDT": "2999.99",
    }
    assert json.loads(bench.asked("GET exchangeInfo")[0]["symbols"]) == ["BTCUSDT", "ETHUSDT"]
    assert len(bench.wire.asked) == 2


def test_a_pair_that_is_no_market_there_spoils_none_of_the_others(bench: Bench) -> None:
    ticker = bench.venue.tickers.tickers((*bench.pairs, Pair("DOGE", "XAU")), 4)
    assert {str(pair) for pair in ticker.quotes} == {"BTC-USDT", "ETH-USDT"}


def test_balances_are_what_is_free_to_the_last_digit(bench: Bench) -> None:
    assert bench.account().balances()["USDT"] == D("1000.00000001")


def test_an_order_has_our_id_and_a_window_that_ends_with_its_quote(bench: Bench) -> None:
    account = bench.account()
    quote = account.quote(wish())
    assert (quote.id, quote.amount, quote.receives) == (ID, D("99.5199"), D("0.00198801"))
    bench.clock.at += 2
    filled = account.commit(quote)
    [sent] = bench.asked("POST order")
    assert (
        sent.items()
        >= {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "IOC",
            "quantity": "0.00199",
            "price": "50010",
            "newClientOrderId": ID,
            "recvWindow": "13000",
            "timestamp": str((MONDAY + 2) * 1000),
        }.items()
    )
    assert bench.asked("GET order")[0]["origClientOrderId"] == ID
    assert (filled.amount, filled.received) == (D("99.5199"), D("0.00198801"))


def test_a_fee_in_another_asset_leaves_both_amounts_whole(bench: Bench) -> None:
    bench.routes["GET myTrades"] = Reply(
        200, [fill("0.00100000", "0.0001", "BNB"), fill("0.00099000", "0.0001", "BNB")]
    )
    account = bench.account()
    assert account.commit(account.quote(wish())).received == D("0.00199")


def test_an_order_is_not_booked_before_all_of_its_trades_are_listed(bench: Bench) -> None:
    bench.routes["GET myTrades"] = Reply(200, [fill("0.00100000", "0.000001", "BTC")])
    account = bench.account()
    quote = account.quote(wish())
    assert account.commit(quote).settlement is Settlement.PROCESSING
    with pytest.raises(MarketUnavailable, match="does not list all trades"):
        account.find(quote)


@pytest.mark.parametrize(
    ("changes", "settlement"),
    [
        ({"status": "NEW", "executedQty": "0"}, Settlement.PROCESSING),
        ({"status": "PARTIALLY_FILLED"}, Settlement.PROCESSING),
        ({"status": "SOMETHING_NEW"}, Settlement.PROCESSING),
        ({"status": "EXPIRED", "executedQty": "0", "cummulativeQuoteQty": "0"}, Settlement.FAILED),
        ({"status": "REJECTED", "executedQty": "0", "cummulativeQuoteQty": "0"}, Settlement.FAILED),
        ({"status": "EXPIRED"}, Settlement.COMPLETED),
    ],
)
def test_an_order_is_what_it_got_once_it_is_over(bench: Bench, changes: Any, settlement: Settlement) -> None:
    quote = bench.account().quote(wish())
    bench.routes["GET order"] = Reply(200, order(**changes))
    found = bench.account().find(quote)
    assert found is not None
    assert found.settlement is settlement


def test_an_order_that_is_neither_open_nor_past_is_unknown(bench: Bench) -> None:
    quote = bench.account().quote(wish())
    bench.routes["GET order"] = Reply(400, {"code": -2013, "msg": "Order does not exist."})
    assert bench.account().find(quote) is None


@pytest.mark.parametrize(
    ("code", "msg", "error", "says"),
    [
        (-2010, "Account has insufficient balance for requested action.", Rejected, "does not hold enough"),
        (
            -1013,
            "Filter failure: NOTIONAL",
            Rejected,
            "Binance refused: Filter failure: NOTIONAL (-1013).",
        ),
        (-1021, "Timestamp for this request is outside of the recvWindow.", Rejected, "The order was refused"),
        (-2015, "Invalid API-key, IP, or permissions for action.", NeedsPerson, "Binance does not accept the key"),
        (-1022, "Signature for this request is not valid.", NeedsPerson, "Binance does not accept the key"),
        (
            -1007,
            "Timeout waiting for response.",
            Unresolved,
            "The order was sent, but Binance says",
        ),
        (-1006, "Execution status unknown.", Unresolved, "The order was sent, but Binance says"),
        (-9999, "Something that nobody knows.", Unresolved, "The order was sent, but Binance says"),
    ],
)
def test_only_a_plain_refusal_is_a_failure_at_once(
    bench: Bench, code: int, msg: str, error: type[Exception], says: str
) -> None:
    bench.routes["POST order"] = Reply(400, {"code": code, "msg": msg})
    account = bench.account()
    quote = account.quote(wish())
    with pytest.raises(error) as refused:
        account.commit(quote)
    assert says in str(refused.value)
    assert type(refused.value) is error
    assert len(bench.asked("POST order")) == 1


def test_an_order_is_rehearsed_where_none_is_placed(bench: Bench) -> None:
    bench.routes["POST test"] = Reply(200, {})
    bench.account().rehearse("USDT", "BTC", D(100))
    assert (len(bench.asked("POST test")), bench.asked("POST order")) == (1, [])


def test_the_secret_is_never_sent(bench: Bench) -> None:
    account = bench.account()
    account.commit(account.quote(wish()))
    assert not any("a-binance-secret" in f"{request.url} {request.headers} {request.body}" for request in bench.sent())
