"""What shapes are made of: JSON schema in few words."""

from typing import Any

from heisenbug.domain.assets import PAIR_PATTERN
from heisenbug.domain.exits import Exit

Shape = dict[str, Any]
TEXT: Shape = {"type": "string"}
NUMBER: Shape = {"type": "number"}
WHOLE: Shape = {"type": "integer"}
FLAG: Shape = {"type": "boolean"}
MONEY: Shape = {"type": "string", "format": "decimal", "examples": ["1000.25"]}
MOMENT: Shape = {"type": "string", "format": "date-time"}
PAIR: Shape = {"type": "string", "pattern": PAIR_PATTERN, "examples": ["BTC-USD"]}
PRIORITY: Shape = {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}


def all_of(fields: dict[str, Shape]) -> Shape:
    """An object with exactly these fields."""
    return {"type": "object", "properties": fields, "required": [*fields], "additionalProperties": False}


def some_of(fields: dict[str, Shape]) -> Shape:
    """An object with any of these fields."""
    return {"type": "object", "properties": fields, "additionalProperties": False}


def list_of(item: Shape) -> Shape:
    """A list of these."""
    return {"type": "array", "items": item}


def map_of(value: Shape) -> Shape:
    """An object from names, such as those of pairs, to these."""
    return {"type": "object", "additionalProperties": value}


def or_none(shape: Shape) -> Shape:
    """This or null."""
    return {**shape, "type": [shape["type"], "null"]} if "type" in shape else {"anyOf": [shape, {"type": "null"}]}


def ref(name: str) -> Shape:
    """One of the shapes below."""
    return {"$ref": f"#/components/schemas/{name}"}


CURSOR = or_none({"type": "integer", "description": "Ask again with it for what comes after; null at the end."})
FIELD_ERROR = all_of({"field": TEXT, "message": TEXT})
GUARDED = map_of(all_of({"reason": TEXT, "since": MOMENT}))
QUOTES = map_of(all_of({"bid": MONEY, "ask": MONEY}))
EXIT = or_none(
    {
        "type": "string",
        "enum": [exit.value for exit in Exit],
        "description": "What sends a holding back to the base currency, where that is it.",
    }
)
