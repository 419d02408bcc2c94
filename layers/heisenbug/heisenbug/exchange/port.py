"""The five verbs of a venue, the one that only some venues have, and what a person is shown of an account."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from heisenbug.domain.assets import Pair
from heisenbug.domain.quotes import RawQuote, Ticker
from heisenbug.domain.trade import Filled, VenueQuote


@dataclass(frozen=True, slots=True)
class Request:
    """A wish to convert `amount` of source into target, known by the trade's id."""

    trade_id: str
    source: str
    target: str
    amount: Decimal


class Tickers(Protocol):
    """Where prices come from."""

    def tickers(self, pairs: Sequence[Pair], timeout_seconds: float) -> Ticker:
        """What the venue asks and pays for all `pairs` now; raises MarketUnavailable within the timeout."""


class Exchange(Protocol):
    """Where conversions happen.

    Raises Rejected where the venue refused and nothing moved (NeedsPerson where only a person can help),
    MarketUnavailable where it gave no usable answer to a question, Unresolved where nobody knows what a commit did.
    """

    def balances(self) -> Mapping[str, Decimal]:
        """What may be spent of each asset."""

    def quote(self, request: Request) -> VenueQuote:
        """The exact result of a conversion; nothing moves."""

    def commit(self, quote: VenueQuote) -> Filled:
        """Carry out a quote, once."""

    def find(self, quote: VenueQuote) -> Filled | None:
        """What became of a quote's commit; None where there was none, so far."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, whether it is well, and what was found."""

    name: str
    ok: bool
    says: str

    def plain(self) -> dict[str, Any]:
        """As JSON carries it."""
        return {"name": self.name, "ok": self.ok, "says": self.says}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a venue keeps what may be spent of an asset, in words; a place with an `id` can be pinned."""

    available: Decimal
    says: str
    id: str = ""


Looks = Sequence[tuple[str, Callable[[], Sequence[Finding]]]]


class Custody(Protocol):
    """An account as a person looks at it before the bot is given money there; nothing moves by it."""

    def places(self, assets: Sequence[str]) -> Mapping[str, Place]:
        """Where each of the assets lies; raises NeedsPerson where one has no place."""

    def looks(self, assets: Sequence[str]) -> Looks:
        """What can be looked at, by name; the first is whether the account lets the bot in at all."""


class LiveVenue(Protocol):
    """A venue as one process knows it.

    `pinned` names places by asset, `pairs` are those that may be traded, `deadline` is in epoch seconds.
    """

    @property
    def tickers(self) -> Tickers:
        """Its prices."""

    def account(self, pinned: Mapping[str, str], pairs: Sequence[Pair], deadline: float) -> Exchange:
        """Its account, for one invocation."""

    def custody(self, pinned: Mapping[str, str], pairs: Sequence[Pair], deadline: float) -> Custody:
        """The same account, to be looked at."""


@dataclass(frozen=True, slots=True)
class PastQuotes:
    """The quotes of one slot of a market's past; `at` in epoch seconds."""

    at: int
    quotes: Mapping[Pair, RawQuote]


class Past(Protocol):
    """A market that offers its past, so that a window is full at once."""

    def samples(self, sample_seconds: int, count: int, before: int) -> Sequence[PastQuotes]:
        """The newest `count` slots before `before` (epoch seconds), oldest first."""
