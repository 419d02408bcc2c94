"""Asking what became of a commit: of the trade that is open, and of those that failed within a day. Never commits."""

from dataclasses import replace

from heisenbug.domain.errors import HeisenbugError, MarketUnavailable, NeedsPerson, Rejected
from heisenbug.domain.trade import Filled, Settlement, Trade, TradeState
from heisenbug.exchange.port import Exchange
from heisenbug.settling import NEVER, Ended, Position, Settling, nothing_moved

# How long after a quote's expiry its commit may still turn up at the venue.
GRACE_SECONDS = 120
RESOLVE = "; who knows what became of it states it with heisenbug resolve"


class Reconciling:
    """Brings trades of earlier ticks to their end by asking the venue."""

    def __init__(self, exchange: Exchange, settling: Settling) -> None:
        self._exchange = exchange
        self._settling = settling

    def reconcile(self, trade: Trade, position: Position) -> Ended:
        """Bring an open trade of an earlier tick to its end, as far as the venue knows it.

        A leg that waits stays as it is: converting.py tries it again.
        """
        if trade.state is TradeState.INTENDED and trade.leg and trade.leg.waits:
            return Ended(trade, position)
        if trade.state is TradeState.INTENDED:
            return self._abandon(trade, position)
        if trade.quote is None:
            return self._settling.unresolved(trade, f"The trade was sent without a quote{RESOLVE}.", position)
        try:
            found = self._exchange.find(trade.quote)
        except (MarketUnavailable, Rejected) as silent:
            return self._unasked(trade, silent, position)
        if found is not None and found.settlement is not Settlement.PROCESSING:
            return self._settling.finish(_undoubted(trade, found), found, position, None)
        if found is None and self._is_over(trade):
            doubted = _undoubted(trade, found)
            return self._settling.finish(doubted, nothing_moved(trade), position, None, is_sure=False)
        return self._still_open(trade, found, position)

    def watch(self, position: Position) -> Ended | None:
        """Ask for one failed trade whose commit may still turn up; only while no trade is open. None: none is due."""
        one = position.ledger.to_ask(self._settling.now())
        if one is None:
            return None
        trade = self._settling.book.watched(one.sequence)
        try:
            found = None if trade.quote is None else self._exchange.find(trade.quote)
        except (MarketUnavailable, Rejected) as silent:
            halt = str(silent) if isinstance(silent, NeedsPerson) else ""
            return replace(self._settling.watch_on(one, trade, position, is_known=False), halt=halt)
        if found is not None and found.settlement is Settlement.COMPLETED:
            return self._settling.landed(one, trade, found, position)
        is_over = found is None or found.settlement is Settlement.FAILED
        return self._settling.watch_on(one, trade, position, is_known=is_over)

    def _abandon(self, trade: Trade, position: Position) -> Ended:
        if self._settling.now() < trade.lease_until:
            return Ended(trade, position)
        told = "The process ended before anything was sent."
        return self._settling.drop(trade, TradeState.ABANDONED, told, position)

    def _unasked(self, trade: Trade, silent: HeisenbugError, position: Position) -> Ended:
        """The venue does not say: nobody knows, once the commit cannot be on its way any more."""
        halt = str(silent) if isinstance(silent, NeedsPerson) else ""
        if self._settling.now() < trade.lease_until:
            return Ended(trade, position, halt)
        ended = self._settling.unresolved(trade, f"The venue cannot be asked ({silent}){RESOLVE}.", position)
        return replace(ended, halt=halt)

    def _still_open(self, trade: Trade, found: Filled | None, position: Position) -> Ended:
        """A commit may be on its way while its process can live, and a venue may take its time; then it is doubt."""
        if self._settling.now() < trade.lease_until or (found is not None and not self._is_over(trade)):
            return Ended(trade, position)
        told = "does not know the commit yet" if found is None else f"is still at it{RESOLVE}"
        return self._settling.unresolved(trade, f"The venue {told}.", position)

    def _is_over(self, trade: Trade) -> bool:
        """Whether a commit that the venue does not know by now will not turn up any more."""
        expires_at = trade.quote.expires_at if trade.quote else 0
        return self._settling.now() > max(expires_at + GRACE_SECONDS, trade.lease_until - 1)


def _undoubted(trade: Trade, found: Filled | None) -> Trade:
    """The trade without the doubts of the meantime; where it came to nothing they are how that came about."""
    if found is not None and found.settlement is Settlement.COMPLETED:
        return replace(trade, outcome="")
    why = (found.says or "The venue says that it failed.") if found else NEVER
    return replace(trade, outcome=f"{why} {trade.outcome}".strip())
