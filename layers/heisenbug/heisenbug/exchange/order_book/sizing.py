"""How large an order is and at which price, from an order book: at its worst price, within every limit, against us."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_UP, Context, Decimal

from heisenbug.domain.errors import Rejected

WIDE = Context(prec=60)
# As finely as amounts are counted where a market does not say.
FINEST = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Market:
    """One market's precision, limits and fee; `least` and `most` are volumes, costs are in the quote.

    A venue rounds costs and fees to `cost_step`, in its own favour.
    """

    symbol: str
    base: str
    quote: str
    volume_step: Decimal
    price_step: Decimal
    fee: Decimal
    cost_step: Decimal = FINEST
    least: Decimal = Decimal(0)
    most: Decimal | None = None
    least_cost: Decimal = Decimal(0)
    most_cost: Decimal | None = None
    is_open: bool = True

    def volume(self, amount: Decimal) -> Decimal:
        """The part of an amount of the base that can be ordered."""
        return _steps(amount, self.volume_step)


@dataclass(frozen=True, slots=True)
class Level:
    """What is offered or wanted at one price."""

    price: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class Sized:
    """An order, and what it pays at most and receives at least."""

    market: Market
    is_buy: bool
    volume: Decimal
    price: Decimal
    pays: Decimal
    receives: Decimal


def sale(market: Market, amount: Decimal, bids: Sequence[Level], venue: str) -> Sized:
    """The sale of at most `amount` of the base; raises Rejected where no order comes of it."""
    volume = market.volume(amount)
    price = _worst(bids, volume, market, venue)
    cost = _down(WIDE.multiply(volume, price), market.cost_step)
    receives = cost - _up(WIDE.multiply(cost, market.fee), market.cost_step)
    return _within_limits(Sized(market, False, volume, price, volume, receives), amount, market.base, venue)


def purchase(market: Market, amount: Decimal, asks: Sequence[Level], fee_in_received: bool, venue: str) -> Sized:
    """The purchase for at most `amount` of the quote, its fee included; raises Rejected where no order comes of it."""
    if fee_in_received:
        volume, price = _affordable(market, amount - market.cost_step, asks, venue)
        pays, receives = _cost(market, volume, price), _down(WIDE.multiply(volume, 1 - market.fee), FINEST)
    else:
        # What cost and fee are rounded up by is kept back, so that both together stay within the amount.
        spendable = WIDE.divide(amount - 2 * market.cost_step, 1 + market.fee)
        volume, price = _affordable(market, spendable, asks, venue)
        cost = _cost(market, volume, price)
        pays, receives = cost + _up(WIDE.multiply(cost, market.fee), market.cost_step), volume
    return _within_limits(Sized(market, True, volume, price, pays, receives), amount, market.quote, venue)


def _cost(market: Market, volume: Decimal, price: Decimal) -> Decimal:
    return _up(WIDE.multiply(volume, price), market.cost_step)


def _affordable(market: Market, spendable: Decimal, asks: Iterable[Level], venue: str) -> tuple[Decimal, Decimal]:
    """The largest volume that `spendable` pays for at the worst price it needs, and that price."""
    reached, price = Decimal(0), Decimal(0)
    for level in asks:
        at_this_price = market.volume(max(WIDE.divide(spendable, level.price), Decimal(0)))
        if at_this_price <= reached:
            return market.volume(reached), price
        reached, price = reached + level.volume, level.price
        if at_this_price <= reached:
            return at_this_price, price
    raise _too_thin(market, venue)


def _worst(levels: Iterable[Level], volume: Decimal, market: Market, venue: str) -> Decimal:
    """The price that the last part of `volume` needs."""
    reached = Decimal(0)
    for level in levels:
        reached += level.volume
        if reached >= volume:
            return level.price
    raise _too_thin(market, venue)


def _too_thin(market: Market, venue: str) -> Rejected:
    return Rejected(
        f"{venue}'s book of {market.base}-{market.quote} holds too little for this amount now; nothing was sent."
    )


def _within_limits(sized: Sized, amount: Decimal, asset: str, venue: str) -> Sized:
    market, cost = sized.market, WIDE.multiply(sized.volume, sized.price)
    name = f"{market.base}-{market.quote}"
    if not market.is_open:
        raise Rejected(f"{venue} takes no orders for {name} now; nothing was sent.")
    for value, least, unit in (
        (sized.volume, max(market.least, market.volume_step), market.base),
        (cost, market.least_cost, market.quote),
    ):
        if value < least:
            raise Rejected(
                f"{amount} {asset} is too little for {venue}'s {name}: an order there is over at least "
                f"{least.normalize():f} {unit}. Make trades larger: trade_size_percentage or trade_size_amount."
            )
    for value, most, unit in ((sized.volume, market.most, market.base), (cost, market.most_cost, market.quote)):
        if most is not None and value > most:
            raise Rejected(
                f"{amount} {asset} is too much for {venue}'s {name}: an order there is over at most "
                f"{most.normalize():f} {unit}. Make trades smaller: trade_size_percentage or trade_size_amount."
            )
    if sized.receives <= 0:
        raise Rejected(f"{amount} {asset} is too little to become anything at {venue}; nothing was sent.")
    return sized


def _steps(amount: Decimal, step: Decimal) -> Decimal:
    return WIDE.multiply(WIDE.divide(amount, step).quantize(Decimal(1), ROUND_DOWN, WIDE), step)


def _down(amount: Decimal, step: Decimal) -> Decimal:
    return amount.quantize(step, ROUND_DOWN, WIDE)


def _up(amount: Decimal, step: Decimal) -> Decimal:
    return amount.quantize(step, ROUND_UP, WIDE)
