"""A venue with order books as one process knows it: its public prices, and its account for whoever has the key."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from heisenbug.domain.assets import Pair
from heisenbug.domain.quotes import Ticker
from heisenbug.exchange.http import Http
from heisenbug.exchange.keys import KeyPair
from heisenbug.exchange.order_book.account import OrderBookAccount
from heisenbug.exchange.order_book.custody import OrderBookCustody
from heisenbug.exchange.order_book.dialect import Dialect
from heisenbug.exchange.order_book.library import Opened
from heisenbug.exchange.order_book.markets import Markets
from heisenbug.exchange.patience import Patience


class OrderBookPrices:
    """The prices of one venue."""

    def __init__(self, opened: Opened, markets: Markets, clock: Callable[[], datetime]) -> None:
        self._opened = opened
        self._markets = markets
        self._clock = clock

    def tickers(self, pairs: Sequence[Pair], timeout_seconds: float) -> Ticker:
        """What the venue asks and pays for all `pairs` that are markets of it; raises MarketUnavailable in time."""
        deadline = self._clock().timestamp() + timeout_seconds
        self._markets.learn(pairs, deadline)
        symbols = self._markets.symbols(pairs)
        if not symbols:
            return Ticker(self._clock(), {})
        found = self._opened.ask(deadline, lambda library: self._opened.dialect.tickers(library, list(symbols)))
        return Ticker(self._clock(), {symbols[symbol]: quote for symbol, quote in found.items() if symbol in symbols})


class OrderBookVenue:
    """The venue that `dialect` is of, at `url`; `keys` gives what its account is opened with."""

    def __init__(
        self,
        dialect: Dialect,
        url: str,
        clock: Callable[[], datetime],
        wait: Callable[[float], None],
        patience: Patience,
        keys: Callable[[], KeyPair],
    ) -> None:
        self._dialect = dialect
        self._clock = clock
        self.http = Http(url, clock, wait, patience)
        self._opened = Opened(dialect, self.http, clock, keys)
        self._markets = Markets(self._opened, clock)
        self.tickers = OrderBookPrices(self._opened, self._markets, clock)

    def account(self, pinned: Mapping[str, str], pairs: Sequence[Pair], deadline: float) -> OrderBookAccount:
        """Its account, for one invocation that ends at `deadline` (epoch seconds)."""
        return OrderBookAccount(self._opened, self._markets, pairs, self._clock, deadline)

    def custody(self, pinned: Mapping[str, str], pairs: Sequence[Pair], deadline: float) -> OrderBookCustody:
        """The same account, to be looked at."""
        return OrderBookCustody(self.account(pinned, pairs, deadline), self._dialect.title, pairs)
