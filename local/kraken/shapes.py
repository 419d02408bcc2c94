"""Kraken's JSON, as its documentation shows it: everything that counts is text."""

from collections.abc import Collection
from decimal import Decimal

from local.answers import Json
from local.books import Card
from local.kraken.book import COST_DECIMALS, LOT_DECIMALS, Book, Level, average, price_decimals
from local.kraken.entry import Rules
from local.kraken.names import Traded, altname, asset_id
from local.kraken.wallet import Order
from local.ticker import Row

_TENTH = Decimal("0.1")


def pair_body(market: Traded, decimals: int, least: Decimal, rules: Rules, halted: Collection[str]) -> Json:
    """One pair of `AssetPairs`."""
    is_open = not {market.base, market.quote} & set(halted)
    return {
        "altname": market.altname,
        "wsname": f"{altname(market.base)}/{altname(market.quote)}",
        "aclass_base": "currency",
        "base": asset_id(market.base),
        "aclass_quote": "currency",
        "quote": asset_id(market.quote),
        "lot": "unit",
        "cost_decimals": COST_DECIMALS,
        "pair_decimals": decimals,
        "lot_decimals": LOT_DECIMALS,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, float(rules.fee_percent)]],
        "fees_maker": [[0, 0.25]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": f"{least:f}",
        "costmin": f"{rules.least_cost:f}",
        "tick_size": f"{Decimal(1).scaleb(-decimals):f}",
        "status": "online" if is_open else "cancel_only",
    }


def least_volume(price: Decimal) -> Decimal:
    """The least that can be ordered: worth about five of the quote, a round number."""
    return Decimal(1).scaleb((Decimal(5) / price).adjusted())


def ticker_body(row: Row) -> Json:
    """One pair of `Ticker`, with the prices that its row has."""
    sides = {"a": row.get("ask"), "b": row.get("bid")}
    shown: Json = {side: [price, "1", "1.000"] for side, price in sides.items() if price is not None}
    last = row.get("bid", "0")
    return {**shown, "c": [last, "0.01"], "v": ["1", "2"], "p": [last, last], "t": [1, 2], "l": [last, last]} | {
        "h": [last, last],
        "o": last,
    }


def depth_body(book: Book, count: int, at: float) -> Json:
    """The levels of one pair in `Depth`."""
    return {"asks": _levels(book.asks[:count], at), "bids": _levels(book.bids[:count], at)}


def balance_body(card: Card) -> Json:
    """One asset of `BalanceEx`."""
    return {"balance": f"{card.balance:f}", "hold_trade": f"{card.reserved:f}"}


def order_body(order: Order) -> Json:
    """An order in `OpenOrders`, `ClosedOrders` and `QueryOrders`."""
    decimals = price_decimals(order.price)
    body: Json = {
        "refid": None,
        "userref": None,
        "cl_ord_id": order.client_id,
        "status": order.status,
        "opentm": order.opened_at,
        "starttm": 0,
        "expiretm": 0,
        "descr": {**description(order), "close": ""},
        "vol": f"{order.volume:.{LOT_DECIMALS}f}",
        "vol_exec": f"{order.fill.volume:.{LOT_DECIMALS}f}",
        "cost": f"{order.fill.cost:.{COST_DECIMALS}f}",
        "fee": f"{order.fill.fee:.{COST_DECIMALS}f}",
        "price": f"{average(order.fill, decimals):f}",
        "stopprice": "0.00000",
        "limitprice": "0.00000",
        "misc": "",
        "oflags": "fciq",
    }
    ended = {"reason": order.reason, "closetm": order.closed_at}
    return body if order.closed_at is None else body | ended


def description(order: Order) -> Json:
    """What an order says, in words and in parts."""
    told = f"{order.side} {order.volume:.{LOT_DECIMALS}f} {order.market.altname} @ limit {order.price:f}"
    return {
        "pair": order.market.altname,
        "type": order.side,
        "ordertype": "limit",
        "price": f"{order.price:f}",
        "price2": "0",
        "leverage": "none",
        "order": told,
    }


def _levels(levels: tuple[Level, ...], at: float) -> list[object]:
    return [[f"{level.price:f}", f"{level.volume:f}", int(at)] for level in levels]
