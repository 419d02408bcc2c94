"""A backtest's outcome as plain data, the same on every surface: its figures, and its trades."""

from dataclasses import asdict
from typing import Any

from heisenbug.backtest import words
from heisenbug.backtest.summary import Figures, Summary
from heisenbug.domain.trade import Trade
from heisenbug.markets.market import iso

Plain = dict[str, Any]


def outcome_of(figures: Figures) -> Plain:
    """The figures of a run, `gain` among them, and under `trades` what it traded, oldest first."""
    return {**_summary(figures.summary), "trades": [_trade(trade) for trade in figures.run.trades]}


def without_trades(outcome: Plain) -> Plain:
    """An outcome with the number of its trades in place of them."""
    return {**outcome, "trades": len(outcome["trades"])}


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
        "confidence": trade.expected.confidence,
        "cost_bps": trade.realised_cost_bps,
    }
