"""Recorded markets: gzip CSV `at,pair,bid,ask`, sorted by time, `at` in UTC."""

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heisenbug.markets.market import Quotes, iso
from heisenbug.markets.price_texts import PriceTexts, joined, price_texts
from heisenbug.markets.quick_rows import quick_rows
from heisenbug.markets.rows import HEADER, PAIR, PRICE, Codes, Rows

GONE_AFTER_SECONDS = 1800.0
PAST_SAMPLES = 1000

_AT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z"
_ROW = re.compile(rf"^({_AT}),({PAIR}),({PRICE}),({PRICE})\r?$", re.MULTILINE | re.ASCII)
_COLUMNS = (
    ("at", re.compile(_AT, re.ASCII), "a UTC time like 2025-05-04T15:37:00Z"),
    ("pair", re.compile(PAIR, re.ASCII), "a pair like BTC-USD"),
    ("bid", re.compile(PRICE, re.ASCII), "a price above 0 in plain digits"),
    ("ask", re.compile(PRICE, re.ASCII), "a price above 0 in plain digits"),
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
    bids: PriceTexts = field(repr=False)
    asks: PriceTexts = field(repr=False)
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
    for block in _blocks(path):
        columns.add(block)
    if not columns.parts:
        raise InvalidMarket(f"{path.name} has no prices after its header: choose another recording.")
    return columns.market(gone_after_seconds)


class _Columns:
    """The rows read so far; whole blocks are read at once because single lines are slow."""

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self._codes = Codes()
        self._before = 0.0
        self._line_number = 2
        self.parts: list[Rows] = []

    def add(self, block: bytes) -> None:
        rows = quick_rows(block.replace(b"\r\n", b"\n") if b"\r" in block else block, self._codes)
        if rows is None or not self._is_sorted(rows.times):
            rows = self._read_carefully(block.decode("ascii", errors="replace"))
        self._before = float(rows.times[-1])
        self._line_number += len(rows.times)
        self.parts.append(rows)

    def market(self, gone_after_seconds: float) -> RecordedMarket:
        row_times = np.concatenate([part.times for part in self.parts])
        codes = np.concatenate([part.codes for part in self.parts])
        is_new = np.diff(row_times, prepend=row_times[0] - 1) > 0
        newest = _newest(np.cumsum(is_new) - 1, codes, len(self._codes))
        bids, asks = joined([part.bids for part in self.parts]), joined([part.asks for part in self.parts])
        name = self._file_name.removesuffix(".gz").removesuffix(".csv")
        return RecordedMarket(
            name, tuple(self._codes), row_times[is_new], newest, row_times, bids, asks, gone_after_seconds
        )

    def _is_sorted(self, times: NDArray[np.float64]) -> bool:
        return bool(times[0] >= self._before and np.all(times[1:] >= times[:-1]))

    def _read_carefully(self, block: str) -> Rows:
        found = _ROW.findall(block)
        if not found or len(found) != block.count("\n"):
            raise self._fault(block)
        ats, pairs, bids, asks = zip(*found, strict=True)
        try:
            times = np.fromiter(map(_Epochs().__getitem__, ats), np.float64, len(ats))
        except ValueError:
            raise self._fault(block) from None
        if not self._is_sorted(times):
            raise self._fault(block)
        codes = np.fromiter(map(self._codes.__getitem__, pairs), np.int64, len(pairs))
        return Rows(times, codes, price_texts(bids), price_texts(asks))

    def _fault(self, block: str) -> InvalidMarket:
        before = self._before
        for number, line in enumerate(block.splitlines(keepends=True), self._line_number):
            reason, before = _line_fault(line, before)
            if reason:
                way_out = "Mend or remove that line, or choose another recording."
                return InvalidMarket(f"{self._file_name} line {number}: {reason}. {way_out}")
        return InvalidMarket(f"{self._file_name} from line {self._line_number} on: not in the format {HEADER}.")


def _newest(time_index: NDArray[np.int64], codes: NDArray[np.int64], pairs: int) -> NDArray[np.int64]:
    """For each time the newest row of each pair, -1 where there is none yet."""
    newest = np.full((int(time_index[-1]) + 1, pairs), -1, dtype=np.int64)
    np.maximum.at(newest.reshape(-1), time_index * pairs + codes, np.arange(len(codes)))
    return np.maximum.accumulate(newest, axis=0, out=newest)


class _Epochs(dict[str, float]):
    """Epoch seconds by text: many rows share one time, and parsing it is the dear part."""

    def __missing__(self, at: str) -> float:
        self[at] = moment = datetime.fromisoformat(at).timestamp()
        return moment


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


def _blocks(path: Path) -> Iterator[bytes]:
    """Blocks of whole lines after the header, which is checked; only the last may lack its end of line."""
    rest, is_header_read = b"", False
    for piece in _gathered(_pieces(path)):
        text = rest + piece
        end = text.rfind(b"\n") + 1
        block, rest = text[:end], text[end:]
        if block and not is_header_read:
            block, is_header_read = _after_header(path.name, block), True
        if block:
            yield block
    if not is_header_read:
        _after_header(path.name, rest)
    elif rest:
        yield rest


def _after_header(file_name: str, block: bytes) -> bytes:
    first, _, rows = block.partition(b"\n")
    header = first.decode("ascii", errors="replace")
    if header.rstrip("\r") != HEADER:
        raise InvalidMarket(
            f"{file_name} line 1: the header is '{header[:80]}' instead of '{HEADER}'. Give the columns these names."
        )
    return rows


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of some size; those before a fault of the file come before it, too."""
    held = bytearray()
    try:
        for piece in pieces:
            held += piece
            if len(held) >= _BLOCK_BYTES:
                yield bytes(held)
                held.clear()
    except InvalidMarket:
        yield bytes(held)
        raise
    yield bytes(held)


def _pieces(path: Path) -> Iterator[bytes]:
    """The unpacked bytes; a piece may end inside a line."""
    lines = 0
    try:
        with gzip.open(path, "rb") as file:
            while piece := file.read1(_BLOCK_BYTES):
                lines += piece.count(b"\n")
                yield piece
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
