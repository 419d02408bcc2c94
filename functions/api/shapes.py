"""What the API sends and takes, as JSON schema, by the names that the routes use; only its document is made of it."""

from typing import Any

from heisenbug.backtest.grid import EXAMPLE
from heisenbug.backtest.rules import Fill
from heisenbug.backtest.swept import SPLIT
from heisenbug.domain.assets import PAIR_PATTERN
from heisenbug.domain.gates import Gate
from heisenbug.domain.settings import describe
from heisenbug.domain.stated import FAILED
from heisenbug.domain.trade import TradeState
from heisenbug.store.jobs import JobState

Shape = dict[str, Any]

TEXT: Shape = {"type": "string"}
NUMBER: Shape = {"type": "number"}
WHOLE: Shape = {"type": "integer"}
FLAG: Shape = {"type": "boolean"}
MONEY: Shape = {"type": "string", "format": "decimal", "examples": ["1000.25"]}
MOMENT: Shape = {"type": "string", "format": "date-time"}
PAIR: Shape = {"type": "string", "pattern": PAIR_PATTERN, "examples": ["BTC-USD"]}
PRIORITY: Shape = {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
KEPT_OF_WHY = "A longer one is cut at 200 characters: nothing keeps the bot from being stopped."
STATES = ["running", "stopped", "killed", "settings not understood"]


def all_of(fields: dict[str, Shape]) -> Shape:
    """An object with exactly these fields."""
    return {"type": "object", "properties": fields, "required": [*fields], "additionalProperties": False}


def some_of(fields: dict[str, Shape]) -> Shape:
    """An object with any of these fields."""
    return {"type": "object", "properties": fields, "additionalProperties": False}


def list_of(item: Shape) -> Shape:
    """A list of these."""
    return {"type": "array", "items": item}


def map_of(value: Shape) -> Shape:
    """An object from names, such as those of pairs, to these."""
    return {"type": "object", "additionalProperties": value}


def or_none(shape: Shape) -> Shape:
    """This or null."""
    return {**shape, "type": [shape["type"], "null"]} if "type" in shape else {"anyOf": [shape, {"type": "null"}]}


def ref(name: str) -> Shape:
    """One of the shapes below."""
    return {"$ref": f"#/components/schemas/{name}"}


def _settings() -> dict[str, Shape]:
    told = describe()
    return {
        name: {**{key: value for key, value in rule.items() if key != "must"}, "description": _meaning(rule)}
        for name, rule in told.items()
    }


def _meaning(rule: Shape) -> str:
    return f"{rule['description']} {rule['must']}"


FIELD_ERROR = all_of({"field": TEXT, "message": TEXT})
CURSOR = or_none({"type": "integer", "description": "Ask again with it for what comes after; null at the end."})
GUARDED = map_of(all_of({"reason": TEXT, "since": MOMENT}))
KILLED = or_none(all_of({"at": MOMENT, "by": TEXT, "why": TEXT}))
QUOTES = map_of(all_of({"bid": MONEY, "ask": MONEY}))
WORTH = {
    "equity": or_none(MONEY),
    "drawdown": or_none(NUMBER),
    "data_age_seconds": or_none(NUMBER),
    "guarded": GUARDED,
}
OPPORTUNITY = all_of(
    {
        "from": TEXT,
        "to": TEXT,
        "amount": MONEY,
        "confidence": or_none(NUMBER),
        "risk": or_none(NUMBER),
        "expected_return": or_none(NUMBER),
        "cost_bps": or_none(NUMBER),
        "volatility": or_none(NUMBER),
        "gate": {"type": "string", "enum": [gate.name.lower() for gate in Gate]},
        "value": or_none(NUMBER),
        "limit": or_none(NUMBER),
        "why": TEXT,
    }
)
TRADE = all_of(
    {
        "id": TEXT,
        "sequence": WHOLE,
        "state": {"type": "string", "enum": [state.value for state in TradeState]},
        "mode": TEXT,
        "at": MOMENT,
        "finished_at": or_none(MOMENT),
        "from": TEXT,
        "to": TEXT,
        "amount": MONEY,
        "received": or_none(MONEY),
        "from_price": NUMBER,
        "to_price": NUMBER,
        "confidence": NUMBER,
        "risk": NUMBER,
        "expected_return": NUMBER,
        "cost_bps": or_none(NUMBER),
        "expected_cost_bps": NUMBER,
        "quoted_cost_bps": or_none(NUMBER),
        "reason": TEXT,
        "outcome": TEXT,
    }
)
DROPPED = all_of(
    {
        "id": TEXT,
        "at": MOMENT,
        "from": TEXT,
        "to": TEXT,
        "state": {"type": "string", "enum": ["SKIPPED", "ABANDONED"]},
        "why": TEXT,
    }
)
REFIT = all_of(
    {
        "at": MOMENT,
        "outcome": {"type": "string", "enum": ["put into use", "kept", "not fitted"]},
        "why": TEXT,
        "version": or_none(WHOLE),
    }
)
STATUS = all_of(
    {
        "bot_id": TEXT,
        "state": {"type": "string", "enum": STATES},
        "is_active": FLAG,
        "mode": TEXT,
        "held_back": or_none(TEXT),
        "consent": or_none(all_of({"typed": TEXT, "digest": TEXT, "by": TEXT, "at": MOMENT})),
        "risk_tolerance": NUMBER,
        "min_confidence": NUMBER,
        "max_drawdown": NUMBER,
        "check_interval": WHOLE,
        "cache_ttl": WHOLE,
        "base_currency": TEXT,
        "settings_version": WHOLE,
        "settings_errors": list_of(FIELD_ERROR),
        "killed": KILLED,
        "open_trade": or_none(ref("Trade")),
        "dropped": list_of(DROPPED),
        "exchange_quiet_until": or_none(MOMENT),
        "refit": or_none(REFIT),
        "ticks": WHOLE,
        "last_tick": or_none(MOMENT),
        "next_tick": MOMENT,
        "window": all_of({"samples": WHOLE, "of": WHOLE}),
        **WORTH,
        "recent_trades": list_of(ref("Trade")),
        "websocket_url": TEXT,
    }
)
OPPORTUNITIES = {
    **all_of(
        {
            "at": or_none(MOMENT),
            "samples": WHOLE,
            "guarded": GUARDED,
            "opportunities": list_of(ref("Opportunity")),
        }
    ),
    "required": ["at", "samples", "opportunities"],
}
AGAIN = all_of(
    {
        "same": or_none({**FLAG, "description": "Whether deciding again gave what was recorded; null where unknown."}),
        "differences": list_of(TEXT),
        "why": TEXT,
    }
)
SEEN = all_of(
    {
        "at": MOMENT,
        "settings_version": WHOLE,
        "price_age_seconds": NUMBER,
        "samples": WHOLE,
        "window_begin": or_none(MOMENT),
        "prices": map_of(NUMBER),
        "quotes": QUOTES,
        "guarded": GUARDED,
        "holdings": map_of(MONEY),
    }
)
SCORED = all_of(
    {
        "amount": MONEY,
        "confidence": or_none(NUMBER),
        "risk": or_none(NUMBER),
        "expected_return": or_none(NUMBER),
        "cost_bps": or_none(NUMBER),
        "volatility": or_none(NUMBER),
        "expected_log_return": or_none(NUMBER),
        "horizon": WHOLE,
        "sample_seconds": WHOLE,
        "forecaster": TEXT,
    }
)
PASSED = all_of(
    {
        "gate": {"type": "string", "enum": [gate.name.lower() for gate in Gate if gate is not Gate.OPEN]},
        "passed": FLAG,
        "value": or_none(NUMBER),
        "limit": or_none(NUMBER),
        "why": TEXT,
    }
)
EXPLANATION = all_of(
    {
        "seen": or_none(SEEN),
        "scored": or_none(SCORED),
        "gates": list_of(PASSED),
        "cost": all_of({"expected_cost_bps": NUMBER, "quoted_cost_bps": or_none(NUMBER), "cost_bps": or_none(NUMBER)}),
        "again": ref("Again"),
        "words": list_of(TEXT),
    }
)
DECISION = all_of(
    {
        "at": MOMENT,
        "tick": WHOLE,
        "samples": WHOLE,
        "chosen": or_none(ref("Opportunity")),
        "best": or_none(ref("Opportunity")),
        "again": ref("Again"),
    }
)
HOLDING = all_of(
    {
        "asset": TEXT,
        "amount": MONEY,
        "price": or_none(NUMBER),
        "value": or_none(NUMBER),
        "entry_price": or_none(MONEY),
    }
)
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
        "confidence": NUMBER,
        "cost_bps": or_none(NUMBER),
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


COUNTS = {"trades": WHOLE, "failed": WHOLE, "turnover": NUMBER, "costs": NUMBER}
TODAY = {"begin": or_none(MONEY), "equity": or_none(MONEY), "change": or_none(MONEY), **COUNTS}
PERFORMANCE = all_of({"today": all_of(TODAY), "kept": all_of({"since": or_none(MOMENT), **COUNTS})})
SESSION = all_of(
    {
        "role": {"type": "string", "enum": ["admin", "reader", ""]},
        "by": {"type": "string", "enum": ["token", "session", "public", ""]},
        "expires_at": or_none(MOMENT),
    }
)
TICK = all_of(
    {
        "at": MOMENT,
        "tick": WHOLE,
        "after_ms": {**WHOLE, "description": "How long after it was due the tick had decided."},
        "price_age_seconds": NUMBER,
        "equity": or_none(MONEY),
        "guarded": WHOLE,
        "is_sample": FLAG,
    }
)
SETTING_CHANGE = all_of({"name": TEXT, "before": {}, "after": {}})
OVERVIEW = all_of(
    {
        "status": ref("Status"),
        "health": ref("Health"),
        "portfolio": ref("Portfolio"),
        "performance": ref("Performance"),
        "equity": list_of(all_of({"at": MOMENT, "equity": MONEY, "drawdown": NUMBER})),
        "pair": or_none(PAIR),
        "prices": list_of(all_of({"at": MOMENT, "quotes": QUOTES})),
        "trades": list_of(ref("Trade")),
        "pairs": list_of(ref("Pair")),
    }
)


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


VERSION = all_of(
    {
        "version": WHOLE,
        "at": MOMENT,
        "who": TEXT,
        "settings": ref("Settings"),
        "pairs": list_of(all_of({"pair": PAIR, "priority": PRIORITY})),
    }
)
CONFIG = {
    **all_of({"version": WHOLE, "settings": ref("Settings"), "errors": list_of(FIELD_ERROR)}),
    "required": ["version", "settings"],
}
CODES = (
    *("invalid", "not_json", "not_an_object", "bad_version", "no_token", "unauthorized", "forbidden"),
    *("not_found", "method_not_allowed", "stale_version", "too_large", "busy"),
)
ERROR = {
    **all_of(
        {
            "error": all_of(
                {"code": {"type": "string", "enum": [*CODES]}, "message": TEXT, "fields": list_of(FIELD_ERROR)}
            ),
            "config": ref("Config"),
        }
    ),
    "required": ["error"],
}


def shapes() -> dict[str, Shape]:
    """Every shape by its name."""
    settings = some_of(_settings())
    return {
        "Error": ERROR,
        "Gateway": {**all_of({"message": TEXT}), "description": "What API Gateway itself says, without the bot."},
        "Pong": all_of({"status": {"const": "pong"}, "at": MOMENT}),
        "Health": all_of(
            {
                "status": {"type": "string", "enum": ["ok", "attention"]},
                "problems": list_of(TEXT),
                "last_tick_age_seconds": or_none(NUMBER),
            }
        ),
        "Status": STATUS,
        "Settings": settings,
        "SettingsTried": {"type": "object", "description": "A SettingsChange, right or wrong."},
        "SettingsChange": {**settings, "minProperties": 1, "examples": [{"risk_tolerance": 0.6}]},
        "Config": CONFIG,
        "ConfigSchema": {"type": "object", "description": "The schema of Settings, as JSON schema."},
        "ConfigHistory": all_of({"versions": list_of(VERSION), "cursor": CURSOR}),
        "Pair": all_of({"pair": PAIR, "enabled": FLAG, "priority": PRIORITY}),
        "Pairs": all_of({"pairs": list_of(ref("Pair"))}),
        "PairChange": some_of({"enabled": {**FLAG, "default": True}, "priority": PRIORITY}),
        "Removed": all_of({"removed": PAIR}),
        "Trade": TRADE,
        "ExplainedTrade": all_of({**TRADE["properties"], "explanation": EXPLANATION}),
        "Again": AGAIN,
        "Trades": all_of({"trades": list_of(ref("Trade")), "cursor": CURSOR}),
        "Opportunity": OPPORTUNITY,
        "Opportunities": OPPORTUNITIES,
        "Decisions": all_of({"decisions": list_of(DECISION), "cursor": CURSOR}),
        "Portfolio": all_of({"base_currency": TEXT, "holdings": list_of(HOLDING), **WORTH}),
        "Equity": all_of({"equity": list_of(all_of({"at": MOMENT, "equity": MONEY, "drawdown": NUMBER}))}),
        "Prices": all_of({"prices": list_of(all_of({"at": MOMENT, "quotes": QUOTES}))}),
        "Kill": all_of({"killed": KILLED}),
        "KillReason": some_of({"why": {**TEXT, "default": "by hand", "description": KEPT_OF_WHY}}),
        "Statement": all_of({"statement": {**TEXT, "examples": ["executed 100 USD for 0.0012 BTC", FAILED]}}),
        "Backtest": job("BacktestWish", FIGURES),
        "Backtests": all_of({"backtests": list_of(ref("Backtest"))}),
        "BacktestWish": BACKTEST_WISH,
        "Sweep": job("SweepWish", SWEEP_FIGURES),
        "Sweeps": all_of({"sweeps": list_of(ref("Sweep"))}),
        "SweepWish": SWEEP_WISH,
        "SweepRow": ROW,
        "SweepReport": all_of({**SWEEP_FIGURES, "rows": list_of(ref("SweepRow"))}),
        "BacktestReport": all_of({**FIGURES, "trades": list_of(BACKTEST_TRADE)}),
        "Session": SESSION,
        "Overview": OVERVIEW,
        "Performance": PERFORMANCE,
        "Ticks": all_of({"ticks": list_of(TICK), "missed_ticks": WHOLE}),
        "Markets": all_of({"markets": list_of(TEXT)}),
        "Checked": all_of({"errors": list_of(FIELD_ERROR), "changes": list_of(SETTING_CHANGE)}),
        "Restore": {
            **some_of({"version": {**WHOLE, "minimum": 1}, "names": or_none(list_of(TEXT))}),
            "required": ["version"],
        },
        "Ticket": all_of({"ticket": TEXT, "expires_in": WHOLE, "websocket_url": TEXT}),
    }
