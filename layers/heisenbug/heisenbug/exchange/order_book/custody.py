"""An account at a venue with order books, as a person looks at it: the key, balances, markets, an order not placed."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import Rejected
from heisenbug.exchange.order_book.account import OrderBookAccount
from heisenbug.exchange.port import Finding, Looks, Place

PART = 1000


class OrderBookCustody:
    """What is in `account`; it has one place for everything, so that nothing can be pinned."""

    def __init__(self, account: OrderBookAccount, title: str, pairs: Sequence[Pair]) -> None:
        self._account = account
        self._title = title
        self._pairs = pairs

    def places(self, assets: Sequence[str]) -> Mapping[str, Place]:
        """What may be spent of each asset; nothing of one that the account does not list."""
        held = self._account.balances()
        return {asset: Place(held.get(asset, Decimal(0)), f"the {self._title} account") for asset in assets}

    def looks(self, assets: Sequence[str]) -> Looks:
        """What can be looked at, by name."""
        return (
            ("key", self._key),
            ("balances", lambda: self._balances(assets)),
            ("markets", self._markets),
            ("order", lambda: self._order(assets)),
        )

    def _key(self) -> Sequence[Finding]:
        held = {asset for asset, amount in self._account.balances().items() if amount}
        return [Finding("key", True, f"it is accepted and reads balances of {len(held)} assets")]

    def _balances(self, assets: Sequence[str]) -> Sequence[Finding]:
        return [
            Finding(f"card {asset}", True, f"{place.available} in {place.says}")
            for asset, place in self.places(assets).items()
        ]

    def _markets(self) -> Sequence[Finding]:
        missing = [str(pair) for pair in self._pairs if not self._account.trades(pair)]
        if missing:
            says = f"{self._title} has no market {', '.join(missing)}: take it out of the pairs"
            return [Finding("markets", False, says)]
        return [Finding("markets", True, f"{', '.join(map(str, self._pairs))} can be traded")]

    def _order(self, assets: Sequence[str]) -> Sequence[Finding]:
        """What an order would be told: checked by the venue as a real one, and not placed."""
        held = self._account.balances()
        wanted = [
            (source, target)
            for pair in self._pairs
            for source, target in ((pair.base, pair.quote), (pair.quote, pair.base))
            if {source, target} <= set(assets) and held.get(source, 0) > 0
        ]
        if not wanted:
            return [Finding("order", False, "name both assets of a pair in the budget, and an order can be tried")]
        source, target = wanted[0]
        try:
            self._account.rehearse(source, target, held[source])
        except Rejected as refused:
            return [Finding("order", False, str(refused))]
        return [Finding("order", True, f"an order of {source} into {target} would be accepted")]
