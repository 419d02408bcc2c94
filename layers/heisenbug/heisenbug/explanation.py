"""A decision explained in words and numbers, and whether deciding again gave the same; as plain rows."""

from collections.abc import Iterator
from dataclasses import replace
from math import isclose, isfinite
from typing import Any

from heisenbug.board import opportunity
from heisenbug.domain.decide import Decision, Scored
from heisenbug.domain.gates import Answer, Gate
from heisenbug.domain.outcome import differences, outcome_of
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.trade import Trade, TradeState
from heisenbug.domain.words import bps, passed, why
from heisenbug.messages import guarded_message, price_message, trade_message, utc
from heisenbug.recall import Inputs

# Other processors add up in other orders; what is nearer than this part of itself is said to be rounding.
ROUNDING = 1e-9
SAME = "Decided again on what was recorded, it comes out the same"
NO_NUMBERS = (Gate.OPEN_TRADE, Gate.STOPPED, Gate.KILLED, Gate.HALTED)
Plain = dict[str, Any]


def explained(trade: Trade, snapshot: Snapshot | None, inputs: Inputs | None, trouble: str = "") -> Plain:
    """Why a trade was made, what it passed and what it cost; `trouble` says why it cannot be decided again."""
    decision = inputs.decide() if inputs else None
    scored = _scored(trade, decision) if decision else None
    gates = _gates(inputs, decision, scored) if inputs and decision and scored else []
    again = trade_again(trade, snapshot, decision) if decision and snapshot else not_again(trouble)
    seen = _seen(snapshot, inputs, decision) if snapshot else None
    return {
        "seen": seen,
        "scored": _score(scored, inputs) if scored and inputs else None,
        "gates": gates,
        "cost": {name: trade_message(trade)[name] for name in ("expected_cost_bps", "quoted_cost_bps", "cost_bps")},
        "again": again,
        "words": [*_saw(trade, snapshot, inputs), _wanted(trade, inputs), *_went(trade, scored), _paid(trade)],
    }


def trade_again(trade: Trade, snapshot: Snapshot, decision: Decision) -> Plain:
    """Whether a trade's decision, decided again, is what was recorded of it, to the last digit or but for rounding."""
    found = [*_differences(trade, decision), *_outcome_differences(snapshot, decision)]
    off = max((_apart(before, now) for _, before, now in _numbers(trade, decision)), default=0.0)
    exactly = "to the last digit" if off == 0 else f"but for rounding: no number is off by more than {off:.0e} of it"
    return _again(found, f"{SAME}, {exactly}.")


def tick_again(snapshot: Snapshot, decision: Decision) -> Plain:
    """Whether a tick's decision, decided again, is what it recorded; unknown where that cannot be told."""
    if snapshot.outcome is None:
        return not_again("What this tick decided was not recorded.")
    if decision.samples < snapshot.samples:
        gone = snapshot.samples - decision.samples
        return not_again(f"{gone} of the {snapshot.samples} samples that it looked back on are not kept any more.")
    return _again([*_outcome_differences(snapshot, decision)], f"{SAME}.")


def not_again(trouble: str) -> Plain:
    """It cannot be decided again, and why."""
    return {"same": None, "differences": [], "why": trouble}


def _again(found: list[str], same: str) -> Plain:
    told = " ".join(["Decided again on what was recorded, it comes out DIFFERENT.", *found]) if found else same
    return {"same": not found, "differences": found, "why": told}


def _outcome_differences(snapshot: Snapshot, decision: Decision) -> tuple[str, ...]:
    return differences(snapshot.outcome, outcome_of(decision)) if snapshot.outcome else ()


def _differences(trade: Trade, decision: Decision) -> Iterator[str]:
    chosen = decision.chosen
    source, target = trade.decided
    if chosen is None or (chosen.source, chosen.target) != (source, target):
        other = f"{chosen.source} into {chosen.target}" if chosen else "nothing"
        yield f"It converted {source} into {target}; now it would convert {other}."
    if trade.leg and trade.leg.waits:
        return  # its amount and its costs are what the leg before it brought
    scored = _scored(trade, decision)
    if scored and not _fits(trade, scored):
        yield f"It converted {trade.amount:f} {trade.source}; now it would convert {scored.amount:f}."
    for name, before, now in _numbers(trade, decision):
        if not _apart(before, now) < ROUNDING:
            yield f"The {name} was {before:.10g}; now it is {now:.10g}."


def _fits(trade: Trade, scored: Scored) -> bool:
    """A venue may convert less than it was asked for."""
    return trade.amount == scored.amount or (trade.state is TradeState.EXECUTED and trade.amount < scored.amount)


def _numbers(trade: Trade, decision: Decision) -> Iterator[tuple[str, float, float]]:
    """Each number of the decision that the trade kept, as it was kept and as it comes out now."""
    scored, expected = _scored(trade, decision), trade.expected
    if scored is None or (trade.leg and trade.leg.waits):
        return
    price = dict(zip(decision.assets, decision.prices.tolist(), strict=True))
    yield "confidence", expected.confidence, scored.confidence
    yield "expected net return", expected.expected_return, scored.expected_return
    yield "expected log return", expected.expected_log_return, scored.expected_log_return
    yield "risk", expected.risk, scored.risk
    yield "cost", expected.cost, scored.cost * 10_000 / 10_000  # as it is stored, in basis points
    yield f"price of {trade.source}", expected.source_price, price[trade.source]
    yield f"price of {trade.target}", expected.target_price, price[trade.target]


def _apart(before: float, now: float) -> float:
    if before == now or not (isfinite(before) or isfinite(now)):
        return 0.0
    apart = abs(before - now) / max(abs(before), abs(now))
    return apart if isfinite(apart) else float("inf")


def _scored(trade: Trade, decision: Decision) -> Scored | None:
    """The trade's conversion in the decision; None where its assets are not there."""
    source, target = trade.decided
    if not {source, target} <= set(decision.assets):
        return None
    return decision.conversion(decision.assets.index(source), decision.assets.index(target))


def _gates(inputs: Inputs, decision: Decision, scored: Scored) -> list[Plain]:
    return [_gate(answer, scored) for answer in inputs.gates(decision, scored.source, scored.target)]


def _gate(answer: Answer, scored: Scored) -> Plain:
    asked = replace(scored, gate=answer.gate, value=answer.value, limit=answer.limit)
    number = opportunity(asked)
    says_numbers = answer.gate not in NO_NUMBERS
    return {
        "gate": number["gate"],
        "passed": answer.is_open,
        "value": number["value"] if says_numbers else None,
        "limit": number["limit"] if says_numbers else None,
        "why": passed(answer) if answer.is_open else why(asked),
    }


def _seen(snapshot: Snapshot, inputs: Inputs | None, decision: Decision | None) -> Plain:
    window = inputs.market.samples if inputs else ()
    prices = zip(decision.assets, decision.prices.tolist(), strict=True) if decision else ()
    return {
        "at": utc(snapshot.at),
        "settings_version": snapshot.settings_version,
        "price_age_seconds": snapshot.price_age_seconds,
        "samples": snapshot.samples,
        "window_begin": utc(window[0].at) if window else None,
        "prices": {asset: price for asset, price in prices if isfinite(price)},
        "quotes": price_message(snapshot),
        "guarded": guarded_message(snapshot),
        "holdings": {asset: f"{amount:f}" for asset, amount in snapshot.portfolio.holdings.items()},
    }


def _score(scored: Scored, inputs: Inputs) -> Plain:
    numbers = opportunity(scored)
    names = ("amount", "confidence", "risk", "expected_return", "cost_bps", "volatility")
    settings = inputs.settings
    return {
        **{name: numbers[name] for name in names},
        "expected_log_return": scored.expected_log_return if isfinite(scored.expected_log_return) else None,
        "horizon": settings.horizon,
        "sample_seconds": settings.sample_seconds,
        "forecaster": settings.forecaster,
    }


# ------------------------------------------------------------------------ words


def _saw(trade: Trade, snapshot: Snapshot | None, inputs: Inputs | None) -> Iterator[str]:
    expected = trade.expected
    base = f" {inputs.settings.base_currency}" if inputs else ""
    prices = (
        f"{trade.source} at {expected.source_price:.8g}{base} and {trade.target} at {expected.target_price:.8g}{base}"
    )
    if snapshot is None:
        yield f"At {utc(trade.due)} it saw {trade.mode} prices: {prices}."
        return
    window = f" of {inputs.settings.window}" if inputs else ""
    yield (
        f"At {utc(trade.due)}, by version {snapshot.settings_version} of the settings, it saw {prices}, "
        f"{snapshot.price_age_seconds:.1f} s old, and looked back on {snapshot.samples}{window} samples."
    )
    for pair, guarded in guarded_message(snapshot).items():
        yield f"{pair} was left out since {guarded['since']}: {guarded['reason']}."


def _wanted(trade: Trade, inputs: Inputs | None) -> str:
    if trade.exit:
        return f"It was to leave {trade.source}, whatever it expected: {trade.reason}."
    expected, (source, target) = trade.expected, trade.decided
    over = ""
    if inputs:
        settings = inputs.settings
        over = f" over {settings.horizon} samples of {settings.sample_seconds} s by {settings.forecaster}"
    return (
        f"It expected of converting {source} into {target}{over}: a net return of "
        f"{bps(expected.expected_return)} after {expected.cost * 10_000:.2f} bp of cost, with confidence "
        f"{expected.confidence:.4f} that it gains at all, and risk {expected.risk:.4f}."
    )


def _went(trade: Trade, scored: Scored | None) -> Iterator[str]:
    got = f" for {trade.received:f} {trade.target}" if trade.received is not None else ""
    part = f" (of {scored.amount:f} that it wanted to)" if scored and trade.amount < scored.amount else ""
    done = "converted" if trade.state is TradeState.EXECUTED else "tried to convert"
    yield f"It {done} {trade.amount:f} {trade.source}{part}{got}, with {trade.mode} money: {trade.state}."
    if trade.outcome:
        yield trade.outcome


def _paid(trade: Trade) -> str:
    quoted, realised = trade.quoted_cost_bps, trade.realised_cost_bps
    was_quoted = "no quote came" if quoted is None else f"{quoted:.2f} bp were quoted"
    was_paid = "none was paid" if realised is None else f"{realised:.2f} bp were paid"
    close = quoted is not None and realised is not None and isclose(quoted, realised, abs_tol=0.005)
    return (
        f"Cost: {trade.expected.cost * 10_000:.2f} bp were expected, {was_quoted}, {was_paid}{', as quoted' * close}."
    )
