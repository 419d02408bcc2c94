"""The shapes of what it trades and why: conversions, decisions, trades."""

from shape_bits import (
    CURSOR,
    EXIT,
    FLAG,
    GUARDED,
    MOMENT,
    MONEY,
    NUMBER,
    QUOTES,
    TEXT,
    WHOLE,
    Shape,
    all_of,
    list_of,
    map_of,
    or_none,
    ref,
)

from heisenbug.domain.gates import Gate
from heisenbug.domain.leg import Part
from heisenbug.domain.stated import FAILED
from heisenbug.domain.trade import TradeState

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
        "exit": EXIT,
        "why": TEXT,
    }
)
LEG = {
    **all_of(
        {
            "of": TEXT,
            "part": {"type": "string", "enum": [part.value for part in Part]},
            "attempt": WHOLE,
            "from": TEXT,
            "to": TEXT,
        }
    ),
    "description": "The conversion over a bridge that this trade is a part of, by the id of its first trade.",
}
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
        "confidence": or_none(NUMBER),
        "risk": or_none(NUMBER),
        "expected_return": or_none(NUMBER),
        "cost_bps": or_none(NUMBER),
        "expected_cost_bps": NUMBER,
        "quoted_cost_bps": or_none(NUMBER),
        "exit": EXIT,
        "reason": TEXT,
        "outcome": TEXT,
        "leg": or_none(LEG),
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

SHAPES: dict[str, Shape] = {
    "Trade": TRADE,
    "ExplainedTrade": all_of({**TRADE["properties"], "explanation": EXPLANATION}),
    "Again": AGAIN,
    "Trades": all_of({"trades": list_of(ref("Trade")), "cursor": CURSOR}),
    "Opportunity": OPPORTUNITY,
    "Opportunities": OPPORTUNITIES,
    "Decisions": all_of({"decisions": list_of(DECISION), "cursor": CURSOR}),
    "Statement": all_of({"statement": {**TEXT, "examples": ["executed 100 USD for 0.0012 BTC", FAILED]}}),
}
