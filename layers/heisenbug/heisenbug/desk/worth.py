"""What the bot holds and what that is worth, now and at the samples before."""

from math import isfinite

from heisenbug.desk.known import Known, Plain
from heisenbug.domain.entries import Entry
from heisenbug.domain.protections import Drawdown
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.view import view
from heisenbug.explaining import Explaining
from heisenbug.messages import price_message, utc
from heisenbug.recall import market_of


class WorthDesk:
    """Holdings, equity and prices."""

    def __init__(self, known: Known, explaining: Explaining) -> None:
        self._known, self._explaining = known, explaining

    def portfolio(self) -> Plain:
        """What the bot holds, with its value and entry price in the base currency."""
        known = self._known
        told, _ = known.told()
        stored = known.ledgers.read(known.mode())
        newest = known.newest(told)
        prices = self._prices_of(newest) if newest else {}
        holdings = stored[0].holdings if stored else told.settings.paper_start
        entries = stored[0].entries if stored else {}
        rows = [
            {
                "asset": asset,
                "amount": f"{amount:f}",
                "price": prices.get(asset),
                "value": None if prices.get(asset) is None else round(float(amount) * prices[asset], 8),
                **_entry(entries.get(asset)),
            }
            for asset, amount in sorted(holdings.items())
        ]
        return {"base_currency": told.settings.base_currency, "holdings": rows, **known.worth(newest)}

    def equity(self, limit: int) -> Plain:
        """Equity and drawdown at the newest samples, oldest first."""
        points = [
            {"at": utc(kept.at), "equity": str(kept.equity), "drawdown": Drawdown(kept.equity, kept.peak).fraction}
            for kept in self._known.samples(limit)
            if kept.equity is not None
        ]
        return {"equity": points}

    def prices(self, limit: int, pair: str | None = None) -> Plain:
        """The newest samples of all pairs or of one, oldest first."""
        rows = []
        for kept in self._known.samples(limit):
            quotes = price_message(kept)
            rows.append({"at": utc(kept.at), "quotes": quotes if pair is None else _only(quotes, pair)})
        return {"prices": rows}

    def _prices_of(self, snapshot: Snapshot) -> dict[str, float]:
        told = self._explaining.told_at(snapshot)
        seen = view(market_of(snapshot, told, ()), told.settings.base_currency, told.settings.window)
        return {asset: price for asset, price in zip(seen.assets, seen.prices.tolist(), strict=True) if isfinite(price)}


def _entry(entry: Entry | None) -> Plain:
    if entry is None:
        return {"entry_price": None, "held_since": None, "high": None}
    since = utc(entry.since) if entry.since else None
    return {"entry_price": f"{entry.price:f}", "held_since": since, "high": f"{entry.high:f}"}


def _only(quotes: Plain, pair: str) -> Plain:
    return {pair: quotes[pair]} if pair in quotes else {}
