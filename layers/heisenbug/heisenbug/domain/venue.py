"""What is known of a venue before it is asked: its fees by asset class and the least it converts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from math import prod

from heisenbug.domain.assets import AssetClass, Pair, asset_class

CostSetting = float | Mapping[str, float] | None


@dataclass(frozen=True, slots=True)
class Venue:
    """Stated costs: `fee_bps` of ONE conversion by the class of its dearer asset, and the least value converted.

    At a venue that `has_books` an asset becomes another only where the two have a market of their own, or over `bridge`
    where both have one with that; `markets` are known once `over` has told them.
    """

    name: str
    fee_bps: Mapping[AssetClass, float]
    least_value: Decimal = Decimal(1)
    url: str = ""
    has_books: bool = False
    markets: frozenset[frozenset[str]] | None = None
    bridge: str = ""

    def over(self, pairs: Iterable[Pair], bridge: str) -> "Venue":
        """The same where only `pairs` are markets, and what has none goes over `bridge`; itself without order books."""
        if not self.has_books:
            return self
        return replace(self, markets=frozenset(frozenset((pair.base, pair.quote)) for pair in pairs), bridge=bridge)

    def route(self, source: str, target: str) -> tuple[str, ...]:
        """The assets that a conversion goes through, both ends included; none where there is no way."""
        if self.markets is None or frozenset((source, target)) in self.markets:
            return source, target
        legs = frozenset((source, self.bridge)), frozenset((self.bridge, target))
        return (source, self.bridge, target) if self.markets.issuperset(legs) else ()

    @property
    def title(self) -> str:
        """As it writes itself."""
        return self.name.capitalize()

    def fee(self, source: str, target: str, cost_bps: CostSetting) -> float:
        """One conversion's fee, as a fraction: the dearer asset's; `cost_bps` of the settings replaces the venue's.

        Over a bridge there are two; all of it where there is no way.
        """
        route = self.route(source, target)
        if len(route) != 2:
            return 1 - prod(1 - self.leg_fee(*leg, cost_bps) for leg in pairwise(route)) if route else 1.0
        return self.leg_fee(source, target, cost_bps)

    def leg_fee(self, source: str, target: str, cost_bps: CostSetting) -> float:
        """The same where the two have a market."""
        for name in (f"{source}-{target}", f"{target}-{source}"):
            if isinstance(cost_bps, Mapping) and name in cost_bps:
                return cost_bps[name] / 10_000
        return max(self.asset_fee(source, cost_bps), self.asset_fee(target, cost_bps))

    def asset_fee(self, asset: str, cost_bps: CostSetting) -> float:
        """The fee that an asset brings to a conversion whose pair is not named in the settings, as a fraction."""
        stated = cost_bps.get("default") if isinstance(cost_bps, Mapping) else cost_bps
        return (self.fee_bps[asset_class(asset)] if stated is None else stated) / 10_000


# One-way costs of the vendor's fee pages at their dearer end; the real quote decides in the end.
UPHOLD = Venue(
    "uphold",
    {
        AssetClass.STABLECOIN: 25,
        AssetClass.FIAT: 30,
        AssetClass.MAJOR: 220,
        AssetClass.ALTCOIN: 380,
        AssetClass.METAL: 340,
    },
    url="https://api.uphold.com",
)


def _with_books(name: str, taker_bps: float, least_value: int, url: str) -> Venue:
    """The taker's fee of the smallest customer, and 5 bp for what the book moves meanwhile."""
    return Venue(name, dict.fromkeys(AssetClass, taker_bps + 5), Decimal(least_value), url, has_books=True)


KRAKEN = _with_books("kraken", 40, 10, "https://api.kraken.com")
COINBASE = _with_books("coinbase", 120, 2, "https://api.coinbase.com")
BINANCE = _with_books("binance", 10, 10, "https://api.binance.com")
VENUES = {venue.name: venue for venue in (UPHOLD, KRAKEN, COINBASE, BINANCE)}
