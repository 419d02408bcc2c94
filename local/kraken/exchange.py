"""Kraken's spot REST routes over one replayed market, as far as a trader needs them.

Documented behaviour that is kept: the key, nonce and signature of private requests; errors within a 200; a client order
id that must be new among open orders only; a deadline after which an order is not taken; the precision of volumes and
prices; least volumes and costs; an order that is to be filled at once or cancelled, in part or whole.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal
from itertools import count
from urllib.parse import parse_qsl

from heisenbug.markets.market import Market
from local.answers import Answer, Request, not_found
from local.faults import spoilt_quotes, spoilt_row, whole_answer_fault
from local.kraken.book import NO_FILL, Book, Fill, book_of, fill_of, part_of, price_decimals, taken
from local.kraken.entry import Entry, Rules
from local.kraken.names import Traded, asset_id, traded
from local.kraken.ordering import Asking, Refused, asked_for
from local.kraken.shapes import balance_body, depth_body, description, least_volume, order_body, pair_body, ticker_body
from local.kraken.trouble import FITS, done, refused, spoilt_book, troubled
from local.kraken.wallet import AT_ONCE, Fate, InUse, NotEnough, Order, Wallet
from local.replay import Replay
from local.replayed import Replayed
from local.ticker import Row
from local.trouble import Mishap, Step, Trouble, TroublePlan

STEPS = {
    "Ticker": Step.TICKER,
    "AssetPairs": Step.ASSETS,
    "Depth": Step.QUOTE,
    "Time": Step.ME,
    "BalanceEx": Step.CARDS,
    "AddOrder": Step.COMMIT,
    "OpenOrders": Step.READ,
    "ClosedOrders": Step.READ,
    "QueryOrders": Step.READ,
}
OPENING = {"USD": Decimal(1000)}
UNKNOWN_WORD = "settling"
PART = Decimal("0.4")
UNKNOWN_PAIR = "EQuery:Unknown asset pair"


class SimulatedKraken(Replayed):
    """One account at a venue whose market is replayed; it opens with `balances`."""

    fits = FITS

    def __init__(
        self,
        market: Market,
        replay: Replay,
        balances: Mapping[str, Decimal] | None = None,
        rules: Rules | None = None,
        trouble: TroublePlan | None = None,
    ) -> None:
        super().__init__(market, replay, trouble or TroublePlan(fits=FITS))
        self.rules = rules or Rules()
        self._entry = Entry(self.rules)
        self._markets = traded(market.pairs)
        opening = OPENING if balances is None else balances
        zeros = dict.fromkeys(self.currencies, Decimal(0))
        self.account: Wallet = Wallet({**zeros, **opening}, self._fill)
        self._numbers = count(1)
        self._spoilt: dict[str, Mishap] = {}

    def served(self, request: Request, path: list[str], now: float) -> Answer:
        """The answer to a request of Kraken's API."""
        if len(path) != 3 or path[0] != "0" or path[2] not in STEPS:
            return not_found()
        serve = {("GET", "public"): self._public, ("POST", "private"): self._private}.get((request.method, path[1]))
        if serve is None:
            return not_found()
        trouble = self.trouble.take(STEPS[path[2]], request, now)
        return troubled(trouble, lambda: serve(path[2], request, trouble, now), now)

    def forget_nonces(self) -> None:
        """Let a nonce of any height in again, as a new key would."""
        self._entry.highest = 0

    def halted(self) -> Collection[str]:
        """The assets that are shown and not traded."""
        return self.rules.halted | frozenset(self.trouble.plan.halted)

    # ------------------------------------------------------------ public

    def _public(self, name: str, request: Request, trouble: Trouble | None, now: float) -> Answer:
        match name:
            case "Time":
                return done({"unixtime": int(now), "rfc1123": ""})
            case "AssetPairs":
                return done({each.id: self._pair(each, now) for each in self._markets.values()})
            case "Ticker":
                return self._ticker(request, now)
        market = self._markets.get(request.query.get("pair", ""))
        if market is None:
            return refused(UNKNOWN_PAIR)
        book = spoilt_book(trouble, self._book(market, now))
        return done({market.id: depth_body(book, int(request.query.get("count", "100")), now)})

    def _pair(self, market: Traded, now: float) -> object:
        bid = self._prices(market, now)[0]
        return pair_body(market, price_decimals(bid), least_volume(bid), self.rules, self.halted())

    def _ticker(self, request: Request, now: float) -> Answer:
        fault = self.faults.take()
        whole = whole_answer_fault(fault)
        if whole is not None:
            return whole
        names = [name for name in request.query.get("pair", "").split(",") if name]
        if any(name not in self._markets for name in names):
            return refused(UNKNOWN_PAIR)
        quotes = spoilt_quotes(fault, self.quotes(now))
        wanted = {self._markets[name].pair for name in names} or set(quotes)
        shown = {self._markets_by_pair[pair]: quotes[pair] for pair in wanted if pair in quotes}
        rows: list[tuple[Traded, Row]] = [(each, {"bid": bid, "ask": ask}) for each, (bid, ask) in shown.items()]
        return done({each.id: ticker_body(spoilt_row(fault, each.pair, row)) for each, row in rows})

    @property
    def _markets_by_pair(self) -> Mapping[str, Traded]:
        return {each.pair: each for each in self._markets.values()}

    # ------------------------------------------------------------ private

    def _private(self, name: str, request: Request, trouble: Trouble | None, now: float) -> Answer:
        barred = self._entry.refused(request)
        if barred is not None:
            return refused(barred)
        told = dict(parse_qsl(request.body.decode()))
        match name:
            case "BalanceEx":
                cards = self.account.balances().items()
                return done({asset_id(asset): balance_body(card) for asset, card in cards if card.balance})
            case "AddOrder":
                return self._add(told, trouble, now)
        return self._orders(name, told, trouble, now)

    def _orders(self, name: str, told: Mapping[str, str], trouble: Trouble | None, now: float) -> Answer:
        is_lagging = trouble is not None and trouble.kind == Mishap.VANISHED
        still_open = [] if is_lagging or name == "ClosedOrders" else self.account.open_orders(now)
        closed = [] if is_lagging or name == "OpenOrders" else self.account.closed_orders()
        wanted = {order.id: order for order in (*still_open, *closed) if _is_wanted(order, told)}
        bodies = {key: order_body(order) for key, order in wanted.items()}
        if trouble is not None and trouble.kind == Mishap.MISSING_REFERENCE:
            bodies = {key: {**body, "cl_ord_id": None} for key, body in bodies.items()}
        if name == "QueryOrders":
            return done(bodies)
        return done({"open": bodies} if name == "OpenOrders" else {"closed": bodies, "count": len(bodies)})

    def _add(self, told: Mapping[str, str], trouble: Trouble | None, now: float) -> Answer:
        try:
            order = self._ordered(told, now)
        except Refused as refusal:
            return refused(str(refusal))
        if told.get("validate") == "true":
            return done({"descr": {"order": description(order)["order"]}})
        try:
            self._place(order, trouble, now)
        except NotEnough:
            return refused("EOrder:Insufficient funds")
        except InUse:
            return refused("EOrder:Client order id is in use")
        if trouble is not None and trouble.kind == Mishap.LANDS_LATE:
            return Answer(html="<html>502 Bad Gateway</html>", status=502)
        return done({"descr": {"order": description(order)["order"]}, "txid": [order.id]})

    def _ordered(self, told: Mapping[str, str], now: float) -> Order:
        market = self._markets.get(told.get("pair", ""))
        if market is None:
            raise Refused(UNKNOWN_PAIR)
        bid = self._prices(market, now)[0]
        asking = Asking(market, price_decimals(bid), least_volume(bid), self.rules, self.halted())
        return asked_for(asking, told, f"O{next(self._numbers):05d}-SIMUL-ATED00", now)

    def _place(self, order: Order, trouble: Trouble | None, now: float) -> None:
        kind = None if trouble is None else trouble.kind
        if trouble is not None and kind == Mishap.LANDS_LATE:
            self.account.place_late(order, now, 60.0 if trouble.seconds is None else trouble.seconds)
            return
        if kind in (Mishap.PARTIAL, Mishap.UNFILLED):
            self._spoilt[order.id] = kind
        self.account.place(order, now, _fate(trouble))

    def _fill(self, order: Order, at: float) -> Fill:
        """What an order gets from the book at that time."""
        spoilt = self._spoilt.pop(order.id, None)
        if spoilt == Mishap.UNFILLED:
            return NO_FILL
        levels = self._book(order.market, at).against(order.side)
        parts = list(taken(levels, order.side, order.volume, order.price))
        if spoilt == Mishap.PARTIAL:
            parts = [part_of(level, PART) for level in parts[:1]]
        return fill_of(parts, order.side, self.rules.fee_percent)

    def _book(self, market: Traded, now: float) -> Book:
        bid, ask = self._prices(market, now)
        return book_of(bid, ask, price_decimals(bid), self.rules.level_value)

    def _prices(self, market: Traded, now: float) -> tuple[Decimal, Decimal]:
        bid, ask = self.quotes(now)[market.pair]
        return Decimal(bid), Decimal(ask)


def _is_wanted(order: Order, told: Mapping[str, str]) -> bool:
    client_id, ids = told.get("cl_ord_id"), told.get("txid")
    return (client_id is None or order.client_id == client_id) and (ids is None or order.id in ids.split(","))


def _fate(trouble: Trouble | None) -> Fate:
    kinds = (Mishap.PROCESSING, Mishap.PROCESSING_THEN_FAILED, Mishap.UNKNOWN_STATUS)
    if trouble is None or trouble.kind not in kinds:
        return AT_ONCE
    shown = UNKNOWN_WORD if trouble.kind == Mishap.UNKNOWN_STATUS else "open"
    reads = 2 if trouble.reads is None and trouble.seconds is None else trouble.reads
    return Fate(shown, reads, trouble.seconds, trouble.kind == Mishap.PROCESSING_THEN_FAILED)
