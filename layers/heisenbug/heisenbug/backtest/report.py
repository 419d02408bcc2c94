"""A backtest's outcome as plain data, the same on every surface: its figures, and its trades."""

from dataclasses import asdict, fields
from typing import Any

from heisenbug.backtest.run import Run
from heisenbug.backtest.summary import Summary, summary_of
from heisenbug.domain.trade import Trade
from heisenbug.markets.market import epoch, iso

Plain = dict[str, Any]


def report_of(run: Run) -> Plain:
    """The figures of a run, `gain` among them, and under `trades` what it traded, oldest first."""
    return {**plain_summary(summary_of(run)), "trades": [_trade(trade) for trade in run.trades]}


def plain_summary(summary: Summary) -> Plain:
    """The figures as JSON carries them, times as UTC text."""
    return {**asdict(summary), "begin": iso(summary.begin), "end": iso(summary.end), "gain": summary.gain}


def figures_of(report: Plain) -> Plain:
    """A report with the number of its trades in place of them."""
    return {**report, "trades": len(report["trades"])}


def summary_from(report: Plain) -> Summary:
    """The figures that a report states."""
    told = {**figures_of(report), "begin": int(epoch(report["begin"])), "end": int(epoch(report["end"]))}
    return Summary(**{each.name: told[each.name] for each in fields(Summary)})


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
