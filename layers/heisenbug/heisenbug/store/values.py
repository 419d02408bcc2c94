"""Plain values as DynamoDB writes them and back, for items whose attributes a person may have typed.

boto3 has the same, but importing it costs a third of the trader's cold start.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Typed = dict[str, Any]


def to_dynamo(value: Any) -> Typed:
    """A plain value with its DynamoDB type; numbers must be whole or Decimal."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | Decimal):
        return {"N": f"{value:f}" if isinstance(value, Decimal) else str(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, Mapping):
        return {"M": {str(name): to_dynamo(part) for name, part in value.items()}}
    return {"L": [to_dynamo(part) for part in value]}


def from_dynamo(typed: Mapping[str, Any]) -> Any:
    """The plain value of one with its type; numbers come as Decimal, sets as lists."""
    ((kind, value),) = typed.items()
    if kind == "N":
        return Decimal(value)
    if kind == "M":
        return {name: from_dynamo(part) for name, part in value.items()}
    if kind == "L":
        return [from_dynamo(part) for part in value]
    if kind == "NS":
        return [Decimal(part) for part in value]
    return None if kind == "NULL" else value
