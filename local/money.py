"""Amounts to the last digit: rounded at an asset's precision, added and subtracted without loss."""

import math
from decimal import ROUND_DOWN, Context, Decimal, Inexact, InvalidOperation, Overflow
from fractions import Fraction

from local.catalogue import precision

# A sum that would have to be rounded raises, instead of losing a digit.
EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, Overflow])
_CUT = Context(prec=60)
FIAT_RATE_DECIMALS = 5
RATE_DIGITS = 4


def rounded_down(value: Fraction, currency: str) -> Decimal:
    """The amount at the currency's precision, not above `value`."""
    return _units(math.floor(value * 10 ** precision(currency)), currency)


def rounded_up(value: Fraction, currency: str) -> Decimal:
    """The amount at the currency's precision, not below `value`."""
    return _units(math.ceil(value * 10 ** precision(currency)), currency)


def nearest(value: Fraction, currency: str) -> Decimal:
    """The amount at the currency's precision nearest to `value`."""
    return _units(round(value * 10 ** precision(currency)), currency)


def smallest(currency: str) -> Decimal:
    """The smallest amount of the currency above nothing."""
    return _units(1, currency)


def cut(amount: Decimal, currency: str) -> Decimal:
    """The amount without the digits beyond the currency's precision."""
    return amount.quantize(Decimal(1).scaleb(-precision(currency)), rounding=ROUND_DOWN, context=_CUT)


def amount_text(amount: Decimal, currency: str) -> str:
    """The amount as Uphold writes it: all decimals of its currency, such as '5.00'."""
    return f"{cut(amount, currency):f}"


def rate_text(rate: Fraction, currency: str) -> str:
    """A rate in units of `currency`, rounded for show: 5 decimals for cents, else 8; more where it is very small."""
    decimals = FIAT_RATE_DECIMALS if precision(currency) <= 2 else 8
    while decimals < 18 and rate * 10**decimals < 10 ** (RATE_DIGITS - 1):
        decimals += 1
    return f"{Decimal(round(rate * 10**decimals)).scaleb(-decimals, EXACT):f}"


def _units(units: int, currency: str) -> Decimal:
    return Decimal(units).scaleb(-precision(currency), EXACT)
