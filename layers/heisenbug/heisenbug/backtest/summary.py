"""What a backtest comes to, in figures: against doing nothing, against holding, and against what it claimed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heisenbug.backtest.run import Move, Run
from heisenbug.domain.gates import Gate
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
    held = _holding(logs)
    claimed, won = _judged(run, assets, logs)
    return Summary(
        history.name,
        int(history.at[0]),
        int(history.at[-1]),
        len(history),
        run.wish.fill.value,
        settings.base_currency,
        len(run.moves),
        len(run.dropped),
        float(known[0]),
        float(known[-1]),
        _drawdown(known),
        float(held[-1] / held[0] - 1),
        _drawdown(held),
        sum(map(_cost, run.moves)),
        len(won),
        float(claimed.mean()) if len(won) else None,
        float(won.mean()) if len(won) else None,
        run.killed,
        {gate.name.lower(): run.gates[gate] for gate in Gate if run.gates[gate]},
    )


def _holding(logs: Floats) -> Floats:
    """The worth of equal parts of all assets that were priced at first, bridged where they have no price (T,)."""
    priced = logs[:, np.isfinite(logs[0])]
    worth = np.exp(priced - priced[0])
    last = np.maximum.accumulate(np.where(np.isfinite(worth), np.arange(len(worth))[:, None], 0), axis=0)
    mean: Floats = np.take_along_axis(worth, last, axis=0).mean(axis=1)
    return mean


def _drawdown(worth: Floats) -> float:
    return float((1 - worth / np.maximum.accumulate(worth)).max())


def _cost(move: Move) -> float:
    """What a move paid in the base currency, from its amounts."""
    return float(move.amount) * move.source_price * move.cost_bps / 10_000


def _judged(run: Run, assets: tuple[str, ...], logs: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """What was claimed of each move, and whether it had gained, net, a horizon later; where that is known."""
    place = {asset: index for index, asset in enumerate(assets)}
    moves: Floats = np.array(
        [(move.due, place[move.source], place[move.target], move.cost_bps, move.confidence) for move in run.moves]
    ).reshape(-1, 5)
    rows = np.searchsorted(run.wish.history.at, moves[:, 0])
    moves = moves[rows + run.wish.told.settings.horizon < len(logs)]
    rows = rows[: len(moves)]
    risen = logs[rows + run.wish.told.settings.horizon] - logs[rows]
    each, source, target = np.arange(len(rows)), moves[:, 1].astype(int), moves[:, 2].astype(int)
    net = risen[each, target] - risen[each, source] + np.log1p(-moves[:, 3] / 10_000)
    return moves[np.isfinite(net), 4], net[np.isfinite(net)] > 0
