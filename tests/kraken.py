"""A simulated Kraken over prices that stand still, and somebody with its key who trades there without a socket."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from local.answers import Answer, Request
from local.kraken.entry import DEMO_KEY, DEMO_SECRET, Rules, signature
from local.kraken.exchange import SimulatedKraken
from local.kraken.trouble import FITS
from local.replay import begin
from local.trouble import Plan, TroublePlan
from local.trouble_orders import plan_from
from tests.exchanges import NOW, QUOTES, StillMarket


@dataclass
class KrakenTrader:
    """Somebody with a key, a secret, a clock and a nonce."""

    exchange: SimulatedKraken
    now: float = NOW
    key: str = DEMO_KEY
    secret: str = DEMO_SECRET
    nonce: int = field(default=1)

    def public(self, name: str, **query: str) -> Any:
        """The result of a public request."""
        return result_of(self.exchange.answer(Request("GET", f"/0/public/{name}", query), self.now))

    def ask(self, name: str, **told: str) -> Answer:
        """The answer to a private request."""
        self.nonce += 1
        body = urlencode({"nonce": str(self.nonce), **told}).encode()
        plain = Request("POST", f"/0/private/{name}", {}, {}, body)
        signed = {"api-key": self.key, "api-sign": signature(plain, str(self.nonce), self.secret)}
        return self.exchange.answer(Request("POST", plain.path, {}, signed, body), self.now)

    def order(self, side: str, volume: str, price: str, client_id: str = "", **told: str) -> Answer:
        """An order for BTC-USD, immediate or cancelled."""
        wish = {"pair": "XBTUSD", "type": side, "ordertype": "limit", "volume": volume, "price": price}
        about = {"timeinforce": "IOC", "oflags": "fciq", **({"cl_ord_id": client_id} if client_id else {})}
        return self.ask("AddOrder", **{**wish, **about, **told})

    def known(self, client_id: str) -> dict[str, Any]:
        """What is said of the one order with this client order id."""
        is_open = result_of(self.ask("OpenOrders", cl_ord_id=client_id))["open"]
        closed = result_of(self.ask("ClosedOrders", cl_ord_id=client_id))["closed"]
        [order] = (is_open | closed).values()
        return dict(order)

    def held(self, asset_id: str) -> tuple[str, str]:
        """Balance and what is on hold of an asset."""
        balance = result_of(self.ask("BalanceEx")).get(asset_id, {"balance": "0", "hold_trade": "0"})
        return balance["balance"], balance["hold_trade"]

    def plan(self, *troubles: Mapping[str, object], **plan: object) -> None:
        """Order troubles, or another plan."""
        self.exchange.trouble.order(plan_from(list(troubles) if troubles else plan, FITS))


def kraken(
    balances: Mapping[str, str] | None = None,
    rules: Rules | None = None,
    quotes: Mapping[str, tuple[str, str]] = QUOTES,
    plan: Plan | None = None,
) -> KrakenTrader:
    """A trader at a new exchange; 1000 USD in the account unless told otherwise."""
    market = StillMarket(dict(quotes))
    held = {asset: Decimal(amount) for asset, amount in (balances or {"USD": "1000"}).items()}
    trouble = TroublePlan(plan or Plan(), FITS)
    return KrakenTrader(SimulatedKraken(market, begin(market, 0, NOW), held, rules, trouble))


def result_of(answer: Answer) -> Any:
    """The result of an answer that is not a refusal."""
    assert isinstance(answer.body, dict)
    assert answer.body["error"] == []
    return answer.body["result"]


def errors_of(answer: Answer) -> list[str]:
    """Why it was refused."""
    assert isinstance(answer.body, dict)
    assert "result" not in answer.body
    return list(answer.body["error"])


def moment(seconds: float) -> str:
    """A time as Kraken reads it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
