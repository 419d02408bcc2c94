"""The plain loop: one whole tick of the live code at every sample, with history for a venue and memory for tables."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

from heisenbug.backtest.memory import (
    Memory,
    MemoryBook,
    MemoryFills,
    MemoryHistory,
    MemoryLedgers,
    MemorySnapshots,
    MemoryStates,
    NoQueue,
)
from heisenbug.backtest.rules import Fill, Wish
from heisenbug.backtest.run import Moves, Progress, Run, count_gates, why_killed
from heisenbug.backtest.seen import seen
from heisenbug.backtest.units import Units
from heisenbug.bot import Bot, Remembered, Report
from heisenbug.domain.assets import Pair
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.gates import Gate
from heisenbug.domain.quotes import BadQuote, Quote, RawQuote, Ticker, understand
from heisenbug.domain.venue import Venue
from heisenbug.exchange.paper import Paper
from heisenbug.exchange.port import Exchange
from heisenbug.looking import Look, Looking
from heisenbug.looking import Memory as Looked
from heisenbug.markets.history import History
from heisenbug.tick import run_tick

BOT_ID = "backtest"
# A tick of the past has all the time it needs.
LIFETIME_SECONDS = 20


@dataclass
class Past:
    """The market at one of its samples: a clock and a ticker that move together."""

    history: History
    row: int = 0

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(int(self.history.at[self.row]), UTC)

    def wait(self, seconds: float) -> None:
        """Nothing takes time."""

    def tickers(self, pairs: Sequence[Pair], timeout_seconds: float) -> Ticker:
        """The prices of this sample."""
        return Ticker(self(), self.history.raw(self.row))

    def filled_at(self, fill: Fill, seen: Mapping[Pair, Quote]) -> Mapping[Pair, Quote]:
        """The quotes that a conversion decided now is filled at."""
        if fill is Fill.SAME_QUOTE:
            return seen
        if self.row + 1 == len(self.history):
            return {}
        return _understood(self.history.raw(self.row + 1))


def ticks(history: History, told: Configuration, venue: Venue, fill: Fill, memory: Memory) -> Iterator[Report]:
    """A tick at every sample of `history`, oldest first; what the bot does is left in `memory`."""
    past = Past(history)
    bot = _bot(past, told, venue, fill, memory)
    for row, due in enumerate(history.at.tolist()):
        past.row = row
        yield run_tick(bot(due), due)


def _bot(past: Past, told: Configuration, venue: Venue, fill: Fill, memory: Memory) -> Callable[[int], Bot]:
    snapshots, remembered, looked = MemorySnapshots(memory), Remembered(), Looked()
    looking = Looking(past, None, snapshots, past, looked)

    def exchange(told: Configuration, look: Look, holdings: Mapping[str, Decimal]) -> Exchange:
        quotes = past.filled_at(fill, look.market.quotes)
        return Paper(MemoryFills(memory), quotes, holdings, told.settings, venue, past)

    def bot(due: int) -> Bot:
        looked.ticker = None  # each sample has its own prices, however close the one before
        return Bot(
            bot_id=BOT_ID,
            venue=venue,
            clock=past,
            wait=past.wait,
            deadline=due + LIFETIME_SECONDS,
            bridges=False,
            token=str(due),
            configurations=memory,
            states=MemoryStates(memory),
            ledgers=MemoryLedgers(memory),
            history=lambda mode: MemoryHistory(memory),
            book=lambda mode: MemoryBook(memory),
            snapshots=snapshots,
            looking=looking,
            exchange=exchange,
            queue=NoQueue(),
            remembered=remembered,
        )

    return bot


def _understood(raw: Mapping[Pair, RawQuote]) -> dict[Pair, Quote]:
    believed = {}
    for pair, quote in raw.items():
        try:
            believed[pair] = understand(pair, quote)
        except BadQuote:
            continue
    return believed


def run_plainly(wish: Wish, progress: Progress = lambda row: None) -> Run:
    """The backtest by the plain loop."""
    memory, gates = Memory(wish.told), Counter[Gate]()
    killed = ""
    for row, report in enumerate(ticks(wish.history, wish.told, wish.venue, wish.fill, memory)):
        if report.decision is not None:
            count_gates(gates, report.decision)
        killed = killed or why_killed(memory.state.halts_of("paper"))
        progress(row)
    equity = [np.nan if kept.equity is None else float(kept.equity) for kept in memory.snapshots]
    holdings = memory.ledger.holdings if memory.ledger else {}
    trades, past = tuple(memory.finished), seen(wish)
    moves = Moves(Units.of(past.assets, wish.told.settings.paper_start))
    moves.add(trades)
    return Run(past, moves, lambda: trades, tuple(memory.dropped), np.array(equity), holdings, gates, killed)
