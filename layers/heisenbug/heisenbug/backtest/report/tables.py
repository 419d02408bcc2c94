"""The tables of the report, as HTML; every text that comes from elsewhere is escaped here."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from math import expm1, isfinite
from typing import Any

from heisenbug.backtest.report.drawing import bar
from heisenbug.backtest.run import move_of
from heisenbug.backtest.summary import Figures, Summary
from heisenbug.backtest.words import gate_words, percent
from heisenbug.domain.assets import precision
from heisenbug.domain.settings import DEFAULTS, MEANS, Settings, as_plain
from heisenbug.domain.trade import Trade, TradeState
from heisenbug.fitting.calibration import Bin

MOST_TRADES = 500
MOST_DROPPED = 100
LONGEST_VALUE = 200
# What every backtest sets.
ALWAYS = {"is_active": True, "check_interval_seconds": 1}

Headings = Sequence[tuple[str, str]]
"""Each column's name and its class: number (aligned right), wide (a line of its own on a phone), strong, or none."""


def utc(at: int) -> str:
    """A time to the minute, and to the second where it is between minutes."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.strftime("%Y-%m-%d %H:%M" if at % 60 == 0 else "%Y-%m-%d %H:%M:%S")


def signed(fraction: float) -> str:
    """A signed percentage with a true minus."""
    return _minus(percent(fraction))


def _minus(number: str) -> str:
    return number.replace("-", "\N{MINUS SIGN}")


def table(headings: Headings, rows: Iterable[Sequence[str]], caption: str) -> str:
    """Rows of HTML cells under their headings; the caption is for those who hear the page."""
    head = "".join(f'<th scope="col"{_class(kind)}>{escape(name)}</th>' for name, kind in headings)
    body = "".join(f"<tr>{_cells(headings, row)}</tr>\n" for row in rows)
    hidden = f'<caption class="unseen">{escape(caption)}</caption>'
    return f"<table>{hidden}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(headings: Headings, row: Sequence[str]) -> str:
    cells = zip(headings, row, strict=True)
    return "".join(f'<td{_class(kind)} data-name="{escape(name)}">{cell}</td>' for (name, kind), cell in cells)


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def trades_table(figures: Figures) -> str:
    """The trades with what they cost, what came of them and why; of very many the first and the last."""
    base = escape(figures.summary.base)
    headings = (
        ("When (UTC)", "strong"),
        ("Conversion", "wide"),
        (f"Worth, {base}", "number"),
        (f"Cost, {base}", "number"),
        ("Cost, bp", "number"),
        ("Claimed", "number"),
        ("Came", "number"),
        ("Why", "wide why"),
    )
    pairs = list(zip(figures.run.trades, figures.came.tolist(), strict=True))
    half = MOST_TRADES // 2
    shown = pairs if len(pairs) <= MOST_TRADES else [*pairs[:half], *pairs[-half:]]
    digits = precision(figures.summary.base)
    return table(headings, (_trade(trade, came, digits) for trade, came in shown), "Trades")


def _trade(trade: Trade, came: float, digits: int) -> Sequence[str]:
    move = move_of(trade)
    return (
        utc(trade.due),
        _conversion(trade),
        f"{move.worth:,.{digits}f}",
        _minus(f"{move.cost:,.{digits + 2}f}"),
        _minus(f"{trade.realised_cost_bps:.1f}") if trade.realised_cost_bps is not None else "\N{EN DASH}",
        "\N{EN DASH}" if trade.exit else f"{trade.expected.confidence:.2f}",
        signed(expm1(came)) if isfinite(came) else "\N{EN DASH}",
        escape(trade.reason if trade.state is TradeState.EXECUTED else f"{trade.state}: {trade.outcome}"),
    )


def _conversion(trade: Trade) -> str:
    received = f"{trade.received:,f} " if trade.received is not None else ""
    source, target = escape(trade.source), escape(trade.target)
    return f"{trade.amount:,f} <b>{source}</b> \N{RIGHTWARDS ARROW} {received}<b>{target}</b>"


def dropped_table(dropped: Sequence[Trade]) -> str:
    """The first decisions that came to nothing, and why."""
    headings = (("When (UTC)", "strong"), ("Conversion", "wide"), ("Why not", "wide why"))
    rows = ((utc(one.due), _conversion(one), escape(one.outcome)) for one in dropped[:MOST_DROPPED])
    return table(headings, rows, "Decisions that came to nothing")


def gates_table(summary: Summary, settings: Settings) -> str:
    """How many conversions each gate stopped first, the most first."""
    headings = (
        ("Gate", "strong"),
        ("What it says", "wide"),
        ("Conversions", "number"),
        ("Share", "number"),
        ("", "bar"),
    )
    words, total = gate_words(settings), sum(summary.gates.values())
    counts = sorted(summary.gates.items(), key=lambda gate: -gate[1])
    rows = (
        (gate, escape(words[gate]), f"{count:,}", f"{count / total:.1%}", bar(count / total)) for gate, count in counts
    )
    return table(headings, rows, "What stopped conversions")


def bins_table(bins: Sequence[Bin]) -> str:
    """The reliability diagram's numbers."""
    headings = (("Claimed between", "strong"), ("On average", "number"), ("Came true", "number"), ("Count", "number"))
    rows = (
        (
            f"{bin.low:.0%} and {bin.high:.0%}",
            f"{bin.claimed:.1%}",
            f"{bin.realised:.1%}",
            f"{bin.count:,}",
        )
        for bin in bins
    )
    return table(headings, rows, "Reliability")


def scores_table(summary: Summary) -> str:
    """Brier score and log-loss beside those of zero-drift."""
    if summary.claims is None:
        return ""
    measured, baseline = summary.claims.measured, summary.claims.baseline
    headings = (("Score, lower is better", "strong"), ("This run", "number"), ("Zero-drift", "number"))
    rows = (
        ("Brier score", f"{measured.brier:.4f}", f"{baseline.brier:.4f}"),
        ("Log-loss", f"{measured.log_loss:.4f}", f"{baseline.log_loss:.4f}"),
    )
    return table(headings, rows, "Scores")


def changed_table(settings: Settings) -> str:
    """The settings that are not as they would be by default; empty where all are."""
    rows = [row for name, row in _settings(settings) if _is_changed(settings, name)]
    return table(_SETTINGS, rows, "Settings that differ from their defaults") if rows else ""


def settings_table(settings: Settings) -> str:
    """Every setting of the run."""
    return table(_SETTINGS, (row for _, row in _settings(settings)), "All settings")


_SETTINGS = (("Setting", "strong"), ("Here", ""), ("Default", ""), ("Meaning", "wide"))


def _settings(settings: Settings) -> Iterator[tuple[str, Sequence[str]]]:
    defaults = as_plain(DEFAULTS)
    for name, value in as_plain(settings).items():
        yield name, (f"<code>{name}</code>", _value(value), _value(defaults[name]), escape(MEANS[name]))


def _is_changed(settings: Settings, name: str) -> bool:
    here = as_plain(settings)[name]
    return bool(here != as_plain(DEFAULTS)[name]) and ALWAYS.get(name, ...) != here


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    text = "nothing" if value is None else value if isinstance(value, str) else json.dumps(value)
    return escape(text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}\N{HORIZONTAL ELLIPSIS}")
