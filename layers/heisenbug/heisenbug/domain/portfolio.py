"""What the bot holds and what binds it while it decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from heisenbug.domain.entries import Entries

Conversion = tuple[str, str]
HALF_LIFE_SECONDS = 6 * 3600


@dataclass(frozen=True, slots=True)
class SeenCost:
    """The cost of the last quote seen for a conversion, in basis points, and when (epoch seconds)."""

    bps: float
    at: int

    def now(self, at: int) -> float:
        """What is left of it at `at`, as a fraction: it halves every six hours."""
        return self.bps / 10_000 * float(0.5 ** (max(at - self.at, 0) / HALF_LIFE_SECONDS))


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Holdings per asset, resting conversions (until, epoch seconds), costs last quoted, and what bars trading.

    `entries` are what holdings cost, as far as exits look at that; `halts` the protections that stop entries.
    """

    holdings: Mapping[str, Decimal]
    resting: Mapping[Conversion, int] = field(default_factory=dict)
    seen_costs: Mapping[Conversion, SeenCost] = field(default_factory=dict)
    open_trade: str | None = None
    killed: bool = False
    entries: Entries = field(default_factory=dict)
    halts: tuple[str, ...] = ()

    def held(self, asset: str) -> Decimal:
        """How much of `asset` the bot holds."""
        return self.holdings.get(asset, Decimal(0))
