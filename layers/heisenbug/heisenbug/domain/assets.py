"""Assets and pairs: how they are written, what class they are of, how finely they are counted."""

import re
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from enum import StrEnum
from functools import lru_cache

ASSET = re.compile(r"[A-Z0-9]{2,10}")
# How a pair is written; that its assets differ, no pattern can say.
PAIR_PATTERN = f"^{ASSET.pattern}-{ASSET.pattern}$"


class AssetClass(StrEnum):
    """What a venue prices alike."""

    STABLECOIN = "stablecoin"
    FIAT = "fiat"
    MAJOR = "major"
    ALTCOIN = "altcoin"
    METAL = "metal"


_MEMBERS = {
    AssetClass.STABLECOIN: "USDC USDT DAI PYUSD TUSD USDP UPUSD GUSD EURC",
    AssetClass.FIAT: "USD EUR GBP CHF JPY AUD NZD CAD SEK NOK DKK PLN CZK HUF RON BRL MXN ARS INR CNY HKD SGD ILS",
    AssetClass.MAJOR: "BTC ETH",
    AssetClass.METAL: "XAU XAG XPT XPD",
}
_CLASS_OF = {asset: kind for kind, members in _MEMBERS.items() for asset in members.split()}
_PRECISION = {AssetClass.FIAT: 2, AssetClass.STABLECOIN: 6}
_UNDIVIDED = {"JPY": 0}


def asset_class(asset: str) -> AssetClass:
    """The class of `asset`; one that is not known counts as an altcoin, the dearest kind of coin."""
    return _CLASS_OF.get(asset, AssetClass.ALTCOIN)


def precision(asset: str) -> int:
    """Decimal places in which `asset` is counted."""
    return _UNDIVIDED.get(asset, _PRECISION.get(asset_class(asset), 8))


def round_received(amount: Decimal, asset: str) -> Decimal:
    """What we certainly get of `amount`: truncated at the asset's precision."""
    return amount.quantize(_unit(asset), ROUND_DOWN)


def round_paid(amount: Decimal, asset: str) -> Decimal:
    """What `amount` may cost us at most: rounded up at the asset's precision."""
    return amount.quantize(_unit(asset), ROUND_UP)


@lru_cache(maxsize=1024)
def _unit(asset: str) -> Decimal:
    return Decimal(1).scaleb(-precision(asset))


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """Two assets quoted against each other, written BASE-QUOTE; raises ValueError where it is not one."""

    base: str
    quote: str

    def __post_init__(self) -> None:
        if not (ASSET.fullmatch(self.base) and ASSET.fullmatch(self.quote)) or self.base == self.quote:
            raise ValueError(f"{self} is not a pair; write two different assets as in BTC-USD.")

    @staticmethod
    def parse(text: str) -> "Pair":
        """The pair written as `text`, such as BTC-USD; the same text gives the same object."""
        return _parsed(text)

    def __str__(self) -> str:
        return f"{self.base}-{self.quote}"


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Pair:
    base, _, quote = text.partition("-")
    return Pair(base, quote)


@dataclass(frozen=True, slots=True)
class TradingPair:
    """A pair the bot may trade; of equals, the one with the lower `priority` (1..100) goes first."""

    pair: Pair
    enabled: bool = True
    priority: int = 50
