"""What a setting may be: small composable rules that check, explain and describe themselves in the same words."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from heisenbug.domain.assets import ASSET, Pair
from heisenbug.domain.model import BadModel, Model, model_from

LARGEST_AMOUNT = Decimal("1e15")
MOST_DECIMALS = 18
MOST_PAIRS = 100
CARD = re.compile(r"[A-Za-z0-9-]{8,64}")


class BadValue(ValueError):
    """Why a value is not accepted, as the end of a sentence that begins with the setting's name."""


class Rule(Protocol):
    """What one setting may be."""

    def check(self, value: Any) -> Any:
        """The value as the bot uses it; raises BadValue where it is not allowed."""

    def must(self) -> str:
        """What the value must be, as words for a person."""

    def plain(self, value: Any) -> Any:
        """The value as JSON carries it."""

    def schema(self) -> dict[str, Any]:
        """The rule as JSON schema."""


def shown(value: Any) -> str:
    """A value as a person would name it, the same whichever surface it came through."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text '{value[:40]}'" if value else "an empty text"
    if isinstance(value, int | float | Decimal):
        return _shown_number(value)
    return "a map" if isinstance(value, Mapping) else "a list"


def _shown_number(value: int | float | Decimal) -> str:
    try:
        number = float(value)
    except OverflowError:
        return "a number too large"
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return f"{number:.12g}"


def _refuse(rule: Rule, value: Any) -> BadValue:
    return BadValue(f"must be {rule.must()}, not {shown(value)}.")


def _within(value: Any, low: float, high: float) -> bool:
    if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
        return False
    try:
        return low <= float(value) <= high
    except OverflowError:
        return False


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise _refuse(self, value)
        return value

    def must(self) -> str:
        return "true or false"

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Choice:
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def check(self, value: Any) -> str:
        if value not in self.words:
            raise _refuse(self, value)
        return str(value)

    def must(self) -> str:
        return " or ".join(self.words)

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Number:
    """A number within bounds, both included; `because` says in a few words why those."""

    low: float
    high: float
    because: str = ""

    def check(self, value: Any) -> float:
        if not _within(value, self.low, self.high):
            raise _refuse(self, value)
        return float(value)

    def must(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}" + (f" ({self.because})" if self.because else "")

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number within bounds, both included."""

    low: int
    high: int

    def check(self, value: Any) -> int:
        if not _within(value, self.low, self.high) or int(value) != value:
            raise _refuse(self, value)
        return int(value)

    def must(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class OrNothing:
    """A number that may also not be set."""

    rule: Number | Integer

    def check(self, value: Any) -> Any:
        if value is None:
            return None
        try:
            return self.rule.check(value)
        except BadValue:
            raise _refuse(self, value) from None

    def must(self) -> str:
        return f"{self.rule.must()}, or nothing"

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        schema = self.rule.schema()
        return {**schema, "type": [schema["type"], "null"]}


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of money above zero, as a number or as decimal text."""

    optional: bool = False

    def check(self, value: Any) -> Decimal | None:
        if value is None and self.optional:
            return None
        amount = _amount(value)
        if amount is None:
            raise _refuse(self, value)
        return amount

    def must(self) -> str:
        return f"an amount above 0 with at most {MOST_DECIMALS} decimals" + (", or nothing" if self.optional else "")

    def plain(self, value: Any) -> Any:
        return None if value is None else f"{value:f}"

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "null"] if self.optional else "string", "format": "decimal"}


def _amount(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 < amount <= LARGEST_AMOUNT:
        return None
    return amount if int(amount.as_tuple().exponent) >= -MOST_DECIMALS else None


@dataclass(frozen=True, slots=True)
class AssetCode:
    """The code of an asset, such as USD."""

    optional: bool = False

    def check(self, value: Any) -> str | None:
        if value is None and self.optional:
            return None
        if not isinstance(value, str) or not ASSET.fullmatch(value):
            raise _refuse(self, value)
        return value

    def must(self) -> str:
        return "the code of an asset in capitals, such as USD" + (", or nothing" if self.optional else "")

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "null"] if self.optional else "string", "pattern": f"^{ASSET.pattern}$"}


@dataclass(frozen=True, slots=True)
class Amounts:
    """An amount per asset."""

    optional: bool = False

    def check(self, value: Any) -> Mapping[str, Decimal] | None:
        if value is None and self.optional:
            return None
        if not isinstance(value, Mapping) or not value:
            raise _refuse(self, value)
        return {str(asset): self._one(str(asset), amount) for asset, amount in value.items()}

    def _one(self, asset: str, value: Any) -> Decimal:
        amount = _amount(value)
        if not ASSET.fullmatch(asset) or amount is None:
            raise BadValue(f"must be {self.must()}, not {shown(value)} for {asset[:20]!r}.")
        return amount

    def must(self) -> str:
        return 'a map of assets to amounts above 0, such as {"USD": "1000"}' + (", or nothing" if self.optional else "")

    def plain(self, value: Any) -> Any:
        return None if value is None else {asset: f"{amount:f}" for asset, amount in value.items()}

    def schema(self) -> dict[str, Any]:
        kind = ["object", "null"] if self.optional else "object"
        return {"type": kind, "additionalProperties": {"type": "string", "format": "decimal"}}


@dataclass(frozen=True, slots=True)
class Cards:
    """The id of an account per asset."""

    optional: bool = False

    def check(self, value: Any) -> Mapping[str, str] | None:
        if value is None and self.optional:
            return None
        if not isinstance(value, Mapping) or not value:
            raise _refuse(self, value)
        return {str(asset): self._one(str(asset), card) for asset, card in value.items()}

    def _one(self, asset: str, value: Any) -> str:
        if not ASSET.fullmatch(asset) or not isinstance(value, str) or not CARD.fullmatch(value):
            raise BadValue(f"must be {self.must()}, not {shown(value)} for {asset[:20]!r}.")
        return value

    def must(self) -> str:
        return 'a map of assets to card ids, such as {"USD": "48ce2ac5-c038-4426-b2f8-a2bdbcc93053"}' + (
            ", or nothing" if self.optional else ""
        )

    def plain(self, value: Any) -> Any:
        return None if value is None else dict(value)

    def schema(self) -> dict[str, Any]:
        kind = ["object", "null"] if self.optional else "object"
        return {"type": kind, "additionalProperties": {"type": "string", "pattern": f"^{CARD.pattern}$"}}


@dataclass(frozen=True, slots=True)
class Costs:
    """A fee in basis points for all conversions, or one per pair beside a `default`."""

    low: float
    high: float
    optional: bool = False

    def check(self, value: Any) -> float | Mapping[str, float] | None:
        if value is None and self.optional:
            return None
        if isinstance(value, Mapping) and value:
            return {str(key): self._one(str(key), cost) for key, cost in value.items()}
        if not self._fits(value):
            raise _refuse(self, value)
        return float(value)

    def _one(self, key: str, value: Any) -> float:
        if (key != "default" and not _is_pair(key)) or not self._fits(value):
            raise BadValue(f"must be {self.must()}, not {shown(value)} for {key[:20]!r}.")
        return float(value)

    def _fits(self, value: Any) -> bool:
        return _within(value, self.low, self.high)

    def must(self) -> str:
        bounds = f"a number from {self.low:g} to {self.high:g}"
        return f'{bounds}, or a map such as {{"default": 20, "BTC-USD": 10}}' + (
            ", or nothing" if self.optional else ""
        )

    def plain(self, value: Any) -> Any:
        return dict(value) if isinstance(value, Mapping) else value

    def schema(self) -> dict[str, Any]:
        number = {"type": "number", "minimum": self.low, "maximum": self.high}
        return {"anyOf": [number, {"type": "object", "additionalProperties": number}, {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A fitted forecaster, as `heisenbug fit` writes it."""

    optional: bool = False

    def check(self, value: Any) -> Model | None:
        if value is None and self.optional:
            return None
        try:
            return model_from(value)
        except BadModel as bad:
            raise BadValue(f"must be {self.must()}; {bad}.") from bad

    def must(self) -> str:
        return "a model as heisenbug fit writes it" + (", or nothing" if self.optional else "")

    def plain(self, value: Any) -> Any:
        return None if value is None else value.plain()

    def schema(self) -> dict[str, Any]:
        return {"type": ["object", "null"] if self.optional else "object"}


@dataclass(frozen=True, slots=True)
class Pairs:
    """A list of different pairs."""

    def check(self, value: Any) -> tuple[str, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence) or not 1 <= len(value) <= MOST_PAIRS:
            raise _refuse(self, value)
        for item in value:
            if not isinstance(item, str) or not _is_pair(item):
                raise BadValue(f"must be {self.must()}, not one with {shown(item)}.")
        if len(set(value)) < len(value):
            raise BadValue(f"must be {self.must()}, not one with a pair twice.")
        return tuple(value)

    def must(self) -> str:
        return f'a list of 1 to {MOST_PAIRS} different pairs, such as ["BTC-USD"]'

    def plain(self, value: Any) -> Any:
        return list(value)

    def schema(self) -> dict[str, Any]:
        return {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": MOST_PAIRS,
            "uniqueItems": True,
        }


def _is_pair(text: str) -> bool:
    try:
        return bool(Pair.parse(text))
    except ValueError:
        return False
