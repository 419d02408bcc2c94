"""Which trades a person asks for, in words that were typed: the same refusals for the API and the command line."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from heisenbug.backtest.asked import moment_of
from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.rules import AssetCode, BadValue, Choice, Rule
from heisenbug.domain.trade import TradeState
from heisenbug.domain.wanted import Wanted

# A trade is kept once it has ended, and it ends so.
ENDED = Choice(TradeState.EXECUTED.value, TradeState.FAILED.value)
ASSET = AssetCode()
Value = TypeVar("Value")


def wanted_of(told: Mapping[str, str]) -> Wanted:
    """The trades that `asset`, `state`, `from` and `to` name; raises InvalidSettings naming each that cannot be."""
    errors: list[FieldError] = []
    asset = _heard(errors, lambda: _checked("asset", ASSET, told.get("asset")))
    state = _heard(errors, lambda: _checked("state", ENDED, told.get("state")))
    since = _heard(errors, lambda: _moment("from", told.get("from")))
    until = _heard(errors, lambda: _moment("to", told.get("to")))
    if since is not None and until is not None and since >= until:
        errors.append(FieldError("to", "to must be later than from; no trade lies between them."))
    if errors:
        raise InvalidSettings(errors)
    return Wanted(asset or "", state or "", since, until)


def _checked(name: str, rule: Rule, text: str | None) -> str | None:
    try:
        return None if text is None else str(rule.check(text))
    except BadValue as bad:
        raise InvalidSettings([FieldError(name, f"{name} {bad}")]) from bad


def _moment(name: str, text: str | None) -> float | None:
    if text == "":
        message = f"{name} must not be empty: give a day or a time like 2025-05-10 or 2025-05-10T12:00:00Z."
        raise InvalidSettings([FieldError(name, message)])
    return None if text is None else moment_of(name, text)


def _heard(errors: list[FieldError], ask: Callable[[], Value]) -> Value | None:
    try:
        return ask()
    except InvalidSettings as invalid:
        errors += invalid.fields
        return None
