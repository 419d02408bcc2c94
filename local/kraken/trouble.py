"""What can go wrong at Kraken: its errors come in a 200, as a list of texts beside no result."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from http import HTTPStatus

from local.answers import Answer
from local.kraken.book import Book
from local.spoiling import troubled as troubled_anywhere
from local.trouble import ANYWHERE, UNDER_WAY, Fits, Mishap, Step, Trouble

_OF_THE_ACCOUNT = ANYWHERE | {
    Mishap.INVALID_TOKEN,
    Mishap.INVALID_NONCE,
    Mishap.RATE_LIMIT,
    Mishap.BUSY,
    Mishap.EXTRA_FIELDS,
}
FITS: Fits = {
    Step.TICKER: ANYWHERE | {Mishap.BUSY, Mishap.RATE_LIMIT},
    Step.ASSETS: ANYWHERE | {Mishap.EXTRA_FIELDS, Mishap.BUSY},
    Step.CARDS: _OF_THE_ACCOUNT,
    Step.QUOTE: ANYWHERE | {Mishap.BUSY, Mishap.WORSE, Mishap.THIN_BOOK},
    Step.COMMIT: _OF_THE_ACCOUNT
    | UNDER_WAY
    | {
        Mishap.CAPABILITY,
        Mishap.INSUFFICIENT_FUNDS,
        Mishap.MINIMUM,
        Mishap.HALTED,
        Mishap.EXPIRED,
        Mishap.LOST_ANSWER,
        Mishap.LANDS_LATE,
        Mishap.NEVER_LANDS,
        Mishap.PARTIAL,
        Mishap.UNFILLED,
    },
    Step.READ: _OF_THE_ACCOUNT | {Mishap.STATUS_404, Mishap.VANISHED, Mishap.MISSING_REFERENCE},
    Step.ME: ANYWHERE,
}
_ERRORS = {
    Mishap.INVALID_TOKEN: "EAPI:Invalid key",
    Mishap.INVALID_NONCE: "EAPI:Invalid nonce",
    Mishap.RATE_LIMIT: "EAPI:Rate limit exceeded",
    Mishap.BUSY: "EService:Busy",
    Mishap.CAPABILITY: "EGeneral:Permission denied",
    Mishap.INSUFFICIENT_FUNDS: "EOrder:Insufficient funds",
    Mishap.MINIMUM: "EOrder:Order minimum not met",
    Mishap.HALTED: "EService:Market in cancel_only mode",
    Mishap.EXPIRED: "EService:Deadline elapsed",
}


def refused(*errors: str) -> Answer:
    """Kraken's word that it did not do it."""
    return Answer({"error": list(errors)})


def done(result: object) -> Answer:
    """What came of a request."""
    return Answer({"error": [], "result": result})


def troubled(trouble: Trouble | None, serve: Callable[[], Answer], now: float) -> Answer:
    """What comes of a request: of `serve`, unless trouble comes before it, and with what trouble does to its answer."""
    if trouble is not None and trouble.kind in _ERRORS:
        return refused(_ERRORS[trouble.kind])
    if trouble is not None and trouble.kind == Mishap.EXTRA_FIELDS:
        return _with_extras(serve())
    if trouble is not None and trouble.kind == Mishap.VANISHED:
        return serve()
    answer = troubled_anywhere(trouble, serve, now)
    return Answer(html="Not Found", status=HTTPStatus.NOT_FOUND) if answer.status == HTTPStatus.NOT_FOUND else answer


def spoilt_book(trouble: Trouble | None, book: Book) -> Book:
    """The book as it is shown to somebody in trouble."""
    match trouble:
        case Trouble(kind=Mishap.WORSE):
            return book.worse(100 if trouble.bps is None else trouble.bps)
        case Trouble(kind=Mishap.THIN_BOOK):
            return book.thin(Decimal("0.000001"))
    return book


def _with_extras(answer: Answer) -> Answer:
    body = answer.body
    return replace(answer, body=body | {"result": _extended(body.get("result"))}) if isinstance(body, dict) else answer


def _extended(found: object) -> object:
    """The same with fields that no documentation has in every record; what only names records stays as it is."""
    if not isinstance(found, dict):
        return found
    inner = {name: _extended(value) for name, value in found.items()}
    is_record = bool(inner) and not all(isinstance(value, dict) for value in inner.values())
    return inner | ({"new_feature": {"enabled": True}, "since": 2026} if is_record else {})
