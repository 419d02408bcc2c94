"""What clients are told of a trade, a tick and its prices: plain data, money as decimal text, times as UTC ISO-8601."""

from datetime import UTC, datetime
from typing import Any

from heisenbug.domain.ledger import WATCH_SECONDS, Dropped, Watched
from heisenbug.domain.leg import Leg
from heisenbug.domain.protections import Drawdown, Halt, Protection, lifted_by
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.trade import Trade, TradeState, if_known

PUSHED_TRADES = {
    TradeState.EXECUTED: "trade_executed",
    TradeState.FAILED: "trade_failed",
    TradeState.UNRESOLVED: "trade_unresolved",
}


def utc(at: float) -> str:
    """Epoch seconds as UTC ISO-8601."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def trade_message(trade: Trade) -> dict[str, Any]:
    """A trade with all that is known of it."""
    expected = trade.expected
    return {
        "id": trade.id,
        "sequence": trade.sequence,
        "state": trade.state.value,
        "mode": trade.mode,
        "at": utc(trade.due),
        "finished_at": None if trade.finished_at is None else utc(trade.finished_at),
        "from": trade.source,
        "to": trade.target,
        "amount": f"{trade.amount:f}",
        "received": None if trade.received is None else f"{trade.received:f}",
        "from_price": expected.source_price,
        "to_price": expected.target_price,
        "confidence": if_known(expected.confidence),
        "risk": if_known(expected.risk),
        "expected_return": if_known(expected.expected_return),
        "cost_bps": _bps(trade.realised_cost_bps),
        "expected_cost_bps": _bps(expected.cost * 10_000),
        "quoted_cost_bps": _bps(trade.quoted_cost_bps),
        "exit": trade.exit or None,
        "reason": trade.reason,
        "outcome": trade.outcome,
        "leg": leg_message(trade.leg) if trade.leg else None,
    }


def leg_message(leg: Leg) -> dict[str, Any]:
    """Which conversion a leg belongs to, by its first trade's id, which part of it it is, and the how manieth try."""
    return {"of": leg.of, "part": leg.part.value, "attempt": leg.attempt, "from": leg.origin, "to": leg.goal}


def dropped_message(dropped: Dropped) -> dict[str, Any]:
    """A decision that came to nothing before anything was sent, and why."""
    return {
        "id": dropped.trade_id,
        "at": utc(dropped.due),
        "from": dropped.source,
        "to": dropped.target,
        "state": dropped.state.value,
        "why": dropped.why,
    }


def watched_message(watched: Watched) -> dict[str, Any]:
    """A failed trade whose commit may still turn up: when it failed, is asked for again, and is asked for last."""
    return {
        "sequence": watched.sequence,
        "failed_at": utc(watched.failed_at),
        "ask_at": utc(watched.ask_at),
        "until": utc(watched.failed_at + WATCH_SECONDS),
    }


def halt_message(protection: Protection, halt: Halt) -> dict[str, Any]:
    """What stops entries: by which protection, why, since when and until when, and how to lift it."""
    return {
        "by": protection.value,
        "why": halt.why,
        "since": utc(halt.since),
        "until": None if halt.until is None else utc(halt.until),
        "lift": lifted_by(protection),
    }


def tick_message(snapshot: Snapshot) -> dict[str, Any]:
    """What a tick found: equity, drawdown, what is guarded and why, and what bars trading."""
    return {
        "due": utc(snapshot.at),
        "tick": snapshot.ticks,
        "equity": None if snapshot.equity is None else str(snapshot.equity),
        "drawdown": None if snapshot.equity is None else Drawdown(snapshot.equity, snapshot.peak).fraction,
        "price_age_seconds": snapshot.price_age_seconds,
        "pairs": len(snapshot.quotes),
        "samples": snapshot.samples,
        "guarded": guarded_message(snapshot),
        "open_trade": snapshot.portfolio.open_trade,
        "killed": snapshot.portfolio.killed,
        "halts": list(snapshot.portfolio.halts),
        "settings_version": snapshot.settings_version,
    }


def price_message(snapshot: Snapshot) -> dict[str, Any]:
    """The prices a tick believed."""
    return {str(pair): {"bid": str(quote.bid), "ask": str(quote.ask)} for pair, quote in snapshot.quotes.items()}


def guarded_message(snapshot: Snapshot) -> dict[str, Any]:
    """The pairs a tick left out, with the reason and since when."""
    return {
        str(pair): {"reason": guarded.reason, "since": utc(guarded.since)} for pair, guarded in snapshot.guarded.items()
    }


def _bps(number: float | None) -> float | None:
    return None if number is None else round(number, 2)
