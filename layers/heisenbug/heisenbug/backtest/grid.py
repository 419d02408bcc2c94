"""A grid of settings: `min_confidence=0.55:0.9:0.05,horizon=15,60,240`, every value with every other."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import prod
from typing import Any

from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.settings import RULES, Settings, change

MOST_CONFIGURATIONS = 10_000
EXAMPLE = "min_confidence=0.55:0.9:0.05,horizon=15,60,240"
# Of no more digits than a Decimal computes with exactly.
_NUMBER = re.compile(r"-?\d{1,12}(?:\.\d{1,12})?", re.ASCII)
_NO_BACKTEST = "a backtest is on paper, checks each sample and takes all pairs."
_ONE_MEASURE = "all configurations are compared on the same samples and in the same money; it may be set for all."
_CANNOT_VARY: Mapping[str, str] = {
    **dict.fromkeys(("mode", "check_interval_seconds", "pairs"), _NO_BACKTEST),
    **dict.fromkeys(("sample_seconds", "base_currency", "paper_start"), _ONE_MEASURE),
}

Point = Mapping[str, Any]
"""The settings in which one configuration differs from the others, as JSON carries them."""


class BadGrid(ValueError):
    """A grid that is not understood, or too large; the text says what is wrong and what to type instead."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The values of each setting that varies, as JSON carries them; the last setting varies fastest."""

    values: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        return prod(map(len, self.values.values()))

    def point(self, number: int) -> Point:
        """The configuration of this number, from 0."""
        point = {}
        for name in reversed(list(self.values)):
            number, place = divmod(number, len(self.values[name]))
            point[name] = self.values[name][place]
        return {name: point[name] for name in self.values}


def grid_of(text: str, settings: Settings) -> Grid:
    """The grid that was typed, over `settings`; raises BadGrid, or InvalidSettings for a value that is not allowed."""
    axes = _axes(text)
    count = prod(sum(map(_count, words)) for words in axes.values())
    if count > MOST_CONFIGURATIONS:
        raise BadGrid(
            f"The grid has {count:,} configurations, the limit is {MOST_CONFIGURATIONS:,}: "
            "take larger steps, fewer values or fewer settings."
        )
    typed = {name: [value for word in words for value in _values(word)] for name, words in axes.items()}
    return Grid({name: _allowed(name, values, settings) for name, values in typed.items()})


def _axes(text: str) -> dict[str, list[str]]:
    """The words of each setting: a list goes on until the next `name=`."""
    axes: dict[str, list[str]] = {}
    name = ""
    for piece in text.split(","):
        begins, equals, word = piece.partition("=")
        if equals:
            name = begins.strip()
            if name in axes:
                raise BadGrid(f"The grid names {name} twice: give all its values in one list, as in {EXAMPLE}.")
            axes[name] = []
        else:
            word = piece
        if not name or not word.strip():
            raise BadGrid(f"The grid must be NAME=VALUES, as in {EXAMPLE}; {piece.strip()!r} is not a part of one.")
        axes[name].append(word.strip())
    return axes


def _count(word: str) -> int:
    if ":" not in word:
        return 1
    begin, end, step = _range(word)
    return int((end - begin) // step) + 1


def _values(word: str) -> list[Any]:
    if ":" in word:
        begin, _, step = _range(word)
        return [begin + place * step for place in range(_count(word))]
    try:
        return [json.loads(word, parse_float=Decimal)]
    except ValueError:
        return [word]


def _range(word: str) -> tuple[Decimal, Decimal, Decimal]:
    """First, last and step; raises BadGrid where it leads nowhere."""
    parts = [part.strip() for part in word.split(":")]
    if len(parts) != 3 or not all(map(_NUMBER.fullmatch, parts)):
        raise BadGrid(
            f"{word} is not a range: it is FIRST:LAST:STEP in plain numbers, both ends included, as in 0.55:0.9:0.05."
        )
    begin, end, step = map(Decimal, parts)
    if step == 0:
        raise BadGrid(f"The range {word} has a step of 0 and would never end: give a step that leads on.")
    if (end - begin) / step < 0:
        raise BadGrid(f"The range {word} is empty: its step leads away from its end; try {begin}:{end}:{-step}.")
    return begin, end, step


def _allowed(name: str, values: Sequence[Any], settings: Settings) -> list[Any]:
    if name in _CANNOT_VARY:
        raise InvalidSettings([FieldError(name, f"{name} cannot vary: {_CANNOT_VARY[name]}")])
    for value in values:
        change(settings, {name: value})
    rule = RULES[name]
    plain = [rule.plain(rule.check(value)) for value in values]
    twice = next((value for place, value in enumerate(plain) if value in plain[:place]), None)
    if twice is not None:
        raise BadGrid(f"The grid gives {name} the value {twice} twice: each configuration is tried once.")
    return plain
