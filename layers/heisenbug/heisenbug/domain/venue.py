"""What is known of a venue before it is asked: its fees by asset class and the least it converts."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from heisenbug.domain.assets import AssetClass, asset_class

CostSetting = float | Mapping[str, float] | None


@dataclass(frozen=True, slots=True)
class Venue:
    """Stated costs: `fee_bps` of ONE conversion by the class of its dearer asset, and the least value converted."""

    name: str
    fee_bps: Mapping[AssetClass, float]
    least_value: Decimal = Decimal(1)

    def fee(self, source: str, target: str, cost_bps: CostSetting) -> float:
        """One conversion's fee, as a fraction: the dearer asset's; `cost_bps` of the settings replaces the venue's."""
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
)
VENUES = {UPHOLD.name: UPHOLD}
