"""The bot at a glance: what the panel's first screen shows, how it has done, and its newest ticks."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from heisenbug.desk import Desk
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.trade import Trade, TradeState
from heisenbug.messages import utc
from heisenbug.store.bot_state import States
from heisenbug.store.price_snapshot import TICK_TTL_SECONDS, PriceSnapshots
from heisenbug.store.trade_history import TradeHistory

POINTS = 300
TRADES = 50
TICKS = 30
DAY_SECONDS = 86_400
# The setting history_limit allows no more.
HISTORY_AT_MOST = 1000
Plain = dict[str, Any]


class Overview:
    """One bot, looked at as a whole."""

    def __init__(self, desk: Desk, bot_id: str, clock: Callable[[], datetime]) -> None:
        self._desk, self._bot_id, self._clock = desk, bot_id, clock
        self._states = States(bot_id)
        self._snapshots = PriceSnapshots(bot_id)

    def overview(self, pair: str | None) -> Plain:
        """Everything of the first screen; prices are of `pair`, or else of the first one that is enabled."""
        pairs = self._desk.pairs.all()["pairs"]
        shown = pair or next((row["pair"] for row in pairs if row["enabled"]), None)
        return {
            "status": self._desk.standing.status(),
            "portfolio": self._desk.worth.portfolio(),
            "performance": self.performance(),
            "equity": self._desk.worth.equity(POINTS)["equity"],
            "pair": shown,
            "prices": self._desk.worth.prices(POINTS, shown)["prices"] if shown else [],
            "trades": self._desk.trades.newest(TRADES)["trades"],
            "pairs": pairs,
        }

    def performance(self) -> Plain:
        """How it has done: since midnight (UTC), and over the trades that are kept."""
        trades = TradeHistory(self._bot_id, self._states.read().mode).newest(HISTORY_AT_MOST)
        midnight = int(self._clock().astimezone(UTC).timestamp()) // DAY_SECONDS * DAY_SECONDS
        known = [kept for kept in self._samples(midnight) if kept.equity is not None]
        begin, now = (known[0].equity, known[-1].equity) if known else (None, None)
        return {
            "today": {
                "begin": _text(begin),
                "equity": _text(now),
                "change": _text(None if begin is None or now is None else now - begin),
                **_counts([trade for trade in trades if trade.due >= midnight]),
            },
            "kept": {"since": utc(trades[-1].due) if trades else None, **_counts(trades)},
        }

    def ticks(self) -> Plain:
        """The newest ticks and how many of the last hour never were."""
        spacing = self._spacing()
        newest = self._snapshots.newest(spacing, TICKS)
        hour = self._snapshots.newest(spacing, 2 * TICK_TTL_SECONDS, after=self._now() - TICK_TTL_SECONDS)
        numbers = sorted(kept.ticks for kept in hour if kept.ticks)
        return {
            "ticks": [_tick(kept) for kept in newest if kept.ticks],
            "missed_ticks": sum(max(after - before - 1, 0) for before, after in pairwise(numbers)),
        }

    def _samples(self, after: int) -> list[Snapshot]:
        spacing = self._spacing()
        return self._snapshots.samples(spacing, DAY_SECONDS // spacing, before=2**40, after=after - 1)

    def _spacing(self) -> int:
        return int(self._desk.settings.config()["settings"]["sample_seconds"])

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _counts(trades: Sequence[Trade]) -> Plain:
    executed = [trade for trade in trades if trade.state is TradeState.EXECUTED]
    worth = [float(trade.amount) * trade.expected.source_price for trade in executed]
    costs = [value * (trade.realised_cost_bps or 0) / 10_000 for value, trade in zip(worth, executed, strict=True)]
    return {
        "trades": len(executed),
        "failed": sum(trade.state is TradeState.FAILED for trade in trades),
        "turnover": round(sum(worth), 2),
        "costs": round(sum(costs), 4),
    }


def _tick(kept: Snapshot) -> Plain:
    return {
        "at": utc(kept.at),
        "tick": kept.ticks,
        "after_ms": kept.after_ms,
        "price_age_seconds": kept.price_age_seconds,
        "equity": _text(kept.equity),
        "guarded": len(kept.guarded),
        "errors": sorted({guarded.reason for guarded in kept.guarded.values()}),
        "is_sample": bool(kept.sample_seconds),
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
