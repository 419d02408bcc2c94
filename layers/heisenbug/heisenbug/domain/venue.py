"""What is known of a venue before it is asked: its fees by asset class and the least it converts."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from heisenbug.domain.assets import AssetClass, asset_class


@dataclass(frozen=True, slots=True)
class Venue:
    """Stated costs: `fee_bps` of ONE conversion by the class of its dearer asset, and the least value converted."""

    name: str
    fee_bps: Mapping[AssetClass, float]
    least_value: Decimal = Decimal(1)

    def fee_of(self, asset: str, cost_bps: float | Mapping[str, float] | None, base: str) -> float:
        """The fee `asset` brings to a conversion, as a fraction; `cost_bps` of the settings replaces the venue's."""
        return self._bps(asset, cost_bps, base) / 10_000

    def _bps(self, asset: str, cost_bps: float | Mapping[str, float] | None, base: str) -> float:
        by_class = self.fee_bps[asset_class(asset)]
        if isinstance(cost_bps, Mapping):
            return cost_bps.get(f"{asset}-{base}", cost_bps.get("default", by_class))
        return by_class if cost_bps is None else cost_bps


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
