"""An answer with its trouble: given instead of the request being done, or done to the answer afterwards."""

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from uuid import NAMESPACE_URL, uuid5

from local import refusals
from local.answers import (
    JUST_A_MOMENT,
    Answer,
    Json,
    error,
    internal_server_error,
    not_found,
    too_many_requests,
)
from local.trouble import Mishap, Trouble

HANG_SECONDS = 30.0
SLOW_SECONDS = 3.0
RETRY_AFTER_SECONDS = 2.0
OTHER_CARD = str(uuid5(NAMESPACE_URL, "simulated-exchange/cards/of-somebody-else"))
OTHER_CURRENCY = "DOGE"


def troubled(trouble: Trouble | None, serve: Callable[[], Answer], now: float) -> Answer:
    """What comes of a request: of `serve`, unless trouble comes before it, and with what trouble does to its answer."""
    if trouble is None:
        return serve()
    instead = _instead(trouble, now)
    return _spoilt(trouble, serve()) if instead is None else instead


def _instead(trouble: Trouble, now: float) -> Answer | None:
    """The answer that is given without doing anything, or none."""
    return _broken(trouble) or _refused(trouble, now)


def _broken(trouble: Trouble) -> Answer | None:
    match trouble.kind:
        case Mishap.STATUS_429:
            return too_many_requests(_seconds(trouble, RETRY_AFTER_SECONDS))
        case Mishap.STATUS_500 | Mishap.NEVER_LANDS:
            return internal_server_error()
        case Mishap.STATUS_503:
            return error(HTTPStatus.SERVICE_UNAVAILABLE, "service_unavailable", "Service Unavailable")
        case Mishap.HTML:
            return Answer(html=JUST_A_MOMENT)
        case Mishap.RESET:
            return Answer(reset=True)
        case Mishap.HANG:
            return Answer(hang_seconds=_seconds(trouble, HANG_SECONDS))
        case Mishap.EXPIRED | Mishap.STATUS_404:
            return not_found()
    return None


def _refused(trouble: Trouble, now: float) -> Answer | None:
    currency = trouble.currency or "USD"
    answers: dict[Mishap, Callable[[], Answer]] = {
        Mishap.INVALID_TOKEN: refusals.invalid_token,
        Mishap.OTP: refusals.otp_required,
        Mishap.CAPABILITY: refusals.capability,
        Mishap.PASSWORD_RESET: lambda: refusals.password_reset(now),
        Mishap.AUTHENTICATION_RESET: lambda: refusals.authentication_reset(now),
        Mishap.INSUFFICIENT_FUNDS: refusals.sufficient_funds,
        Mishap.LOCKED_FUNDS: lambda: refusals.sufficient_unlocked_funds(currency, "6.21", now),
        Mishap.MINIMUM: lambda: refusals.below_minimum(trouble.threshold or "1"),
        Mishap.MAXIMUM: lambda: refusals.above_maximum(trouble.threshold or "25"),
        Mishap.HALTED: lambda: refusals.halted("destination", trouble.currency or "The asset"),
    }
    refuse = answers.get(trouble.kind)
    return None if refuse is None else refuse()


def _spoilt(trouble: Trouble, answer: Answer) -> Answer:
    """The answer of a request that was done."""
    match trouble.kind:
        case Mishap.SLOW:
            return replace(answer, delay_seconds=_seconds(trouble, SLOW_SECONDS))
        case Mishap.LOST_ANSWER:
            return Answer(hang_seconds=trouble.seconds) if trouble.seconds else Answer(reset=True)
        case Mishap.RECOMMIT_EXISTS if answer.status == HTTPStatus.OK:
            return refusals.exists_already()
        case Mishap.RECOMMIT_NOT_FOUND:
            return not_found()
        case Mishap.VANISHED if isinstance(answer.body, dict):
            return not_found()
    return replace(answer, body=_spoilt_body(trouble, answer.body)) if answer.status < 300 else answer


def _spoilt_body(trouble: Trouble, body: object) -> object:
    if isinstance(body, list):
        return _spoilt_list(trouble, body)
    if not isinstance(body, dict):
        return body
    match trouble.kind:
        case Mishap.EXTRA_FIELDS:
            return _with_extras(body)
        case Mishap.MISSING_REFERENCE:
            return {key: value for key, value in body.items() if key != "reference"}
        case Mishap.WRONG_CARD:
            other = {"CardId": OTHER_CARD, "node": {"id": OTHER_CARD, "type": "card"}}
            return body | {"destination": body["destination"] | other}
        case Mishap.WRONG_CURRENCY:
            currency = trouble.currency or OTHER_CURRENCY
            return body | {"destination": body["destination"] | {"currency": currency}}
    return body


def _spoilt_list(trouble: Trouble, items: list[Json]) -> list[object]:
    if trouble.kind == Mishap.VANISHED:
        gone = _vanishing(trouble, items)
        return [item for item in items if item is not gone]
    return [_spoilt_body(trouble, item) for item in items]


def _vanishing(trouble: Trouble, cards: list[Json]) -> Json | None:
    """The card of the currency that is named, else the last one with something on it."""
    if trouble.currency:
        return next((card for card in cards if card["currency"] == trouble.currency), None)
    held = [card for card in cards if float(str(card["balance"])) > 0] or cards
    return held[-1] if held else None


def _with_extras(body: Json) -> Json:
    """Fields that no documentation has, at every level where captures show some."""
    inner = {key: _with_extras(value) if isinstance(value, dict) else value for key, value in body.items()}
    return inner | {"CreatedByApplicationId": OTHER_CARD, "wire": [], "newFeature": {"enabled": True, "since": 2026}}


def _seconds(trouble: Trouble, default: float) -> float:
    return default if trouble.seconds is None else trouble.seconds
