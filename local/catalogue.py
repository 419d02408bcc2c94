"""What the simulated exchange lists: its assets, their classes and precisions; and balances written as text."""

from decimal import Decimal, InvalidOperation

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


def asset_type(code: str) -> str:
    """The class of an asset; one that is not listed by name is a cryptocurrency."""
    return _TYPES.get(code, "cryptocurrency")


def precision(code: str) -> int:
    """How many decimals an amount of the asset has."""
    return _PRECISIONS[asset_type(code)]


def asset(code: str, halted: bool = False) -> Json:
    """One item of `GET /v0/assets`; a halted one is shown and not converted."""
    kind = asset_type(code)
    formatting = {
        "decimal": ".",
        "format": "__symbol__ __value__ __code__" if code in _SYMBOLS else "__value__ __code__",
        "grouping": ",",
        "precision": precision(code),
    }
    symbol = {"symbol": _SYMBOLS[code]} if code in _SYMBOLS else {}
    name = _NAMES[kind].get(code, code)
    status = "halted" if halted else "open"
    return {"code": code, "formatting": formatting, "name": name, "status": status, **symbol, "type": kind}


def balances_from(texts: list[str]) -> dict[str, Decimal]:
    """Balances by currency from texts like `USD=1000`; raises InvalidBalance."""
    return dict(_balance(text) for text in texts)


def _balance(text: str) -> tuple[str, Decimal]:
    currency, equals, amount = text.partition("=")
    try:
        value = Decimal(amount)
    except InvalidOperation:
        value = Decimal("NaN")
    if not (equals and currency.isalnum() and currency.isupper() and value.is_finite() and 0 <= value < 10**18):
        raise InvalidBalance(f"balance '{text}' is not an amount of an asset: give one like USD=1000 or BTC=0.25.")
    return currency, value
