"""What Uphold says when it refuses, as one sentence that says what, why and what to do: the vendor's section of errors.

Nothing has moved where one of these is raised before a commit; after one, only `is_definite` answers say so.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from heisenbug.domain.errors import MarketUnavailable, NeedsPerson, Rejected
from heisenbug.exchange.http import Answer
from heisenbug.exchange.words import REARM, several, words

# Levels of lists and objects within an error that are looked into; documented are four.
DEEPEST = 30
SCOPES = "cards:read transactions:read transactions:transfer:self"
ALREADY = "transaction_already_exists"
GENERAL = "validation_failed"
TOO_LITTLE = "greater_than_or_equal_to"
BAD_SCOPES = ("invalid_scope", "insufficient_scope")
BAD_TOKENS = ("invalid_token", "invalid_grant", "invalid_client")


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that Uphold found wrong: the field by its path, the code, its own words and details."""

    field: str
    code: str
    message: str
    args: Mapping[str, Any]

    @property
    def told(self) -> str:
        """What a person is told of it: Uphold's words, its code where it has none."""
        return self.message or self.code


def refusal(answer: Answer) -> Rejected | MarketUnavailable:
    """The error that `answer`, which is not in the 200s, stands for."""
    stranger = _stranger(answer)
    if stranger:
        return NeedsPerson(stranger)
    if answer.status == HTTPStatus.FORBIDDEN:
        # Uphold says why; a firewall on the way, which does not like our address, sends a page.
        known = isinstance(answer.body, Mapping)
        return NeedsPerson(_forbidden(answer)) if known else MarketUnavailable(f"{answer.says} without saying why")
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return MarketUnavailable(answer.says)
    for complaint in complaints(answer.body):
        if complaint.code in _EXPLAINED:
            kind, explain = _EXPLAINED[complaint.code]
            return kind(explain(complaint))
    return Rejected(_unknown(answer))


def is_definite(answer: Answer) -> bool:
    """Whether a refused commit certainly moved nothing: Uphold checked it and said no."""
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return isinstance(answer.body, Mapping) or _wants_otp(answer)
    known = {complaint.code for complaint in complaints(answer.body)} - {""}
    is_told = bool(known) or bool(_stranger(answer))
    return answer.status == HTTPStatus.BAD_REQUEST and is_told and ALREADY not in known


def complaints(body: Any) -> Iterator[Complaint]:
    """Everything wrong in an error body, the details before what they are details of.

    `errors.<field>` is a list of complaints, or a complaint that holds `errors` of its own.
    """
    return _below("", body, DEEPEST)


def _below(field: str, found: Any, levels: int) -> Iterator[Complaint]:
    if not levels:
        return
    if isinstance(found, list):
        for one in found:
            yield from _below(field, one, levels - 1)
    elif isinstance(found, Mapping):
        errors = found.get("errors")
        inner = errors.items() if isinstance(errors, Mapping) else [("", errors)]
        for name, deeper in inner:
            yield from _below(".".join(filter(None, (field, str(name)))), deeper, levels - 1)
        yield from _own(field, found)


def _own(field: str, found: Mapping[str, Any]) -> Iterator[Complaint]:
    code, message, args = (found.get(name) for name in ("code", "message", "args"))
    if isinstance(code, str) or isinstance(message, str):
        yield Complaint(field, _text(code), _text(message), args if isinstance(args, Mapping) else {})


def _text(told: Any) -> str:
    return words(told) if isinstance(told, str) else ""


def _wants_otp(answer: Answer) -> bool:
    is_named = "otp-token" in {name.lower() for name in answer.headers}
    return answer.status == HTTPStatus.UNAUTHORIZED and is_named


def _stranger(answer: Answer) -> str:
    """What to do where Uphold does not let the token in, or nothing; OAuth's errors come with 400, 401 or 403."""
    error = answer.body.get("error") if isinstance(answer.body, Mapping) else None
    may_be_oauth = HTTPStatus.BAD_REQUEST <= answer.status <= HTTPStatus.FORBIDDEN
    if _wants_otp(answer):
        return (
            "Uphold asks for a one-time password, which a bot cannot give. Use an OAuth token with the scopes "
            f"{SCOPES}, or turn the password off for transfers between your own cards in Uphold's settings. {REARM}"
        )
    if may_be_oauth and error in BAD_SCOPES:
        return _without_scope(answer.body.get("error_description"))
    if answer.status == HTTPStatus.UNAUTHORIZED or (may_be_oauth and error in BAD_TOKENS):
        return (
            "Uphold does not accept the token: it is wrong, expired or revoked. Create a new one with the scopes "
            f"{SCOPES} and store it: heisenbug credential. {REARM}"
        )
    return ""


def _without_scope(said: Any) -> str:
    told = f" ({words(said)})" if said else ""
    return (
        f"Uphold does not allow the token to do this{told}. It needs the scopes {SCOPES}; "
        f"create a token that has them and store it: heisenbug credential. {REARM}"
    )


def _forbidden(answer: Answer) -> str:
    needs = answer.body.get("requirements") or answer.body.get("restrictions")
    if not answer.body.get("capability") and not needs:
        return _without_scope(answer.body.get("message"))
    return (
        f"Uphold does not let this account use {words(answer.body.get('capability')) or 'conversions'}: "
        f"it wants {several(needs) or 'more of you'}. Do that in Uphold's own app. {REARM}"
    )


def _unknown(answer: Answer) -> str:
    found = [one for one in complaints(answer.body) if one.told not in answer.says]
    details = [one for one in found if one.told != GENERAL] or found[:1]
    told = words("; ".join(f"{one.field}: {one.told}" if one.field else one.told for one in details))
    return (
        f"Uphold refused: {answer.says}{f' ({told})' if told else ''}. "
        "Nothing moved; if it goes on, look at heisenbug doctor."
    )


def _funds(complaint: Complaint) -> str:
    return (
        "The card does not hold enough for this amount: it holds less than the bot's ledger says. "
        "Put the money back, or give the bot a new budget: heisenbug live."
    )


def _locked(complaint: Complaint) -> str:
    until, reasons = words(complaint.args.get("availableAt")), several(complaint.args.get("restrictions"))
    return (
        "Part of the money on the card is still locked by Uphold"
        f"{f' until {until}' if until else ''}{f' ({reasons})' if reasons else ''}; it can be converted after that."
    )


def _too_much(complaint: Complaint) -> str:
    return (
        f"Uphold converts at most {_threshold(complaint)} at once here; "
        "make trades smaller: trade_size_percentage or trade_size_amount."
    )


def _too_little(complaint: Complaint) -> str:
    return (
        f"Uphold converts at least {_threshold(complaint)} here; "
        "make trades larger: trade_size_percentage or trade_size_amount."
    )


def _threshold(complaint: Complaint) -> str:
    said = f"what it says ({complaint.message})" if complaint.message else "an amount that it does not tell"
    return words(complaint.args.get("threshold")) or said


def _restricted(what: str) -> Callable[[Complaint], str]:
    def explain(complaint: Complaint) -> str:
        ends = next((words(value) for name, value in complaint.args.items() if name.endswith("EndDate")), "")
        return (
            f"Uphold holds money back after {what} was changed{f', until {ends}' if ends else ''}. "
            f"Wait for that. {REARM}"
        )

    return explain


_EXPLAINED: Mapping[str, tuple[type[Rejected], Callable[[Complaint], str]]] = {
    "sufficient_funds": (Rejected, _funds),
    "sufficient_unlocked_funds": (Rejected, _locked),
    "less_than_or_equal_to": (Rejected, _too_much),
    TOO_LITTLE: (Rejected, _too_little),
    "password_reset_restriction": (NeedsPerson, _restricted("the password")),
    "restricted_by_authentication_method_reset": (NeedsPerson, _restricted("the way of signing in")),
}
