"""How Uphold says no: the bodies of its errors, in both shapes of `errors.<field>`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus

from local.answers import Answer, Json, error

RESTRICTED_SECONDS = 86_400.0


class Refused(Exception):
    """A request that the exchange refuses; `answer` says why in Uphold's words."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def moment(at: float) -> str:
    """An epoch time as Uphold writes it: UTC with milliseconds."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def invalid_token(text: str = "The access token is invalid") -> Answer:
    """401: no token, or a wrong one."""
    return Answer({"error": "invalid_token", "error_description": text}, HTTPStatus.UNAUTHORIZED)


def otp_required() -> Answer:
    """401: a one-time password is asked for."""
    return error(HTTPStatus.UNAUTHORIZED, "unauthorized", "Unauthorized", {"OTP-Token": "required"})


def missing_scope(scope: str) -> Answer:
    """403: the token may not do this."""
    return error(HTTPStatus.FORBIDDEN, "forbidden", f"The token lacks the scope {scope}")


def capability() -> Answer:
    """403: the user may not trade yet."""
    body = {
        "capability": "trades",
        "code": "forbidden",
        "message": "Quote not allowed due to capability constraints",
        "requirements": ["user-must-submit-enhanced-due-diligence"],
        "restrictions": [],
    }
    return Answer(body, HTTPStatus.FORBIDDEN)


def exists_already() -> Answer:
    """409: the quote was committed before."""
    return error(HTTPStatus.CONFLICT, "transaction_already_exists", "The transaction already exists")


def sufficient_funds() -> Answer:
    """400: not enough money."""
    return _nested("denomination", "amount", _fault("sufficient_funds", "Not enough funds for the specified amount"))


def sufficient_unlocked_funds(currency: str, missing: str, now: float) -> Answer:
    """400: enough money, but part of it is locked for a day."""
    until = moment(now + RESTRICTED_SECONDS)
    restrictions = ["ach-deposit-settlement", "ach-deposit-cooldown"]
    args: Json = {"availableAt": until, "currency": currency, "missing": missing, "restrictions": restrictions}
    text = f"You will have sufficient funds by {until}"
    return _nested("denomination", "amount", _fault("sufficient_unlocked_funds", text, args))


def above_maximum(threshold: str) -> Answer:
    """400: more than may be converted at once."""
    text = f"This value should be less than or equal to {threshold}"
    return _nested("destination", "amount", _fault("less_than_or_equal_to", text, {"threshold": threshold}))


def below_minimum(threshold: str) -> Answer:
    """400: less than may be converted."""
    text = f"This value should be greater than or equal to {threshold}"
    return _nested("denomination", "amount", _fault("greater_than_or_equal_to", text, {"threshold": threshold}))


def password_reset(now: float) -> Answer:
    """400: the password was changed less than a day ago."""
    args: Json = {"recentPasswordRestrictionEndDate": moment(now + RESTRICTED_SECONDS), "threshold": 1, "unit": "day"}
    text = "The user password has been changed in the last 1 day"
    return invalid("user", "password_reset_restriction", text, args)


def authentication_reset(now: float) -> Answer:
    """400: the second factor was changed less than a day ago."""
    args: Json = {"recentAuthenticationRestrictionEndDate": moment(now + RESTRICTED_SECONDS)}
    text = "The user is restricted because authentication method has been changed recently"
    return invalid("user", "restricted_by_authentication_method_reset", text, args)


def halted(field: str, asset: str) -> Answer:
    """400: an asset that is not converted now; `field` says whether it is the destination's or the denomination's."""
    return _not_now(field, "asset_halted", f"{asset} is halted")


def not_quoted(why: str) -> Answer:
    """400: an asset that has no price now."""
    return _not_now("destination", "asset_not_quoted", why)


def required(*path: str) -> Answer:
    """400: a field is missing."""
    fault = _fault("required", "This value is required")
    return _nested(path[0], path[1], fault) if len(path) == 2 else _validation({path[0]: [fault]})


def invalid(field: str, code: str, text: str, args: Json | None = None) -> Answer:
    """400: a list of one fault under a field."""
    return _validation({field: [_fault(code, text, args)]})


def invalid_value(*path: str) -> Answer:
    """400: a field holds no such value."""
    fault = _fault("invalid", "This value is not valid")
    return _nested(path[0], path[1], fault) if len(path) == 2 else _validation({path[0]: [fault]})


def _not_now(field: str, code: str, why: str) -> Answer:
    return invalid(field, code, why) if field == "destination" else _nested(field, "currency", _fault(code, why))


def _fault(code: str, text: str, args: Json | None = None) -> Json:
    return {"code": code, "message": text} | ({"args": args} if args else {})


def _nested(field: str, inner: str, fault: Json) -> Answer:
    return _validation({field: {"code": "validation_failed", "errors": {inner: [fault]}}})


def _validation(errors: dict[str, Sequence[Json] | Json]) -> Answer:
    return Answer({"code": "validation_failed", "errors": errors}, HTTPStatus.BAD_REQUEST)
