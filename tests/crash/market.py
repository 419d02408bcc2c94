"""Markets that rise and fall without end, the same in every run, and their past."""

from collections.abc import Mapping, Sequence

from heisenbug.domain.assets import Pair
from heisenbug.domain.quotes import RawQuote
from heisenbug.exchange.port import PastQuotes
from tests.bots import price_of
from tests.markets import MONDAY

SPACING = 5
# Half of a rise and fall.
HALF = 15


class Wave:
    """Pairs that rise and fall, each so many ticks ahead of BTC."""

    name = "a wave"
    first = 0.0
    last = None
    spacing_seconds = float(SPACING)
    start = float(MONDAY)

    def __init__(self, ahead: Mapping[str, int]) -> None:
        self._ahead = ahead

    @property
    def pairs(self) -> tuple[str, ...]:
        """What is quoted."""
        return tuple(self._ahead)

    def quotes_at(self, moments: Sequence[float]) -> list[Mapping[str, tuple[str, str]]]:
        """Bid and ask at each moment, the same number: the margin is the cost."""
        return [
            {pair: (_price(moment, by), _price(moment, by)) for pair, by in self._ahead.items()} for moment in moments
        ]

    def samples(self, sample_seconds: int, count: int, before: int) -> Sequence[PastQuotes]:
        """Its past: the newest `count` slots before `before`, as far back as one likes."""
        slots = range(before - count * sample_seconds, before, sample_seconds)
        return [PastQuotes(slot, self._raw(slot)) for slot in slots]

    def _raw(self, slot: int) -> Mapping[Pair, RawQuote]:
        [quotes] = self.quotes_at([slot])
        return {Pair.parse(pair): RawQuote(*both) for pair, both in quotes.items()}


def _price(moment: float, ahead: int) -> str:
    return repr(price_of(int(moment - MONDAY) // SPACING + ahead))


ONE = Wave({"BTC-USD": 0})
# While one rises the other falls, so that what is held of one wants to become the other.
TWO = Wave({"BTC-USD": 0, "ETH-USD": HALF})
