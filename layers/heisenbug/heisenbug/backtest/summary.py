"""What a backtest comes to, in figures: against doing nothing, against holding, and against what it claimed."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

import numpy as np

from heisenbug.backtest.run import Run
from heisenbug.domain.gates import Gate
from heisenbug.domain.trade import Trade
from heisenbug.fitting.history import prices_in
from heisenbug.markets.history import Floats


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of one run; returns and drawdowns are fractions, `costs` in the base currency.

    `holding` is the return of equal parts of every asset at the first sample, never traded. `claimed` and `realised`
    compare the trades' mean confidence with how many of the `judged` had gained, after costs, a horizon later; both are
    None where none can be judged.
    """

    market: str
    begin: int
    end: int
    samples: int
    fill: str
    base: str
    trades: int
    dropped: int
    start: float
    final: float
    drawdown: float
    holding: float
    holding_drawdown: float
    costs: float
    judged: int
    claimed: float | None
    realised: float | None
    killed: str
    gates: Mapping[str, int]

    @property
    def gain(self) -> float:
        """What the equity grew by, as a fraction; doing nothing gains nothing."""
        return self.final / self.start - 1


def summary_of(run: Run) -> Summary:
    """The figures of a run."""
    history, settings = run.wish.history, run.wish.told.settings
    assets, logs = prices_in(settings.base_currency, history)
    known = run.equity[np.isfinite(run.equity)]
    held = holding_worth(logs)
    judged = [
        (trade.expected.confidence, won) for trade in run.trades if (won := _won(run, trade, assets, logs)) is not None
    ]
    return Summary(
        history.name,
        int(history.at[0]),
        int(history.at[-1]),
        len(history),
        run.wish.fill.value,
        settings.base_currency,
        len(run.trades),
        len(run.dropped),
        float(known[0]),
        float(known[-1]),
        drawdown(known),
        float(held[-1] / held[0] - 1),
        drawdown(held),
        sum(map(cost_of, run.trades)),
        len(judged),
        float(np.mean([confidence for confidence, _ in judged])) if judged else None,
        float(np.mean([won for _, won in judged])) if judged else None,
        run.killed,
        {gate.name.lower(): run.gates[gate] for gate in Gate if run.gates[gate]},
    )


def holding_worth(logs: Floats) -> Floats:
    """The worth of equal parts of all assets that were priced at first, bridged where they have no price (T,)."""
    priced = logs[:, np.isfinite(logs[0])]
    worth = np.exp(priced - priced[0])
    last = np.maximum.accumulate(np.where(np.isfinite(worth), np.arange(len(worth))[:, None], 0), axis=0)
    mean: Floats = np.take_along_axis(worth, last, axis=0).mean(axis=1)
    return mean


def drawdown(worth: Floats) -> float:
    """The deepest fall under the highest worth before it, as a fraction."""
    return float((1 - worth / np.maximum.accumulate(worth)).max())


def cost_of(trade: Trade) -> float:
    """What a trade paid in the base currency, from its amounts."""
    return float(trade.amount) * trade.expected.source_price * (trade.realised_cost_bps or 0.0) / 10_000


def _won(run: Run, trade: Trade, assets: tuple[str, ...], logs: Floats) -> bool | None:
    """Whether a conversion had gained after its cost a horizon later; None where that is not known."""
    row = int(np.searchsorted(run.wish.history.at, trade.due))
    later = row + run.wish.told.settings.horizon
    if later >= len(logs):
        return None
    source, target = assets.index(trade.source), assets.index(trade.target)
    moved = logs[later] - logs[row]
    net = float(moved[target] - moved[source]) + log(1 - (trade.realised_cost_bps or 0.0) / 10_000)
    return net > 0 if net == net else None
