"""An order as it is asked for: every part of it checked, in the order and the words in which Kraken complains."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_UP, Decimal, InvalidOperation

from local.kraken.book import COST_DECIMALS, LOT_DECIMALS, WIDE
from local.kraken.entry import Rules
from local.kraken.names import Traded
from local.kraken.wallet import Order

MOST_DEADLINE_SECONDS = 60
LONGEST_CLIENT_ID = 36


class Refused(Exception):
    """An order that is not taken; the text is Kraken's error."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What an order of a market must keep to."""

    market: Traded
    decimals: int
    least: Decimal
    rules: Rules
    halted: Collection[str]


def asked_for(asking: Asking, told: Mapping[str, str], order_id: str, now: float) -> Order:
    """The order that is asked for; raises Refused."""
    market = asking.market
    if {market.base, market.quote} & set(asking.halted):
        raise Refused("EService:Market in cancel_only mode")
    side = _one_of(told, "type", ("buy", "sell"))
    _one_of(told, "ordertype", ("limit",))
    _one_of(told, "timeinforce", ("IOC",))
    _one_of(told, "oflags", ("fciq",))
    volume, price = _number(told, "volume"), _number(told, "price")
    _check(asking, volume, price)
    _check_deadline(told, now)
    client_id = told.get("cl_ord_id")
    if client_id is not None and len(client_id) > LONGEST_CLIENT_ID:
        raise Refused("EGeneral:Invalid arguments:cl_ord_id")
    reserved = _most(volume, price, asking.rules.fee_percent) if side == "buy" else volume
    return Order(
        id=order_id,
        client_id=client_id,
        market=market,
        side=side,
        volume=volume,
        price=price,
        reserved=reserved,
        opened_at=now,
    )


def _check(asking: Asking, volume: Decimal, price: Decimal) -> None:
    if -_exponent(volume) > LOT_DECIMALS:
        raise Refused("EGeneral:Invalid arguments:volume")
    if -_exponent(price) > asking.decimals:
        shown = f"{asking.market.altname} price can only be specified up to {asking.decimals} decimals."
        raise Refused(f"EOrder:Invalid price:{shown}")
    if volume < asking.least:
        raise Refused("EOrder:Order minimum not met")
    if volume * price < asking.rules.least_cost:
        raise Refused("EOrder:Cost minimum not met")


def _check_deadline(told: Mapping[str, str], now: float) -> None:
    text = told.get("deadline")
    if text is None:
        return
    try:
        deadline = datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise Refused("EGeneral:Invalid arguments:deadline") from None
    if deadline > now + MOST_DEADLINE_SECONDS:
        raise Refused("EGeneral:Invalid arguments:deadline")
    if deadline < now:
        raise Refused("EService:Deadline elapsed")


def _most(volume: Decimal, price: Decimal, fee_percent: Decimal) -> Decimal:
    """What a purchase may cost with its fee, each rounded up."""
    unit = Decimal(1).scaleb(-COST_DECIMALS)
    cost = WIDE.multiply(volume, price).quantize(unit, ROUND_UP, WIDE)
    fee = WIDE.multiply(cost, fee_percent / 100).quantize(unit, ROUND_UP, WIDE)
    return WIDE.add(cost, fee)


def _one_of(told: Mapping[str, str], name: str, words: Collection[str]) -> str:
    word = told.get(name, "")
    if word not in words:
        raise Refused(f"EGeneral:Invalid arguments:{name}")
    return word


def _number(told: Mapping[str, str], name: str) -> Decimal:
    try:
        number = Decimal(told.get(name, ""))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number <= 0:
        raise Refused(f"EGeneral:Invalid arguments:{name}")
    return number.normalize()


def _exponent(number: Decimal) -> int:
    return int(number.normalize().as_tuple().exponent)
