"""Rows of a recording read by the block: eight digits at a time, all rows at once.

Only the usual is read so. A block with anything else in it, be it a fault or merely rare, is left to a careful reader.
"""

import re
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from heisenbug.markets.price_texts import MOST_DIGITS, Bytes, Floats, Ints, PriceTexts
from heisenbug.markets.rows import PAIR, PRICE, Codes, Rows

Words = NDArray[np.uint64]

_PAIR = re.compile(PAIR.encode())
_PRICE = re.compile(PRICE.encode())
_DATE = re.compile(rb"\d{4}-\d\d-\d\dT")
_LONGEST_PAIR = 16
_SECONDS_WIDTH = len("2020-09-13T12:26:00")
_DAY_SECONDS = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
# Until then (the year 2255) the microseconds since 1970 are exact as a float.
_EXACT_SECONDS = 9_000_000_000
_TENS = 10 ** np.arange(MOST_DIGITS + 1)
_NEW_LINE, _COMMA, _DASH, _DOT, _SLASH, _Z = b"\n,-./Z"
# Eight bytes as one word, the first being the lowest.
_SPARE = b"0" * 8
_ZEROS, _CLOCK = np.frombuffer(b"0000000000:00:00", "<u8")
_COLONS, _TO_THE_TOP, _TOPS = np.array([0x0000FF0000FF0000, 0x7676767676767676, 0x8080808080808080], np.uint64)
# How digits become pairs, those fours, and those eight: the bits to the next, what the first counts, where the sum is.
_FOLDS = np.array(
    [(8, 10, 0x00FF00FF00FF00FF), (16, 100, 0x0000FFFF0000FFFF), (32, 10_000, 0x00000000FFFFFFFF)], np.uint64
)


class _Unusual(Exception):
    """Something that is not read here."""


def quick_rows(block: bytes, codes: Codes) -> Rows | None:
    """The rows of a block of whole lines, their pairs numbered by `codes`; None where anything in it is unusual."""
    try:
        text = _Text(block)
        at, pair, bid, ask = _columns(text)
        times, bids, asks = _times(text, at), _prices(text, bid), _prices(text, ask)
        return Rows(times, _codes(text, pair, codes), bids, asks)
    except _Unusual:
        return None


def _expect(is_usual: bool | np.bool_) -> None:
    if not is_usual:
        raise _Unusual


@dataclass(slots=True, eq=False)
class _Text:
    """A block between the end of the line before it and some spare, and the words of eight bytes that begin in it."""

    block: bytes
    bytes: Bytes = field(init=False)
    words: Words = field(init=False)

    def __post_init__(self) -> None:
        _expect(self.block.endswith(b"\n"))
        self.block = b"".join((b"\n", self.block, _SPARE))
        self.bytes = np.frombuffer(self.block, np.uint8)
        self.words = np.ndarray(len(self.block) - 7, "<u8", self.block, strides=(1,))

    def numbers(self, ends: Ints, counts: Ints) -> Ints:
        """The numbers that so many digits (up to MOST_DIGITS) before `ends` are; 0 where it is none."""
        low = self._numbers(ends, np.minimum(counts, 8))
        if counts.max() > 8:
            low += 10**8 * self._numbers(ends - 8, np.maximum(counts - 8, 0))
        return low

    def _numbers(self, ends: Ints, counts: Ints) -> Ints:
        others = ((8 - counts) * 8).astype(np.uint64)
        digits: Words = (self.words[ends - 8] ^ _ZEROS) >> others << others
        _expect(_are_digits(digits))
        for bits, counted, kept in _FOLDS:
            digits = digits * counted + (digits >> bits) & kept
        return digits.astype(np.int64)


def _are_digits(words: Words) -> bool:
    """Whether no byte of any word is above 9."""
    return not np.any((words | words + _TO_THE_TOP) & _TOPS)


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """Where the value of each row begins, has its dot (its end where there is none) and ends."""

    begins: Ints
    dots: Ints
    ends: Ints


def _columns(text: _Text) -> tuple[_Column, _Column, _Column, _Column]:
    """The four columns, by the places of what separates values: three commas and an end of line, a dot between some."""
    places = np.flatnonzero((text.bytes < _SLASH) & (text.bytes != _DASH))
    kinds = text.bytes[places]
    lines, commas = np.flatnonzero(kinds == _NEW_LINE), np.flatnonzero(kinds == _COMMA)
    _expect(len(commas) == 3 * (len(lines) - 1))
    _expect(np.count_nonzero(kinds == _DOT) == len(kinds) - len(commas) - len(lines))
    first, second, third = commas.reshape(-1, 3).T
    at, pair = _column(places, lines[:-1], first), _column(places, first, second)
    return at, pair, _column(places, second, third), _column(places, third, lines[1:])


def _column(places: Ints, befores: Ints, ends: Ints) -> _Column:
    """The column between two separators of each row, which are numbered as in `places`."""
    steps = ends - befores
    _expect(steps.min() >= 1 and steps.max() <= 2)
    stops = places[ends]
    dots = stops if steps.max() == 1 else np.where(steps == 2, places[ends - 1], stops)
    return _Column(places[befores] + 1, dots, stops)


def _times(text: _Text, at: _Column) -> Floats:
    has_fraction = at.dots < at.ends
    counts = np.where(has_fraction, at.ends - at.dots - 2, 0)
    _expect(np.all(np.where(has_fraction, at.dots, at.ends - 1) - at.begins == _SECONDS_WIDTH))
    _expect(np.all(text.bytes[at.ends - 1] == _Z))
    seconds = _midnights(text, at.begins) + _clock(text, at.begins)
    if not has_fraction.any():
        return seconds.astype(np.float64)
    _expect(seconds.max() < _EXACT_SECONDS and counts.max() <= 6 and counts[has_fraction].min() >= 1)
    microseconds: Ints = seconds * 10**6 + text.numbers(at.ends - 1, counts) * _TENS[6 - counts]
    return microseconds / 10**6


def _midnights(text: _Text, begins: Ints) -> Ints:
    """The begin of each row's day; as rows are sorted by time, a date is looked at once for all of its rows."""
    early, late = text.words[begins], text.words[begins + 3]
    is_same = (early[1:] == early[:-1]) & (late[1:] == late[:-1])
    firsts = np.flatnonzero(np.concatenate([[True], ~is_same]))
    midnights = [_midnight(text.block[begin : begin + 11]) for begin in begins[firsts].tolist()]
    return np.repeat(midnights, np.diff(firsts, append=len(begins)))


def _midnight(text: bytes) -> int:
    _expect(_DATE.fullmatch(text) is not None)
    try:
        day = date.fromisoformat(text[:-1].decode())
    except ValueError:
        raise _Unusual from None
    return (day.toordinal() - _EPOCH) * _DAY_SECONDS


def _clock(text: _Text, begins: Ints) -> Ints:
    """Seconds since midnight."""
    digits = text.words[begins + 11] ^ _CLOCK
    _expect(_are_digits(digits) and not np.any(digits & _COLONS))
    bits, counted, _ = _FOLDS[0]
    pairs: Words = digits * counted + (digits >> bits)
    hours, minutes, seconds = pairs.view(np.uint8).reshape(-1, 8)[:, (0, 3, 6)].T.astype(np.int64)
    _expect(hours.max() < 24 and minutes.max() < 60 and seconds.max() < 60)
    clock: Ints = hours * 3600 + minutes * 60 + seconds
    return clock


def _prices(text: _Text, column: _Column) -> PriceTexts:
    before = column.dots - column.begins
    behind = np.maximum(column.ends - column.dots - 1, 0)
    _expect(before.min() >= 1 and not np.any(column.ends - column.dots == 1))
    long = _long_texts(text, column, np.flatnonzero(before + behind > MOST_DIGITS))
    rows = list(long)
    before[rows], behind[rows] = 0, 0
    digits = text.numbers(column.dots, before) * _TENS[behind] + text.numbers(column.ends, behind)
    _expect(np.count_nonzero(digits) == len(digits) - len(rows))
    return PriceTexts(digits, before.astype(np.uint8), behind.astype(np.uint8), long)


def _long_texts(text: _Text, column: _Column, rows: Ints) -> dict[int, str]:
    places = zip(column.begins[rows].tolist(), column.ends[rows].tolist(), strict=True)
    texts = [text.block[begin:end] for begin, end in places]
    _expect(all(map(_PRICE.fullmatch, texts)))
    return {row: one.decode() for row, one in zip(rows.tolist(), texts, strict=True)}


def _codes(text: _Text, column: _Column, codes: Codes) -> Ints:
    """The number of each row's pair; one that is not known yet gets the next."""
    lengths = column.ends - column.begins
    _expect(lengths.max() <= _LONGEST_PAIR)
    cut = (np.maximum(8 - lengths, 0) * 8).astype(np.uint64)
    heads = text.words[column.begins] << cut
    tails = np.where(lengths > 8, text.words[column.ends - 8], 0)
    found = np.full(len(lengths), -1)
    wanted = list(codes)
    while True:
        for pair in wanted:
            length, head, tail = _words_of(pair.encode())
            found[(lengths == length) & (heads == head) & (tails == tail)] = codes[pair]
        unknown = int(found.argmin())
        if found[unknown] >= 0:
            return found
        name = text.block[column.begins[unknown] : column.ends[unknown]]
        _expect(_PAIR.fullmatch(name) is not None)
        wanted = [name.decode()]


def _words_of(pair: bytes) -> tuple[int, int, int]:
    """A pair's length, its first eight bytes (moved up where it is shorter), and its last eight where it is longer."""
    tail = int.from_bytes(pair[-8:], "little") if len(pair) > 8 else 0
    return len(pair), int.from_bytes(pair[:8].rjust(8, b"\0"), "little"), tail
