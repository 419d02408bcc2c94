"""The simulated account of a venue with order books: balances and orders; only what an order takes moves money."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from local.account import card_id
from local.books import Books, Card, Conversion, Status
from local.kraken.book import NO_FILL, Fill
from local.kraken.names import Traded
from local.money import EXACT

NOTHING = Decimal(0)


class NotEnough(Exception):
    """There is not as much to spend."""


class InUse(Exception):
    """An open order has this client order id."""


@dataclass(frozen=True, slots=True)
class Fate:
    """How an order goes on: shown as `shown` for `reads` looks or `seconds`, then it ends; by itself at once."""

    shown: str = "open"
    reads: int | None = None
    seconds: float | None = None
    fails: bool = False

    @property
    def at_once(self) -> bool:
        """Whether it ends as it is placed."""
        return self.reads is None and self.seconds is None


AT_ONCE = Fate()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A limit order that takes what is there and is over: `reserved` is what it may spend at most while it is open."""

    id: str
    client_id: str | None
    market: Traded
    side: str
    volume: Decimal
    price: Decimal
    reserved: Decimal
    opened_at: float
    status: str = "open"
    fill: Fill = NO_FILL
    closed_at: float | None = None
    reason: str | None = None
    fails: bool = False
    reads_left: int | None = None
    due_at: float | None = None

    @property
    def spends(self) -> str:
        """The asset that it pays with."""
        return self.market.quote if self.side == "buy" else self.market.base

    @property
    def gets(self) -> str:
        """The asset that it asks for."""
        return self.market.base if self.side == "buy" else self.market.quote


Take = Callable[[Order, float], Fill]


class Wallet:
    """The one account; every change is made under its lock. `take` says what an order gets from the book at a time."""

    def __init__(self, opening: Mapping[str, Decimal], take: Take) -> None:
        self._lock = threading.RLock()
        self._take = take
        self._opening = dict(opening)
        self._cards = {asset: Card(card_id(asset), asset, asset, amount) for asset, amount in opening.items()}
        self._orders: dict[str, Order] = {}
        self._landings: list[tuple[float, Order]] = []
        self._conversions: list[Conversion] = []
        self.changes = 0

    def books(self) -> Books:
        """The account as it is now: an order that took something is a conversion, under its client order id."""
        with self._lock:
            return Books(dict(self._opening), tuple(self._cards.values()), conversions=tuple(self._conversions))

    def balances(self) -> Mapping[str, Card]:
        """What is held of each asset."""
        with self._lock:
            return dict(self._cards)

    def place(self, order: Order, now: float, fate: Fate = AT_ONCE) -> None:
        """Take an order on; raises NotEnough or InUse."""
        with self._lock:
            self._check(order)
            due_at = None if fate.seconds is None else now + fate.seconds
            opened = replace(order, status=fate.shown, fails=fate.fails, reads_left=fate.reads, due_at=due_at)
            self._reserve(opened, opened.reserved)
            self._orders[order.id] = opened
            self.changes += 1
            if fate.at_once:
                self._end(opened, now)

    def place_late(self, order: Order, now: float, seconds: float) -> None:
        """Take an order on, show nothing of it, and carry it out `seconds` later; raises as `place` does."""
        with self._lock:
            self._check(order)
            self._landings.append((now + seconds, order))
            self.changes += 1

    def open_orders(self, now: float) -> list[Order]:
        """Every order that is not over; each comes nearer to its end by a look."""
        with self._lock:
            shown = [order for order in self._orders.values() if order.closed_at is None]
            for order in shown:
                self._looked_at(order, now)
            return [order for order in shown if self._orders[order.id].closed_at is None]

    def closed_orders(self) -> list[Order]:
        """Every order that is over."""
        with self._lock:
            return [order for order in self._orders.values() if order.closed_at is not None]

    def settle(self, now: float) -> None:
        """Let everything happen that was due by now, in the order of its time."""
        with self._lock:
            for at, happen in sorted(self._due(now), key=lambda each: each[0]):
                happen(at)
                self.changes += 1
            self._landings = [landing for landing in self._landings if landing[0] > now]

    def _due(self, now: float) -> Iterator[tuple[float, Callable[[float], None]]]:
        for at, order in self._landings:
            if at <= now:
                yield at, lambda at, order=order: self._land(order, at)  # type: ignore[misc]
        for order in self._orders.values():
            if order.closed_at is None and order.due_at is not None and order.due_at <= now:
                yield order.due_at, lambda at, order=order: self._end(order, at)  # type: ignore[misc]

    def _land(self, order: Order, at: float) -> None:
        if self._cards[order.spends].available >= order.reserved:
            self._reserve(order, order.reserved)
            self._end(order, at)

    def _looked_at(self, order: Order, now: float) -> None:
        if order.reads_left is None:
            return
        self.changes += 1
        if order.reads_left == 0:
            self._end(order, now)
        else:
            self._orders[order.id] = replace(order, reads_left=order.reads_left - 1)

    def _check(self, order: Order) -> None:
        if self._cards[order.spends].available < order.reserved:
            raise NotEnough
        waiting = [landing[1] for landing in self._landings]
        others = [other for other in (*self._orders.values(), *waiting) if other.closed_at is None]
        if order.client_id is not None and any(other.client_id == order.client_id for other in others):
            raise InUse

    def _reserve(self, order: Order, amount: Decimal) -> None:
        card = self._cards[order.spends]
        self._cards[order.spends] = replace(card, reserved=EXACT.add(card.reserved, amount))

    def _end(self, order: Order, at: float) -> None:
        """The order is over: what was reserved is free again, and what it took has moved."""
        self._reserve(order, -order.reserved)
        fill = NO_FILL if order.fails else self._take(order, at)
        is_whole = fill.volume == order.volume
        ended = replace(
            order,
            fill=fill,
            status="closed" if is_whole else "canceled",
            reason=None if is_whole else "Immediate or cancel",
            closed_at=at,
        )
        self._orders[order.id] = ended
        if fill.volume:
            self._convert(ended, at)

    def _convert(self, order: Order, at: float) -> None:
        fill, is_buy = order.fill, order.side == "buy"
        paid = EXACT.add(fill.cost, fill.fee) if is_buy else fill.volume
        received = fill.volume if is_buy else EXACT.subtract(fill.cost, fill.fee)
        self._move(order.spends, -paid, at)
        self._move(order.gets, received, at)
        self._conversions.append(_conversion(order, paid, received, at))

    def _move(self, asset: str, amount: Decimal, at: float) -> None:
        card = self._cards[asset]
        self._cards[asset] = replace(card, balance=EXACT.add(card.balance, amount), last_at=at)


def _conversion(order: Order, paid: Decimal, received: Decimal, at: float) -> Conversion:
    return Conversion(
        id=order.client_id or order.id,
        reference=order.client_id,
        origin_card=card_id(order.spends),
        origin_currency=order.spends,
        origin_amount=paid,
        destination_card=card_id(order.gets),
        destination_currency=order.gets,
        destination_amount=received,
        commission=order.fill.fee,
        commission_currency=order.market.quote,
        created_at=order.opened_at,
        expires_at=order.opened_at,
        body={},
        committed_at=order.opened_at,
        status=Status.COMPLETED,
        landed_at=at,
    )
