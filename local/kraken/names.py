"""Kraken's own names: XXBT is BTC, ZUSD is USD, and XXBTZUSD, also XBTUSD, is the pair of both."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_ALTNAMES = {"BTC": "XBT", "DOGE": "XDG"}
_OLD_COINS = ("BTC", "ETH", "LTC", "XRP", "XLM", "DOGE", "ETC", "XMR", "ZEC")
_OLD_MONEY = ("USD", "EUR", "GBP", "CAD", "JPY", "AUD")


@dataclass(frozen=True, slots=True)
class Traded:
    """One pair under all of its names."""

    pair: str
    id: str
    altname: str

    @property
    def base(self) -> str:
        """What is bought and sold."""
        return self.pair.split("-")[0]

    @property
    def quote(self) -> str:
        """What is paid with."""
        return self.pair.split("-")[1]


def altname(asset: str) -> str:
    """The short name of an asset."""
    return _ALTNAMES.get(asset, asset)


def asset_id(asset: str) -> str:
    """The long name of an asset: old coins begin with X, old money with Z."""
    letter = "X" if asset in _OLD_COINS else "Z" if asset in _OLD_MONEY else ""
    return letter + altname(asset)


def traded(pairs: Iterable[str]) -> Mapping[str, Traded]:
    """The pairs by each of their names."""
    found = [_traded(pair) for pair in pairs]
    return {name: each for each in found for name in (each.id, each.altname, f"{each.base}/{each.quote}")}


def _traded(pair: str) -> Traded:
    base, quote = pair.split("-")
    short = altname(base) + altname(quote)
    is_old = asset_id(base) != altname(base) and asset_id(quote) != altname(quote)
    return Traded(pair, asset_id(base) + asset_id(quote) if is_old else short, short)
