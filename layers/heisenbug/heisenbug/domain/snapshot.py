"""One tick's inputs, packed under 1 KB, so that its decision can be computed again."""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from heisenbug.domain.assets import Pair
from heisenbug.domain.entries import Entries, Entry
from heisenbug.domain.guards import SAMPLES_TO_CONFIRM, Watch
from heisenbug.domain.market import Guarded
from heisenbug.domain.portfolio import Conversion, Portfolio, SeenCost
from heisenbug.domain.quotes import Quote

_REMEMBERED = ("mid", "bid", "ask", "unchanged", "crossed", "held", "confirmed", "believed", "slipped")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tick decided, as kept: the conversion it chose, or "", and of the rest what outcome.py says."""

    chosen: str
    gates: int
    scored: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a tick saw and held: enough, with the samples before it and its settings' version, to decide again.

    `sample_seconds` is 0 on a tick that is no sample, `samples` counts the window's; times are epoch seconds.
    `ticks` is 0 where no tick was: in a market's past. `outcome` is None where none was kept. `after_ms` says how long
    after it was due the tick had decided.
    """

    at: int
    price_age_seconds: float
    sample_seconds: int
    settings_version: int
    quotes: Mapping[Pair, Quote]
    watches: Mapping[Pair, Watch]
    portfolio: Portfolio
    equity: Decimal | None
    peak: Decimal
    ticks: int = 0
    samples: int = 0
    mode: str = "paper"
    outcome: Outcome | None = None
    after_ms: int = 0

    @property
    def guarded(self) -> dict[Pair, Guarded]:
        """The pairs left out of the tick, with reason and since when."""
        return {pair: watch.guarded for pair, watch in self.watches.items() if watch.guarded}


def pack(snapshot: Snapshot) -> bytes:
    """The snapshot as compressed JSON."""
    portfolio = snapshot.portfolio
    plain = {
        "a": snapshot.price_age_seconds,
        "s": snapshot.sample_seconds,
        "v": snapshot.settings_version,
        "q": {str(pair): [str(quote.bid), str(quote.ask)] for pair, quote in snapshot.quotes.items()},
        "w": {str(pair): _pack_watch(watch, pair in snapshot.quotes) for pair, watch in snapshot.watches.items()},
        "h": {asset: f"{amount:f}" for asset, amount in portfolio.holdings.items()},
        "r": [[source, target, until] for (source, target), until in portfolio.resting.items()],
        "c": [[source, target, cost.bps, cost.at] for (source, target), cost in portfolio.seen_costs.items()],
        "o": portfolio.open_trade,
        "k": portfolio.killed,
        **({"x": list(portfolio.halts)} if portfolio.halts else {}),
        **({"i": _pack_entries(portfolio.entries)} if portfolio.entries else {}),
        "e": None if snapshot.equity is None else str(snapshot.equity),
        "p": str(snapshot.peak),
        "n": snapshot.ticks,
        "m": snapshot.samples,
        **({} if snapshot.mode == "paper" else {"l": snapshot.mode}),
        **({} if snapshot.outcome is None else {"d": _pack_outcome(snapshot.outcome)}),
        **({"t": snapshot.after_ms} if snapshot.after_ms else {}),
    }
    return zlib.compress(json.dumps(plain, separators=(",", ":")).encode(), 9)


def unpack(at: int, packed: bytes) -> Snapshot:
    """The snapshot of the tick due at `at` that `pack` made."""
    plain = json.loads(zlib.decompress(packed))
    quotes = {pair: quote for pair, quote in map(_quote, plain["q"].items())}
    watches = {Pair.parse(name): _watch(values, quotes.get(Pair.parse(name))) for name, values in plain["w"].items()}
    portfolio = Portfolio(
        {asset: Decimal(amount) for asset, amount in plain["h"].items()},
        {(source, target): until for source, target, until in plain["r"]},
        _costs(plain["c"]),
        plain["o"],
        plain["k"],
        _entries(plain.get("i", {})),
        tuple(plain.get("x", ())),
    )
    equity = None if plain["e"] is None else Decimal(plain["e"])
    return Snapshot(
        at,
        plain["a"],
        plain["s"],
        plain["v"],
        quotes,
        watches,
        portfolio,
        equity,
        Decimal(plain["p"]),
        plain["n"],
        plain["m"],
        plain.get("l", "paper"),
        _outcome(plain["d"]) if "d" in plain else None,
        plain.get("t", 0),
    )


def _pack_outcome(outcome: Outcome) -> list[Any]:
    return [outcome.chosen, outcome.gates, *outcome.scored]


def _outcome(packed: list[Any]) -> Outcome:
    chosen, gates, *scored = packed
    return Outcome(chosen, gates, tuple(scored))


def _pack_entries(entries: Entries) -> dict[str, list[Any]]:
    return {asset: [str(one.price), one.since, str(one.high)] for asset, one in entries.items()}


def _entries(packed: Mapping[str, list[Any]]) -> dict[str, Entry]:
    return {asset: Entry(Decimal(price), since, Decimal(high)) for asset, (price, since, high) in packed.items()}


def _quote(item: tuple[str, list[str]]) -> tuple[Pair, Quote]:
    pair = Pair.parse(item[0])
    return pair, Quote(pair, Decimal(item[1][0]), Decimal(item[1][1]))


def _costs(rows: Iterable[list[Any]]) -> dict[Conversion, SeenCost]:
    return {(source, target): SeenCost(bps, at) for source, target, bps, at in rows}


def _pack_watch(watch: Watch, believed: bool) -> Any:
    if believed and watch.is_established:
        return watch.unchanged
    guarded = [watch.guarded.reason, watch.guarded.since] if watch.guarded else None
    remembered = [getattr(watch, name) for name in _REMEMBERED]
    return [guarded, *remembered]


def _watch(packed: Any, quote: Quote | None) -> Watch:
    if isinstance(packed, int) and quote is not None:
        bid, ask = (f"{price.normalize():f}" for price in (quote.bid, quote.ask))
        return Watch(quote.mid, bid, ask, packed, believed=SAMPLES_TO_CONFIRM)
    guarded, *remembered = packed
    return Watch(**dict(zip(_REMEMBERED, remembered, strict=True)), guarded=Guarded(*guarded) if guarded else None)
