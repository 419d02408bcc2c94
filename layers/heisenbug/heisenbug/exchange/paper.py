"""The paper exchange: the same verbs and the same states as a real venue, with play money.

It fills at the quoted side of the ticker plus the venue's cost model, rounded against us at each asset's precision.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from heisenbug.domain.assets import Pair, round_received
from heisenbug.domain.errors import Rejected
from heisenbug.domain.prices import Step, paths_to_base
from heisenbug.domain.quotes import Quote
from heisenbug.domain.settings import Settings
from heisenbug.domain.trade import Filled, Settlement, VenueQuote
from heisenbug.domain.venue import Venue
from heisenbug.exchange.port import Request

QUOTE_LASTS_SECONDS = 18
Leg = tuple[bool, Decimal, Decimal]
"""A pair on the way to the base: whether it is walked from its base to its quote, its bid and its ask."""


class Fills(Protocol):
    """What the paper exchange has carried out; outlives the process."""

    def record(self, quote: VenueQuote) -> None:
        """Carry a quote out; a second time changes nothing."""

    def find(self, quote_id: str) -> Filled | None:
        """The conversion of a quote, or None."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A venue of play money that knows the newest quotes and holds what the paper ledger holds."""

    fills: Fills
    quotes: Mapping[Pair, Quote]
    holdings: Mapping[str, Decimal]
    settings: Settings
    venue: Venue
    clock: Callable[[], datetime]

    def balances(self) -> Mapping[str, Decimal]:
        """What may be spent of each asset."""
        return self.holdings

    def quote(self, request: Request) -> VenueQuote:
        """The exact result of a conversion; nothing moves."""
        pairs = tuple(self.quotes)
        paths = paths_to_base(pairs, self.settings.base_currency)
        if request.source not in paths or request.target not in paths:
            raise Rejected(f"There is no price for {request.source} or {request.target} now; nothing moved.")
        sold, bought = (_legs(paths[asset], pairs, self.quotes) for asset in (request.source, request.target))
        receives = receives_of(request.amount, sold, bought, self._fee(request), request.target)
        if receives <= 0:
            raise Rejected(f"{request.amount} {request.source} is too little to become any {request.target}.")
        expires_at = int(self.clock().timestamp()) + QUOTE_LASTS_SECONDS
        return VenueQuote(
            f"paper-{request.trade_id}", request.source, request.target, request.amount, receives, expires_at
        )

    def commit(self, quote: VenueQuote) -> Filled:
        """Carry out a quote, once."""
        if self.clock().timestamp() > quote.expires_at:
            raise Rejected("The quote has expired; nothing moved.")
        self.fills.record(quote)
        return Filled(Settlement.COMPLETED, quote.amount, quote.receives)

    def find(self, quote: VenueQuote) -> Filled | None:
        """What became of a quote's commit; None where there was none."""
        return self.fills.find(quote.id)

    def _fee(self, request: Request) -> Decimal:
        return Decimal(repr(self.venue.fee(request.source, request.target, self.settings.cost_bps)))


def receives_of(amount: Decimal, sold: Iterable[Leg], bought: Iterable[Leg], fee: Decimal, target: str) -> Decimal:
    """What `amount` becomes: its asset sold leg by leg for the base, `target` bought with that, less the fee.

    Legs are those from an asset to the base; what comes of it is rounded against us.
    """
    for is_straight, bid, ask in sold:
        amount = amount * bid if is_straight else amount / ask
    for is_straight, bid, ask in reversed(tuple(bought)):
        amount = amount / ask if is_straight else amount * bid
    return round_received(amount * (1 - fee), target)


def _legs(path: tuple[Step, ...], pairs: tuple[Pair, ...], quotes: Mapping[Pair, Quote]) -> list[Leg]:
    steps = ((step.sign > 0, quotes[pairs[step.column]]) for step in path)
    return [(is_straight, quote.bid, quote.ask) for is_straight, quote in steps]
