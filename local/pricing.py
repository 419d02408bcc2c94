"""The price between any two assets, and the margin that a conversion costs on top of it."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from heisenbug.markets.market import Quotes
from local.catalogue import asset_type
from local.ticker import DEFAULT_CURRENCY

Sides = tuple[Fraction, Fraction]
"""Bid and ask of one unit of an asset, exactly."""

_USD = DEFAULT_CURRENCY
_PAR = (Fraction(1), Fraction(1))

# Percent of a conversion, by asset or else by its class; the dearer asset of the two counts.
MARGINS: Mapping[str, Decimal] = {
    "BTC": Decimal("1.05"),
    "ETH": Decimal("1.05"),
    "cryptocurrency": Decimal("2.65"),
    "commodity": Decimal("2.65"),
    "stablecoin": Decimal("0.25"),
    "fiat": Decimal("0.25"),
}


def sides(quotes: Quotes, base: str, quote: str) -> Sides | None:
    """Bid and ask of `base` in `quote`: of the pair, of its inverse, or crossed over USD; none where not quoted."""
    return _direct(quotes, base, quote) or _crossed(_direct(quotes, base, _USD), _direct(quotes, _USD, quote))


def margin(one: str, other: str, margins: Mapping[str, Decimal]) -> Decimal:
    """What a conversion between the two costs, in percent; nothing where they are the same."""
    return Decimal(0) if one == other else max(_margin(one, margins), _margin(other, margins))


def _direct(quotes: Quotes, base: str, quote: str) -> Sides | None:
    if base == quote:
        return _PAR
    if prices := quotes.get(f"{base}-{quote}"):
        return Fraction(prices[0]), Fraction(prices[1])
    if prices := quotes.get(f"{quote}-{base}"):
        return 1 / Fraction(prices[1]), 1 / Fraction(prices[0])
    return None


def _crossed(one: Sides | None, other: Sides | None) -> Sides | None:
    return None if one is None or other is None else (one[0] * other[0], one[1] * other[1])


def _margin(asset: str, margins: Mapping[str, Decimal]) -> Decimal:
    return margins.get(asset, margins.get(asset_type(asset), Decimal(0)))
