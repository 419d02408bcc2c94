"""The markets of a venue: asked for once in some hours, kept while they cannot be had, looked up by two assets."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import MarketUnavailable, Rejected
from heisenbug.exchange.order_book.library import Opened
from heisenbug.exchange.order_book.sizing import FINEST, Market
from heisenbug.exchange.words import decimal

FRESH_SECONDS = 6 * 3600
# Older than this they are not believed any more: limits change, markets close.
OLDEST_SECONDS = 24 * 3600
AGAIN_SECONDS = 60


class Markets:
    """What `opened` knows of the venue's markets, for one process."""

    def __init__(self, opened: Opened, clock: Callable[[], datetime]) -> None:
        self._opened = opened
        self._clock = clock
        self._learned_at = 0.0
        self._asked_at = 0.0
        self._asked_for: frozenset[Pair] = frozenset()

    def learn(self, pairs: Sequence[Pair], deadline: float) -> None:
        """Know the markets of `pairs`, of the last hours; raises MarketUnavailable where they cannot be had."""
        now = self._clock().timestamp()
        missing = frozenset(pairs) - self._asked_for
        is_fresh = 0 <= now - self._learned_at < FRESH_SECONDS and not missing
        may_wait = 0 <= now - self._learned_at < OLDEST_SECONDS and not missing
        if is_fresh or (may_wait and 0 <= now - self._asked_at < AGAIN_SECONDS):
            return
        self._asked_at = now
        wanted = self._asked_for | missing
        try:
            self._opened.know(deadline, lambda library: list(self._opened.dialect.markets(library, sorted(wanted))))
        except MarketUnavailable:
            if not may_wait:
                raise
            return
        self._learned_at, self._asked_for = now, wanted

    def symbols(self, pairs: Sequence[Pair]) -> Mapping[str, Pair]:
        """The symbols of those pairs that are markets here."""
        known = self._opened.markets or {}
        return {symbol: pair for pair in pairs if (symbol := f"{pair.base}/{pair.quote}") in known}

    def between(self, source: str, target: str) -> Market:
        """The market that converts one asset into the other; raises Rejected where there is none."""
        known = self._opened.markets or {}
        for symbol in (f"{source}/{target}", f"{target}/{source}"):
            if symbol in known:
                return self._market(symbol, known[symbol])
        title = self._opened.dialect.title
        raise Rejected(f"{title} has no market of {source} and {target}; nothing was sent.")

    def _market(self, symbol: str, known: Mapping[str, Any]) -> Market:
        precision, limits = known["precision"], known["limits"]
        return Market(
            symbol,
            known["base"],
            known["quote"],
            decimal(precision["amount"], f"precision of {symbol}"),
            decimal(precision["price"], f"precision of {symbol}"),
            _or(known.get("taker"), self._opened.dialect.taker),
            self._opened.dialect.cost_step(known["info"]) or FINEST,
            _or(limits["amount"].get("min"), Decimal(0)),
            _or_none(limits["amount"].get("max")),
            _or(limits["cost"].get("min"), Decimal(0)),
            _or_none(limits["cost"].get("max")),
            known.get("active") is not False,
        )


def _or(stated: Any, otherwise: Decimal) -> Decimal:
    return otherwise if stated is None else decimal(stated, "limit")


def _or_none(stated: Any) -> Decimal | None:
    return None if stated is None else decimal(stated, "limit")
