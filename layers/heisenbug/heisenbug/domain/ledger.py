"""What the bot owns and remembers of its trades; moves only by a finished trade."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from heisenbug.domain.entries import NOTHING, Entries, Prices, bought, kept_up, restated, step_of
from heisenbug.domain.portfolio import Conversion, Portfolio, SeenCost
from heisenbug.domain.tally import Tally
from heisenbug.domain.trade import Trade, TradeState

# A quoted cost this old has decayed to a sixteenth and says nothing any more.
FORGET_COSTS_AFTER_SECONDS = 24 * 3600
# How long a commit that never showed is asked for, with pauses that grow from this one.
WATCH_SECONDS = 24 * 3600
FIRST_PAUSE_SECONDS = 60
LAST_PAUSE_SECONDS = 3600
# Decisions that came to nothing are remembered as far as the ledger stays small.
MOST_DROPPED = 3
LONGEST_WHY = 320


@dataclass(frozen=True, slots=True)
class Watched:
    """A failed trade whose commit may still turn up: its sequence, when it failed and when to ask again."""

    sequence: int
    failed_at: int
    ask_at: int

    def later(self, now: int) -> "Watched | None":
        """The same after it was asked in vain: with a longer pause, or None when its day is over."""
        end = self.failed_at + WATCH_SECONDS
        pause = max(FIRST_PAUSE_SECONDS, now - self.failed_at)
        return None if now >= end else Watched(self.sequence, self.failed_at, min(now + pause, end))

    def once_more(self, now: int) -> "Watched":
        """The same after its day, because the last question was not answered."""
        return Watched(self.sequence, self.failed_at, now + LAST_PAUSE_SECONDS)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A decision that came to nothing before anything was sent: its trade's id, when, what it wanted, and why not."""

    trade_id: str
    due: int
    source: str
    target: str
    state: TradeState
    why: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """Holdings, what they cost in `base`, resting conversions, costs last quoted, failures under watch.

    `dropped` are the newest decisions that came to nothing, newest first: no trade of theirs is kept anywhere else.
    `base` is empty until the first price is seen.
    """

    holdings: Mapping[str, Decimal]
    entries: Entries = field(default_factory=dict)
    resting: Mapping[Conversion, int] = field(default_factory=dict)
    seen_costs: Mapping[Conversion, SeenCost] = field(default_factory=dict)
    watched: tuple[Watched, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    base: str = ""
    tally: Tally = Tally()

    def to_ask(self, at: int) -> Watched | None:
        """The first failure under watch that is to be asked for at `at`, or None."""
        return next((one for one in self.watched if one.ask_at <= at), None)

    def watching(self, one: Watched, after: Watched | None) -> "Ledger":
        """The ledger with `after` in the place of `one`."""
        others = tuple(other for other in self.watched if other.sequence != one.sequence)
        return replace(self, watched=others if after is None else (*others, after))

    def looked_at(self, base: str, prices: Prices, at: int, trailing_stop: float | None) -> "Ledger":
        """The ledger after it saw these prices, in `base`: what a holding cost is known and its high moves on."""
        is_same = self.base in ("", base)
        before = self.entries if is_same else restated(self.entries, prices.get(self.base, float("nan")))
        held = [asset for asset, amount in self.holdings.items() if amount > 0 and asset != base]
        entries = kept_up(before, held, prices, at, step_of(trailing_stop))
        return replace(self, entries=entries, base=base)

    def portfolio(
        self, at: int, open_trade: str | None, killed: bool, has_exits: bool = False, halts: Iterable[str] = ()
    ) -> Portfolio:
        """What binds a decision at `at` (epoch seconds); without exits none looks at what was paid."""
        resting = {pair: until for pair, until in self.resting.items() if until > at}
        entries = self.entries if has_exits else {}
        return Portfolio(self.holdings, resting, self.seen_costs, open_trade, killed, entries, tuple(halts))


@dataclass(frozen=True, slots=True)
class Newest:
    """Where a history stands: the sequence of its newest trade, the state's version, and how many trades it keeps."""

    sequence: int
    version: int
    history_limit: int


def settle(ledger: Ledger, trade: Trade, at: int, cooldown_seconds: int) -> Ledger:
    """The ledger after `trade` ended at `at`: amounts moved if it was executed, the conversion and its reverse rest.

    A trade that failed after its commit was sent stays under watch for a day.
    """
    rested = _rest(_remember_cost(_count(ledger, trade, at), trade, at), trade, at, cooldown_seconds)
    if trade.state is TradeState.EXECUTED:
        return _move(rested, trade)
    if trade.state is TradeState.FAILED:
        return replace(rested, watched=(*rested.watched, Watched(trade.sequence, at, at + FIRST_PAUSE_SECONDS)))
    return replace(rested, dropped=(_dropped(trade), *rested.dropped)[:MOST_DROPPED])


def _dropped(trade: Trade) -> Dropped:
    return Dropped(trade.id, trade.due, trade.source, trade.target, trade.state, trade.outcome[:LONGEST_WHY])


def _count(ledger: Ledger, trade: Trade, at: int) -> Ledger:
    """The trade in the tally; one that ended for reasons of our own is no error of the venue's."""
    if trade.state is TradeState.EXECUTED:
        tally = ledger.tally.executed(at, _is_loss(ledger, trade), _excess_bps(trade))
    elif trade.state is TradeState.FAILED or (trade.state is TradeState.SKIPPED and trade.quote is None):
        tally = ledger.tally.erred(at)
    else:
        return ledger
    return replace(ledger, tally=tally)


def _is_loss(ledger: Ledger, trade: Trade) -> bool | None:
    """Whether what was sold brought less than it had cost; None where nothing is known of that."""
    entry = ledger.entries.get(trade.source)
    if entry is None or trade.received is None:
        return None
    return trade.received * Decimal(repr(trade.expected.target_price)) < trade.amount * entry.price


def _excess_bps(trade: Trade) -> float | None:
    realised, quoted = trade.realised_cost_bps, trade.quoted_cost_bps
    return None if realised is None or quoted is None else realised - quoted


def _rest(ledger: Ledger, trade: Trade, at: int, cooldown_seconds: int) -> Ledger:
    still = {pair: until for pair, until in ledger.resting.items() if until > at}
    for source, target in {(trade.source, trade.target), trade.decided} if cooldown_seconds else ():
        still[source, target] = still[target, source] = at + cooldown_seconds
    return replace(ledger, resting=still)


def _remember_cost(ledger: Ledger, trade: Trade, at: int) -> Ledger:
    """The costs seen within a day; the trade's own was seen when it was decided, however late it ends."""
    seen, conversion = dict(ledger.seen_costs), (trade.source, trade.target)
    known = seen.get(conversion)
    if trade.quoted_cost_bps is not None and (known is None or known.at <= trade.due):
        seen[conversion] = cost_seen(trade.quoted_cost_bps, trade.due)
    return replace(ledger, seen_costs=still_known(seen, at))


def cost_seen(bps: float, at: int) -> SeenCost:
    """What is remembered of a quote's cost."""
    return SeenCost(cost_rounded(bps), at)


def cost_rounded(bps: float) -> float:
    """A cost as it is remembered."""
    return round(bps, 2)


def still_known(seen: Mapping[Conversion, SeenCost], at: int) -> dict[Conversion, SeenCost]:
    """The costs that were not seen too long before `at` (epoch seconds)."""
    return {conversion: cost for conversion, cost in seen.items() if at - cost.at < FORGET_COSTS_AFTER_SECONDS}


def _move(ledger: Ledger, trade: Trade) -> Ledger:
    received = trade.received or NOTHING
    before = ledger.holdings.get(trade.target, NOTHING)
    paid = trade.amount * Decimal(repr(trade.expected.source_price))
    entry = bought(ledger.entries.get(trade.target), before, paid, received, trade.due, trade.expected.target_price)
    holdings = moved(ledger.holdings, (trade.source, trade.amount), (trade.target, received))
    entries = {**ledger.entries, trade.target: entry}
    held = {asset: one for asset, one in entries.items() if asset in holdings and asset != ledger.base}
    return replace(ledger, holdings=holdings, entries=held)


def moved(
    holdings: Mapping[str, Decimal], paid: tuple[str, Decimal], received: tuple[str, Decimal]
) -> dict[str, Decimal]:
    """What is held after an amount of one asset became an amount of another; what is used up is gone.

    A conversion that landed a day late may find its money spent: there is then less than nothing.
    """
    after = dict(holdings)
    for asset, amount in ((paid[0], -paid[1]), received):
        after[asset] = after.get(asset, NOTHING) + amount
        if not after[asset]:
            del after[asset]
    return after
