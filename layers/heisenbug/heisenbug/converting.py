"""A conversion from the wish to the commit: docs/trade-life.md.

Every step is written down before the next one is taken, so that whatever dies, a later tick knows where it was.
"""

from dataclasses import replace
from math import exp, isnan, nan

from heisenbug.domain.bridging import first_leg, is_too_dear_back, second_leg
from heisenbug.domain.decide import Decision, Scored
from heisenbug.domain.errors import MarketUnavailable, NeedsPerson, Rejected, Unresolved
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.leg import Part
from heisenbug.domain.trade import (
    Expected,
    Settlement,
    Trade,
    TradeState,
    VenueQuote,
    cost_fraction,
    trade_id,
)
from heisenbug.domain.venue import Venue
from heisenbug.domain.words import bps, why
from heisenbug.exchange.port import Exchange, Request
from heisenbug.settling import Ended, Position, Settling, nothing_moved

# A quote is committed only while at least this much of it, and of the invocation, is left.
LEAST_SECONDS_TO_COMMIT = 3
# A leg that follows another is begun in the same invocation while at least this much of it is left.
SECONDS_FOR_A_LEG = 8


class Converting:
    """Carries one bot's decision as far as this invocation gets; `deadline` in epoch seconds.

    Given a `venue`, what has no market of its own there goes over the bridge, leg by leg (domain/bridging.py).
    """

    def __init__(
        self, bot_id: str, exchange: Exchange, settling: Settling, deadline: float, venue: Venue | None = None
    ) -> None:
        self._bot_id = bot_id
        self._exchange = exchange
        self._settling = settling
        self._book = settling.book
        self._settings = settling.settings
        self._deadline = deadline
        self._venue = venue

    def convert(self, decision: Decision, position: Position, record: bytes) -> Ended:
        """Take the decision's chosen conversion through its life."""
        trade = self._intended(decision)
        self._book.intend(trade, position.version, record)
        position = replace(position, version=position.version + 1)
        try:
            quoted = self._quoted(trade, position.ledger)
            objection = self._objection(quoted, position.ledger) or self._objection_to_second(quoted, position.ledger)
        except (Rejected, MarketUnavailable) as refused:
            return _halting(self._skip(trade, _sentence(refused), position), refused)
        if objection:
            return self._skip(quoted, objection, position)
        return self.onwards(self._committed(quoted, position, record))

    def go_on(self, trade: Trade, position: Position) -> Ended:
        """Try a leg that follows another; what does not go through now waits for a later tick."""
        try:
            quoted = self._quoted(trade, position.ledger)
        except (Rejected, MarketUnavailable) as refused:
            return _halting(self._settling.waits(trade, _sentence(refused), position), refused)
        objection = self._objection(quoted, position.ledger)
        if objection:
            return self._settling.waits(trade, objection, position)
        return self._committed(quoted, position, None)

    def onwards(self, ended: Ended) -> Ended:
        """The legs that follow one that went through, as far as this invocation's time reaches.

        What did not go through is tried again by a later tick, which goes on from there too.
        """
        while ended.following and ended.trade.state is TradeState.EXECUTED and self._left() > SECONDS_FOR_A_LEG:
            ended = self.go_on(ended.following, ended.position)
        return ended

    def _committed(self, quoted: Trade, position: Position, record: bytes | None) -> Ended:
        leased = replace(quoted, lease_until=int(self._deadline) + 1)
        self._book.committing(leased)
        return self._commit(replace(leased, state=TradeState.COMMITTING), position, record)

    def _intended(self, decision: Decision) -> Trade:
        chosen = decision.chosen
        if chosen is None:
            raise ValueError("A decision without a chosen conversion cannot be converted.")
        whole = Trade(
            trade_id(self._bot_id, self._settings.mode, decision.at, chosen.source, chosen.target),
            self._settings.mode,
            decision.at,
            chosen.source,
            chosen.target,
            chosen.amount,
            _expected(decision, chosen),
            why(chosen),
            lease_until=int(self._deadline) + 1,
            exit=str(chosen.exit or ""),
        )
        return self._first(whole, decision)

    def _first(self, whole: Trade, decision: Decision) -> Trade:
        """The conversion itself, or its first leg where it goes over the bridge."""
        route = self._venue.route(whole.source, whole.target) if self._venue else ()
        if len(route) != 3:
            return whole
        place = {asset: index for index, asset in enumerate(decision.assets)}
        bridge, goal = place[route[1]], place[whole.target]
        return first_leg(whole, route[1], float(decision.prices[bridge]), float(decision.scores.cost[bridge, goal]))

    def _objection_to_second(self, first: Trade, ledger: Ledger) -> str | None:
        """Why a conversion over the bridge must not be begun: what its second leg, quoted beforehand, says."""
        if first.leg is None or first.quote is None:
            return None
        cost = (first.quoted_cost_bps or 0) / 10_000
        second = second_leg(first, first.quote.receives, cost, self._settling.now())
        try:
            quoted = self._priced(second)
        except Rejected as refused:
            raise type(refused)(f"The second leg would be refused: {refused}") from refused
        return self._unacceptable(quoted, ledger)

    def _quoted(self, trade: Trade, ledger: Ledger) -> Trade:
        held = ledger.holdings.get(trade.source, trade.amount * 0)
        # Where the venue has no place for the asset at all, its quote says what to do about that.
        spendable = min(held, self._exchange.balances().get(trade.source, held))
        if spendable < trade.amount:
            raise Rejected(f"Only {spendable} {trade.source} may be spent, not {trade.amount}.")
        return self._priced(trade)

    def _priced(self, trade: Trade) -> Trade:
        quote = self._exchange.quote(Request(trade.id, trade.source, trade.target, trade.amount))
        _check_asked_for(quote, trade)
        cost = cost_fraction(quote.amount, quote.receives, trade.expected.source_price, trade.expected.target_price)
        return replace(trade, quote=quote, quoted_cost_bps=cost * 10_000)

    def _objection(self, trade: Trade, ledger: Ledger) -> str | None:
        """Why a quoted trade must not be committed, or None."""
        quote = _quote(trade)
        left = min(quote.expires_at - self._settling.moment(), self._left())
        if left < LEAST_SECONDS_TO_COMMIT:
            return f"Only {left:.1f} s are left to commit."
        return self._unacceptable(trade, ledger)

    def _unacceptable(self, trade: Trade, ledger: Ledger) -> str | None:
        """What the quote itself has against it; an exit is bound by less, on both of its legs."""
        if trade.exit:
            return self._not_named(_quote(trade)) or self._too_dear_to_leave(trade)
        return self._over_budget(_quote(trade), ledger) or self._too_dear(trade)

    def _not_named(self, quote: VenueQuote) -> str | None:
        """An exit may bring more than the budget, but live money touches no asset that is not named in it."""
        if self._settings.most_of(quote.target) == 0:
            return f"The budget does not name {quote.target}."
        return None

    def _too_dear_to_leave(self, trade: Trade) -> str | None:
        cost, most = (trade.quoted_cost_bps or 0) / 10_000, self._settings.max_exit_cost_bps / 10_000
        if cost <= most:
            return None
        return f"Getting out would cost {bps(cost)}, at most {bps(most)} may be paid (max_exit_cost_bps)."

    def _over_budget(self, quote: VenueQuote, ledger: Ledger) -> str | None:
        most = self._settings.most_of(quote.target)
        would_hold = ledger.holdings.get(quote.target, quote.receives * 0) + quote.receives
        if most is not None and would_hold > most:
            return f"The budget allows {most} {quote.target}, it would be {would_hold}."
        return None

    def _too_dear(self, trade: Trade) -> str | None:
        expected, cost = trade.expected, (trade.quoted_cost_bps or 0) / 10_000
        if trade.leg and trade.leg.part is Part.BACK:
            return f"The way back would cost {bps(cost)}." if is_too_dear_back(trade, cost) else None
        if trade.leg and trade.leg.part is Part.FIRST:
            return None  # by itself it earns nothing: both legs together are looked at
        net = exp(expected.expected_log_return) * (1 - cost) - 1
        if net > self._settings.min_expected_return:
            return None
        return (
            f"The quote costs {bps(cost)}, {bps(expected.cost)} were expected: the net return would be {bps(net)}, "
            f"not above {bps(self._settings.min_expected_return)}."
        )

    def _commit(self, trade: Trade, position: Position, record: bytes | None) -> Ended:
        try:
            filled = self._exchange.commit(_quote(trade))
        except Rejected as refused:
            failed = replace(trade, outcome=str(refused))
            return _halting(self._settling.finish(failed, nothing_moved(trade), position, record), refused)
        except Unresolved as doubt:
            return self._settling.unresolved(trade, str(doubt), position)
        if filled.settlement is Settlement.PROCESSING:
            return Ended(trade, position)
        return self._settling.finish(trade, filled, position, record)

    def _left(self) -> float:
        return self._deadline - self._settling.moment()

    def _skip(self, trade: Trade, outcome: str, position: Position) -> Ended:
        return self._settling.drop(trade, TradeState.SKIPPED, outcome, position)


def _quote(trade: Trade) -> VenueQuote:
    if trade.quote is None:
        raise ValueError("A trade without a quote can neither be objected to nor committed.")
    return trade.quote


def _check_asked_for(quote: VenueQuote, trade: Trade) -> None:
    """Raise Rejected where a quote is not for what was asked; it lapses."""
    if (quote.source, quote.target) != (trade.source, trade.target):
        raise Rejected("The quote is not for the conversion that was asked for.")
    if not 0 < quote.amount <= trade.amount:
        raise Rejected(f"The quote is over {quote.amount} {quote.source}, not over the {trade.amount} asked for.")


def _halting(ended: Ended, refused: Exception) -> Ended:
    return replace(ended, halt=str(refused)) if isinstance(refused, NeedsPerson) else ended


def _sentence(refused: Exception) -> str:
    if isinstance(refused, Rejected):
        return str(refused)
    return f"There was no quote: {refused}. Nothing was sent."


def _expected(decision: Decision, chosen: Scored) -> Expected:
    place = {asset: index for index, asset in enumerate(decision.assets)}
    return Expected(
        _one_nan(chosen.confidence),
        _one_nan(chosen.expected_return),
        _one_nan(chosen.expected_log_return),
        _one_nan(chosen.risk),
        chosen.cost,
        float(decision.prices[place[chosen.source]]),
        float(decision.prices[place[chosen.target]]),
    )


def _one_nan(number: float) -> float:
    """The number; what is not known is always the same NaN, so that equal trades are equal."""
    return nan if isnan(number) else number
