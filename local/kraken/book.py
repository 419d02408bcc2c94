"""An order book around a market's prices, and what an order that takes from it pays: exact, in the venue's favour."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Context, Decimal

LEVELS = 5
LEVEL_BPS = Decimal(5)
COST_DECIMALS = 5
LOT_DECIMALS = 8
PRICE_DIGITS = 7
WIDE = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Level:
    """What is offered or wanted at one price."""

    price: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """Bids, the highest first, and asks, the lowest first."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    def against(self, side: str) -> tuple[Level, ...]:
        """What an order of that side takes from."""
        return self.asks if side == "buy" else self.bids

    def worse(self, bps: int) -> "Book":
        """The same so many bps further apart."""
        by = Decimal(bps) / 10_000
        return Book(_moved(self.bids, 1 - by), _moved(self.asks, 1 + by))

    def thin(self, part: Decimal) -> "Book":
        """The first level of each side alone, and of that a part."""
        return Book(*(tuple(part_of(level, part) for level in side[:1]) for side in (self.bids, self.asks)))


@dataclass(frozen=True, slots=True)
class Fill:
    """What an order got: how much of the base, for how much of the quote, and the fee, in the quote as well."""

    volume: Decimal
    cost: Decimal
    fee: Decimal


NO_FILL = Fill(Decimal(0), Decimal(0), Decimal(0))


def price_decimals(price: Decimal) -> int:
    """How finely prices of about this size are written."""
    return max(PRICE_DIGITS - 1 - price.adjusted(), 0)


def book_of(bid: Decimal, ask: Decimal, decimals: int, level_value: Decimal) -> Book:
    """Levels of `level_value` each, from the best price outwards."""
    return Book(
        tuple(_level(bid * (1 - step), ROUND_DOWN, decimals, level_value) for step in _steps()),
        tuple(_level(ask * (1 + step), ROUND_UP, decimals, level_value) for step in _steps()),
    )


def taken(levels: Iterable[Level], side: str, volume: Decimal, limit: Decimal) -> Iterator[Level]:
    """What an order takes, level by level, as far as its limit allows."""
    for level in levels:
        if volume <= 0 or (level.price > limit if side == "buy" else level.price < limit):
            return
        part = min(volume, level.volume)
        volume -= part
        yield Level(level.price, part)


def fill_of(parts: Iterable[Level], side: str, fee_percent: Decimal) -> Fill:
    """What such parts come to."""
    several = list(parts)
    exact = sum((WIDE.multiply(part.price, part.volume) for part in several), Decimal(0))
    cost = _rounded(exact, ROUND_UP if side == "buy" else ROUND_DOWN)
    fee = _rounded(WIDE.multiply(cost, fee_percent / 100), ROUND_UP)
    return Fill(sum((part.volume for part in several), Decimal(0)), cost, fee)


def part_of(level: Level, part: Decimal) -> Level:
    """A part of what is there at a price."""
    return Level(level.price, (level.volume * part).quantize(Decimal(1).scaleb(-LOT_DECIMALS), ROUND_DOWN, WIDE))


def average(fill: Fill, decimals: int) -> Decimal:
    """The price that was paid, as it is shown."""
    shown = Decimal(1).scaleb(-decimals)
    return (fill.cost / fill.volume).quantize(shown, ROUND_HALF_UP, WIDE) if fill.volume else Decimal(0).quantize(shown)


def _steps() -> Iterator[Decimal]:
    return (LEVEL_BPS * place / 10_000 for place in range(LEVELS))


def _level(price: Decimal, rounding: str, decimals: int, value: Decimal) -> Level:
    shown = price.quantize(Decimal(1).scaleb(-decimals), rounding, WIDE)
    return Level(shown, (value / shown).quantize(Decimal(1).scaleb(-LOT_DECIMALS), ROUND_DOWN, WIDE))


def _moved(levels: tuple[Level, ...], factor: Decimal) -> tuple[Level, ...]:
    return tuple(
        Level((level.price * factor).quantize(level.price, ROUND_DOWN, WIDE), level.volume) for level in levels
    )


def _rounded(amount: Decimal, rounding: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-COST_DECIMALS), rounding, WIDE)
