"""What is noteworthy in a recorded market, and which of it the bot's guards would keep from being computed with."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from math import expm1

import numpy as np
from numpy.typing import NDArray

from heisenbug.domain.assets import Pair
from heisenbug.domain.guards import (
    CROSSED_IN_A_ROW,
    FROZEN_AFTER_SAMPLES,
    JUMP_IN_VOLATILITIES,
    SAMPLES_TO_CONFIRM,
    SMALLEST_JUMP,
    Moment,
    Watch,
    look,
)
from heisenbug.domain.quotes import HIGHEST_PRICE, LEAST_PRICE, RawQuote
from heisenbug.markets.market import iso
from heisenbug.markets.recorded import RecordedMarket

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
PairOf = Callable[[Ints], Sequence[str]]

SHORTEST_SAMPLE_SECONDS = 60.0
KINDS = ("gap", "late", "gone", "name", "repeated", "absurd", "crossed", "frozen", "jump", "slip")
NO_SUCH_PAIR = "the venue's answer has no such pair"
FROZEN = f"frozen: no change for {FROZEN_AFTER_SAMPLES} samples or more"
# The median of the absolute moves of a normal distribution, in its standard deviations.
_NORMAL_MEDIAN = 0.6745
_A_PAIR = Pair("BTC", "USD")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something noteworthy of a kind of KINDS: how often, where (epoch seconds); what a guard would say, or nothing."""

    kind: str
    pairs: tuple[str, ...]
    count: int
    at: float
    says: str
    guard: str = ""


@dataclass(frozen=True, slots=True)
class PairFacts:
    """One pair: rows, first and last time, samples it lacks, volatility a sample, median spread, share of bid = ask."""

    pair: str
    rows: int
    first: float
    last: float
    missing: int
    volatility: float | None
    spread_bps: float
    locked: float


@dataclass(frozen=True, slots=True)
class Checked:
    """A recorded market looked through in samples of `sample_seconds`; times in epoch seconds."""

    name: str
    rows: int
    first: float
    last: float
    spacing_seconds: float
    sample_seconds: float
    pairs: tuple[PairFacts, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Series:
    """The rows of one pair, of each time the newest: their places in the file, times, samples and prices."""

    pair: str
    rows: Ints
    times: Floats
    slots: Ints
    bids: Floats
    asks: Floats

    def where(self, kept: Flags) -> "_Series":
        rows, times, slots = self.rows[kept], self.times[kept], self.slots[kept]
        return _Series(self.pair, rows, times, slots, self.bids[kept], self.asks[kept])

    @property
    def samples(self) -> "_Series":
        """The last row of each sample."""
        return self.where(np.diff(self.slots, append=self.slots[-1:] + 1) > 0)

    @property
    def mids(self) -> Floats:
        return (self.bids + self.asks) / 2

    @property
    def absurd(self) -> Flags:
        low, high = np.minimum(self.bids, self.asks), np.maximum(self.bids, self.asks)
        return (low < float(LEAST_PRICE)) | (high > float(HIGHEST_PRICE))

    @property
    def crossed(self) -> Flags:
        return (self.bids > self.asks) & ~self.absurd


def check(market: RecordedMarket, pair_of: PairOf, sample_seconds: float | None = None) -> Checked:
    """Look through a recording in samples of `sample_seconds`; by default its spacing, but at least a minute.

    `pair_of` names the pairs of rows (0 is the first); it is asked about those that repeat a time of their pair.
    """
    seconds = sample_seconds or max(SHORTEST_SAMPLE_SECONDS, market.spacing_seconds)
    every = _series(market, seconds)
    slots = np.unique(np.concatenate([one.slots for one in every]))
    found = [*_shared_gaps(market, slots, seconds), *_repeated(market, every, pair_of)]
    found.extend(chain.from_iterable(_look_through(market, one, slots) for one in every))
    return Checked(
        market.name,
        len(market.bids),
        market.first,
        market.last,
        market.spacing_seconds,
        seconds,
        tuple(_facts(one, slots) for one in every),
        tuple(sorted(_merged(found), key=lambda one: KINDS.index(one.kind))),
    )


def _merged(found: Sequence[Finding]) -> Iterator[Finding]:
    """The findings, of which those that are the same for several pairs are one."""
    alike: dict[Finding, tuple[str, ...]] = {}
    for one in found:
        key = replace(one, pairs=())
        alike[key] = alike.get(key, ()) + one.pairs
    yield from (replace(one, pairs=pairs) for one, pairs in alike.items())


def _series(market: RecordedMarket, seconds: float) -> list[_Series]:
    bids, asks = market.bids.floats, market.asks.floats
    slots = (market.row_times // seconds).astype(np.int64)
    published = (market.newest >= 0) & (market.row_times[market.newest] == market.times[:, None])
    chosen = [market.newest[published[:, place], place] for place in range(len(market.pairs))]
    return [
        _Series(pair, rows, market.row_times[rows], slots[rows], bids[rows], asks[rows])
        for pair, rows in zip(market.pairs, chosen, strict=True)
    ]


def _facts(one: _Series, slots: Ints) -> PairFacts:
    sound = one.where(~one.crossed & ~one.absurd)
    spread = float(np.median((sound.asks - sound.bids) / sound.mids)) * 1e4 if len(sound.rows) else 0.0
    missing = len(slots) - len(np.unique(one.slots))
    locked = float(np.mean(one.bids == one.asks))
    first, last = float(one.times[0]), float(one.times[-1])
    return PairFacts(one.pair, len(one.rows), first, last, missing, _volatility(sound), spread, locked)


def _volatility(sound: _Series) -> float | None:
    """The standard deviation of the moves from sample to sample that are no jumps; None where there are too few."""
    if len(sound.rows) < 2 or len(mids := sound.samples.mids) < 3:
        return None
    moves = np.diff(np.log(mids))
    usual = float(np.median(np.abs(moves))) / _NORMAL_MEDIAN
    return float(np.std(moves[np.abs(moves) <= max(SMALLEST_JUMP, JUMP_IN_VOLATILITIES * usual)], ddof=1))


def _look_through(market: RecordedMarket, one: _Series, slots: Ints) -> Iterator[Finding]:
    yield from _name(one)
    yield from _ends(market, one, slots)
    yield from _own_gaps(market, one, slots)
    yield from _absurd(market, one)
    yield from _crossed(market, one)
    sound = one.where(~one.crossed & ~one.absurd)
    if len(sound.rows) > 1:
        yield from _frozen(sound)
        yield from _jumps(market, sound)


def _name(one: _Series) -> Iterator[Finding]:
    try:
        Pair.parse(one.pair)
    except ValueError as problem:
        yield Finding("name", (one.pair,), 1, float(one.times[0]), f"the bot cannot trade it: {str(problem)[:-1]}")


def _shared_gaps(market: RecordedMarket, slots: Ints, seconds: float) -> Iterator[Finding]:
    missing = np.diff(slots) - 1
    if missing.any():
        after = int(np.searchsorted(market.times // seconds, slots[missing.argmax() + 1]))
        edges = float(market.times[after - 1]), float(market.times[after])
        yield _gap(market, market.pairs, missing, edges, "there are no prices at all")


def _own_gaps(market: RecordedMarket, one: _Series, slots: Ints) -> Iterator[Finding]:
    samples = one.samples
    missing = np.diff(np.searchsorted(slots, samples.slots)) - 1
    if missing.any():
        before = float(samples.times[missing.argmax()])
        edges = before, float(one.times[np.searchsorted(one.times, before, side="right")])
        yield _gap(market, (one.pair,), missing, edges, "it has no prices where others have some")


def _gap(
    market: RecordedMarket, pairs: tuple[str, ...], missing: Ints, edges: tuple[float, float], what: str
) -> Finding:
    gaps, lasts = int(np.count_nonzero(missing)), edges[1] - edges[0]
    says = f"{what} for {many(int(missing.sum()), 'sample')} in {many(gaps, 'gap')}; the longest: {_between(*edges)}"
    return Finding("gap", pairs, gaps, edges[0], says, NO_SUCH_PAIR if lasts > market.gone_after_seconds else "")


def _ends(market: RecordedMarket, one: _Series, slots: Ints) -> Iterator[Finding]:
    first, last = float(one.times[0]), float(one.times[-1])
    if one.slots[0] > slots[0]:
        says = f"it appears {span(first - market.first)} late, at {iso(first)}"
        yield Finding("late", (one.pair,), 1, first, says, NO_SUCH_PAIR)
    if one.slots[-1] < slots[-1]:
        early = market.last - last
        guard = NO_SUCH_PAIR if early > market.gone_after_seconds else ""
        yield Finding("gone", (one.pair,), 1, last, f"it ends {span(early)} early, at {iso(last)}", guard)


def _repeated(market: RecordedMarket, every: Sequence[_Series], pair_of: PairOf) -> Iterator[Finding]:
    is_newest = np.zeros(len(market.bids), dtype=bool)
    is_newest[np.concatenate([one.rows for one in every])] = True
    repeated = np.flatnonzero(~is_newest)
    pairs = np.array(pair_of(repeated) if len(repeated) else [])
    for pair in np.unique(pairs).tolist():
        rows = repeated[pairs == pair]
        at = float(market.row_times[rows[0]])
        says = f"{many(len(rows), 'row')} followed by another of the same time, first at {iso(at)}; the last one counts"
        yield Finding("repeated", (pair,), len(rows), at, says)


def _absurd(market: RecordedMarket, one: _Series) -> Iterator[Finding]:
    absurd = one.where(one.absurd)
    if len(absurd.rows):
        at = float(absurd.times[0])
        says = f"{many(len(absurd.rows), 'price')} beyond any reason, first at {iso(at)}"
        yield Finding("absurd", (one.pair,), len(absurd.rows), at, says, _reason(market, int(absurd.rows[0])))


def _crossed(market: RecordedMarket, one: _Series) -> Iterator[Finding]:
    crossed = one.where(one.crossed)
    if len(crossed.rows):
        count, longest, at = len(crossed.rows), int(_lengths(one.crossed).max()), float(crossed.times[0])
        share = f"{count / len(one.rows):.1%} of its rows"
        says = f"{many(count, 'crossed quote')}, {share}, at most {longest} in a row; first at {iso(at)}"
        often = f", {CROSSED_IN_A_ROW} times in a row or more" if longest >= CROSSED_IN_A_ROW else ""
        yield Finding("crossed", (one.pair,), count, at, says, _reason(market, int(crossed.rows[0])) + often)


def _reason(market: RecordedMarket, row: int) -> str:
    """What a guard says of one bad quote."""
    watch, _ = look(_A_PAIR, RawQuote(market.bids[row], market.asks[row]), Watch(), Moment(0, True), lambda _: 0.0)
    return watch.guarded.reason if watch.guarded else ""


def _lengths(flags: Flags) -> Ints:
    """How many are set in a row, run by run."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return edges[1::2] - edges[::2]


def _frozen(sound: _Series) -> Iterator[Finding]:
    changes = (np.diff(sound.bids) != 0) | (np.diff(sound.asks) != 0)
    version = np.concatenate([[0], np.cumsum(changes)])
    begins = np.flatnonzero(np.diff(version, prepend=-1))
    ends = np.append(begins[1:], len(version)) - 1
    opened = np.cumsum(np.diff(sound.slots, prepend=sound.slots[0]) > 0)
    unchanged = opened[ends] - opened[begins]
    if (count := int(np.count_nonzero(unchanged >= FROZEN_AFTER_SAMPLES))) > 0:
        worst = int(unchanged.argmax())
        edges = float(sound.times[begins[worst]]), float(sound.times[ends[worst]])
        longest = f"the longest {unchanged[worst]} samples, {_between(*edges)}"
        says = f"{many(count, 'stretch', 'stretches')} of {FROZEN_AFTER_SAMPLES} samples or more; {longest}"
        yield Finding("frozen", (sound.pair,), count, edges[0], says, FROZEN)


@dataclass(frozen=True, slots=True)
class _HeldBack:
    """Rows from `begin` until before `end` that a guard would not believe, and why not; `move` is the log return."""

    begin: int
    end: int
    move: float
    first: Watch

    @property
    def reason(self) -> str:
        return self.first.guarded.reason if self.first.guarded else ""


def _jumps(market: RecordedMarket, sound: _Series) -> Iterator[Finding]:
    limit = max(SMALLEST_JUMP, JUMP_IN_VOLATILITIES * (_volatility(sound) or 0.0))
    held = list(_held_back(market, sound, limit))
    if slips := [one for one in held if one.first.slipped]:
        worst = max(slips, key=lambda one: one.end - one.begin)
        edges = float(sound.times[worst.begin]), float(sound.times[worst.end - 1])
        says = f"{_rows_in(slips)} a power of ten off; the longest: {_between(*edges)}"
        yield Finding("slip", (sound.pair,), len(slips), edges[0], says, worst.reason)
    if jumps := [one for one in held if not one.first.slipped]:
        worst = max(jumps, key=lambda one: abs(one.move))
        at = float(sound.times[worst.begin])
        largest = f"the largest by {expm1(worst.move):+.1%} at {iso(at)}"
        says = f"{_rows_in(jumps)} after a jump of more than {expm1(limit):.0%}; {largest}"
        yield Finding("jump", (sound.pair,), len(jumps), at, says, worst.reason)


def _rows_in(held: Sequence[_HeldBack]) -> str:
    rows = sum(one.end - one.begin for one in held)
    return f"{many(rows, 'row')} in {many(len(held), 'stretch', 'stretches')}"


def _held_back(market: RecordedMarket, sound: _Series, limit: float) -> Iterator[_HeldBack]:
    """What the guard itself holds back, from each move beyond `limit` until it believes the pair again."""
    mids = sound.mids
    moves = np.diff(np.log(mids), prepend=np.log(mids[0]))
    opens = np.diff(sound.slots, prepend=sound.slots[0] - 1) > 0
    samples, end = np.cumsum(opens), 0

    def guarded_from(row: int) -> Iterator[Watch]:
        watch = Watch(float(mids[row - 1]), believed=min(int(samples[row - 1]), SAMPLES_TO_CONFIRM))
        for place in range(row, len(mids)):
            raw = RawQuote(market.bids[sound.rows[place]], market.asks[sound.rows[place]])
            moment = Moment(int(sound.times[place]), bool(opens[place]))
            watch, _ = look(_A_PAIR, raw, watch, moment, lambda _: limit / JUMP_IN_VOLATILITIES)
            if watch.guarded is None:
                return
            yield watch

    for row in np.flatnonzero(np.abs(moves) > limit).tolist():
        if row > end and (watches := list(guarded_from(row))):
            end = row + len(watches)
            yield _HeldBack(row, end, float(moves[row]), watches[0])


def many(count: int, one: str, more: str = "") -> str:
    """A number of things, in words."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def span(seconds: float) -> str:
    """A length of time as a person reads it."""
    return str(timedelta(seconds=round(seconds, 3 if seconds < 60 else 0)))


def _between(begin: float, end: float) -> str:
    return f"{span(end - begin)} from {iso(begin)} to {iso(end)}"
