"""A backtest's outcome as plain data, the same on every surface: its figures, its trades, and its curves."""

from dataclasses import asdict
from math import isfinite
from typing import Any

from heisenbug.backtest import words
from heisenbug.backtest.summary import Figures, Summary
from heisenbug.backtest.thinned import thinned
from heisenbug.domain.trade import Trade, if_known
from heisenbug.markets.history import Floats
from heisenbug.markets.market import iso

Plain = dict[str, Any]
# As many as a screen has columns; every curve keeps its extremes.
MOST_POINTS = 600


def outcome_of(figures: Figures) -> Plain:
    """The figures of a run, `gain` among them, under `trades` what it traded, oldest first, and its `curves`."""
    trades = [_trade(trade) for trade in figures.run.trades]
    return {**_summary(figures.summary), "trades": trades, "curves": _curves(figures)}


def without_lists(outcome: Plain) -> Plain:
    """The figures alone: the number of trades in place of them, and no curves."""
    figures = {name: value for name, value in outcome.items() if name != "curves"}
    return {**figures, "trades": len(outcome["trades"])}


def _curves(figures: Figures) -> Plain:
    """Worth, and how far under its peak, of the bot, of holding and of nothing, at the same times; None is unknown."""
    curves = figures.curves
    worth = {"equity": curves.equity, "holding": curves.holding, "nothing": curves.nothing}
    falls = {"drawdown": curves.drawdown(curves.equity), "holding_drawdown": curves.drawdown(curves.holding)}
    drawn = thinned(curves.at, {**worth, **falls}, figures.summary.sample_seconds, MOST_POINTS)
    return {"at": [iso(int(at)) for at in drawn.at], **{name: _points(line) for name, line in drawn.lines.items()}}


def _points(line: Floats) -> list[float | None]:
    return [float(f"{value:.8g}") if isfinite(value) else None for value in line.tolist()]


def _summary(summary: Summary) -> Plain:
    more = {"gain": summary.gain, "costs_bps": summary.costs_bps, "headline": words.headline(summary)}
    return {**asdict(summary), "begin": iso(summary.begin), "end": iso(summary.end), **more}


def _trade(trade: Trade) -> Plain:
    return {
        "at": iso(trade.due),
        "from": trade.source,
        "to": trade.target,
        "amount": f"{trade.amount:f}",
        "received": f"{trade.received:f}" if trade.received is not None else None,
        "confidence": if_known(trade.expected.confidence),
        "cost_bps": trade.realised_cost_bps,
        "exit": trade.exit or None,
    }
