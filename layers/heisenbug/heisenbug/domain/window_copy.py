"""A copy of a window in few bytes, to the last bit: prices as whole numbers, of which only the changes are kept.

A venue's prices are short decimals, so that a mid is a whole number of half steps, 1 / (2 x 10^digits). Where the float
that a tick computed is not the nearest one to that, the last places between them are kept beside it. A price that is no
short decimal is kept as the 64 bits of its logarithm.

Changes are Rice-coded (R. F. Rice and J. R. Plaunt, 1971), each as its quotient by 2^width in ones, a zero, and its
remainder in `width` digits. Random changes cannot be made smaller than their spread: log2(standard deviation) + 2.05
bits each, to which this adds about 0.1. Of the default window, eight real coins take 1.2 KB, ten coins quoted with 7
digits 2.5 KB, with 9 digits 3.5 KB, and ten prices of 15 digits or more 6.7 KB.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from math import exp, ulp

from heisenbug.domain.market import Sample
from heisenbug.domain.prices import logs_of

MOST_DIGITS = 18
# Bid and ask become floats before they are added, so that their mid may be this many last places off.
LAST_PLACES = (0, 1, -1, 2, -2)
LARGEST_UNITS = 2**62
# In place of a number of digits: the prices are their logarithms' own bits.
AS_LOGARITHM = -1

Column = tuple[int, list[int], list[int]]


def pack_window(samples: Sequence[Sample]) -> bytes:
    """The samples, so that `unpack_window` gives the very same floats back where logarithms are computed alike."""
    names = sorted({name for sample in samples for name in sample.log_mids})
    columns, series = [], []
    for name in names:
        digits, units, places = _column([one.log_mids[name] for one in samples if name in one.log_mids])
        both = _changes(units), _signless(places)
        widths = [_best_width(each) for each in both]
        missing = [row for row, one in enumerate(samples) if name not in one.log_mids]
        columns.append([name, digits, units[0], widths, missing])
        series += [_coded(each, width) for each, width in zip(both, widths, strict=True) if any(each)]
    times = [sample.at for sample in samples]
    head = json.dumps([times[:1], [after - before for before, after in pairwise(times)], columns])
    return zlib.compress(head.encode(), 9) + _bytes("".join(series))


def unpack_window(packed: bytes) -> tuple[Sample, ...]:
    """The samples that `pack_window` packed."""
    unzip = zlib.decompressobj()
    begin, steps, columns = json.loads(unzip.decompress(packed))
    bits = _Bits(unzip.unused_data)
    times = list(accumulate([*begin, *steps]))
    rows: list[dict[str, float]] = [{} for _ in times]
    for name, digits, first, widths, missing in columns:
        known = sorted(set(range(len(times))) - set(missing))
        changes = bits.series(len(known) - 1, widths[0])
        units = list(accumulate([first, *map(_signed, changes)]))
        places = map(_signed, bits.series(len(known), widths[1]))
        for row, whole, place in zip(known, units, places, strict=True):
            rows[row][name] = _log_mid(digits, whole, place)
    return tuple(Sample(at, log_mids) for at, log_mids in zip(times, rows, strict=True))


def _column(logs: Sequence[float]) -> Column:
    """Digits, units and last places of one pair's prices, in the largest unit that all of them are whole in."""
    for digits in range(MOST_DIGITS + 1):
        found = []
        for each in logs:
            whole = _whole(each, digits)
            if whole is None:
                break
            found.append(whole)
        else:
            return digits, [units for units, _ in found], [place for _, place in found]
    return AS_LOGARITHM, [_ordered(each) for each in logs], [0] * len(logs)


def _whole(log_mid: float, digits: int) -> tuple[int, int] | None:
    units = round(exp(log_mid) * 2 * 10**digits)
    if not 0 < units < LARGEST_UNITS:
        return None
    return next(((units, place) for place in LAST_PLACES if _log_mid(digits, units, place) == log_mid), None)


def _log_mid(digits: int, units: int, place: int) -> float:
    if digits == AS_LOGARITHM:
        return _unordered(units)
    mid = units / (2 * 10**digits)
    return float(logs_of(mid + place * ulp(mid)))


def _ordered(number: float) -> int:
    """The bits of a float as a whole number that is the larger, the larger the float."""
    bits: int = struct.unpack(">q", struct.pack(">d", abs(number)))[0]
    return bits if number >= 0 else -bits


def _unordered(bits: int) -> float:
    number: float = struct.unpack(">d", struct.pack(">q", abs(bits)))[0]
    return number if bits >= 0 else -number


def _changes(units: Sequence[int]) -> list[int]:
    return _signless([after - before for before, after in pairwise(units)])


def _signless(numbers: Iterable[int]) -> list[int]:
    """0, -1, 1, -2, 2 as 0, 1, 2, 3, 4."""
    return [2 * number if number >= 0 else -2 * number - 1 for number in numbers]


def _signed(number: int) -> int:
    return number // 2 if number % 2 == 0 else -(number + 1) // 2


def _best_width(series: Sequence[int]) -> int | None:
    """The width that codes the series in the fewest bits; None where it is all zeros, which needs none."""
    if not any(series):
        return None
    about = (sum(series) // len(series)).bit_length()
    return min(range(max(about - 2, 0), about + 2), key=lambda width: _size(series, width))


def _size(series: Sequence[int], width: int) -> int:
    return sum(each >> width for each in series) + len(series) * width


def _coded(series: Sequence[int], width: int | None) -> str:
    if width is None:
        return ""
    low = 1 << width
    return "".join("1" * (each >> width) + "0" + f"{low + each % low:b}"[1:] for each in series)


def _bytes(bits: str) -> bytes:
    """The bits behind a leading one, which says where they begin."""
    return int("1" + bits, 2).to_bytes(len(bits) // 8 + 1, "big")


class _Bits:
    """Coded numbers, read one series after the other."""

    def __init__(self, packed: bytes) -> None:
        self._bits = f"{int.from_bytes(packed, 'big'):b}"
        self._place = 1

    def series(self, count: int, width: int | None) -> list[int]:
        """The next `count` numbers."""
        return [0] * count if width is None else [self._next(width) for _ in range(count)]

    def _next(self, width: int) -> int:
        zero = self._bits.index("0", self._place)
        quotient, begin = zero - self._place, zero + 1
        self._place = begin + width
        return (quotient << width) + int(self._bits[begin : self._place] or "0", 2)
