"""Plans of trouble as people write them: JSON, a JSON file, or a few words like `seed=7,rate=0.3`."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from local.answers import Json
from local.trouble import FITS, Chance, Fits, Mishap, Order, Plan, Step, Trouble

EXAMPLE = '[{"step":"commit","kind":"lost_answer","nth":1}] or {"seed":7,"rate":0.3}'
MOST_SECONDS = 86_400
_MEASURES = ("seconds", "reads", "bps", "currency", "threshold")
_ORDER = {"step", "kind", "nth", "count", *_MEASURES}
_PLAN = {"troubles", "seed", "rate", "kinds", "steps", "halted"}
_Word = TypeVar("_Word", Mishap, Step)


class InvalidTrouble(ValueError):
    """A plan that cannot be followed; the text says what can."""


def plan_from(body: object, fits: Fits = FITS) -> Plan:
    """The plan of a JSON value: a list of orders, or an object with orders, chance and halted assets.

    Raises InvalidTrouble naming the bad field.
    """
    if isinstance(body, list):
        return Plan(tuple(_order(each, fits) for each in body))
    if not isinstance(body, dict):
        raise InvalidTrouble(f"a plan is JSON like {EXAMPLE}; {{}} clears it.")
    if "kind" in body:
        return Plan((_order(body, fits),))
    _refuse_unknown(body, _PLAN, "a plan")
    orders = body.get("troubles", [])
    if not isinstance(orders, list):
        raise InvalidTrouble('troubles: must be a list like [{"step":"commit","kind":"lost_answer"}].')
    return Plan(tuple(_order(each, fits) for each in orders), _chance(body), _halted(body))


def plan_from_text(text: str, fits: Fits = FITS) -> Plan:
    """The plan in a file, in JSON, or in words like `seed=7,rate=0.3,steps=quote+read`; raises InvalidTrouble."""
    if text.lstrip()[:1] in ("{", "["):
        return plan_from(_read(text, "the plan"), fits)
    if "=" in text:
        return plan_from(_words(text), fits)
    try:
        return plan_from(_read(Path(text).read_text(), text), fits)
    except (OSError, UnicodeDecodeError):
        why = f"'{text}' is neither a file, nor JSON, nor words like seed=7,rate=0.3: give a plan like {EXAMPLE}."
        raise InvalidTrouble(why) from None


def plan_body(plan: Plan) -> Json:
    """The plan as JSON that orders it again."""
    body: Json = {}
    if plan.orders:
        body["troubles"] = [_order_body(order) for order in plan.orders]
    if plan.chance is not None:
        body |= asdict(plan.chance) | {"kinds": list(plan.chance.kinds), "steps": list(plan.chance.steps)}
    if plan.halted:
        body["halted"] = list(plan.halted)
    return body


def _order_body(order: Order) -> Json:
    measures = {name: value for name, value in asdict(order.trouble).items() if value is not None}
    return {"step": order.step, **measures, "nth": order.nth, "count": order.count}


def _order(body: object, fits: Fits) -> Order:
    if not isinstance(body, dict):
        raise InvalidTrouble(f"{body!r}: a trouble is an object like {{'step': 'commit', 'kind': 'lost_answer'}}.")
    _refuse_unknown(body, _ORDER, "a trouble")
    kind = _word(Mishap, "kind", body.get("kind"))
    step = None if body.get("step") is None else _word(Step, "step", body["step"])
    if step is not None and kind not in fits[step]:
        raise InvalidTrouble(f"kind {kind}: does not fit the step {step}; {', '.join(sorted(fits[step]))} do.")
    count = body.get("count", 1)
    return Order(
        _trouble(kind, body), step, _whole(body, "nth", 1), None if count is None else _whole(body, "count", 1)
    )


def _trouble(kind: Mishap, body: Json) -> Trouble:
    return Trouble(
        kind,
        seconds=_number(body, "seconds", 0, MOST_SECONDS) if "seconds" in body else None,
        reads=_whole(body, "reads", 0) if "reads" in body else None,
        bps=_whole(body, "bps", 0) if "bps" in body else None,
        currency=_said(body, "currency"),
        threshold=_said(body, "threshold"),
    )


def _chance(body: Json) -> Chance | None:
    if not body.keys() & {"seed", "rate", "kinds", "steps"}:
        return None
    if "rate" not in body:
        raise InvalidTrouble("rate: is missing; a share of the requests from 0 to 1, such as 0.3.")
    kinds = _several(Mishap, "kinds", body.get("kinds", list(Mishap)))
    steps = _several(Step, "steps", body.get("steps", list(Step)))
    return Chance(_whole(body, "seed", 0, 0), _number(body, "rate", 0, 1), kinds, steps)


def _halted(body: Json) -> tuple[str, ...]:
    halted = body.get("halted", [])
    if isinstance(halted, list) and all(isinstance(asset, str) for asset in halted):
        return tuple(halted)
    raise InvalidTrouble(f'halted {halted!r}: must be a list of assets like ["BTC"].')


def _several(kind: type[_Word], field: str, values: object) -> tuple[_Word, ...]:
    if not isinstance(values, list) or not values:
        raise InvalidTrouble(f"{field} {values!r}: must be a list of {', '.join(kind)}.")
    return tuple(_word(kind, field, value) for value in values)


def _word(kind: type[_Word], field: str, value: object) -> _Word:
    try:
        return kind(str(value))
    except ValueError:
        raise InvalidTrouble(f"{field} {value!r}: must be one of {', '.join(kind)}.") from None


def _whole(body: Json, field: str, least: int, default: int = 1) -> int:
    value = body.get(field, default)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= 1_000_000:
        return value
    raise InvalidTrouble(f"{field} {value!r}: must be a whole number from {least}.")


def _number(body: Json, field: str, least: float, most: float) -> float:
    value = body.get(field)
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise InvalidTrouble(f"{field} {value!r}: must be a number from {least:g} to {most:g}.")


def _said(body: Json, field: str) -> str | None:
    value = body.get(field)
    if value is None or isinstance(value, str):
        return value
    raise InvalidTrouble(f"{field} {value!r}: must be a text.")


def _refuse_unknown(body: Json, known: set[str], what: str) -> None:
    unknown = body.keys() - known
    if unknown:
        raise InvalidTrouble(f"{', '.join(sorted(unknown))}: unknown; {what} has {', '.join(sorted(known))}.")


def _read(text: str, name: str) -> object:
    try:
        body: object = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidTrouble(f"{name} is not JSON: give a plan like {EXAMPLE}.") from None
    return body


def _words(text: str) -> Json:
    """The object that `seed=7,rate=0.3,kinds=reset+slow` stands for."""
    readers: dict[str, Callable[[str], object]] = {"seed": int, "rate": float}

    def names(several: str) -> object:
        return several.split("+")

    body: Json = {}
    for word in text.split(","):
        name, _, value = word.strip().partition("=")
        try:
            body[name] = readers.get(name, names)(value)
        except ValueError:
            raise InvalidTrouble(f"{name} '{value}': must be a number, as in seed=7,rate=0.3.") from None
    return body
