"""What every simulated exchange is: a venue's API over one replayed market, and local routes to steer it."""

from abc import ABC, abstractmethod
from http import HTTPStatus
from typing import Protocol

from heisenbug.markets.market import Market, Quotes
from local.answers import Answer, BadRequest, Request, error, not_found, read_json
from local.books import Books, Conversion
from local.faults import FaultPlan, InvalidFault, fault_from
from local.replay import InvalidPosition, Replay
from local.steering import fault_body, health_body, market_time, samples_body, trouble_body, truth_body
from local.ticker import DEFAULT_CURRENCY
from local.trouble import FITS, Fits, TroublePlan
from local.trouble_orders import InvalidTrouble, plan_from


class Held(Protocol):
    """The account of an exchange; `changes` counts what has changed in it."""

    changes: int

    def books(self) -> Books:
        """Everything as it is now."""

    def settle(self, now: float) -> None:
        """Let everything happen that was due by now."""


class Replayed(ABC):
    """A venue over a market that is replayed; `fits` says what can go wrong with which request."""

    account: Held
    fits: Fits = FITS

    def __init__(self, market: Market, replay: Replay, trouble: TroublePlan) -> None:
        self.market = market
        self.replay = replay
        self.trouble = trouble
        self.faults = FaultPlan()
        currencies = {currency for pair in market.pairs for currency in pair.split("-")}
        self.currencies = tuple(sorted(currencies | {DEFAULT_CURRENCY}))

    @abstractmethod
    def served(self, request: Request, path: list[str], now: float) -> Answer:
        """The answer to a request of the venue's own API."""

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
            return self._local(request, path[1:], now) if path[0] == "local" else self.served(request, path, now)
        except (BadRequest, InvalidFault, InvalidPosition, InvalidTrouble) as problem:
            return error(HTTPStatus.BAD_REQUEST, "validation_failed", str(problem))

    def quotes(self, now: float) -> Quotes:
        """The prices that the market shows at wall time `now`."""
        return self.market.quotes_at([self.replay.market_time(now)])[0]

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
            self.trouble.order(plan_from(read_json(request.body), self.fits))
        return Answer(fault_body(self.faults.fault) if plan == "faults" else trouble_body(self.trouble))
