"""BotState (bot_id, item): the tick item, whose one conditional write claims a tick, and a ledger item a mode.

tick     : last_tick -> previous_tick   claim: last_tick < :due
           version                      fence: every step of a trade moves it on, or is not written
           open_trade                   at most one
           killed_at                    no intend and no commit while it is there
           mode, held_back              whose money the bot trades, and why not live where that was asked for
           consent                      what a person typed that may be risked
           quiet_until                  nothing is asked of the venue before
           days, halts                  per mode the day's first equity, and what stops entries
           rearmed_at                   what protections counted before counts no more
refit    : what became of the newest refit
ledger-M : holdings, entries and their base, resting conversions, seen costs, failures under watch, decisions dropped,
           tally of trades, sequence
"""

from collections.abc import Mapping
from dataclasses import asdict, astuple
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pynamodb.attributes import Attribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError, TransactWriteError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from heisenbug.domain.entries import Entry
from heisenbug.domain.errors import StaleVersion
from heisenbug.domain.ledger import Dropped, Ledger, Watched
from heisenbug.domain.live import Consent
from heisenbug.domain.portfolio import SeenCost
from heisenbug.domain.protections import Day, Halt, Halts, Protection
from heisenbug.domain.schedule import Planned
from heisenbug.domain.state import State
from heisenbug.domain.tally import Count, Tally
from heisenbug.domain.trade import TradeState
from heisenbug.store.tables import BotModel, DecimalAttribute, PlainMeta, Step, failed_condition, past_conflicts

TICK = "tick"
REFIT = "refit"
LEDGER = "ledger-"


class BotStateItem(BotModel):
    """One item of BotState."""

    class Meta(PlainMeta):
        table = "BotState"

    bot_id = UnicodeAttribute(hash_key=True)
    item = UnicodeAttribute(range_key=True)
    last_tick = NumberAttribute(null=True)
    previous_tick = NumberAttribute(null=True)
    token = UnicodeAttribute(null=True)
    ticks = NumberAttribute(null=True)
    version = NumberAttribute(null=True)
    open_trade = UnicodeAttribute(null=True)
    killed_at = UnicodeAttribute(null=True)
    killed_by = UnicodeAttribute(null=True)
    killed_why = UnicodeAttribute(null=True)
    mode = UnicodeAttribute(null=True)
    held_back = UnicodeAttribute(null=True)
    consent = JSONAttribute(null=True)
    quiet_until = NumberAttribute(null=True)
    days = JSONAttribute(null=True)
    halts = JSONAttribute(null=True)
    rearmed_at = NumberAttribute(null=True)
    refit = JSONAttribute(null=True)
    planned_until = NumberAttribute(null=True)
    planned_interval = NumberAttribute(null=True)
    peak = DecimalAttribute(null=True)
    peak_base = UnicodeAttribute(null=True)
    live_peak = DecimalAttribute(null=True)
    live_peak_base = UnicodeAttribute(null=True)
    holdings = JSONAttribute(null=True)
    entries = JSONAttribute(null=True)
    base = UnicodeAttribute(null=True)
    resting = JSONAttribute(null=True)
    seen_costs = JSONAttribute(null=True)
    watched = JSONAttribute(null=True)
    dropped = JSONAttribute(null=True)
    tally = JSONAttribute(null=True)
    sequence = NumberAttribute(null=True)
    fill = JSONAttribute(null=True)


PEAKS: Mapping[str, tuple[Attribute[Any], Attribute[Any]]] = {
    "paper": (BotStateItem.peak, BotStateItem.peak_base),
    "live": (BotStateItem.live_peak, BotStateItem.live_peak_base),
}


class States:
    """The tick item of one bot."""

    def __init__(self, bot_id: str) -> None:
        self._bot_id = bot_id

    def read(self) -> State:
        """The state as it is now, strongly consistent."""
        try:
            return _state(BotStateItem.get(self._bot_id, TICK, consistent_read=True))
        except DoesNotExist:
            return State()

    def claim(self, due: int, token: str) -> State | None:
        """Make the tick due at `due` ours and read the state in the same write; None where it was claimed before.

        `token` is of this attempt alone: a claim whose answer was lost is recognised by it.
        """
        item = BotStateItem(self._bot_id, TICK)
        not_yet = BotStateItem.last_tick.does_not_exist() | (BotStateItem.last_tick < due)
        try:
            past_conflicts(
                lambda: item.update(
                    actions=[
                        BotStateItem.previous_tick.set(BotStateItem.last_tick | 0),
                        BotStateItem.last_tick.set(due),
                        BotStateItem.token.set(token),
                        BotStateItem.ticks.add(1),
                    ],
                    condition=not_yet,
                )
            )
        except UpdateError as error:
            if not failed_condition(error):
                raise
            return self._ours(due, token)
        return _state(item)

    def planned(self, planned: Planned) -> None:
        """Remember how far ticks have been sent off."""
        self._change(BotStateItem.planned_until.set(planned.until), BotStateItem.planned_interval.set(planned.interval))

    def kill(self, at: datetime, who: str, why: str) -> State:
        """From this instant nothing is intended or committed; a bot that is killed already keeps its first reason."""
        item = BotStateItem(self._bot_id, TICK)
        try:
            past_conflicts(
                lambda: item.update(
                    actions=[*killing(utc(at.timestamp()), who, why), BotStateItem.version.add(1)],
                    condition=BotStateItem.killed_at.does_not_exist(),
                )
            )
        except UpdateError as error:
            if not failed_condition(error):
                raise
        return self.read()

    def raise_peak(self, peak: Decimal, base: str, mode: str, version: int) -> None:
        """Remember the highest equity of a mode, in `base`; not where the state has moved on since `version`."""
        kept, kept_base = PEAKS[mode]
        self._change(kept.set(peak), kept_base.set(base), only_if=version_is(version))

    def begin_day(self, state: State, mode: str, day: Day) -> None:
        """Remember the day's first equity of a mode; not where the state has moved on."""
        days = {**state.days, mode: day}
        kept = {each: [one.begun, str(one.equity), one.base] for each, one in days.items()}
        self._change(BotStateItem.days.set(kept), only_if=version_is(state.version))

    def halt(self, state: State, mode: str, halts: Halts) -> bool:
        """Remember what stops entries of a mode's money; False where the state has moved on, or another tick came."""
        every = {**state.halts, mode: halts}
        kept = {each: {name: astuple(one) for name, one in some.items()} for each, some in every.items() if some}
        newest = version_is(state.version) & (BotStateItem.last_tick == state.last_tick)
        return self._change(BotStateItem.halts.set(kept) if kept else BotStateItem.halts.remove(), only_if=newest)

    def rearm(self, at: datetime) -> State:
        """Lift the kill and every halt; what protections count begins anew. Changes nothing on an armed bot."""
        lifted = [BotStateItem.killed_at, BotStateItem.killed_by, BotStateItem.killed_why, BotStateItem.halts]
        forgotten = [each for peak in PEAKS.values() for each in peak]
        actions = [each.remove() for each in (*lifted, *forgotten, BotStateItem.days)]
        anew = BotStateItem.rearmed_at.set(int(at.timestamp()))
        is_stopped = BotStateItem.killed_at.exists() | BotStateItem.halts.exists()
        self._change(*actions, anew, BotStateItem.version.add(1), only_if=is_stopped)
        return self.read()

    def stand(self, mode: str, held_back: str, consent: Consent | None, version: int | None = None) -> bool:
        """From now on the bot trades this money; False where a trade is open, which ends in the mode it began in.

        Also False where the state has moved on since `version`: somebody may have given or withdrawn a consent.
        """
        kept = BotStateItem.consent.set(asdict(consent)) if consent else BotStateItem.consent.remove()
        told = BotStateItem.held_back.set(held_back) if held_back else BotStateItem.held_back.remove()
        allowed = BotStateItem.open_trade.does_not_exist()
        return self._change(
            BotStateItem.mode.set(mode),
            told,
            kept,
            BotStateItem.version.add(1),
            only_if=allowed if version is None else allowed & version_is(version),
        )

    def consent(self, consent: Consent) -> None:
        """Remember what a person typed that may be risked."""
        self._change(BotStateItem.consent.set(asdict(consent)), BotStateItem.version.add(1))

    def quiet(self, until: float) -> None:
        """Remember how long the venue wants to be left alone."""
        self._change(BotStateItem.quiet_until.set(round(until, 3)))

    def refitted(self, refit: Mapping[str, Any]) -> None:
        """Remember what became of the newest refit, apart from the item that every tick writes."""
        BotStateItem(self._bot_id, REFIT).update(actions=[BotStateItem.refit.set(dict(refit))])

    def refit(self) -> Mapping[str, Any] | None:
        """What became of the newest refit."""
        try:
            found: Mapping[str, Any] | None = BotStateItem.get(self._bot_id, REFIT).refit
        except DoesNotExist:
            return None
        return found

    def _change(self, *actions: Action, only_if: Condition | None = None) -> bool:
        """Change the tick item; whether the condition held."""
        try:
            past_conflicts(lambda: BotStateItem(self._bot_id, TICK).update(actions=list(actions), condition=only_if))
        except UpdateError as error:
            if not failed_condition(error):
                raise
            return False
        return True

    def _ours(self, due: int, token: str) -> State | None:
        item = BotStateItem.get(self._bot_id, TICK, consistent_read=True)
        return _state(item) if item.token == token and item.last_tick == due else None


class Ledgers:
    """The ledger items of one bot, one a mode."""

    def __init__(self, bot_id: str) -> None:
        self._bot_id = bot_id

    def read(self, mode: str) -> tuple[Ledger, int] | None:
        """The ledger and the sequence of its newest trade; None before the first start."""
        try:
            item = BotStateItem.get(self._bot_id, ledger_key(mode), consistent_read=True)
        except DoesNotExist:
            return None
        return _ledger(item), int(item.sequence or 0)

    def open_anew(self, mode: str, ledger: Ledger, sequence: int) -> None:
        """Open the mode's ledger in the place of the one before, whose newest trade is `sequence`; raises StaleVersion.

        Not while a trade is open, and not where one has ended since: the ledger before would have known of it.
        """
        same: Condition = BotStateItem.sequence == sequence
        try:
            with Step(connection=BotStateItem._get_connection().connection) as step:
                step.update(
                    BotStateItem(self._bot_id, TICK),
                    actions=[BotStateItem.version.add(1), *(each.remove() for each in PEAKS[mode])],
                    condition=BotStateItem.open_trade.does_not_exist(),
                )
                step.save(
                    ledger_item(self._bot_id, mode, ledger, sequence),
                    condition=same | BotStateItem.sequence.does_not_exist(),
                )
        except TransactWriteError as error:
            raise StaleVersion(
                "A trade is open, or was meanwhile; its ledger cannot be opened anew before it has ended. Try again."
            ) from error

    def begin(self, mode: str, ledger: Ledger) -> None:
        """Open the mode's ledger, unless it is open already."""
        try:
            ledger_item(self._bot_id, mode, ledger, 0).save(condition=BotStateItem.bot_id.does_not_exist())
        except PutError as error:
            if not failed_condition(error):
                raise


def version_is(version: int) -> Condition:
    """That the state has not moved on from `version`."""
    same: Condition = BotStateItem.version == version
    return same | BotStateItem.version.does_not_exist() if version == 0 else same


def killing(at: str, who: str, why: str) -> list[Action]:
    """What kills the bot; one that is killed already keeps its first reason."""
    return [
        BotStateItem.killed_at.set(BotStateItem.killed_at | at),
        BotStateItem.killed_by.set(BotStateItem.killed_by | who),
        BotStateItem.killed_why.set(BotStateItem.killed_why | why),
    ]


def utc(at: float) -> str:
    """Epoch seconds as UTC ISO-8601."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def ledger_key(mode: str) -> str:
    """The item that holds the mode's ledger."""
    return f"{LEDGER}{mode}"


def ledger_item(bot_id: str, mode: str, ledger: Ledger, sequence: int) -> BotStateItem:
    """The ledger as it is stored: readable maps, money as decimal text."""
    return BotStateItem(
        bot_id,
        ledger_key(mode),
        holdings={asset: f"{amount:f}" for asset, amount in ledger.holdings.items()},
        entries={asset: [f"{one.price:f}", one.since, f"{one.high:f}"] for asset, one in ledger.entries.items()},
        base=ledger.base or None,
        tally=None if ledger.tally == Tally() else _packed(ledger.tally),
        resting={_joined(pair): until for pair, until in ledger.resting.items()},
        seen_costs={_joined(pair): [cost.bps, cost.at] for pair, cost in ledger.seen_costs.items()},
        watched=[[one.sequence, one.failed_at, one.ask_at] for one in ledger.watched] or None,
        dropped=[list(astuple(one)) for one in ledger.dropped] or None,
        sequence=sequence,
    )


def _ledger(item: BotStateItem) -> Ledger:
    return Ledger(
        _decimals(item.holdings),
        {asset: _entry(kept) for asset, kept in (item.entries or {}).items()},
        {_split(key): until for key, until in (item.resting or {}).items()},
        {_split(key): SeenCost(bps, at) for key, (bps, at) in (item.seen_costs or {}).items()},
        tuple(Watched(*one) for one in item.watched or ()),
        tuple(dropped_of(one) for one in item.dropped or ()),
        item.base or "",
        _tally(item.tally) if item.tally else Tally(),
    )


def _packed(tally: Tally) -> list[Any]:
    return [astuple(tally.hour), astuple(tally.day), tally.losses, tally.errors, tally.excess]


def _tally(kept: list[Any]) -> Tally:
    hour, day, losses, errors, excess = kept
    return Tally(Count(*hour), Count(*day), tuple(losses), tuple(errors), tuple((at, bps) for at, bps in excess))


def _entry(kept: str | list[Any]) -> Entry:
    """What was paid for an asset; a ledger from before kept the price alone."""
    if isinstance(kept, str):
        return Entry(Decimal(kept))
    price, since, high = kept
    return Entry(Decimal(price), int(since), Decimal(high))


def dropped_of(row: list[Any]) -> Dropped:
    """A decision that came to nothing, as its row states it."""
    trade_id, due, source, target, state, why = row
    return Dropped(trade_id, due, source, target, TradeState(state), why)


def _decimals(amounts: dict[str, Any] | None) -> dict[str, Decimal]:
    return {asset: Decimal(amount) for asset, amount in (amounts or {}).items()}


def _joined(pair: tuple[str, str]) -> str:
    return ">".join(pair)


def _split(key: str) -> tuple[str, str]:
    source, _, target = key.partition(">")
    return source, target


def _state(item: BotStateItem) -> State:
    return State(
        int(item.last_tick or 0),
        int(item.previous_tick or 0),
        int(item.ticks or 0),
        int(item.version or 0),
        item.open_trade,
        item.killed_at,
        item.killed_by,
        item.killed_why,
        item.mode or "paper",
        item.held_back or "",
        Consent(**item.consent) if item.consent else None,
        float(item.quiet_until or 0),
        Planned(int(item.planned_until or 0), int(item.planned_interval or 0)),
        item.peak or Decimal(0),
        item.peak_base,
        item.live_peak or Decimal(0),
        item.live_peak_base,
        {mode: Day(int(begun), Decimal(equity), base) for mode, (begun, equity, base) in (item.days or {}).items()},
        {mode: halts_from(some) for mode, some in (item.halts or {}).items()},
        int(item.rearmed_at or 0),
    )


def halts_from(kept: Mapping[str, Any]) -> Halts:
    """What stops entries, as its map states it."""
    return {Protection(name): Halt(*one) for name, one in kept.items()}
