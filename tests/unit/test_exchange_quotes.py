"""The simulated exchange's quotes: the documented examples to the last digit, their shape, and what is refused."""

from decimal import Decimal
from typing import Any

import pytest

from local.account import card_id
from local.answers import Answer
from local.rules import InvalidRule, Rules
from local.shapes import USER_ID
from tests.exchanges import NOW, QUOTES, Trader, body_of, list_of, order, trader

EUROS = {"EUR-USD": ("1.16795", "1.16795"), "GBP-USD": ("1.31", "1.310001")}
BITCOINS = {"BTC-EUR": ("11000", "11023.87858"), "USD-EUR": ("0.84452", "0.84452")}
FREE = Rules(margin_percent=Decimal(0))


def faults(answer: Answer) -> dict[str, Any]:
    body = body_of(answer)
    assert body["code"] == "validation_failed"
    errors: dict[str, Any] = body["errors"]
    return errors


# --- the documented examples ---


def test_the_documented_conversion_of_dollars_into_euros_comes_out_to_the_last_digit() -> None:
    somebody = trader({"USD": "100"}, Rules(margin_percent=Decimal("0.65")), EUROS)
    quote = somebody.offered("USD", "EUR", "5.00", "GBP", message=None)
    committed = body_of(somebody.commit(quote))
    usd, eur = card_id("USD"), card_id("EUR")
    user = {"id": USER_ID}
    assert committed == {
        "application": None,
        "createdAt": "2027-01-15T08:00:00.000Z",
        "denomination": {"amount": "5.00", "currency": "GBP", "pair": "GBPUSD", "rate": "1.31", "target": "origin"},
        "destination": {
            "CardId": eur,
            "amount": "5.57",
            "base": "5.61",
            "commission": "0.04",
            "currency": "EUR",
            "description": "Example User",
            "fee": "0.00",
            "isMember": True,
            "node": {"id": eur, "type": "card", "user": user},
            "rate": "0.85620",
            "type": "card",
        },
        "fees": [
            {"amount": "0.04", "currency": "EUR", "percentage": "0.65", "target": "destination", "type": "exchange"}
        ],
        "id": quote["id"],
        "message": None,
        "network": "uphold",
        "normalized": [
            {
                "amount": "6.56",
                "commission": "0.05",
                "currency": "USD",
                "fee": "0.00",
                "rate": "1.00000",
                "target": "destination",
            }
        ],
        "origin": {
            "CardId": usd,
            "amount": "6.56",
            "base": "6.56",
            "commission": "0.00",
            "currency": "USD",
            "description": "Example User",
            "fee": "0.00",
            "isMember": True,
            "node": {"id": usd, "type": "card", "user": user},
            "rate": "1.16795",
            "sources": [{"amount": "6.56", "id": committed["origin"]["sources"][0]["id"]}],
            "type": "card",
        },
        "params": {
            "currency": "USD",
            "margin": "0.65",
            "pair": "EURUSD",
            "progress": "1",
            "rate": "1.16795",
            "ttl": 18000,
            "type": "transfer",
        },
        "priority": "normal",
        "reference": None,
        "status": "completed",
        "type": "transfer",
    }


def test_the_documented_conversion_of_euros_into_bitcoin_comes_out_to_the_last_digit() -> None:
    quote = trader({"EUR": "100"}, quotes=BITCOINS).offered("EUR", "BTC", "10", "USD")
    assert quote["denomination"]["rate"] == "0.84452"
    assert (quote["origin"]["amount"], quote["origin"]["rate"]) == ("8.45", "11023.87858")
    arriving = {name: quote["destination"][name] for name in ("base", "commission", "amount", "rate")}
    assert arriving == {
        "base": "0.00076651",
        "commission": "0.00000805",
        "amount": "0.00075846",
        "rate": "0.00009071",
    }
    assert quote["fees"][0]["percentage"] == "1.05"


# --- the arithmetic ---


@pytest.mark.parametrize(
    ("origin", "destination", "amount", "arrives"),
    [
        ("USD", "BTC", "100", "0.00199960"),  # at the ask
        ("BTC", "USD", "0.001", "49.99"),  # at the bid
        ("ETH", "BTC", "1", "0.05996800"),  # sold for dollars at the bid, bitcoin bought at the ask
        ("EUR", "ETH", "100", "0.03665111"),
        ("USD", "EUR", "0.02", "0.01"),
    ],
)
def test_it_sells_at_the_bid_and_buys_at_the_ask_and_rounds_down_what_arrives(
    origin: str, destination: str, amount: str, arrives: str
) -> None:
    quote = trader({origin: "1000"}, FREE).offered(origin, destination, amount)
    assert quote["destination"]["amount"] == arrives
    assert Decimal(quote["origin"]["amount"]) == Decimal(amount)
    assert quote["fees"] == []


def test_the_inverse_of_a_quoted_pair_has_a_price_too() -> None:
    quote = trader({"JPY": "15010"}, FREE, {"USD-JPY": ("149.9", "150.1")}).offered("JPY", "USD", "15010")
    assert quote["destination"]["amount"] == "100.00"


def test_a_wanted_amount_arrives_exactly_and_the_commission_is_taken_on_top() -> None:
    quote = trader({"USD": "10000"}, Rules(margin_percent=Decimal(1))).offered("USD", "BTC", "0.1", "BTC")
    origin = quote["origin"]
    assert quote["denomination"]["target"] == "destination"
    assert (quote["destination"]["amount"], quote["destination"]["commission"]) == ("0.10000000", "0.00000000")
    assert (origin["base"], origin["commission"], origin["amount"]) == ("5001.00", "50.01", "5051.01")
    assert quote["fees"][0] | {"percentage": "1.00"} == {
        "amount": "50.01",
        "currency": "USD",
        "percentage": "1.00",
        "target": "origin",
        "type": "exchange",
    }


def test_the_target_says_who_pays_the_commission_whatever_the_denomination() -> None:
    somebody = trader({"USD": "10000"}, Rules(margin_percent=Decimal(1)))
    deducted = somebody.offered("USD", "BTC", "0.1", "BTC", target="origin")
    assert (deducted["origin"]["amount"], deducted["destination"]["amount"]) == ("5001.00", "0.09900000")
    on_top = somebody.offered("USD", "BTC", "5001", target="destination")
    assert (on_top["origin"]["amount"], on_top["destination"]["commission"]) == ("5051.01", "0.00000000")


def test_the_margin_is_that_of_the_dearer_asset_unless_one_is_told() -> None:
    somebody = trader({"USD": "1000"}, quotes={**QUOTES, "XRP-USD": ("0.5", "0.5"), "XAU-USD": ("2000", "2001")})
    margins = {to: somebody.offered("USD", to, "100")["params"]["margin"] for to in ("BTC", "EUR", "XRP", "XAU")}
    assert margins == {"BTC": "1.05", "EUR": "0.25", "XRP": "2.65", "XAU": "2.65"}
    told = trader(rules=Rules(margin_percent=Decimal("0.125"))).offered("USD", "BTC", "100")
    assert told["params"]["margin"] == "0.125"
    table = trader(rules=Rules(margins={"fiat": Decimal("0.1"), "BTC": Decimal(2)})).offered("USD", "BTC", "100")
    assert table["params"]["margin"] == "2.00"


def test_between_cards_of_one_currency_nothing_is_charged_and_the_quote_holds_for_an_hour() -> None:
    somebody = trader()
    other = body_of(somebody.post("/v0/me/cards", {"label": "Savings", "currency": "USD"}))
    path = f"/v0/me/cards/{card_id('USD')}/transactions"
    quote = body_of(somebody.post(path, order("USD", "USD", "10") | {"destination": other["id"]}))
    assert quote["params"] == {
        "currency": "USD",
        "margin": "0.00",
        "pair": "USDUSD",
        "rate": "1.00",
        "ttl": 3_600_000,
        "type": "internal",
    }
    somebody.now += 3599
    assert somebody.commit(quote).status == 200
    assert body_of(somebody.get(f"/v0/me/cards/{other['id']}"))["balance"] == "10.00"


# --- the shape of a pending quote ---


def test_a_pending_quote_has_no_progress_no_sources_and_its_own_time_to_live() -> None:
    somebody = trader(rules=Rules(ttl_seconds=7))
    answer = somebody.quote("USD", "BTC", "100")
    quote = body_of(answer)
    assert (answer.status, quote["status"], quote["origin"]["sources"]) == (202, "pending", [])
    assert "progress" not in quote["params"]
    assert "reference" not in quote
    assert quote["params"]["ttl"] == 7000


def test_reference_message_and_priority_are_echoed() -> None:
    quote = trader().offered("USD", "BTC", "100", reference="r" * 100, message="hello", priority="fast")
    assert (quote["reference"], quote["message"], quote["priority"]) == ("r" * 100, "hello", "fast")


def test_a_number_is_an_amount_too() -> None:
    somebody = trader()
    wish = order("USD", "BTC", "1")
    for amount in (10, 10.5):
        wish["denomination"]["amount"] = amount
        quote = body_of(somebody.post(f"/v0/me/cards/{card_id('USD')}/transactions", wish))
        assert Decimal(quote["origin"]["amount"]) == Decimal(str(amount))


def test_every_quote_has_another_id_and_asking_moves_nothing() -> None:
    somebody = trader()
    ids = {somebody.offered("USD", "BTC", "1000")["id"] for _ in range(5)}
    assert len(ids) == 5
    assert somebody.held("USD") == ("1000.00", "1000.00")
    assert somebody.exchange.conversions == ()


# --- what is refused ---


def test_more_than_there_is_is_refused_in_the_documented_words() -> None:
    answer = trader().quote("USD", "BTC", "1000.01")
    assert (answer.status, answer.body) == (
        400,
        {
            "code": "validation_failed",
            "errors": {
                "denomination": {
                    "code": "validation_failed",
                    "errors": {
                        "amount": [{"code": "sufficient_funds", "message": "Not enough funds for the specified amount"}]
                    },
                }
            },
        },
    )


def test_too_little_and_too_much_are_refused_with_the_threshold() -> None:
    somebody = trader({"USD": "1000"}, Rules(least_value=Decimal(5), most_value=Decimal(100)))
    little = faults(somebody.quote("USD", "EUR", "4.99"))["denomination"]["errors"]["amount"]
    assert little == [
        {
            "code": "greater_than_or_equal_to",
            "message": "This value should be greater than or equal to 5.00",
            "args": {"threshold": "5.00"},
        }
    ]
    much = faults(somebody.quote("USD", "EUR", "100.01"))["destination"]["errors"]["amount"][0]
    assert (much["code"], much["args"]) == ("less_than_or_equal_to", {"threshold": "90.90"})
    assert somebody.quote("USD", "EUR", "5").status == 202
    assert somebody.quote("USD", "EUR", "100").status == 202


def test_an_amount_that_would_arrive_as_nothing_is_refused_with_what_would_do() -> None:
    somebody = trader({"BTC": "1"})
    refused = faults(somebody.quote("BTC", "USD", "0.00000001"))["denomination"]["errors"]["amount"][0]
    assert refused["code"] == "greater_than_or_equal_to"
    assert somebody.quote("BTC", "USD", refused["args"]["threshold"]).status == 202


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        ({"denomination": None}, ["denomination"]),
        ({"denomination": {"currency": "USD"}}, ["denomination", "amount"]),
        ({"denomination": {"amount": "1"}}, ["denomination", "currency"]),
        ({"denomination": {"amount": "-1", "currency": "USD"}}, ["denomination", "amount"]),
        ({"denomination": {"amount": "0", "currency": "USD"}}, ["denomination", "amount"]),
        ({"denomination": {"amount": "NaN", "currency": "USD"}}, ["denomination", "amount"]),
        ({"denomination": {"amount": "1e999999999", "currency": "USD"}}, ["denomination", "amount"]),
        ({"denomination": {"amount": True, "currency": "USD"}}, ["denomination", "amount"]),
        ({"denomination": {"amount": {}, "currency": "USD"}}, ["denomination", "amount"]),
        ({"denomination": {"amount": "1", "currency": 3}}, ["denomination", "currency"]),
        ({"denomination": {"amount": "1", "currency": "USD", "target": "moon"}}, ["denomination", "target"]),
        ({"denomination": {"amount": "1", "currency": "XYZ"}}, ["destination"]),
        ({"destination": None}, ["destination"]),
        ({"destination": "somebody@example.com"}, ["destination"]),
        ({"destination": card_id("USD")}, ["destination"]),
        ({"destination": ["x"]}, ["destination"]),
        ({"reference": "r" * 101}, ["reference"]),
        ({"reference": 7}, ["reference"]),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_at_its_field(spoil: dict[str, Any], field: list[str]) -> None:
    somebody = trader()
    answer = somebody.post(f"/v0/me/cards/{card_id('USD')}/transactions", order("USD", "BTC", "100") | spoil)
    assert answer.status == 400
    fault: Any = faults(answer)
    for name in field[:-1]:
        fault = fault[name]["errors"]
    assert fault[field[-1]][0].keys() >= {"code", "message"}


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"7"])
def test_a_body_that_is_no_object_is_refused_as_one_that_is_missing(body: bytes) -> None:
    answer = trader().post(f"/v0/me/cards/{card_id('USD')}/transactions", body)
    assert faults(answer)["object"] == [{"code": "required", "message": "This value is required"}]


def test_a_card_that_is_not_there_is_not_found() -> None:
    assert trader().post("/v0/me/cards/nobody/transactions", order("USD", "BTC", "1")).status == 404


def test_a_halted_asset_is_shown_so_and_not_converted_either_way() -> None:
    somebody = trader({"USD": "1000", "BTC": "1"}, Rules(halted=["BTC"]))
    shown = {asset["code"]: asset["status"] for asset in list_of(somebody.get("/v0/assets"))}
    assert (shown["BTC"], shown["ETH"]) == ("halted", "open")
    buying, selling = somebody.quote("USD", "BTC", "100"), somebody.quote("BTC", "USD", "0.1")
    assert faults(buying)["destination"] == [{"code": "asset_halted", "message": "BTC is halted"}]
    assert faults(selling)["denomination"]["errors"]["currency"][0]["code"] == "asset_halted"
    assert somebody.quote("USD", "ETH", "100").status == 202


def test_an_asset_without_a_price_is_not_converted() -> None:
    somebody = trader({"USD": "1000", "DOGE": "5"})
    assert faults(somebody.quote("DOGE", "USD", "1"))["destination"][0]["code"] == "asset_not_quoted"


@pytest.mark.parametrize(
    "rules", [{"ttl_seconds": -1}, {"margin_percent": Decimal(51)}, {"margin_percent": Decimal("NaN")}, {"token": ""}]
)
def test_rules_that_make_no_sense_say_what_would(rules: dict[str, Any]) -> None:
    with pytest.raises(InvalidRule, match=r"must be|is empty"):
        Rules(**rules)


def test_the_prices_of_a_quote_are_those_of_its_moment() -> None:
    somebody: Trader = trader()
    before = somebody.offered("USD", "EUR", "100")
    somebody.exchange.market.quotes["EUR-USD"] = ("2", "2")  # type: ignore[attr-defined]
    after = somebody.offered("USD", "EUR", "100")
    assert (before["destination"]["base"], after["destination"]["base"]) == ("90.90", "50.00")
    somebody.now = NOW + 1
    assert body_of(somebody.commit(before))["destination"]["base"] == "90.90"
