"""What the bot owns and remembers of its trades; moves only by a finished trade."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from heisenbug.domain.portfolio import Conversion, Portfolio, SeenCost
from heisenbug.domain.trade import Trade, TradeState

# A quoted cost this old has decayed to a sixteenth and says nothing any more.
FORGET_COSTS_AFTER_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Ledger:
    """Holdings, entry prices in the base currency, resting conversions and costs last quoted."""

    holdings: Mapping[str, Decimal]
    entries: Mapping[str, Decimal] = field(default_factory=dict)
    resting: Mapping[Conversion, int] = field(default_factory=dict)
    seen_costs: Mapping[Conversion, SeenCost] = field(default_factory=dict)

    def portfolio(self, at: int, open_trade: str | None, killed: bool) -> Portfolio:
        """What binds a decision at `at` (epoch seconds)."""
        resting = {pair: until for pair, until in self.resting.items() if until > at}
        return Portfolio(self.holdings, resting, self.seen_costs, open_trade, killed)


def settle(ledger: Ledger, trade: Trade, at: int, cooldown_seconds: int) -> Ledger:
    """The ledger after `trade` ended at `at`: amounts moved if it was executed, the conversion and its reverse rest."""
    rested = _rest(_remember_cost(ledger, trade, at), trade, at, cooldown_seconds)
    return _move(rested, trade) if trade.state is TradeState.EXECUTED else rested


def _rest(ledger: Ledger, trade: Trade, at: int, cooldown_seconds: int) -> Ledger:
    still = {pair: until for pair, until in ledger.resting.items() if until > at}
    if cooldown_seconds:
        still[trade.source, trade.target] = still[trade.target, trade.source] = at + cooldown_seconds
    return replace(ledger, resting=still)


def _remember_cost(ledger: Ledger, trade: Trade, at: int) -> Ledger:
    young = {pair: cost for pair, cost in ledger.seen_costs.items() if at - cost.at < FORGET_COSTS_AFTER_SECONDS}
    if trade.quoted_cost_bps is not None:
        young[trade.source, trade.target] = SeenCost(round(trade.quoted_cost_bps, 2), at)
    return replace(ledger, seen_costs=young)


def _move(ledger: Ledger, trade: Trade) -> Ledger:
    received = trade.received or Decimal(0)
    left = ledger.holdings[trade.source] - trade.amount
    before = ledger.holdings.get(trade.target, Decimal(0))
    holdings = {**ledger.holdings, trade.source: left, trade.target: before + received}
    entries = {**ledger.entries, trade.target: _entry(ledger, trade, before, received)}
    return replace(ledger, holdings={asset: amount for asset, amount in holdings.items() if amount}, entries=entries)


def _entry(ledger: Ledger, trade: Trade, before: Decimal, received: Decimal) -> Decimal:
    paid = trade.amount * Decimal(repr(trade.expected.source_price))
    had = before * ledger.entries.get(trade.target, Decimal(0))
    return ((paid + had) / (before + received)).quantize(Decimal("1e-12")) if before + received else Decimal(0)
