"""What only a simulated exchange can say: where its market stands, its past, its faults, and the truth."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from heisenbug.markets.market import Market, epoch, iso
from local.answers import BadRequest, Json, read_json
from local.books import Books, Conversion, Landing
from local.faults import Fault
from local.money import amount_text, cut
from local.replay import Replay, samples
from local.trouble import TroublePlan
from local.trouble_orders import plan_body

MOST_SAMPLES = 10_000


def health_body(market: Market, replay: Replay, now: float) -> Json:
    """`GET /local/health`."""
    return {
        "market": market.name,
        "speed": replay.speed,
        "market_time": iso(replay.market_time(now)),
        "ended": replay.ended(now),
        "pairs": list(market.pairs),
        "first": iso(market.first),
        "last": None if market.last is None else iso(market.last),
        "spacing_seconds": market.spacing_seconds,
    }


def samples_body(market: Market, replay: Replay, query: Mapping[str, str], now: float) -> Json:
    """`GET /local/samples`; raises BadRequest naming the bad field."""
    seconds = int(_number(query, "seconds", 1, 86_400, int))
    count = int(_number(query, "count", 1, MOST_SAMPLES, int))
    before = _number(query, "before", 0, 1e11, float) if "before" in query else None
    return {"samples": samples(market, replay, now, seconds, count, before)}


def fault_body(fault: Fault) -> Json:
    """`GET /local/faults`."""
    told = {"kind": fault.kind, "pair": fault.pair, "count": fault.count, "seconds": fault.seconds}
    return {**told, "currency": fault.currency}


def trouble_body(trouble: TroublePlan) -> Json:
    """`GET /local/trouble`: the plan, the requests seen by step since it was ordered, the troubles dealt by kind."""
    return {"plan": plan_body(trouble.plan), "asked": dict(trouble.asked), "dealt": dict(trouble.dealt)}


def truth_body(books: Books) -> Json:
    """`GET /local/conversions`: every conversion that happened, what each currency opened with and holds now."""
    available = {card.id: _text(card.available, card.currency) for card in books.cards}
    return {
        "conversions": [_conversion(each) for each in books.conversions],
        "landing": [_landing(each) for each in books.landings],
        "opening": _texts(books.opening),
        "balances": _texts(books.balances()),
        "available": available,
        "moved": _texts(books.moved()),
        "commissions": _texts(books.commissions()),
        "conserved": books.conserved(),
    }


def market_time(body: bytes) -> float:
    """The time that a body orders the market to; raises BadRequest."""
    order = read_json(body)
    try:
        return epoch(order["market_time"]) if isinstance(order, dict) else epoch("")
    except (KeyError, TypeError, ValueError):
        raise BadRequest('a position is a JSON object like {"market_time":"2025-05-10T12:00:00Z"}.') from None


def _conversion(each: Conversion) -> Json:
    return {
        "id": each.id,
        "reference": each.reference,
        "origin_card": each.origin_card,
        "origin_currency": each.origin_currency,
        "origin_amount": _text(each.origin_amount, each.origin_currency),
        "destination_card": each.destination_card,
        "destination_currency": each.destination_currency,
        "destination_amount": _text(each.destination_amount, each.destination_currency),
        "commission": _text(each.commission, each.commission_currency),
        "commission_currency": each.commission_currency,
        "committed_at": each.committed_at,
        "landed_at": each.landed_at,
        "status": each.status,
    }


def _landing(each: Landing) -> Json:
    offer = each.offer
    return {
        "id": offer.id,
        "reference": offer.reference,
        "committed_at": each.committed_at,
        "lands_at": each.lands_at,
    }


def _text(amount: Decimal, currency: str) -> str:
    """The amount with all decimals of its currency, and with more where a venue counts finer."""
    return amount_text(amount, currency) if cut(amount, currency) == amount else f"{amount:f}"


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: _text(amount, currency) for currency, amount in amounts.items()}


def _number(query: Mapping[str, str], name: str, least: float, most: float, read: Callable[[str], float]) -> float:
    text = query.get(name, "")
    try:
        value = read(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise BadRequest(f"{name} '{text}' must be a number from {least:g} to {most:g}.")
    return value
