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
        rates = [
            (is_sold, self.quotes[pairs[column]].bid if is_sold else self.quotes[pairs[column]].ask)
            for is_sold, column in legs_of(paths[request.source], paths[request.target])
        ]
        receives = receives_of(request.amount, rates, 1 - self._fee(request), request.target)
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


def legs_of(sold: tuple[Step, ...], bought: tuple[Step, ...]) -> tuple[tuple[bool, int], ...]:
    """The pairs that a conversion goes through, by their columns: from its source to the base, and on to its target.

    Of each, whether its base is sold, at the bid; else that is bought, at the ask.
    """
    there = ((step.sign > 0, step.column) for step in sold)
    on = ((step.sign < 0, step.column) for step in reversed(bought))
    return (*there, *on)


def receives_of(amount: Decimal, rates: Iterable[tuple[bool, Decimal]], kept: Decimal, target: str) -> Decimal:
    """What `amount` becomes, leg by leg at the bid where it is sold, else at the ask; `kept` is 1 less the fee.

    What comes of it is rounded against us.
    """
    for is_sold, price in rates:
        amount = amount * price if is_sold else amount / price
    return round_received(amount * kept, target)
