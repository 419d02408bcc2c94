"""Uphold as one process knows it: its public prices, and its account for whoever has the token."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from heisenbug.domain.assets import Pair
from heisenbug.exchange.http import Http, Sign
from heisenbug.exchange.patience import Patience
from heisenbug.exchange.uphold import Uphold
from heisenbug.exchange.uphold_account import UpholdAccount
from heisenbug.exchange.uphold_custody import UpholdCustody


class UpholdVenue:
    """The Uphold at `url`; `sign` gives the headers that prove who asks for the account."""

    def __init__(
        self,
        url: str,
        clock: Callable[[], datetime],
        wait: Callable[[float], None],
        patience: Patience,
        sign: Sign,
    ) -> None:
        self._clock = clock
        self.http = Http(url, clock, wait, patience, sign)
        self.public = Http(url, clock, wait, patience)
        self.tickers = Uphold(self.public, clock)

    def account(self, pinned: Mapping[str, str], pairs: Sequence[Pair], deadline: float) -> UpholdAccount:
        """Its account, for one invocation that ends at `deadline` (epoch seconds)."""
        return UpholdAccount(self.http, pinned, self._clock, deadline)

    def custody(self, pinned: Mapping[str, str], pairs: Sequence[Pair], deadline: float) -> UpholdCustody:
        """The same account, to be looked at."""
        return UpholdCustody(self.account(pinned, pairs, deadline), pinned)
