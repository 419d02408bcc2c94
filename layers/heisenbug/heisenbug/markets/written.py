"""Writing markets in the one format: whole files at once, or a recording that grows by each answer of a venue."""

import gzip
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import IO, Any

from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import MarketUnavailable
from heisenbug.domain.quotes import Ticker
from heisenbug.exchange.port import Tickers
from heisenbug.markets.market import Market, Prices, iso
from heisenbug.markets.recorded import read_market
from heisenbug.markets.rows import HEADER

SUFFIX = ".csv.gz"
BLOCK_MOMENTS = 1024
COMPRESSION = 6
LONGEST_ANSWER_SECONDS = 10.0
_LEAST_PRICE = Decimal(1).scaleb(-18)
_PRICE_LIMIT = Decimal(10**18)
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)


class CannotWrite(ValueError):
    """A market file that is not written; the text says why and what to do instead."""


class UnwritablePrice(ValueError):
    """What a venue sent instead of a price; the text says what it was."""


def check_place(path: Path) -> None:
    """Raise CannotWrite where there cannot be a market file of this name."""
    if not path.name.endswith(SUFFIX) or path.name == SUFFIX:
        raise CannotWrite(f"{path} is no name of a market file: end it in {SUFFIX}.")
    check_folder(path)


def check_folder(path: Path) -> None:
    """Raise CannotWrite where no file of this name can be made, whatever it is to hold."""
    if not path.parent.is_dir():
        raise CannotWrite(f"There is no folder {path.parent}: make it first, or name a file in another.")
    if path.is_dir():
        raise CannotWrite(f"{path} is a folder: name a file.")
    if not os.access(path.parent, os.W_OK):
        raise CannotWrite(f"The folder {path.parent} may not be written to: name a file in another.")


def write_market(market: Market, moments: Iterable[float], path: Path, force: bool = False) -> int:
    """Write what the market quotes at each moment (epoch seconds, rising), and say how many rows that are.

    The same prices give the same bytes under any name. Raises CannotWrite where the file is there, unless by `force`.
    """
    check_place(path)
    _refuse_existing(path, force)
    with whole_or_not_at_all(path, force) as file, gzip.GzipFile("", "wb", COMPRESSION, file, 0) as packed:
        packed.write(f"{HEADER}\n".encode())
        return sum(_write_block(market, block, packed) for block in _blocks(moments))


def rows_of(moment: float, quotes: Mapping[str, Prices]) -> str:
    """The lines of the prices known at `moment`, each with its end."""
    at = iso(moment)
    return "".join(f"{at},{pair},{bid},{ask}\n" for pair, (bid, ask) in quotes.items())


def price_text(value: Any) -> str:
    """A venue's price in plain digits, unchanged up to 18 decimals; raises UnwritablePrice."""
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        raise UnwritablePrice(f"{str(value)[:20]!r} is not a number") from None
    if not price.is_finite() or not _LEAST_PRICE <= price < _PRICE_LIMIT:
        raise UnwritablePrice(f"{str(value)[:20]!r} is not above 0 and below 1e18")
    decimals = len(f"{price:f}".partition(".")[2])
    return f"{price:f}" if decimals <= 18 else f"{price.quantize(_LEAST_PRICE, context=_EXACT):f}"


@dataclass(slots=True)
class Recording:
    """A market file that grows: each addition is one whole gzip member, written at once.

    Whatever ends the process, the file can be read. `rows` counts those added here, `last` is the newest row's time in
    epoch seconds and `size` the file's bytes, as far as this recording knows.
    """

    path: Path
    pairs: tuple[Pair, ...]
    last: float | None = None
    size: int = 0
    rows: int = 0

    def add(self, moment: float, quotes: Mapping[str, Prices]) -> None:
        """Append the prices known at `moment`; where it raises CannotWrite the file is as it was."""
        text = rows_of(moment, quotes)
        member = gzip.compress((text if self.size else f"{HEADER}\n{text}").encode(), COMPRESSION, mtime=0)
        try:
            with self.path.open("ab", buffering=0) as file:
                self._append(file, member)
        except OSError as problem:
            raise CannotWrite(f"{self.path} cannot be written ({problem.strerror}); it keeps what it has.") from None
        self.rows, self.last, self.size = self.rows + len(quotes), moment, self.size + len(member)

    def _append(self, file: IO[bytes], member: bytes) -> None:
        if os.fstat(file.fileno()).st_size != self.size:
            raise CannotWrite(f"Somebody else writes to {self.path}: one recording at a time.")
        if file.write(member) < len(member):
            file.truncate(self.size)
            raise CannotWrite(f"The disk is full; {self.path} keeps what it has.")


def open_recording(path: Path, pairs: Sequence[Pair], now: float) -> Recording:
    """The recording at `path`: a new one, or one of the same pairs to go on with; without pairs, those that it has.

    Raises CannotWrite, and InvalidMarket where the file that is there cannot be read.
    """
    check_place(path)
    size = path.stat().st_size if path.exists() else 0
    if not size:
        return Recording(path, tuple(pairs))
    market = read_market(path)
    if pairs and set(market.pairs) != set(map(str, pairs)):
        wanted, has = ", ".join(map(str, pairs)), ", ".join(market.pairs)
        raise CannotWrite(f"{path} holds {has} and not {wanted}: record what it holds, or name another file.")
    if market.last > now:
        raise CannotWrite(f"{path} holds prices until {iso(market.last)}, which is yet to come: name another file.")
    try:
        return Recording(path, tuple(map(Pair.parse, market.pairs)), market.last, size)
    except ValueError as problem:
        raise CannotWrite(f"{path} cannot be gone on with: {problem}") from None


@dataclass(frozen=True, slots=True)
class Recorder:
    """Asks a venue for prices once in each slot of `every` seconds, on the wall clock's grid; `say` hears of it all."""

    venue: Tickers
    every: float
    clock: Callable[[], datetime]
    wait: Callable[[float], None]
    say: Callable[[str], None]

    def run(self, recording: Recording, until: float) -> None:
        """Record until the clock shows `until` (epoch seconds); what cannot be had is said and skipped.

        A slot that the recording has already is not asked for again. Raises CannotWrite.
        """
        done = None if recording.last is None else recording.last // self.every
        while (now := self.clock().timestamp()) < until:
            slot = now // self.every
            if slot == done:
                self.wait(min((slot + 1) * self.every, until) - now)
                continue
            done = slot
            self._take(recording)

    def _take(self, recording: Recording) -> None:
        try:
            ticker = self.venue.tickers(recording.pairs, min(self.every, LONGEST_ANSWER_SECONDS))
        except MarketUnavailable as problem:
            self.say(f"Nothing recorded: {problem}.")
            return
        moment = _to_milliseconds(ticker.received_at)
        if recording.last is not None and moment < recording.last:
            self.say(f"Nothing recorded: the clock went back behind the last row, {iso(recording.last)}.")
            return
        quotes = dict(self._understood(recording.pairs, ticker))
        if quotes:
            recording.add(moment, quotes)
            prices = ", ".join(f"{pair} {bid} / {ask}" for pair, (bid, ask) in list(quotes.items())[:3])
            self.say(f"{recording.rows} rows: {prices}{', ...' if len(quotes) > 3 else ''}")

    def _understood(self, pairs: Sequence[Pair], ticker: Ticker) -> Iterator[tuple[str, Prices]]:
        for pair in pairs:
            raw = ticker.quotes.get(pair)
            if raw is None:
                self.say(f"{pair} is not recorded: the venue's answer has no such pair.")
                continue
            try:
                yield str(pair), (price_text(raw.bid), price_text(raw.ask))
            except UnwritablePrice as problem:
                self.say(f"{pair} is not recorded: its price {problem}.")


def _to_milliseconds(at: datetime) -> float:
    return at.replace(microsecond=at.microsecond // 1000 * 1000).timestamp()


def _write_block(market: Market, moments: list[float], file: gzip.GzipFile) -> int:
    answers = market.quotes_at(moments)
    file.write("".join(map(rows_of, moments, answers)).encode())
    return sum(map(len, answers))


def _blocks(moments: Iterable[float]) -> Iterator[list[float]]:
    rest = iter(moments)
    while block := list(islice(rest, BLOCK_MOMENTS)):
        yield block


def _refuse_existing(path: Path, force: bool) -> None:
    if path.exists() and not force:
        raise CannotWrite(f"{path} is there already: name another file, or replace it with --force.")


@contextmanager
def whole_or_not_at_all(path: Path, force: bool) -> Iterator[IO[bytes]]:
    """A file under another name, which becomes `path` when it is whole and is deleted when it is not."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("xb") as file:
            yield file
        _refuse_existing(path, force)
        partial.replace(path)
    except OSError as problem:
        raise CannotWrite(f"{path} cannot be written ({problem.strerror}): name a file elsewhere.") from None
    finally:
        partial.unlink(missing_ok=True)
