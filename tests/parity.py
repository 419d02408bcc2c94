"""A bot that runs beside its backtest: one market sample by sample through both, and every difference between them.

The exchange stands at a sample, the bot's clock at its time, and one tick is made; then the next. What the bot has
stored by then (trades, ledger, state, the inputs of every tick) is held against a backtest of the same settings on the
same market, to the last digit.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from heisenbug.backtest.fast import run_fast
from heisenbug.backtest.memory import Memory
from heisenbug.backtest.plain import ticks
from heisenbug.backtest.rules import Fill, Wish
from heisenbug.backtest.run import Run
from heisenbug.board import opportunity, rank
from heisenbug.configuration import Configurations
from heisenbug.domain.decide import Decision
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.snapshot import Snapshot, pack, unpack
from heisenbug.domain.state import State
from heisenbug.domain.trade import Trade, trade_id
from heisenbug.domain.venue import UPHOLD
from heisenbug.domain.window_slots import sample_of
from heisenbug.markets.generated import GeneratedMarket
from heisenbug.markets.history import History, history_of
from heisenbug.markets.market import Market, iso
from heisenbug.markets.recorded import RecordedMarket, read_market
from heisenbug.markets.written import write_market
from heisenbug.recall import decide_again
from heisenbug.store.bot_state import Ledgers, States
from heisenbug.store.price_snapshot import PriceSnapshots
from heisenbug.store.trade_archive import TradeArchiveItem
from heisenbug.store.trade_history import trade_attributes
from local.exchange import ExchangeServer, serve

SPACING = 60
# How long an invocation has left is its own; the backtest's ticks have all the time they need.
NOT_COMPARED = ("lease_until",)
# Settings that trade often on drift, planted or not, and check once a sample.
KEEN: Mapping[str, Any] = {
    "is_active": True,
    "check_interval_seconds": SPACING,
    "sample_seconds": SPACING,
    "forecaster": "drift",
    "drift_weight": 1,
    "cost_bps": 5,
    "cooldown_seconds": 300,
    "min_confidence": 0.6,
    "risk_tolerance": 1,
    "min_expected_return": 0,
    "max_drawdown": 0.5,
}
# Makes one tick: which one, and when it is due.
Tick = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Course:
    """A market to go through sample by sample, and the same as a backtest reads it."""

    market: RecordedMarket
    history: History

    @classmethod
    def recorded(cls, file: Path, samples: int) -> "Course":
        """A recording's first samples; what it did not publish at a moment is not shown then either."""
        market = read_market(file, gone_after_seconds=0)
        whole = history_of(market, SPACING)
        return cls(market, whole.between(whole.at[0], whole.at[min(samples, len(whole)) - 1]))

    @classmethod
    def written(cls, market: Market, moments: Sequence[float], file: Path) -> "Course":
        """What a market quotes at these moments, by way of a file."""
        write_market(market, moments, file)
        return cls.recorded(file, len(moments))

    @classmethod
    def planted(cls, samples: int, file: Path, drift: float = 0.012) -> "Course":
        """A generated market with planted drift."""
        market = GeneratedMarket(7, drift)
        return cls.written(market, [market.start + SPACING * number for number in range(samples)], file)

    def exchange(self) -> ExchangeServer:
        """An exchange at which the market stands until it is moved."""
        return serve(self.market, speed=0, start=self.market.first)

    def go_through(self, exchange: ExchangeServer, tick: Tick) -> None:
        """One tick at each sample, with the exchange standing there."""
        for number, due in enumerate(self.history.at.tolist()):
            exchange.exchange.replay = exchange.exchange.replay.moved(due, exchange.clock())
            tick(number, due)


@dataclass(frozen=True, slots=True)
class Compared:
    """How much was held against each other, and in what they differ: nothing, if all is well."""

    samples: int
    trades: int
    dropped: int
    guarded: int
    boards: int
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Backtest:
    """The plain loop over a course, with the decision of every sample, and the fast way beside it."""

    wish: Wish
    memory: Memory
    decisions: tuple[Decision, ...]
    fast: Run

    @classmethod
    def of(cls, bot_id: str, history: History, **changes: Any) -> "Backtest":
        """The backtest of what a bot is told; `changes` are told to the backtest alone."""
        told = Configurations(bot_id).now()
        told = replace(told, settings=replace(told.settings, **changes))
        wish, memory = Wish(history, told, UPHOLD, Fill.SAME_QUOTE), Memory(told)
        reports = list(ticks(history, told, UPHOLD, Fill.SAME_QUOTE, memory))
        decisions = tuple(report.decision for report in reports if report.decision is not None)
        return cls(wish, memory, decisions, run_fast(wish))


Boards = Mapping[int, Sequence[Mapping[str, Any]]]


def compare(bot_id: str, backtest: Backtest, boards: Boards = MappingProxyType({})) -> Compared:
    """What a bot stored on its way, against the backtest; and the opportunities that it showed at some samples."""
    stored = _snapshots(bot_id, backtest.wish.history)
    return Compared(
        len(stored),
        len(backtest.memory.finished),
        len(backtest.memory.dropped),
        sum(len(snapshot.guarded) for snapshot in stored),
        len(boards),
        (*_differences(bot_id, backtest, stored), *_boards_apart(backtest, boards)),
    )


def _differences(bot_id: str, backtest: Backtest, stored: Sequence[Snapshot]) -> Iterator[str]:
    memory, fast = backtest.memory, backtest.fast
    yield from _unlike("trade", _archived(bot_id), [_attributes(bot_id, trade) for trade in memory.finished])
    yield from _unlike("inputs of sample", stored, [unpack(kept.at, pack(kept)) for kept in memory.snapshots])
    again = _decided_again(backtest, stored)
    yield from _unlike("decision", list(map(_numbers, again)), list(map(_numbers, backtest.decisions)))
    yield from _unlike("ledger", [Ledgers(bot_id).read("paper")], [(_ledger(bot_id, memory), memory.sequence)])
    yield from _unlike("state", [_timeless(States(bot_id).read())], [_timeless(memory.state)])
    yield from _unlike("trade of the fast way", fast.trades, memory.finished)
    yield from _unlike("holdings of the fast way", [fast.holdings], [memory.ledger and memory.ledger.holdings])


def _boards_apart(backtest: Backtest, boards: Boards) -> Iterator[str]:
    """Every number that the deployed bot showed of every conversion."""
    decided = {decision.at: decision for decision in backtest.decisions}
    for due, board in boards.items():
        ranked = sorted(decided[due].conversions(), key=rank)
        yield from _unlike(f"opportunity at {iso(due)}", board, list(map(opportunity, ranked)))


def _unlike(what: str, ones: Sequence[Any], others: Sequence[Any]) -> Iterator[str]:
    if len(ones) != len(others):
        yield f"{what}: there are {len(ones)}, in the backtest {len(others)}"
    for number, (one, other) in enumerate(zip(ones, others, strict=False), 1):
        if one != other:
            yield f"{what} {number}: {_apart(one, other)}"


def _apart(one: Any, other: Any) -> str:
    """Where two of a kind differ."""
    ones, others = _parts(one), _parts(other)
    names = [name for name in ones if ones[name] != others.get(name)]
    return "; ".join(f"{name} is {ones[name]!r}, in the backtest {others.get(name)!r}" for name in names)


def _parts(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, tuple):
        return {str(place): part for place, part in enumerate(value)}
    return {part.name: getattr(value, part.name) for part in fields(value)}


def _snapshots(bot_id: str, history: History) -> Sequence[Snapshot]:
    first, last = int(history.at[0]), int(history.at[-1])
    return PriceSnapshots(bot_id).samples(history.sample_seconds, len(history) + 1, last + 1, first - 1)


def _archived(bot_id: str) -> Sequence[Mapping[str, Any]]:
    """Every trade's item as it is stored: nothing is read in between that could round."""
    names = [name for name in TradeArchiveItem.get_attributes() if name not in ("bot_id", "token", "record")]
    items = TradeArchiveItem.query(bot_id)
    return [{name: getattr(item, name) for name in names if name not in NOT_COMPARED} for item in items]


def _attributes(bot_id: str, trade: Trade) -> Mapping[str, Any]:
    own = trade_id(bot_id, trade.mode, trade.due, trade.source, trade.target)
    quote = trade.quote and replace(trade.quote, id=f"paper-{own}")
    told = {**trade_attributes(replace(trade, id=own, quote=quote)), "sequence": trade.sequence}
    return {name: value for name, value in told.items() if name not in NOT_COMPARED}


def _ledger(bot_id: str, memory: Memory) -> Ledger | None:
    """The backtest's ledger, with the ids of what it dropped as the bot would name them."""
    ledger = memory.ledger
    if ledger is None:
        return None
    dropped = (
        replace(one, trade_id=trade_id(bot_id, "paper", one.due, one.source, one.target)) for one in ledger.dropped
    )
    return replace(ledger, dropped=tuple(dropped))


def _timeless(state: State) -> State:
    """The state; of the text that says when it was killed, only that it was."""
    return replace(state, killed_at=state.killed_at and "killed")


def _decided_again(backtest: Backtest, stored: Sequence[Snapshot]) -> Sequence[Decision]:
    """The decision of each sample from what the bot stored of it."""
    told, samples = backtest.wish.told, [sample_of(snapshot.at, snapshot.quotes) for snapshot in stored]
    reach = 2 * told.settings.window
    return [
        decide_again(snapshot, told, samples[max(place - reach, 0) : place], UPHOLD)
        for place, snapshot in enumerate(stored)
    ]


def _numbers(decision: Decision) -> Mapping[str, Any]:
    """All numbers of a decision, by name, to the last bit."""
    arrays = {
        **{f"scores.{part.name}": getattr(decision.scores, part.name) for part in fields(decision.scores)},
        **{f"closed.{part.name}": getattr(decision.closed, part.name) for part in fields(decision.closed)},
        "prices": decision.prices,
        "growth": decision.growth,
    }
    exact = {name: np.asarray(array, dtype=float).tobytes() for name, array in arrays.items()}
    plain = {name: getattr(decision, name) for name in ("at", "assets", "amounts", "chosen", "samples", "unpriced")}
    return {**exact, **plain}


def lockstep(due: int) -> dict[str, Any]:
    """The event of one tick of the queue that comes at its very moment."""
    return {"now": due, "Records": [{"messageId": str(due), "body": json.dumps({"due": due, "interval": SPACING})}]}
