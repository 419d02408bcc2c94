"""The simulated exchange without its sockets: a request and the time go in, an answer comes out."""

from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus

from heisenbug.markets.market import Market, Quotes
from local.account import Account, completed, opened
from local.answers import Answer, BadRequest, Request, error, filtered, not_found, page, read_json
from local.books import Books, Conversion
from local.catalogue import asset
from local.doors import refused_entry, step_of
from local.faults import FaultPlan, InvalidFault, fault_from, spoilt_quotes, spoilt_row, whole_answer_fault
from local.me import Me
from local.offering import Moment
from local.replay import InvalidPosition, Replay
from local.rules import Rules
from local.spoiling import troubled
from local.steering import fault_body, health_body, market_time, samples_body, trouble_body, truth_body
from local.ticker import DEFAULT_CURRENCY, Row, one_pair, ticker
from local.trouble import Trouble, TroublePlan
from local.trouble_orders import InvalidTrouble, plan_from

__all__ = ["Answer", "Request", "SimulatedExchange"]

MOST_ASSETS = 150
OPENING = {DEFAULT_CURRENCY: Decimal(1000)}


class SimulatedExchange:
    """Uphold's public and account routes over one replayed market, and the local ones to steer it.

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
        self.market = market
        self.replay = replay
        self.rules = rules or Rules()
        self.faults = FaultPlan()
        self.trouble = trouble or TroublePlan()
        currencies = {currency for pair in market.pairs for currency in pair.split("-")}
        self.currencies = tuple(sorted(currencies | {DEFAULT_CURRENCY}))
        kept = books or opened(self.currencies, OPENING if balances is None else balances)
        self.account = Account(completed(kept, self.currencies))
        self._me = Me(self.account, self.rules, self.currencies)

    @property
    def conversions(self) -> tuple[Conversion, ...]:
        """Every conversion that happened by the newest request (or `settle`), in the order of its landing."""
        return self.account.books().conversions

    def settle(self, now: float) -> Books:
        """The account when the wall clock shows `now` (epoch seconds), with all that was due by then."""
        self.account.settle(now)
        return self.account.books()

    def answer(self, request: Request, now: float) -> Answer:
        """The answer to any request; `now` is the wall clock (epoch seconds)."""
        self.account.settle(now)
        path = request.path.strip("/").split("/")
        try:
            return self._local(request, path[1:], now) if path[0] == "local" else self._uphold(request, path, now)
        except (BadRequest, InvalidFault, InvalidPosition, InvalidTrouble) as problem:
            return error(HTTPStatus.BAD_REQUEST, "validation_failed", str(problem))

    def quotes(self, now: float) -> Quotes:
        """The prices that the market shows at wall time `now`."""
        return self.market.quotes_at([self.replay.market_time(now)])[0]

    def halted(self) -> frozenset[str]:
        """The assets that are shown and not converted."""
        return frozenset(self.rules.halted) | frozenset(self.trouble.plan.halted)

    def _uphold(self, request: Request, path: list[str], now: float) -> Answer:
        step = step_of(request)
        trouble = None if step is None else self.trouble.take(step, request, now)
        return troubled(trouble, lambda: self._served(request, path, trouble, now), now)

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

    def _local(self, request: Request, path: list[str], now: float) -> Answer:
        match request.method, path:
            case "GET", ["health"]:
                return Answer(health_body(self.market, self.replay, now))
            case "GET", ["samples"]:
                return Answer(samples_body(self.market, self.replay, request.query, now))
            case "POST", ["position"]:
                self.replay = self.replay.moved(market_time(request.body), now)
                return Answer(health_body(self.market, self.replay, now))
            case "GET", ["conversions"]:
                return Answer(truth_body(self.account.books()))
            case _, ["faults" | "trouble" as plan]:
                return self._plan(request, plan)
        return not_found()

    def _plan(self, request: Request, plan: str) -> Answer:
        """Show what is planned to go wrong with the ticker's prices or with any request; POST orders it anew."""
        if request.method not in ("GET", "POST"):
            return not_found()
        if request.method == "POST" and plan == "faults":
            self.faults.order(fault_from(read_json(request.body), self.market.pairs))
        elif request.method == "POST":
            self.trouble.order(plan_from(read_json(request.body)))
        return Answer(fault_body(self.faults.fault) if plan == "faults" else trouble_body(self.trouble))

    def _ticker(self, name: str, now: float) -> Answer:
        fault = self.faults.take()
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
