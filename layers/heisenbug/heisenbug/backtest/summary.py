"""What a backtest comes to, in figures: against doing nothing, against holding, and against what it claimed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heisenbug.backtest.claims import Claims, a_horizon_later, claims_of
from heisenbug.backtest.closest import Closest, closest_of
from heisenbug.backtest.curves import Curves, curves_of
from heisenbug.backtest.run import Run
from heisenbug.backtest.seen import Seen
from heisenbug.domain.gates import Gate
from heisenbug.domain.protections import Protection
from heisenbug.fitting.history import Unpriceable, prices_in
from heisenbug.markets.history import Floats, History


@dataclass(frozen=True, slots=True)
class Gaps:
    """Where samples were missing: how often in a row, how many, the longest in seconds; and what was not believed.

    `unpriced` counts the quotes of single pairs that samples lacked, `guarded` those that were there and not believed.
    """

    gaps: int
    missing: int
    longest: int
    unpriced: int
    guarded: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of one run; returns and drawdowns are fractions, `costs` and `turnover` in the base currency.

    `holding` is the return of equal parts of every asset at the first sample, bought at the bot's costs and never
    traded; `nothing` that of the start itself. `claimed` and `realised` compare the trades' mean confidence with how
    many of the `judged` had gained, after costs, a horizon later; both are None where none can be judged. `claims` are
    those of all conversions, traded or not. `closest` is there where nothing was traded.
    """

    market: str
    begin: int
    end: int
    samples: int
    sample_seconds: int
    gaps: Gaps
    fill: str
    base: str
    trades: int
    dropped: int
    start: float
    final: float
    drawdown: float
    holding: float
    holding_drawdown: float
    held: int
    nothing: float
    nothing_drawdown: float
    turnover: float
    costs: float
    judged: int
    claimed: float | None
    realised: float | None
    killed: str
    gates: Mapping[str, int]
    claims: Claims | None
    closest: Closest | None

    @property
    def gain(self) -> float:
        """What the equity grew by, as a fraction."""
        return self.final / self.start - 1

    @property
    def costs_bps(self) -> float | None:
        """The costs of what was converted, in basis points; None where nothing was."""
        return self.costs / self.turnover * 10_000 if self.turnover else None


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """All that a report shows of a run; `came` is each trade's net log return a horizon later, or NaN."""

    run: Run
    summary: Summary
    curves: Curves
    came: Floats


def summary_of(run: Run) -> Summary:
    """The figures of a run; raises Unpriceable where its worth was never known."""
    return figures_of(run).summary


def figures_of(run: Run) -> Figures:
    """The figures of a run with its curves and what came of each trade; raises Unpriceable."""
    assets, logs = prices_in(run.wish.told.settings.base_currency, run.wish.history)
    curves, came = curves_of(run, assets, logs), _came(run, assets, logs)
    return Figures(run, _summary(run, curves, came), curves, came)


def _summary(run: Run, curves: Curves, came: Floats) -> Summary:
    past, history, settings = run.seen, run.wish.history, run.wish.told.settings
    known = run.equity[np.isfinite(run.equity)]
    if not len(known):
        raise Unpriceable(f"{history.name} never has a price of all that paper_start holds: begin with something else.")
    confidence, worth = np.array(run.moves.confidence, float), run.moves.worth
    judged = np.isfinite(came) & np.isfinite(confidence)
    turnover, costs = float(worth.sum()), float(worth @ np.array(run.moves.cost_bps, float)) / 10_000
    return Summary(
        market=history.name,
        begin=int(history.at[0]),
        end=int(history.at[-1]),
        samples=len(history),
        sample_seconds=history.sample_seconds,
        gaps=_gaps(history, past),
        fill=run.wish.fill.value,
        base=settings.base_currency,
        trades=len(run.moves),
        dropped=len(run.dropped),
        start=float(known[0]),
        final=float(known[-1]),
        drawdown=curves.deepest(run.equity),
        holding=float(curves.holding[-1] / curves.start - 1),
        holding_drawdown=curves.deepest(curves.holding),
        held=curves.held,
        nothing=float(curves.nothing[-1] / curves.start - 1),
        nothing_drawdown=curves.deepest(curves.nothing),
        turnover=turnover,
        costs=costs,
        judged=int(judged.sum()),
        claimed=float(confidence[judged].mean()) if judged.any() else None,
        realised=float((came[judged] > 0).mean()) if judged.any() else None,
        killed=run.killed,
        gates={gate.name.lower(): run.gates[gate] for gate in Gate if run.gates[gate]},
        claims=claims_of(past),
        closest=None if run.moves else closest_of(past, (Protection.MAX_DRAWDOWN.value,) if run.killed else ()),
    )


def _gaps(history: History, past: Seen) -> Gaps:
    steps = np.diff(history.at // history.sample_seconds)
    quoted = np.isfinite(history.bids) & np.isfinite(history.asks)
    return Gaps(
        int((steps > 1).sum()),
        int((steps - 1).sum()),
        int(steps.max(initial=1)) * history.sample_seconds if (steps > 1).any() else 0,
        int((~quoted).sum()),
        int((quoted & ~np.isfinite(past.guards.log_mids)).sum()),
    )


def _came(run: Run, assets: tuple[str, ...], logs: Floats) -> Floats:
    """What each trade's conversion had come to a horizon later, after its cost; NaN where that is not known."""
    history = run.wish.history
    places = np.array([assets.index(asset) if asset in assets else -1 for asset in run.seen.assets], np.int64)
    source, target = (places[np.array(side, np.intp)] for side in (run.moves.source, run.moves.target))
    rows = np.searchsorted(history.at, np.array(run.moves.due, np.int64))
    later = a_horizon_later(history, run.wish.told.settings.horizon, rows)
    gross = (logs[later, target] - logs[later, source]) - (logs[rows, target] - logs[rows, source])
    net: Floats = gross + np.log1p(-np.array(run.moves.cost_bps, float) / 10_000)
    return np.where(later >= 0, net, np.nan)
