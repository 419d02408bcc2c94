"""What the bot holds and what binds it while it decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from heisenbug.domain.costs import SeenCost

Conversion = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Holdings per asset, resting conversions (until, epoch seconds), costs last quoted, and what bars trading."""

    holdings: Mapping[str, Decimal]
    resting: Mapping[Conversion, int] = field(default_factory=dict)
    seen_costs: Mapping[Conversion, SeenCost] = field(default_factory=dict)
    open_trade: str | None = None
    killed: bool = False

    def held(self, asset: str) -> Decimal:
        """How much of `asset` the bot holds."""
        return self.holdings.get(asset, Decimal(0))
