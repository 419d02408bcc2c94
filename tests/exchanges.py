"""A simulated exchange over prices that stand still, and somebody who trades there without a socket."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from heisenbug.markets.market import Quotes
from local.account import card_id
from local.answers import Answer, Request
from local.replay import begin
from local.routes import SimulatedExchange
from local.rules import Rules
from local.trouble import Plan, TroublePlan
from local.trouble_orders import plan_from

NOW = 1_800_000_000.0
QUOTES = {
    "BTC-USD": ("49990", "50010"),
    "ETH-USD": ("2999", "3001"),
    "EUR-USD": ("1.0999", "1.1001"),
}


@dataclass
class StillMarket:
    """A market whose prices change only when a test changes `quotes`."""

    quotes: dict[str, tuple[str, str]] = field(default_factory=lambda: dict(QUOTES))
    name: str = "a market that stands still"
    first: float = 0.0
    last: float | None = None
    spacing_seconds: float = 60.0
    start: float = 0.0

    @property
    def pairs(self) -> tuple[str, ...]:
        return tuple(self.quotes)

    def quotes_at(self, moments: Sequence[float]) -> list[Quotes]:
        return [dict(self.quotes) for _ in moments]


@dataclass
class Trader:
    """Somebody with a token, a clock, and an exchange to ask."""

    exchange: SimulatedExchange
    now: float = NOW
    token: str = "any"

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"authorization": f"Bearer {self.token}", **(headers or {})}
        return self.exchange.answer(Request(method, path, query or {}, told, raw), self.now)

    def get(self, path: str, **query: str) -> Answer:
        return self.ask("GET", path, query=query)

    def post(self, path: str, body: object = None, **query: str) -> Answer:
        return self.ask("POST", path, body, query)

    def quote(self, origin: str, destination: str, amount: str, currency: str = "", **wish: Any) -> Answer:
        """Ask for a quote of `amount` of the origin's currency, or of another."""
        query = wish.pop("query", {})
        return self.post(
            f"/v0/me/cards/{card_id(origin)}/transactions",
            order(origin, destination, amount, currency, **wish),
            **query,
        )

    def offered(self, origin: str, destination: str, amount: str, currency: str = "", **wish: Any) -> dict[str, Any]:
        """The quote, which must be had."""
        answer = self.quote(origin, destination, amount, currency, **wish)
        assert answer.status == 202, answer
        return body_of(answer)

    def commit(self, quote: Mapping[str, Any], **headers: str) -> Answer:
        """Commit a quote."""
        path = f"/v0/me/cards/{quote['origin']['CardId']}/transactions/{quote['id']}/commit"
        return self.ask("POST", path, {}, headers=headers)

    def read(self, quote: Mapping[str, Any]) -> Answer:
        """What became of a quote."""
        return self.get(f"/v0/me/transactions/{quote['id']}")

    def plan(self, *troubles: Mapping[str, object], **chance: object) -> None:
        """Order troubles, or a chance of them."""
        plan: object = list(troubles) if troubles else chance
        answer = self.post("/local/trouble", plan)
        assert answer.status == 200, answer

    def held(self, currency: str) -> tuple[str, str]:
        """Balance and available of the currency's first card."""
        card = body_of(self.get(f"/v0/me/cards/{card_id(currency)}"))
        return card["balance"], card["available"]


def order(origin: str, destination: str, amount: str, currency: str = "", **wish: Any) -> dict[str, Any]:
    """The body that asks for a quote."""
    target = {"target": wish.pop("target")} if "target" in wish else {}
    denomination = {"amount": amount, "currency": currency or origin, **target}
    return {"denomination": denomination, "destination": card_id(destination), **wish}


def trader(
    balances: Mapping[str, str] | None = None,
    rules: Rules | None = None,
    quotes: Mapping[str, tuple[str, str]] = QUOTES,
    plan: object = None,
) -> Trader:
    """A trader at a new exchange; 1000 USD on the cards unless told otherwise."""
    market = StillMarket(dict(quotes))
    held = {currency: Decimal(amount) for currency, amount in (balances or {"USD": "1000"}).items()}
    trouble = TroublePlan(Plan() if plan is None else plan_from(plan))
    return Trader(SimulatedExchange(market, begin(market, 0, NOW), held, rules, trouble))


def body_of(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer."""
    assert isinstance(answer.body, dict)
    return answer.body


def list_of(answer: Answer) -> list[Any]:
    """The JSON list of an answer."""
    assert isinstance(answer.body, list)
    return answer.body
