"""The largest snapshot that an ordinary bot takes."""

import random
from decimal import Decimal

from heisenbug.domain.assets import Pair
from heisenbug.domain.guards import Watch
from heisenbug.domain.portfolio import Portfolio, SeenCost
from heisenbug.domain.quotes import Quote
from heisenbug.domain.snapshot import Snapshot
from tests.markets import MONDAY

COINS = ("BTC", "ETH", "SOL", "XRP", "ADA", "LTC", "BCH", "DOT", "AVAX", "LINK")
PRICES = (64213.27, 3127.94, 143.1872, 0.523418, 0.451293, 84.2719, 452.1893, 7.14923, 35.18234, 14.92834)


def believed(quote: Quote) -> Watch:
    return Watch(quote.mid, str(quote.bid), str(quote.ask), 3)


def full() -> Snapshot:
    """The largest snapshot of an ordinary bot: 10 pairs, all assets held, 20 rests and 20 costs seen."""
    dice = random.Random(7)
    quotes = {}
    for coin, price in zip(COINS, PRICES, strict=True):
        digits = 8 - len(str(int(price)))
        bid = round(Decimal(repr(price * dice.uniform(0.9, 1.1))), digits)
        quotes[Pair(coin, "USD")] = Quote(Pair(coin, "USD"), bid, bid + 3 * Decimal(1).scaleb(-digits))
    holdings = {coin: Decimal(dice.randrange(10**11)).scaleb(-8) for coin in COINS} | {"USD": Decimal("812.37")}
    directions = [(coin, "USD") for coin in COINS] + [("USD", coin) for coin in COINS]
    resting = {pair: MONDAY + dice.randrange(300) for pair in directions}
    costs = {pair: SeenCost(round(dice.uniform(20, 400), 2), MONDAY - dice.randrange(86400)) for pair in directions}
    return Snapshot(
        MONDAY,
        0.417,
        0,
        4711,
        quotes,
        {pair: believed(quote) for pair, quote in quotes.items()},
        Portfolio(holdings, resting, costs, "0123456789abcdef01234567", False),
        Decimal("10234.57"),
        Decimal("10567.12"),
        1_234_567,
        120,
    )
