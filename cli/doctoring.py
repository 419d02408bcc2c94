"""`heisenbug doctor`: small checks, each with what it found and what to do."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from cli.errors import CannotRun, Refused
from cli.paths import home
from cli.stack import Stack, call, find_stack
from cli.trader import ask_trader

MOST_SKEW_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at, whether it is well, and what was found."""

    name: str
    ok: bool
    says: str


def examine() -> list[Check]:
    """Everything that can be looked at from here, the first failures first."""
    checks = [_python(), _make()]
    try:
        stack = find_stack()
    except CannotRun as error:
        return [*checks, Check("stack", False, str(error))]
    rest: list[Callable[[Stack], Check]] = [_stack, _clock, _health]
    return [*checks, *(_carefully(look, stack) for look in rest), *_live_money()]


def _carefully(look: Callable[[Stack], Check], stack: Stack) -> Check:
    try:
        return look(stack)
    except (CannotRun, Refused, requests.RequestException) as error:
        return Check(look.__name__.strip("_"), False, str(error))


def _live_money() -> list[Check]:
    """What the trader finds where it may read a credential; elsewhere one line that says that there is only paper."""
    try:
        findings = ask_trader({"look": True})["findings"]
    except CannotRun as error:
        return [Check("live money", False, str(error))]
    if not findings[0]["ok"]:
        return [Check("live money", True, f"paper only: {findings[0]['says']}")]
    return [Check(f"live {finding['name']}", finding["ok"], finding["says"]) for finding in findings]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("python", (3, 11) <= sys.version_info[:2] <= (3, 14), f"{version}; 3.11 to 3.14 will do")


def _make() -> Check:
    found = shutil.which("make")
    return Check("make", bool(found), found or "not found; install it, sam build needs it for the layers")


def _stack(stack: Stack) -> Check:
    where = f"on this computer, state in {home().path}" if stack.is_local else "in AWS"
    return Check("stack", True, f"{stack.name} {where}, API {stack.api}")


def _clock(stack: Stack) -> Check:
    answer = requests.get(f"{stack.api}/ping", timeout=10)
    told = answer.headers.get("Date")
    if told is None:
        return Check("clock", True, "the API tells no time to compare with")
    skew = abs((datetime.now(UTC) - parsedate_to_datetime(told)).total_seconds())
    says = f"{skew:.0f} s off the API's" + ("" if skew <= MOST_SKEW_SECONDS else "; set this computer's clock")
    return Check("clock", skew <= MOST_SKEW_SECONDS, says)


def _health(stack: Stack) -> Check:
    health = call("GET", "health")
    return Check("bot", health["status"] == "ok", " ".join(health["problems"]) or "ticks come, prices are fresh")
