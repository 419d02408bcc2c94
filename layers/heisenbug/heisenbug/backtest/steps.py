"""The careful way: the live decision is asked at every sample, because an exit or a protection looks at each of them.

Trades are those of the plain loop to the digit, at a tenth of its time: who looks, decides, converts and settles is the
same code; only what a tick writes down for its own recovery is left out.
"""

from collections import Counter
from decimal import Decimal

import numpy as np

from heisenbug.backtest.live import LiveCode
from heisenbug.backtest.run import Moves, Progress, Run, count_gates, move_of
from heisenbug.backtest.seen import Seen
from heisenbug.domain.decide import equity
from heisenbug.domain.gates import Gate
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.portfolio import Portfolio
from heisenbug.domain.protections import Drawdown, drawdown_verdict
from heisenbug.settling import Position


class Steps:
    """One bot's way over a history, sample by sample."""

    def __init__(self, seen: Seen) -> None:
        self._seen, self._settings = seen, seen.wish.told.settings
        self._live = LiveCode(seen)
        self._position = Position(Ledger(dict(self._settings.paper_start)), 0, 0)
        self._peak, self._killed = Decimal(0), ""
        self._gates = Counter[Gate]()
        self._equity = np.full(len(seen.logs), np.nan)

    def run(self, progress: Progress = lambda row: None, begin: int = 0) -> Run:
        """All of it from the sample `begin` on; those before are only looked back on, and have no equity."""
        for row in range(begin, len(self._seen.logs)):
            self._step(row)
            progress(row)
        trades, moves, memory = tuple(self._live.memory.finished), Moves(), self._live.memory
        moves.add(map(move_of, trades))
        holdings, dropped = self._position.ledger.holdings, tuple(memory.dropped)
        return Run(self._seen, moves, lambda: trades, dropped, self._equity, holdings, self._gates, self._killed)

    def _step(self, row: int) -> None:
        self._position = self._live.looked_at(row, self._position)
        decision = self._live.decide(row, self._position.ledger, bool(self._killed))
        count_gates(self._gates, decision)
        worth = equity(Portfolio(self._position.ledger.holdings), decision)
        if worth is not None:
            self._equity[row], self._peak = float(worth), max(self._peak, worth)
            drawdown = Drawdown(worth, self._peak)
            self._killed = self._killed or drawdown_verdict(drawdown, self._settings.max_drawdown) or ""
        if decision.chosen is not None and not self._killed:
            self._position = self._live.convert(row, decision, self._position)


def needs_care(seen: Seen) -> bool:
    """Whether something looks at samples at which no conversion could pass."""
    return seen.wish.told.settings.has_exits
