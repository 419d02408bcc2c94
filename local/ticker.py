"""Quotes in the words of Uphold's ticker: decimal texts, both directions, no timestamp."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

from heisenbug.markets.market import Prices, Quotes

DEFAULT_CURRENCY = "USD"
MOST_DECIMALS = 18
INVERSE_DECIMALS = {"BTC": 8}
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)

Row = dict[str, str]


def plain(price: str) -> str:
    """The same number without trailing zeros: '119.0' becomes '119'."""
    return price.rstrip("0").rstrip(".") if "." in price else price


def decimal_text(value: Decimal, decimals: int = MOST_DECIMALS) -> str:
    """A number as plain text with at most `decimals` decimals, rounded to the nearest."""
    return plain(f"{value.quantize(Decimal(1).scaleb(-decimals), context=_EXACT):f}")


def directions(pair: str, prices: Prices) -> tuple[Row, Row]:
    """The ticker's two rows of a pair; the inverse holds the reciprocals (8 decimals in BTC, else 18)."""
    base, quote = pair.split("-")
    bid, ask = prices
    forward = {"ask": plain(ask), "bid": plain(bid), "currency": quote, "pair": base + quote}
    inverse = {
        "ask": _reciprocal(bid, base),
        "bid": _reciprocal(ask, base),
        "currency": base,
        "pair": quote + base,
    }
    return forward, inverse


def ticker(quotes: Quotes, currency: str) -> list[tuple[str, Row]]:
    """The rows of every pair that has the currency on either side, each with the pair it comes from."""
    return [
        (pair, row)
        for pair, prices in sorted(quotes.items())
        if currency in pair.split("-")
        for row in directions(pair, prices)
    ]


def one_pair(quotes: Quotes, name: str) -> tuple[str, Row] | None:
    """The row of one pair (`BTC-USD`, `BTCUSD`, or inverse) with the pair it comes from; none if it is not quoted."""
    wanted = name.replace("-", "")
    for pair, prices in quotes.items():
        for row in directions(pair, prices):
            if row["pair"] == wanted:
                return pair, row
    return None


def _reciprocal(price: str, currency: str) -> str:
    inverse = _EXACT.divide(Decimal(1), Decimal(price))
    return decimal_text(inverse, INVERSE_DECIMALS.get(currency, MOST_DECIMALS))
