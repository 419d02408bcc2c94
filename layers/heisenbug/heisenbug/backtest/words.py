"""The sentences a person reads about a backtest; the same in the terminal and in the report."""

from collections.abc import Mapping

from heisenbug.backtest.claims import Claims
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.summary import Gaps, Summary
from heisenbug.domain.assets import precision
from heisenbug.domain.settings import Settings
from heisenbug.domain.words import bps

RULES = {
    Fill.NEXT_SAMPLE: "filled at the next sample's bid or ask plus the fee, never at the price that decided",
    Fill.SAME_QUOTE: "filled at the quote that decided plus the fee, as the paper exchange does",
}
_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def headline(summary: Summary) -> str:
    """The run in one line: what came of its trades, or by which numbers there was none."""
    over = span(summary.end - summary.begin + summary.sample_seconds)
    if summary.trades:
        returns = f"{percent(summary.gain)}; holding {percent(summary.holding)}"
        return f"{counted(summary.trades, 'trade')} in {over}: {returns}, doing nothing {percent(summary.nothing)}"
    return f"No trade in {over}: {_why_none(summary)}"


def _why_none(summary: Summary) -> str:
    closest = summary.closest
    if summary.dropped:
        return f"{counted(summary.dropped, 'decision')} came to nothing"
    if closest is None:
        return "no window was full and without a gap"
    if closest.edge < closest.cost:
        return f"best edge {bps(closest.edge)} < cost {bps(closest.cost)}"
    return closest.why


def span(seconds: float) -> str:
    """A length of time in the greatest unit that it has two of, rounded."""
    size, unit = next(((size, unit) for size, unit in _UNITS if round(seconds / size) >= 2), _UNITS[-1])
    return counted(round(seconds / size), unit)


def counted(count: int, thing: str) -> str:
    """So many things, in words."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def percent(fraction: float, sign: str = "+") -> str:
    """A fraction as a percentage with two decimals, signed unless it is zero or `sign` is empty."""
    text = f"{fraction:{sign}.2%}"
    return text.lstrip("+-") if float(text.rstrip("%")) == 0 else text


def money(amount: float, asset: str) -> str:
    """An amount at the asset's precision, with its name."""
    return f"{amount:,.{precision(asset)}f} {asset}"


def costs(summary: Summary) -> str:
    """What was paid, in the base currency and in basis points of what was converted."""
    base = summary.base
    if summary.costs_bps is None:
        return f"{money(0, base)}, nothing was converted"
    return f"{money(summary.costs, base)}, {summary.costs_bps:.1f} bp of {money(summary.turnover, base)} converted"


def holding(summary: Summary) -> str:
    """What holding was."""
    return f"equal parts of {counted(summary.held, 'asset')} bought at the same costs"


def gaps(summary: Gaps) -> str:
    """What a market's past lacked."""
    told = [
        f"{counted(summary.gaps, 'gap')} of {counted(summary.missing, 'sample')}, the longest {span(summary.longest)}"
        if summary.gaps
        else "no gaps",
        f"{counted(summary.unpriced, 'quote')} missing" if summary.unpriced else "",
        f"{counted(summary.guarded, 'quote')} not believed" if summary.guarded else "",
    ]
    return "; ".join(filter(None, told))


def scored(claims: Claims) -> str:
    """Of how much the scores of confidence are."""
    return f"{claims.measured.count:,} conversions at {claims.samples:,} of {claims.of:,} samples"


def verdict(claims: Claims) -> str:
    """Whether the confidence was worth more than that of believing in no drift."""
    measured, baseline = claims.measured, claims.baseline
    if measured == baseline:
        return "the same as zero-drift"
    better = (measured.brier < baseline.brier) + (measured.log_loss < baseline.log_loss)
    return ("worse than zero-drift", "better than zero-drift by one score only", "better than zero-drift")[better]


def gate_words(settings: Settings) -> Mapping[str, str]:
    """What each gate asks, with the limits of these settings."""
    return {
        "open": "every gate was open; of each sample the best one trades",
        "window": f"the window of {settings.window} samples was filling or had too many gaps",
        "price": "there was no price to go by",
        "held": "nothing was held to convert",
        "confidence": f"confidence below {settings.min_confidence:g}",
        "risk": f"risk above {settings.risk_tolerance:g}",
        "return": f"net return not above {bps(settings.min_expected_return)}",
        "cooldown": f"rested {settings.cooldown_seconds} s after a trade",
        "minimum": "worth less than the venue's least",
        "budget": "over the budget",
        "open_trade": "another trade was open",
        "stopped": "the bot was stopped",
        "killed": "the bot was killed",
    }
