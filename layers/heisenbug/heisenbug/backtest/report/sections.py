"""What the report says, section by section, as HTML."""

from html import escape

from heisenbug import __version__
from heisenbug.backtest.report import tables
from heisenbug.backtest.report.drawing import reliability_diagram
from heisenbug.backtest.report.tables import MOST_DROPPED, MOST_TRADES, signed, utc
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.summary import Figures, Summary
from heisenbug.backtest.thinned import Thinned
from heisenbug.backtest.words import RULES, costs, counted, gaps, holding, money, percent, scored, span, verdict

# More marks than this would hide the line that they stand on.
MOST_MARKS = 200


def lead(figures: Figures) -> str:
    """Under a headline that says no trade: which conversion came closest, when, and what stopped it."""
    closest, killed = figures.summary.closest, figures.summary.killed
    told = f"The bot was killed: {escape(killed)} " if killed else ""
    if closest is not None:
        conversion = f"{escape(closest.source)} \N{RIGHTWARDS ARROW} {escape(closest.target)}"
        told += f"Closest to paying was {conversion} at <time>{utc(closest.at)} UTC</time>: {escape(closest.why)}."
        if figures.run.wish.told.settings.forecaster == "zero_drift":
            told += " The forecaster zero_drift believes in no drift, so no conversion can pay: its edge is always 0."
    return f'<p class="lead">{told}</p>' if told else ""


def tiles(summary: Summary) -> str:
    """The figures that are looked at first."""
    paid, _, of = costs(summary).partition(", ")
    grown = f"{money(summary.final, summary.base)} from {money(summary.start, summary.base)}"
    deepest = f"holding {percent(summary.holding_drawdown, '')}, doing nothing {percent(summary.nothing_drawdown, '')}"
    shown = [
        ("This bot", signed(summary.gain), escape(grown)),
        ("Holding", signed(summary.holding), holding(summary)),
        ("Doing nothing", signed(summary.nothing), "the start, kept as it was"),
        ("Deepest drawdown", percent(summary.drawdown, ""), deepest),
        ("Trades", f"{summary.trades:,}", f"{counted(summary.dropped, 'decision')} came to nothing"),
        ("Costs paid", escape(paid), escape(of)),
        *_scores(summary),
    ]
    return "".join(f"<div><dt>{name}</dt><dd>{value}</dd><dd>{note}</dd></div>" for name, value, note in shown)


def _scores(summary: Summary) -> list[tuple[str, str, str]]:
    if summary.claims is None:
        return [(name, "\N{EN DASH}", "nothing to judge") for name in ("Brier score", "Log-loss")]
    measured, baseline = summary.claims.measured, summary.claims.baseline
    return [
        ("Brier score", f"{measured.brier:.4f}", f"zero-drift {baseline.brier:.4f}; lower is better"),
        ("Log-loss", f"{measured.log_loss:.4f}", f"zero-drift {baseline.log_loss:.4f}; lower is better"),
    ]


def curves_note(figures: Figures, drawn: Thinned) -> str:
    """What the chart shows, and of how many samples."""
    told = (
        f"In {escape(figures.summary.base)}; below, how far under the peak so far. "
        f"Holding is {holding(figures.summary)} at the first sample. Nothing is sold in the end."
    )
    if drawn.stretch_seconds:
        stretch = span(drawn.stretch_seconds)
        told += f" {figures.summary.samples:,} samples are drawn as the lowest and the highest of about each {stretch}."
    if 0 < len(figures.run.trades) <= MOST_MARKS:
        told += " Dots are trades."
    return told


def chart_label(summary: Summary) -> str:
    """The chart for those who hear it."""
    return escape(
        f"Worth over time in {summary.base}: this bot {percent(summary.gain)}, holding {percent(summary.holding)}, "
        f"doing nothing {percent(summary.nothing)}; deepest drawdown {percent(summary.drawdown, '')}."
    )


def trades(figures: Figures) -> str:
    """The trades, and the decisions that came to nothing."""
    dropped = figures.run.dropped
    parts = [_trades_said(figures)]
    if figures.run.trades:
        long = 'class="long cards" tabindex="0" role="region" aria-label="Trades"'
        parts.append(f"<div {long}>{tables.trades_table(figures)}</div>")
    if dropped:
        first = f" (the first {MOST_DROPPED})" if len(dropped) > MOST_DROPPED else ""
        said = f"{counted(len(dropped), 'decision')} that came to nothing{first}"
        parts.append(_folded(said, tables.dropped_table(dropped)))
    return "\n".join(parts)


def _trades_said(figures: Figures) -> str:
    summary = figures.summary
    if not summary.trades:
        looked = counted(sum(summary.gates.values()), "conversion")
        return (
            f'<p class="notice">No trade. {looked} were looked at; below is what stopped them. Most markets, most of '
            "the time, give no trade: that is mostly the honest answer.</p>"
        )
    told = (
        f"Costs paid: {escape(costs(summary))}. A cost is all that lies between the mid that decided and what was "
        "received; a price that moved the right way until then can make it less than nothing. Came is the net return "
        f"of the conversion {figures.run.wish.told.settings.horizon} samples later, at mids."
    )
    if summary.claimed is not None and summary.realised is not None:
        gained, claimed = percent(summary.realised, ""), percent(summary.claimed, "")
        told += (
            f" Of the {counted(summary.judged, 'trade')} that can be judged {gained} had gained; {claimed} was claimed."
        )
    if summary.trades > MOST_TRADES:
        half = MOST_TRADES // 2
        told += f" Shown are the first {half} and the last {half} of {summary.trades:,}; <code>--json</code> has all."
    return f"<p>{told}</p>"


def gates(figures: Figures) -> str:
    """Which gates stopped how many conversions."""
    summary = figures.summary
    looked = counted(sum(summary.gates.values()), "conversion")
    samples = counted(summary.samples, "sample")
    said = (
        f"{looked} were looked at: of every asset into every other, at each of {samples}. "
        "Each is counted once, at the first gate that stopped it."
    )
    table = tables.gates_table(summary, figures.run.wish.told.settings)
    return f'<p>{said}</p><div class="cards">{table}</div>'


def claims(figures: Figures) -> str:
    """The reliability diagram, its numbers, and the scores beside those of zero-drift."""
    found, settings = figures.summary.claims, figures.run.wish.told.settings
    if found is None:
        return '<p class="notice">Nothing can be judged: no full window has prices a horizon later.</p>'
    said = (
        f"Confidence is the probability that a conversion's net return over the next {settings.horizon} samples is "
        f"above 0. It is judged on {scored(found)}, evenly spaced, traded or not. On the dashed line, what was claimed "
        f"is what came. By Brier score and log-loss it was <b>{verdict(found)}</b>. The mean distance of claimed from "
        f"came is {percent(found.calibration_error, '')}. Horizons overlap: there are fewer independent outcomes than "
        "counts."
    )
    numbers = tables.scores_table(figures.summary) + tables.bins_table(found.bins)
    drawing = reliability_diagram(found.bins, settings.min_confidence)
    return f'<p>{said}</p><div class="claims">{drawing}<div>{numbers}</div></div>'


def facts(figures: Figures) -> str:
    """Rule, fees, data and version: what it takes to run it again."""
    summary, wish = figures.summary, figures.run.wish
    fees = f"{wish.venue.name}'s by asset class" if wish.told.settings.cost_bps is None else "as set by cost_bps"
    told = {
        "Rule": f"Every conversion is {RULES[Fill(summary.fill)]}.",
        "Fees": f"{fees}; half of the spread comes on top.",
        "Market": summary.market,
        "Pairs": ", ".join(str(trading.pair) for trading in wish.told.pairs),
        "Range": f"{utc(summary.begin)} to {utc(summary.end)} UTC",
        "Samples": f"{summary.samples:,}, one each {summary.sample_seconds} s; {gaps(summary.gaps)}",
        "Killed": summary.killed or "no",
        "Version": f"Heisenbug {__version__}",
    }
    return "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in told.items())


def settings(figures: Figures) -> str:
    """The settings that differ from their defaults, and all of them."""
    told = figures.run.wish.told.settings
    changed = tables.changed_table(told)
    said = "Settings that differ from their defaults:" if changed else "All other settings have their defaults."
    return (
        f"<p>Every backtest trades on paper, checks each sample and takes all pairs of its market. {said}</p>"
        f'<div class="cards">{changed}</div>' + _folded("All settings", tables.settings_table(told))
    )


def _folded(said: str, table: str) -> str:
    return f'<details><summary>{said}</summary><div class="cards">{table}</div></details>'
