"""The live code, asked at single samples of a history: the same view, decision, conversion and settlement as a tick's.

What it writes down is kept in memory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from heisenbug.backtest.memory import Memory, MemoryBook, MemoryFills
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.seen import Seen
from heisenbug.converting import Converting
from heisenbug.domain.assets import Pair
from heisenbug.domain.decide import Decision, decide_on
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.quotes import Quote
from heisenbug.domain.trade import Trade
from heisenbug.exchange.paper import Paper
from heisenbug.settling import Position, Settling

BOT_ID = "backtest"
LIFETIME_SECONDS = 20


class LiveCode:
    """A bot of the live code that is shown one sample at a time."""

    def __init__(self, seen: Seen) -> None:
        self._seen, self._wish, self._row = seen, seen.wish, 0
        self.memory = Memory(seen.wish.told)

    def __call__(self) -> datetime:
        """The clock: the sample that is looked at."""
        return datetime.fromtimestamp(int(self._wish.history.at[self._row]), UTC)

    def looked_at(self, row: int, position: Position) -> Position:
        """Where it stands after its ledger saw the prices of a sample."""
        settings, seen = self._wish.told.settings, self._seen.view(row)
        prices = dict(zip(seen.assets, seen.prices.tolist(), strict=True))
        at = int(self._wish.history.at[row])
        ledger = position.ledger.looked_at(settings.base_currency, prices, at, settings.trailing_stop)
        return replace(position, ledger=ledger)

    def decide(self, row: int, ledger: Ledger, halts: Iterable[str] = ()) -> Decision:
        """What a bot with this ledger decides at a sample, where `halts` stop entries."""
        settings, venue = self._wish.told.settings, self._wish.venue
        portfolio = ledger.portfolio(int(self._wish.history.at[row]), None, False, settings.has_exits, halts)
        return decide_on(self._seen.view(row), self._seen.market(row), portfolio, settings, venue)

    def convert(self, row: int, decision: Decision, position: Position) -> Position:
        """Where it stands after what it chose there was carried out, or dropped."""
        self._row = row
        settings, venue, holdings = self._wish.told.settings, self._wish.venue, position.ledger.holdings
        paper = Paper(MemoryFills(self.memory), self._filled_at(row), holdings, settings, venue, self)
        settling = Settling(MemoryBook(self.memory), settings, self)
        converting = Converting(BOT_ID, paper, settling, decision.at + LIFETIME_SECONDS)
        return converting.convert(decision, position, b"").position

    def _filled_at(self, row: int) -> Mapping[Pair, Quote]:
        if self._wish.fill is Fill.SAME_QUOTE:
            return self._seen.quotes(row)
        return self._seen.quotes(row + 1, is_believed=False) if row + 1 < len(self._seen.logs) else {}


def trades_at(rows: Iterable[int], seen: Seen, begin: Ledger) -> tuple[Trade, ...]:
    """The trades of a bot that chose something at these samples, and at no other."""
    live, position = LiveCode(seen), Position(begin, 0, 0)
    for row in rows:
        position = live.convert(row, live.decide(row, position.ledger), position)
    return tuple(live.memory.finished)
