"""The simulated exchange without its sockets: a request and the time go in, an answer comes out."""

from collections.abc import Mapping
from decimal import Decimal

from heisenbug.markets.market import Market
from local.account import Account, completed, opened
from local.answers import Answer, Request, filtered, not_found, page
from local.books import Books
from local.catalogue import asset
from local.doors import refused_entry, step_of
from local.faults import spoilt_quotes, spoilt_row, whole_answer_fault
from local.me import Me
from local.offering import Moment
from local.replay import Replay
from local.replayed import Replayed
from local.rules import Rules
from local.spoiling import troubled
from local.ticker import DEFAULT_CURRENCY, Row, one_pair, ticker
from local.trouble import Trouble, TroublePlan

__all__ = ["Answer", "Request", "SimulatedExchange"]

MOST_ASSETS = 150
OPENING = {DEFAULT_CURRENCY: Decimal(1000)}


class SimulatedExchange(Replayed):
    """Uphold's public and account routes over one replayed market.

    The account opens with `balances`, unless its `books` are given.
    """

    def __init__(
        self,
        market: Market,
        replay: Replay,
        balances: Mapping[str, Decimal] | None = None,
        rules: Rules | None = None,
        trouble: TroublePlan | None = None,
        books: Books | None = None,
    ) -> None:
        super().__init__(market, replay, trouble or TroublePlan())
        self.rules = rules or Rules()
        kept = books or opened(self.currencies, OPENING if balances is None else balances)
        self.account = Account(completed(kept, self.currencies))
        self._me = Me(self.account, self.rules, self.currencies)

    def served(self, request: Request, path: list[str], now: float) -> Answer:
        """The answer to a request of Uphold's API."""
        step = step_of(request)
        trouble = None if step is None else self.trouble.take(step, request, now)
        return troubled(trouble, lambda: self._served(request, path, trouble, now), now)

    def halted(self) -> frozenset[str]:
        """The assets that are shown and not converted."""
        return frozenset(self.rules.halted) | frozenset(self.trouble.plan.halted)

    def _served(self, request: Request, path: list[str], trouble: Trouble | None, now: float) -> Answer:
        match request.method, path:
            case "GET", ["v0", "ticker", *rest] if len(rest) <= 1:
                return self._ticker(rest[0].upper() if rest else DEFAULT_CURRENCY, now)
            case "GET", ["v0", "assets"]:
                return self._assets(request)
            case _, ["v0", "me", *rest]:
                refused = refused_entry(request, self.rules)
                moment = Moment(request, now, self.quotes(now), self.halted(), trouble)
                return self._me.answer(rest, moment) if refused is None else refused
        return not_found()

    def _ticker(self, name: str, now: float) -> Answer:
        fault = self.faults.take(name)
        whole = whole_answer_fault(fault)
        if whole is not None:
            return whole
        quotes = spoilt_quotes(fault, self.quotes(now))
        if name in self.currencies:
            return Answer([spoilt_row(fault, pair, row) for pair, row in ticker(quotes, name)])
        found = one_pair(quotes, name)
        return Answer(_without_pair(spoilt_row(fault, *found))) if found else not_found()

    def _assets(self, request: Request) -> Answer:
        wanted, halted = filtered(request.query, "type"), self.halted()
        items = [asset(code, code in halted) for code in self.currencies]
        return page([item for item in items if not wanted or item["type"] in wanted], request, MOST_ASSETS)


def _without_pair(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "pair"}
