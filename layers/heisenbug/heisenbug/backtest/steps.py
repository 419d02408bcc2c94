"""The careful way: the live decision is asked at every sample, because an exit or a protection looks at each of them.

Trades are those of the plain loop to the digit, at a tenth of its time: who looks, decides, converts and settles is the
same code; only what a tick writes down for its own recovery is left out.
"""

from collections import Counter
from decimal import Decimal

import numpy as np

from heisenbug.backtest.live import LiveCode
from heisenbug.backtest.run import Moves, Progress, Run, count_gates, why_killed
from heisenbug.backtest.seen import Seen
from heisenbug.backtest.units import Units
from heisenbug.domain.decide import equity_of
from heisenbug.domain.gates import Gate
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.portfolio import Portfolio
from heisenbug.domain.protections import Day, Halts, Moment, day_of, halts
from heisenbug.settling import Position

NOTHING = Decimal(0)


class Steps:
    """One bot's way over a history, sample by sample."""

    def __init__(self, seen: Seen) -> None:
        self._seen, self._settings = seen, seen.wish.told.settings
        self._live = LiveCode(seen)
        self._position = Position(Ledger(dict(self._settings.paper_start)), 0, 0)
        self._peak, self._killed = NOTHING, ""
        self._day: Day | None = None
        self._halts: Halts = {}
        self._gates = Counter[Gate]()
        self._equity = np.full(len(seen.logs), np.nan)

    def run(self, progress: Progress = lambda row: None, begin: int = 0) -> Run:
        """All of it from the sample `begin` on; those before are only looked back on, and have no equity."""
        for row in range(begin, len(self._seen.logs)):
            self._step(row)
            progress(row)
        memory, moves = self._live.memory, Moves(Units.of(self._seen.assets, self._settings.paper_start))
        trades = tuple(memory.finished)
        moves.add(trades)
        holdings, dropped = self._position.ledger.holdings, tuple(memory.dropped)
        return Run(self._seen, moves, lambda: trades, dropped, self._equity, holdings, self._gates, self._killed)

    def _step(self, row: int) -> None:
        self._position = self._live.looked_at(row, self._position)
        self._protect(row)
        decision = self._live.decide(row, self._position.ledger, self._halts)
        count_gates(self._gates, decision)
        if decision.chosen is not None:
            self._position = self._live.convert(row, decision, self._position)

    def _protect(self, row: int) -> None:
        """What a tick does with its look before it decides, see guarding.py."""
        seen, ledger = self._seen.view(row), self._position.ledger
        at, prices = int(self._seen.wish.history.at[row]), dict(zip(seen.assets, seen.prices.tolist(), strict=True))
        worth = equity_of(Portfolio(ledger.holdings), seen.assets, seen.prices)
        self._equity[row] = np.nan if worth is None else float(worth)
        self._peak = max(self._peak, worth or NOTHING)
        self._day = day_of(self._day, at, worth, self._settings.base_currency, prices)
        moment = Moment(at, worth, self._peak, self._day.equity if self._day else NOTHING)
        self._halts = halts(self._halts, ledger.tally, self._settings, moment)
        self._killed = self._killed or why_killed(self._halts)


def needs_care(seen: Seen) -> bool:
    """Whether something looks at samples at which no conversion could pass."""
    settings = seen.wish.told.settings
    return settings.has_exits or settings.has_protections
