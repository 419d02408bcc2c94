"""Whatever is asked and whatever goes wrong: value is conserved, and no quote is carried out twice."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from local.account import card_id
from local.answers import Answer
from local.rules import Rules
from tests.exchanges import QUOTES, Trader, body_of, list_of, trader

CURRENCIES = ("USD", "EUR", "BTC", "ETH")
OPENING = {"USD": "1000", "EUR": "77.77", "BTC": "0.01234567", "ETH": "0.5"}

currencies = st.sampled_from(CURRENCIES)
amounts = st.decimals("0.00000001", "600", places=8).map(lambda amount: f"{amount:f}")
steps = st.one_of(
    st.tuples(st.just("quote"), currencies, currencies, amounts, currencies),
    st.tuples(st.just("once"), currencies, currencies, amounts),
    st.tuples(st.just("commit"), st.integers(0, 9)),
    st.tuples(st.just("commit"), st.just(-1)),
    st.tuples(st.just("read"), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.sampled_from((0.5, 10, 20, 150))),
    st.tuples(st.just("price"), st.sampled_from(sorted(QUOTES)), st.integers(50, 200)),
)


def arrives(answer: Answer) -> bool:
    """Whether a client hears it: what is cut off says nothing of what was done."""
    return not answer.reset and answer.hang_seconds is None


@dataclass
class Day:
    """A trader's doings, and what was asked and answered."""

    somebody: Trader
    quotes: list[dict[str, Any]] = field(default_factory=list)
    committed: Counter[str] = field(default_factory=Counter)

    def do(self, step: tuple[Any, ...]) -> None:
        match step:
            case "quote", origin, destination, amount, currency:
                self._keep(self.somebody.quote(origin, destination, amount, currency))
            case "once", origin, destination, amount:
                self.somebody.quote(origin, destination, amount, query={"commit": "true"})
            case "commit", number if self.quotes:
                quote = self.quotes[number % len(self.quotes)]
                answer = self.somebody.commit(quote)
                self.committed[quote["id"]] += arrives(answer) and answer.status == 200 and answer.html is None
            case "read", number if self.quotes:
                self.somebody.read(self.quotes[number % len(self.quotes)])
            case "wait", seconds:
                self.somebody.now += seconds
            case "price", pair, percent:
                prices = tuple(f"{Decimal(price) * percent / 100:f}" for price in QUOTES[pair])
                self.somebody.exchange.market.quotes[pair] = prices  # type: ignore[attr-defined]

    def _keep(self, answer: Answer) -> None:
        if answer.status == 202:
            self.quotes.append(body_of(answer))


def shown(somebody: Trader) -> dict[str, Decimal]:
    """The balances as the account's own route shows them."""
    return {card["currency"]: Decimal(card["balance"]) for card in list_of(somebody.get("/v0/me/cards"))}


def expected(truth: Mapping[str, Any]) -> dict[str, Decimal]:
    """The balances that the opening and the completed conversions make."""
    balances = {currency: Decimal(amount) for currency, amount in truth["opening"].items()}
    for each in truth["conversions"]:
        if each["status"] == "completed":
            balances[each["origin_currency"]] -= Decimal(each["origin_amount"])
            balances[each["destination_currency"]] += Decimal(each["destination_amount"])
    return balances


@settings(max_examples=300)
@given(st.lists(steps, min_size=5, max_size=40), st.integers(0, 1000), st.sampled_from((0.0, 0.3, 0.8)))
def test_value_is_conserved_to_the_last_digit_and_no_quote_is_carried_out_twice(
    doings: list[tuple[Any, ...]], seed: int, rate: float
) -> None:
    day = Day(trader(OPENING, plan={"seed": seed, "rate": rate}))
    for doing in doings:
        day.do(doing)
        books = day.somebody.exchange.settle(day.somebody.now)
        assert books.conserved(), books.discrepancies()
        assert all(card.available >= 0 for card in books.cards)
        assert max(Counter(each.id for each in books.conversions).values(), default=1) == 1
    assert max(day.committed.values(), default=0) <= 1
    day.somebody.now += 1000
    day.somebody.plan()
    truth = body_of(day.somebody.get("/local/conversions"))
    assert shown(day.somebody) == expected(truth)
    assert truth["conserved"]
    assert truth["landing"] == []


@given(currencies, currencies, amounts, currencies, st.decimals("0", "5", places=2), st.sampled_from(CURRENCIES[:2]))
def test_nobody_gains_by_converting_there_and_back(
    origin: str, destination: str, amount: str, currency: str, percent: Decimal, target: str
) -> None:
    somebody = trader(dict.fromkeys(CURRENCIES, "1000000"), Rules(margin_percent=percent))
    there = somebody.quote(origin, destination, amount, currency, target="origin" if target == "USD" else "destination")
    if there.status != 202:
        return
    quote = body_of(there)
    back = somebody.quote(destination, origin, quote["destination"]["amount"])
    if back.status == 202:
        assert Decimal(body_of(back)["destination"]["amount"]) <= Decimal(quote["origin"]["amount"])


@given(currencies, currencies, amounts, currencies)
def test_the_amounts_of_a_quote_add_up(origin: str, destination: str, amount: str, currency: str) -> None:
    answer = trader(dict.fromkeys(CURRENCIES, "1000000")).quote(origin, destination, amount, currency)
    if answer.status != 202:
        return
    quote = body_of(answer)
    left, right = quote["origin"], quote["destination"]
    assert Decimal(left["amount"]) == Decimal(left["base"]) + Decimal(left["commission"])
    assert Decimal(right["amount"]) == Decimal(right["base"]) - Decimal(right["commission"])
    assert quote["fees"] == [] or Decimal(quote["fees"][0]["amount"]) in (
        Decimal(left["commission"]),
        Decimal(right["commission"]),
    )
    assert (left["CardId"], right["CardId"]) == (card_id(origin), card_id(destination))
