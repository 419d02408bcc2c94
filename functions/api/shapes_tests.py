"""The shapes of backtests and sweeps: what is asked for, and what they found."""

from shape_bits import EXIT, MOMENT, MONEY, NUMBER, TEXT, WHOLE, Shape, all_of, list_of, map_of, or_none, ref, some_of

from heisenbug.backtest.grid import EXAMPLE
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.swept import SPLIT
from heisenbug.store.jobs import JobState

JUDGED = all_of({"brier": NUMBER, "log_loss": NUMBER, "count": WHOLE})
CLAIMS = all_of(
    {
        "samples": WHOLE,
        "of": WHOLE,
        "measured": JUDGED,
        "baseline": JUDGED,
        "calibration_error": NUMBER,
        "bins": list_of(all_of({"low": NUMBER, "high": NUMBER, "count": WHOLE, "claimed": NUMBER, "realised": NUMBER})),
    }
)
CLOSEST = all_of(
    {
        "at": WHOLE,
        "source": TEXT,
        "target": TEXT,
        "edge": NUMBER,
        "cost": NUMBER,
        "confidence": NUMBER,
        "gate": TEXT,
        "why": TEXT,
    }
)
FIGURES = {
    "market": TEXT,
    "begin": MOMENT,
    "end": MOMENT,
    "samples": WHOLE,
    "sample_seconds": WHOLE,
    "gaps": all_of({"gaps": WHOLE, "missing": WHOLE, "longest": WHOLE, "unpriced": WHOLE, "guarded": WHOLE}),
    "fill": TEXT,
    "base": TEXT,
    "trades": WHOLE,
    "dropped": WHOLE,
    "start": NUMBER,
    "final": NUMBER,
    "drawdown": NUMBER,
    "holding": NUMBER,
    "holding_drawdown": NUMBER,
    "held": WHOLE,
    "nothing": NUMBER,
    "nothing_drawdown": NUMBER,
    "turnover": NUMBER,
    "costs": NUMBER,
    "costs_bps": or_none(NUMBER),
    "judged": WHOLE,
    "claimed": or_none(NUMBER),
    "realised": or_none(NUMBER),
    "killed": TEXT,
    "gates": map_of(WHOLE),
    "claims": or_none(CLAIMS),
    "closest": or_none(CLOSEST),
    "gain": NUMBER,
    "headline": TEXT,
}
BACKTEST_TRADE = all_of(
    {
        "at": MOMENT,
        "from": TEXT,
        "to": TEXT,
        "amount": MONEY,
        "received": or_none(MONEY),
        "confidence": or_none(NUMBER),
        "cost_bps": or_none(NUMBER),
        "exit": EXIT,
    }
)
LINE = list_of(or_none(NUMBER))
CURVES = all_of(
    {
        "at": list_of(MOMENT),
        "equity": LINE,
        "holding": LINE,
        "nothing": LINE,
        "drawdown": LINE,
        "holding_drawdown": LINE,
    }
)
BACKTEST_WISH = {
    **some_of(
        {
            "market": {**TEXT, "description": "The name of a market that was uploaded."},
            "from": {
                **TEXT,
                "description": "The first day or time, else all.",
                "examples": ["2025-05-10"],
            },
            "to": {**TEXT, "description": "The last one."},
            "set": {**ref("Settings"), "description": "Settings that differ from their defaults."},
            "fill": {"type": "string", "enum": [fill.value for fill in Fill], "default": Fill.NEXT_SAMPLE.value},
            "venue": {**TEXT, "default": "uphold", "description": "Whose fees are paid, unless cost_bps is set."},
        }
    ),
    "required": ["market"],
}
SWEEP_WISH = {
    **some_of(
        {
            **BACKTEST_WISH["properties"],
            "grid": {**TEXT, "description": "What varies, as typed on the command line.", "examples": [EXAMPLE]},
            "split": {**NUMBER, "default": SPLIT, "description": "The part of the samples that is in sample."},
        }
    ),
    "required": ["market", "grid"],
}
PART = or_none(
    all_of(
        {"score": NUMBER, "trades": WHOLE, "dropped": WHOLE, "drawdown": NUMBER, "costs": NUMBER, "killed": TEXT},
    )
)
ROW = all_of(
    {"number": WHOLE, "point": ref("Settings"), "in_sample": PART, "out_of_sample": PART, "error": TEXT},
)
STRETCH = all_of({"begin": MOMENT, "end": MOMENT, "samples": WHOLE, "holding": NUMBER})
SWEEP_FIGURES = {
    "market": TEXT,
    "fill": TEXT,
    "split": NUMBER,
    "score": TEXT,
    "in_sample": STRETCH,
    "out_of_sample": STRETCH,
    "tried": {**WHOLE, "description": "How many configurations were run: the more, the more of the best is luck."},
    "failed": WHOLE,
    "traded": WHOLE,
    "best": or_none(ref("SweepRow")),
    "as_good": WHOLE,
    "rank": or_none(WHOLE),
    "gained": WHOLE,
}


def job(asked: str, figures: dict[str, Shape]) -> Shape:
    """A job that was asked for by such a wish and has such figures once it is done."""
    return all_of(
        {
            "id": TEXT,
            "state": {"type": "string", "enum": [state.value for state in JobState]},
            "progress": {**NUMBER, "minimum": 0, "maximum": 1},
            "at": MOMENT,
            "finished_at": or_none(MOMENT),
            "asked": ref(asked),
            "reason": or_none({**TEXT, "description": "Why it failed."}),
            "summary": or_none(all_of(figures)),
        }
    )


SHAPES: dict[str, Shape] = {
    "Backtest": job("BacktestWish", FIGURES),
    "Backtests": all_of({"backtests": list_of(ref("Backtest"))}),
    "BacktestWish": BACKTEST_WISH,
    "BacktestReport": all_of({**FIGURES, "trades": list_of(BACKTEST_TRADE), "curves": ref("BacktestCurves")}),
    "BacktestCurves": CURVES,
    "Sweep": job("SweepWish", SWEEP_FIGURES),
    "Sweeps": all_of({"sweeps": list_of(ref("Sweep"))}),
    "SweepWish": SWEEP_WISH,
    "SweepRow": ROW,
    "SweepReport": all_of({**SWEEP_FIGURES, "rows": list_of(ref("SweepRow"))}),
    "Markets": all_of({"markets": list_of(TEXT)}),
}
