"""The shapes of how the bot is: its state, what it holds, its ticks."""

from shape_bits import (
    FIELD_ERROR,
    FLAG,
    GUARDED,
    MOMENT,
    MONEY,
    NUMBER,
    PAIR,
    QUOTES,
    TEXT,
    WHOLE,
    Shape,
    all_of,
    list_of,
    or_none,
    ref,
    some_of,
)

from heisenbug.domain.protections import Protection
from heisenbug.domain.registered import NAME_PATTERN
from heisenbug.domain.venue import VENUES

STATES = ["running", "halted", "stopped", "killed", "settings not understood"]
KEPT_OF_WHY = "A longer one is cut at 200 characters: nothing keeps the bot from being stopped."
KILLED = or_none(all_of({"at": MOMENT, "by": TEXT, "why": TEXT}))
HALT = all_of(
    {
        "by": {"type": "string", "enum": [protection.value for protection in Protection]},
        "why": TEXT,
        "since": MOMENT,
        "until": {**or_none(MOMENT), "description": "When time alone lifts it; null where it does not."},
        "lift": {**TEXT, "description": "How a person lifts it."},
    }
)
WORTH = {
    "equity": or_none(MONEY),
    "drawdown": or_none(NUMBER),
    "data_age_seconds": or_none(NUMBER),
    "guarded": GUARDED,
}
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
        "halts": {**list_of(HALT), "description": "Protections that stop entries; exits go on."},
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
HOLDING = all_of(
    {
        "asset": TEXT,
        "amount": MONEY,
        "price": or_none(NUMBER),
        "value": or_none(NUMBER),
        "entry_price": {**or_none(MONEY), "description": "What one unit cost in the base currency, all in."},
        "held_since": {**or_none(MOMENT), "description": "Its newest purchase."},
        "high": {**or_none(MONEY), "description": "The highest price since, as far as it is written down."},
    }
)
COUNTS = {"trades": WHOLE, "failed": WHOLE, "turnover": NUMBER, "costs": NUMBER}
TODAY = {"begin": or_none(MONEY), "equity": or_none(MONEY), "change": or_none(MONEY), **COUNTS}
PERFORMANCE = all_of({"today": all_of(TODAY), "kept": all_of({"since": or_none(MOMENT), **COUNTS})})
TICK = all_of(
    {
        "at": MOMENT,
        "tick": WHOLE,
        "after_ms": {**WHOLE, "description": "How long after it was due the tick had decided."},
        "price_age_seconds": NUMBER,
        "equity": or_none(MONEY),
        "guarded": WHOLE,
        "errors": {**list_of(TEXT), "description": "Why prices were not believed."},
        "is_sample": FLAG,
    }
)
DEAD_LETTERS = all_of({"what": TEXT, "queue": TEXT, "letters": or_none(WHOLE), "why": or_none(TEXT)})
WATCHED = all_of({"sequence": WHOLE, "failed_at": MOMENT, "ask_at": MOMENT, "until": MOMENT})
HEALTH = all_of(
    {
        "status": {"type": "string", "enum": ["ok", "attention"]},
        "problems": list_of(TEXT),
        "last_tick_age_seconds": or_none(NUMBER),
        "ticks": list_of(TICK),
        "missed_ticks": WHOLE,
        "dead_letters": list_of(DEAD_LETTERS),
        "clients": WHOLE,
        "unresolved": or_none(ref("Trade")),
        "watched": list_of(WATCHED),
        "exchange": all_of({"venue": TEXT, "address": TEXT, "quiet_until": or_none(MOMENT)}),
        "versions": all_of({"package": TEXT, "template": TEXT, "python": TEXT}),
    }
)
DOLLARS = {**NUMBER, "description": "US dollars, beyond what is always free."}
LISTED = {**NUMBER, "description": "US dollars where nothing is free."}
COST = all_of(
    {
        "month": TEXT,
        "share": {**NUMBER, "description": "For how much of the month it was counted."},
        "lines": list_of(
            all_of(
                {
                    "name": TEXT,
                    "what": TEXT,
                    "unit": TEXT,
                    "amount": NUMBER,
                    "so_far": DOLLARS,
                    "forecast": DOLLARS,
                    "forecast_listed": LISTED,
                }
            )
        ),
        "so_far": DOLLARS,
        "so_far_listed": LISTED,
        "forecast": DOLLARS,
        "forecast_listed": LISTED,
    }
)
OVERVIEW = all_of(
    {
        "status": ref("Status"),
        "portfolio": ref("Portfolio"),
        "performance": ref("Performance"),
        "equity": list_of(all_of({"at": MOMENT, "equity": MONEY, "drawdown": NUMBER})),
        "pair": or_none(PAIR),
        "prices": list_of(all_of({"at": MOMENT, "quotes": QUOTES})),
        "trades": list_of(ref("Trade")),
        "pairs": list_of(ref("Pair")),
    }
)

BOT_ID = {"type": "string", "pattern": f"^{NAME_PATTERN}$"}
VENUE = {"type": "string", "enum": [*VENUES]}
BOT = all_of(
    {
        "bot_id": BOT_ID,
        "venue": VENUE,
        "is_own": {**FLAG, "description": "Whether it is the deployment's own, which cannot be removed."},
        "created_at": or_none(MOMENT),
        "created_by": or_none(TEXT),
        "state": {"type": "string", "enum": STATES},
        "is_active": FLAG,
        "mode": TEXT,
        "base_currency": TEXT,
        "equity": or_none(MONEY),
        "drawdown": or_none(NUMBER),
        "settings_version": WHOLE,
        "ticks": WHOLE,
        "last_tick": or_none(MOMENT),
        "late_seconds": {**or_none(NUMBER), "description": "For how long its next tick is overdue."},
    }
)
BOT_WISH = {
    **some_of(
        {
            "name": {**BOT_ID, "examples": ["second"]},
            "venue": {
                **or_none(TEXT),
                "examples": ["uphold"],
                "description": "Where it trades, for good; else where the own one does.",
            },
            "clone": {
                **or_none(TEXT),
                "examples": ["default"],
                "description": "The bot whose settings and pairs it begins with, on paper.",
            },
        }
    ),
    "required": ["name"],
}

SHAPES: dict[str, Shape] = {
    "Bot": BOT,
    "Bots": all_of(
        {
            "bots": list_of(ref("Bot")),
            "removed": list_of(all_of({"bot_id": BOT_ID, "venue": VENUE, "removed_at": MOMENT})),
        }
    ),
    "BotWish": BOT_WISH,
    "BotRemoved": all_of({"removed": BOT_ID}),
    "Health": HEALTH,
    "Status": STATUS,
    "Portfolio": all_of({"base_currency": TEXT, "holdings": list_of(HOLDING), **WORTH}),
    "Equity": all_of({"equity": list_of(all_of({"at": MOMENT, "equity": MONEY, "drawdown": NUMBER}))}),
    "Prices": all_of({"prices": list_of(all_of({"at": MOMENT, "quotes": QUOTES}))}),
    "Overview": OVERVIEW,
    "Performance": PERFORMANCE,
    "Cost": COST,
    "Ticks": all_of({"ticks": list_of(TICK), "missed_ticks": WHOLE}),
    "Kill": all_of({"killed": KILLED}),
    "KillReason": some_of({"why": {**TEXT, "default": "by hand", "description": KEPT_OF_WHY}}),
}
