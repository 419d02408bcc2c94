"""What the simulated exchange lists and keeps: its assets, and one card (account) a currency."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, InvalidOperation, localcontext
from uuid import NAMESPACE_URL, uuid5

from local.market import Quotes
from local.ticker import DEFAULT_CURRENCY

Json = dict[str, object]

_NAMES = {
    "fiat": {
        "USD": "US Dollar",
        "EUR": "Euro",
        "GBP": "Pound Sterling",
        "NZD": "New Zealand Dollar",
        "AUD": "Australian Dollar",
        "CAD": "Canadian Dollar",
        "CHF": "Swiss Franc",
        "JPY": "Japanese Yen",
        "MXN": "Mexican Peso",
    },
    "stablecoin": {"USDT": "Tether", "USDC": "USD Coin", "DAI": "Dai"},
    "commodity": {"XAU": "Gold", "XAG": "Silver", "XPT": "Platinum", "XPD": "Palladium"},
    "cryptocurrency": {
        "ADA": "Cardano",
        "BCH": "Bitcoin Cash",
        "BNB": "BNB",
        "BTC": "Bitcoin",
        "DOGE": "Dogecoin",
        "DOT": "Polkadot",
        "ETH": "Ethereum",
        "LINK": "Chainlink",
        "LTC": "Litecoin",
        "SOL": "Solana",
        "XRP": "XRP",
    },
}
_TYPES = {code: kind for kind, names in _NAMES.items() for code in names}
_PRECISIONS = {"fiat": 2, "stablecoin": 6, "commodity": 8, "cryptocurrency": 8}
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "BTC": "₿"}


class InvalidBalance(ValueError):
    """A start-up balance that is no amount of an asset; the text says what is."""


@dataclass(frozen=True, slots=True)
class Card:
    """What is held of one currency; the id is always the same for a currency."""

    currency: str
    balance: Decimal

    @property
    def id(self) -> str:
        """The card's UUID."""
        return str(uuid5(NAMESPACE_URL, f"simulated-exchange/cards/{self.currency}"))


def asset_type(code: str) -> str:
    """The class of an asset; one that is not listed by name is a cryptocurrency."""
    return _TYPES.get(code, "cryptocurrency")


def precision(code: str) -> int:
    """How many decimals an amount of the asset has."""
    return _PRECISIONS[asset_type(code)]


def asset(code: str) -> Json:
    """One item of `GET /v0/assets`."""
    kind = asset_type(code)
    formatting = {
        "decimal": ".",
        "format": "__symbol__ __value__ __code__" if code in _SYMBOLS else "__value__ __code__",
        "grouping": ",",
        "precision": precision(code),
    }
    symbol = {"symbol": _SYMBOLS[code]} if code in _SYMBOLS else {}
    name = _NAMES[kind].get(code, code)
    return {"code": code, "formatting": formatting, "name": name, "status": "open", **symbol, "type": kind}


def balances_from(texts: list[str]) -> dict[str, Decimal]:
    """Balances by currency from texts like `USD=1000`; raises InvalidBalance."""
    return dict(_balance(text) for text in texts)


def open_cards(currencies: tuple[str, ...], balances: Mapping[str, Decimal]) -> tuple[Card, ...]:
    """One card a currency, empty where no balance is given; a balance opens its card too."""
    codes = sorted({*currencies, *balances})
    return tuple(Card(code, balances.get(code, Decimal(0))) for code in codes)


def card_body(card: Card, position: int, quotes: Quotes) -> Json:
    """One item of `GET /v0/me/cards`, with its value in USD at the bid where there is one."""
    amount = _amount(card.balance, card.currency)
    return {
        "address": {},
        "available": amount,
        "balance": amount,
        "currency": card.currency,
        "id": card.id,
        "label": f"{card.currency} card",
        "lastTransactionAt": None,
        "normalized": _normalized(card, quotes),
        "settings": {"position": position, "protected": False, "starred": True},
    }


def _normalized(card: Card, quotes: Quotes) -> list[Json]:
    prices = ("1", "1") if card.currency == DEFAULT_CURRENCY else quotes.get(f"{card.currency}-{DEFAULT_CURRENCY}")
    if prices is None:
        return []
    value = _amount(card.balance * Decimal(prices[0]), DEFAULT_CURRENCY)
    return [{"available": value, "balance": value, "currency": DEFAULT_CURRENCY}]


def _amount(value: Decimal, currency: str) -> str:
    with localcontext(prec=60):
        return f"{value.quantize(Decimal(1).scaleb(-precision(currency)), rounding=ROUND_DOWN):f}"


def _balance(text: str) -> tuple[str, Decimal]:
    currency, equals, amount = text.partition("=")
    try:
        value = Decimal(amount)
    except InvalidOperation:
        value = Decimal("NaN")
    if not (equals and currency.isalnum() and currency.isupper() and value.is_finite() and 0 <= value < 10**18):
        raise InvalidBalance(f"balance '{text}' is not an amount of an asset: give one like USD=1000 or BTC=0.25.")
    return currency, value
