"""The whole report: one HTML file that loads nothing, under a policy that would not let it."""

import hashlib
import json
from base64 import b64encode
from html import escape
from importlib.resources import files
from string import Template

import numpy as np

from heisenbug.backtest.report import sections
from heisenbug.backtest.report.sections import MOST_MARKS
from heisenbug.backtest.report.tables import utc
from heisenbug.backtest.summary import Figures
from heisenbug.backtest.thinned import Thinned, thinned
from heisenbug.backtest.words import counted, headline
from heisenbug.domain.assets import precision
from heisenbug.markets.history import Floats

# By this a file is known to be a report.
MARK = '<meta name="generator" content="Heisenbug backtest report">'
SIGNIFICANT_DIGITS = 9


def report_of(figures: Figures, library: str) -> str:
    """The report of a run as HTML; `library` is the text of lightweight-charts, its standalone build.

    The same run makes the same text. Raises ValueError where `library` would end the script that it stands in.
    """
    if "</script" in library or "<!--" in library:
        raise ValueError("The chart library would end the script that it stands in: take its standalone build.")
    style, script = _file("report.css"), _file("report.js")
    summary, drawn = figures.summary, _drawn(figures)
    said = headline(summary).replace(" -", " \N{MINUS SIGN}")
    return Template(_file("report.html")).substitute(
        policy=policy([library, script], [style]),
        mark=MARK,
        title=escape(f"{summary.market}: {said}"),
        headline=escape(said),
        market=escape(summary.market),
        range=f"{utc(summary.begin)} to {utc(summary.end)} UTC",
        samples=f"{counted(summary.samples, 'sample')} of {summary.sample_seconds} s",
        lead=sections.lead(figures),
        tiles=sections.tiles(summary),
        curves_note=sections.curves_note(figures, drawn),
        chart_label=sections.chart_label(summary),
        trades=sections.trades(figures),
        gates=sections.gates(figures),
        claims=sections.claims(figures),
        facts=sections.facts(figures),
        settings=sections.settings(figures),
        data=_data(figures, drawn),
        style=style,
        library=library,
        script=script,
    )


def policy(scripts: list[str], styles: list[str]) -> str:
    """The page's Content-Security-Policy: these scripts and styles run, nothing else does and nothing is loaded."""
    run, look = (" ".join(map(_hash, texts)) for texts in (scripts, styles))
    nothing_else = "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    return f"default-src 'none'; script-src {run}; style-src {look}; {nothing_else}"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _drawn(figures: Figures) -> Thinned:
    curves = figures.curves
    worth = {"equity": curves.equity, "holding": curves.holding, "nothing": curves.nothing}
    falls = {f"{name}_fall": -100 * curves.drawdown(worth[name]) for name in ("equity", "holding")}
    return thinned(curves.at, {**worth, **falls}, figures.summary.sample_seconds)


def _data(figures: Figures, drawn: Thinned) -> str:
    """What the script draws, as JSON that cannot end the element that it stands in."""
    trades = figures.run.trades if len(figures.run.trades) <= MOST_MARKS else ()
    marked = {int(np.abs(drawn.at - trade.due).argmin()) for trade in trades}
    data = {
        "base": figures.summary.base,
        "digits": precision(figures.summary.base),
        "at": drawn.at.tolist(),
        "marked": sorted(marked),
        **{name: _numbers(line) for name, line in drawn.lines.items()},
    }
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _numbers(values: Floats) -> list[float | None]:
    """Rounded as far as it cannot be seen; None where a number is not known."""
    return [float(f"{value:.{SIGNIFICANT_DIGITS}g}") if value == value else None for value in values.tolist()]
