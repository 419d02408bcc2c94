"""Recorded markets: gzip CSV `at,pair,bid,ask`, sorted by time, `at` in UTC."""

import gzip
import re
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heisenbug.markets.market import Quotes, iso

HEADER = "at,pair,bid,ask"
GONE_AFTER_SECONDS = 1800.0
PAST_SAMPLES = 1000

_AT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z"
_PAIR = r"[A-Z0-9]+-[A-Z0-9]+"
_PRICE = r"(?![0.]+(?:[,\r\n]|\Z))\d{1,18}(?:\.\d{1,18})?"
_ROW = re.compile(rf"^({_AT}),({_PAIR}),({_PRICE}),({_PRICE})\r?$", re.MULTILINE | re.ASCII)
_COLUMNS = (
    ("at", re.compile(_AT, re.ASCII), "a UTC time like 2025-05-04T15:37:00Z"),
    ("pair", re.compile(_PAIR, re.ASCII), "a pair like BTC-USD"),
    ("bid", re.compile(_PRICE, re.ASCII), "a price above 0 in plain digits"),
    ("ask", re.compile(_PRICE, re.ASCII), "a price above 0 in plain digits"),
)
_BLOCK_BYTES = 1 << 20


class InvalidMarket(ValueError):
    """A market file that cannot be served; the text names the file, the line, the value and the way out."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordedMarket:
    """A recording in memory: one price text per row, and for each time the newest row of each pair (-1: none yet).

    `times` (T,) are the distinct times, `newest` (T, pairs) indexes `row_times`, `bids` and `asks` (rows,).
    A pair that has not been quoted for `gone_after_seconds` of market time is left out of the answers.
    """

    name: str
    pairs: tuple[str, ...]
    times: NDArray[np.float64]
    newest: NDArray[np.int64]
    row_times: NDArray[np.float64] = field(repr=False)
    bids: list[str] = field(repr=False)
    asks: list[str] = field(repr=False)
    gone_after_seconds: float = GONE_AFTER_SECONDS

    @property
    def first(self) -> float:
        """The time of the first row."""
        return float(self.times[0])

    @property
    def last(self) -> float:
        """The time of the last row."""
        return float(self.times[-1])

    @property
    def spacing_seconds(self) -> float:
        """The median time between two rows of different times; a minute where there is only one time."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 60.0

    @property
    def start(self) -> float:
        """A thousand spacings into the recording, or a third of it where it is short."""
        return self.first + min(PAST_SAMPLES * self.spacing_seconds, (self.last - self.first) / 3)

    def quotes_at(self, moments: Sequence[float]) -> list[Quotes]:
        """The newest prices known at each moment, without the pairs that are gone."""
        rows = self._rows_at(np.asarray(moments, dtype=np.float64))
        return [self._quotes(row) for row in rows.tolist()]

    def row(self, index: int) -> Quotes:
        """The prices published at `times[index]` itself; a pair without one at that time is left out."""
        rows = self.newest[index]
        published = self.row_times[rows] == self.times[index]
        return self._quotes(np.where(published, rows, -1).tolist())

    def _rows_at(self, moments: NDArray[np.float64]) -> NDArray[np.int64]:
        index = np.searchsorted(self.times, moments, side="right") - 1
        rows = np.where(index[:, None] >= 0, self.newest[index], -1)
        fresh = moments[:, None] - self.row_times[rows] <= self.gone_after_seconds
        return np.where(fresh, rows, -1)

    def _quotes(self, rows: list[int]) -> Quotes:
        prices = zip(self.pairs, rows, strict=True)
        return {pair: (self.bids[row], self.asks[row]) for pair, row in prices if row >= 0}


def read_market(path: Path, gone_after_seconds: float = GONE_AFTER_SECONDS) -> RecordedMarket:
    """The market recorded in `path`; raises InvalidMarket at the first line that breaks the format."""
    columns = _Columns(path.name)
    for block, line_number in _blocks(path):
        columns.add(block, line_number)
    if not columns.bids:
        raise InvalidMarket(f"{path.name} has no prices after its header: choose another recording.")
    return columns.market(gone_after_seconds)


class _Columns:
    """The rows read so far, column by column; whole blocks are read at once because single lines are slow."""

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self._codes = _Codes()
        self._times = array("d")
        self._pair_codes = array("q")
        self.bids: list[str] = []
        self.asks: list[str] = []

    def add(self, block: str, line_number: int) -> None:
        rows = _ROW.findall(block)
        before = self._times[-1] if self._times else 0.0
        if not rows or len(rows) != block.count("\n"):
            raise self._fault(block, line_number, before)
        ats, pairs, bids, asks = zip(*rows, strict=True)
        try:
            times = array("d", map(_Epochs().__getitem__, ats))
        except ValueError:
            raise self._fault(block, line_number, before) from None
        if times[0] < before or np.any(np.diff(times) < 0):
            raise self._fault(block, line_number, before)
        self._times.extend(times)
        self._pair_codes.extend(map(self._codes.__getitem__, pairs))
        self.bids.extend(bids)
        self.asks.extend(asks)

    def market(self, gone_after_seconds: float) -> RecordedMarket:
        row_times = np.array(self._times, dtype=np.float64)
        times, time_index = np.unique(row_times, return_inverse=True)
        newest = np.full((len(times), len(self._codes)), -1, dtype=np.int64)
        np.maximum.at(newest, (time_index, np.array(self._pair_codes)), np.arange(len(row_times)))
        np.maximum.accumulate(newest, axis=0, out=newest)
        name = self._file_name.removesuffix(".gz").removesuffix(".csv")
        return RecordedMarket(
            name, tuple(self._codes), times, newest, row_times, self.bids, self.asks, gone_after_seconds
        )

    def _fault(self, block: str, line_number: int, before: float) -> InvalidMarket:
        for number, line in enumerate(block.splitlines(keepends=True), line_number):
            reason, before = _line_fault(line, before)
            if reason:
                way_out = "Mend or remove that line, or choose another recording."
                return InvalidMarket(f"{self._file_name} line {number}: {reason}. {way_out}")
        return InvalidMarket(f"{self._file_name} from line {line_number} on: not in the format {HEADER}.")


class _Epochs(dict[str, float]):
    """Epoch seconds by text: many rows share one time, and parsing it is the dear part."""

    def __missing__(self, at: str) -> float:
        self[at] = moment = datetime.fromisoformat(at).timestamp()
        return moment


class _Codes(dict[str, int]):
    """A number for each pair, in the order of their first rows."""

    def __missing__(self, pair: str) -> int:
        self[pair] = code = len(self)
        return code


def _line_fault(line: str, before: float) -> tuple[str | None, float]:
    """What is wrong with one line (or none), and its time."""
    values = line.rstrip("\r\n").split(",")
    if not line.endswith("\n"):
        return f"'{line}' has no end of line, so the file is cut off", before
    if len(values) != len(_COLUMNS):
        return f"'{','.join(values)}' has {len(values)} columns instead of {HEADER}", before
    for (column, pattern, meaning), value in zip(_COLUMNS, values, strict=True):
        if not pattern.fullmatch(value):
            return f"{column} '{value}' is not {meaning}", before
    return _time_fault(values[0], before)


def _time_fault(at: str, before: float) -> tuple[str | None, float]:
    try:
        moment = datetime.fromisoformat(at).timestamp()
    except ValueError:
        return f"at '{at}' is not a date of the calendar", before
    if moment < before:
        return f"at '{at}' is earlier than {iso(before)} on the line before, and rows must be sorted by time", before
    return None, moment


def _blocks(path: Path) -> Iterator[tuple[str, int]]:
    """Blocks of whole lines after the header, each with the number of its first line; checks the header."""
    rest, line_number = "", 0
    for text in _texts(path):
        block, newline, rest = (rest + text).rpartition("\n")
        if newline and line_number == 0:
            block = _after_header(path.name, block)
            line_number = 1
        if block:
            yield block + "\n", line_number + 1
            line_number += block.count("\n") + 1
    if line_number == 0:
        _after_header(path.name, rest)
    elif rest:
        yield rest, line_number + 1


def _after_header(file_name: str, block: str) -> str:
    header, _, rows = block.partition("\n")
    if header.rstrip("\r") != HEADER:
        raise InvalidMarket(
            f"{file_name} line 1: the header is '{header[:80]}' instead of '{HEADER}'. Give the columns these names."
        )
    return rows


def _texts(path: Path) -> Iterator[str]:
    """The unpacked text in pieces; a piece may end inside a line."""
    lines = 0
    try:
        with gzip.open(path, "rb") as file:
            while piece := file.read1(_BLOCK_BYTES):
                lines += piece.count(b"\n")
                yield piece.decode("ascii", errors="replace")
    except (FileNotFoundError, IsADirectoryError):
        raise InvalidMarket(_missing(path)) from None
    except PermissionError:
        raise InvalidMarket(f"{path} may not be read: give yourself the right to read it.") from None
    except gzip.BadGzipFile:
        raise InvalidMarket(f"{path.name} line {lines + 1}: not gzip data. Pack the CSV with: gzip FILE") from None
    except (EOFError, zlib.error):
        raise InvalidMarket(
            f"{path.name} line {lines + 1}: the gzip data is cut off or damaged there. Fetch the file again."
        ) from None


def _missing(path: Path) -> str:
    return (
        f"There is no market file {path}. Expected is a gzip CSV with the columns {HEADER}, sorted by time in UTC: "
        "export one from any source of prices (where only closes are known, bid = ask = close), "
        "or take the generated market with --market demo."
    )
