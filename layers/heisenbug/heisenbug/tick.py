"""One check of the market: claim, reconcile, look, decide, record, act."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from heisenbug.configuration import Configuration
from heisenbug.converting import Converting
from heisenbug.domain.decide import Decision, decide, equity
from heisenbug.domain.errors import FenceLost, InvalidSettings, MarketUnavailable
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.live import Consent, Deployment, Standing, lasting, standing
from heisenbug.domain.outcome import outcome_of
from heisenbug.domain.protections import Drawdown, drawdown_verdict
from heisenbug.domain.record import pack_record
from heisenbug.domain.schedule import Planned, is_early, is_stale, on_grid
from heisenbug.domain.settings import Settings
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.trade import Trade, TradeState
from heisenbug.domain.venue import Venue
from heisenbug.exchange.patience import Patience
from heisenbug.exchange.port import Exchange
from heisenbug.looking import Look, Looking
from heisenbug.reconciling import Reconciling
from heisenbug.settling import Book, Ended, Position, Settling
from heisenbug.store.bot_state import State

# What is kept of the invocation's time for everything but asking for prices.
RESERVED_SECONDS = 8.0
LONGEST_LOOK_SECONDS = 5.0
# The peak is in every snapshot; the state takes it over only where it rose by this much, to save the write.
PEAK_STEP = Decimal("1.005")
# Deleting more than this a tick would cost more than the tick; the rest goes with the next ones.
MOST_FORGOTTEN_A_TICK = 50


class States(Protocol):
    """The tick item."""

    def read(self) -> State: ...
    def claim(self, due: int, token: str) -> State | None: ...
    def planned(self, planned: Planned) -> None: ...
    def kill(self, at: datetime, who: str, why: str) -> State: ...
    def raise_peak(self, peak: Decimal, base: str, mode: str, version: int) -> None: ...
    def stand(self, mode: str, held_back: str, consent: Consent | None, version: int) -> bool: ...
    def quiet(self, until: float) -> None: ...


class Ledgers(Protocol):
    """The ledger of each mode."""

    def read(self, mode: str) -> tuple[Ledger, int] | None: ...
    def begin(self, mode: str, ledger: Ledger) -> None: ...


class History(Protocol):
    """The kept trades of a mode, the running one apart."""

    def running(self) -> Trade | None: ...
    def oldest(self, limit: int) -> Sequence[int]: ...
    def forget(self, sequences: Sequence[int]) -> None: ...


class Snapshots(Protocol):
    """Where a tick's inputs are kept."""

    def save(self, snapshot: Snapshot) -> None: ...


class TickQueue(Protocol):
    """Sends ticks to be delivered later."""

    def send(self, ticks: Mapping[int, int], interval: int) -> None:
        """Send each due time with its delay in seconds."""


@dataclass(slots=True)
class Remembered:
    """The position after the newest tick, valid while the state still has its version."""

    mode: str = ""
    position: Position | None = None
    history_limit: int = 0


@dataclass(frozen=True, slots=True)
class Bot:
    """Everything one tick needs, wired once a process; `clock` and `deadline` (epoch seconds) come from outside."""

    bot_id: str
    venue: Venue
    clock: Callable[[], datetime]
    wait: Callable[[float], None]
    deadline: float
    token: str
    configurations: "Configures"
    states: States
    ledgers: Ledgers
    history: Callable[[str], History]
    book: Callable[[str], Book]
    snapshots: Snapshots
    looking: Looking
    exchange: Callable[[Configuration, Look, Mapping[str, Decimal]], Exchange]
    queue: TickQueue
    remembered: Remembered
    deployment: Deployment = Deployment()
    missing_credential: Callable[[], str] = str
    patience: Patience = field(default_factory=Patience)


class Configures(Protocol):
    """What the bot is told."""

    def begin(self, at: datetime) -> Configuration: ...


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one tick, for the log and for tests; `outcome` is one word."""

    due: int
    outcome: str
    detail: str = ""
    late_seconds: float = 0.0
    decision: Decision | None = None
    trade: Trade | None = None
    guarded: int = 0
    failure: str = ""
    halted: bool = False


def run_tick(bot: Bot, due: int, interval: int | None = None) -> Report:
    """One check of the market for the tick due at `due` (epoch seconds), at most once whatever is delivered twice."""
    late = bot.clock().timestamp() - due
    if interval is not None and is_stale(due, due + late, interval):
        return Report(due, "stale", f"{late:.1f} s late", late)
    if interval is not None and is_early(due, due + late, interval):
        return Report(due, "early", f"due in {-late:.1f} s: the clock has jumped", late)
    state = bot.states.claim(due, bot.token)
    if state is None:
        return Report(due, "claimed before", late_seconds=late)
    return replace(_claimed(bot, due, state), late_seconds=late)


def _claimed(bot: Bot, due: int, state: State) -> Report:
    bot.patience.remember(state.quiet_until)
    try:
        told = bot.configurations.begin(bot.clock())
    except InvalidSettings as invalid:
        return _without_settings(due, invalid)
    if not on_grid(due, told.settings.check_interval_seconds):
        return Report(due, "off the grid", "the interval has changed")
    wanted = _standing(bot, state, told.settings)
    state = _stand(bot, state, told.settings, wanted)
    told = replace(told, settings=replace(told.settings, mode=state.mode))
    report = _checked(bot, due, state, told, wanted.mode == state.mode)
    if bot.patience.until > max(state.quiet_until, bot.clock().timestamp()):
        bot.states.quiet(bot.patience.until)
    return report


def _without_settings(due: int, invalid: InvalidSettings) -> Report:
    """Nothing is looked at or traded on settings that are not understood; an open trade waits until they are."""
    return Report(due, "invalid settings", str(invalid))


def _stand(bot: Bot, state: State, settings: Settings, wanted: Standing) -> State:
    """The state with the mode that the bot trades in now; while a trade is open that stays as it is."""
    consent = lasting(state.consent, settings) if settings.mode == "live" else None
    as_it_is = (state.mode, state.held_back, state.consent) == (wanted.mode, wanted.held_back, consent)
    if as_it_is or state.open_trade or not bot.states.stand(wanted.mode, wanted.held_back, consent, state.version):
        return state
    version = state.version + 1
    return replace(state, mode=wanted.mode, held_back=wanted.held_back, consent=consent, version=version)


def _standing(bot: Bot, state: State, settings: Settings) -> Standing:
    is_asked_for = settings.mode == "live" and bot.deployment.enabled
    try:
        missing = bot.missing_credential() if is_asked_for else ""
    except MarketUnavailable as silent:
        # A credential that cannot be read for the moment changes nothing; all the rest must still hold.
        missing = "" if state.mode == "live" else f"Not yet: {silent}."
    return standing(settings, bot.deployment, state.consent, missing)


def _checked(bot: Bot, due: int, state: State, told: Configuration, may_begin: bool) -> Report:
    settings, was_killed = told.settings, state.killed_at is not None
    position = _position(bot, state, settings)
    look = bot.looking.look(due, state.previous_tick, told, _time_to_look(bot))
    reconciled = _reconcile(bot, state, told, look, position)
    watched = _watch_live(bot, state, told, look) if reconciled is None else None
    if watched is not None:
        position = replace(position, version=watched.position.version)
        state = _halt(bot, replace(state, version=position.version), watched)
    if reconciled is not None:
        position = reconciled.position
        # Told to trade other money, it begins nothing with this one: the next tick stands on what it was told.
        open_trade = _still_open(reconciled) if may_begin else state.open_trade
        state = replace(state, version=position.version, open_trade=open_trade)
    state = _halt(bot, state, reconciled)
    portfolio = position.ledger.portfolio(due, state.open_trade, state.killed_at is not None)
    decision = decide(look.market, portfolio, settings, bot.venue)
    snapshot = _snapshot(bot, due, state, told, look, position, decision)
    bot.snapshots.save(snapshot)
    bot.looking.keep(due, look, snapshot)
    killed = _protect(bot, snapshot, state, settings)
    ended = None if killed or decision.chosen is None else _convert(bot, told, look, position, decision, snapshot)
    _halt(bot, state, ended)
    _remember(bot, settings, ended.position if ended else position)
    _forget(bot, settings)
    last = ended or reconciled or watched
    return Report(
        due,
        _word(decision, ended, killed),
        killed or (_came_to(last) if last else ""),
        0.0,
        decision,
        last.trade if last else None,
        len(look.market.guarded),
        look.failure or "",
        not was_killed and bool(killed or (last and last.halt)),
    )


def _halt(bot: Bot, state: State, ended: Ended | None) -> State:
    """The state, killed where a trade showed that only a person can go on."""
    if ended is None or not ended.halt or state.killed_at is not None:
        return state
    killed = bot.states.kill(bot.clock().astimezone(UTC), "the exchange", ended.halt)
    return replace(state, killed_at=killed.killed_at)


def _position(bot: Bot, state: State, settings: Settings) -> Position:
    known = bot.remembered.position
    if known is not None and bot.remembered.mode == settings.mode and known.version == state.version:
        return known
    stored = bot.ledgers.read(settings.mode)
    if stored is None:
        # Live money is given by a person alone, see giving.py.
        bot.ledgers.begin(settings.mode, Ledger(dict(settings.paper_start) if settings.mode == "paper" else {}))
        stored = bot.ledgers.read(settings.mode)
    if stored is None:
        raise FenceLost("The ledger was deleted while it was opened; the next tick opens it again.")
    ledger, sequence = stored
    return Position(ledger, sequence, state.version)


def _reconcile(bot: Bot, state: State, told: Configuration, look: Look, position: Position) -> Ended | None:
    """What became of the open trade, or else of a failed one that is due to be asked for."""
    reconciling = Reconciling(bot.exchange(told, look, position.ledger.holdings), _settling(bot, told.settings))
    try:
        if state.open_trade is None:
            return reconciling.watch(position)
        running = bot.history(told.settings.mode).running()
        # Another process may have ended it and begun another meanwhile: this position knows nothing of that.
        is_ours = running is not None and running.id == state.open_trade
        return reconciling.reconcile(running, position) if running is not None and is_ours else None
    except FenceLost:
        return None


def _watch_live(bot: Bot, state: State, told: Configuration, look: Look) -> Ended | None:
    """A live trade that failed within a day may land while the bot is on paper: it is asked for all the same."""
    if state.mode != "paper" or state.open_trade or not bot.deployment.enabled:
        return None
    stored = bot.ledgers.read("live")
    if stored is None or not stored[0].watched:
        return None
    live = replace(told, settings=replace(told.settings, mode="live"))
    reconciling = Reconciling(bot.exchange(live, look, stored[0].holdings), _settling(bot, live.settings))
    try:
        ended = reconciling.watch(Position(stored[0], stored[1], state.version))
    except FenceLost:
        return None
    # A token that is gone is no halt on paper; a trade that landed is.
    return ended if ended is None or ended.trade.state is TradeState.EXECUTED else replace(ended, halt="")


def _still_open(ended: Ended) -> str | None:
    return None if ended.trade.finished_at is not None else ended.trade.id


def _convert(
    bot: Bot, told: Configuration, look: Look, position: Position, decision: Decision, snapshot: Snapshot
) -> Ended | None:
    record = pack_record(snapshot, look.market.samples)
    exchange = bot.exchange(told, look, position.ledger.holdings)
    converting = Converting(bot.bot_id, exchange, _settling(bot, told.settings), bot.deadline)
    try:
        return converting.convert(decision, position, record)
    except FenceLost:
        return None


def _settling(bot: Bot, settings: Settings) -> Settling:
    return Settling(bot.book(settings.mode), settings, bot.clock)


def _snapshot(
    bot: Bot, due: int, state: State, told: Configuration, look: Look, position: Position, decision: Decision
) -> Snapshot:
    portfolio = position.ledger.portfolio(due, state.open_trade, state.killed_at is not None)
    worth = equity(portfolio, decision)
    peak = _peak(bot, state, told.settings, worth)
    return Snapshot(
        due,
        look.market.price_age_seconds,
        told.settings.sample_seconds if look.is_sample else 0,
        told.version,
        look.market.quotes,
        look.watches,
        portfolio,
        worth,
        peak,
        state.ticks,
        decision.samples,
        told.settings.mode,
        outcome_of(decision),
        max(round((bot.clock().timestamp() - due) * 1000), 0),
    )


def _peak(bot: Bot, state: State, settings: Settings, worth: Decimal | None) -> Decimal:
    """The highest equity since the bot was last armed, of this money in this base currency."""
    kept, base = state.peak_of(settings.mode)
    goes_on = base == settings.base_currency
    before = max(bot.looking.peak_of(settings.mode), kept) if goes_on else Decimal(0)
    peak = max(before, worth or Decimal(0))
    if worth is not None and (not goes_on or peak > kept * PEAK_STEP):
        bot.states.raise_peak(peak, settings.base_currency, settings.mode, state.version)
    return peak


def _protect(bot: Bot, snapshot: Snapshot, state: State, settings: Settings) -> str | None:
    if snapshot.equity is None or state.killed_at is not None:
        return None
    verdict = drawdown_verdict(Drawdown(snapshot.equity, snapshot.peak), settings.max_drawdown)
    if verdict:
        bot.states.kill(bot.clock().astimezone(UTC), "max_drawdown", verdict)
    return verdict


def _remember(bot: Bot, settings: Settings, position: Position) -> None:
    bot.remembered.mode = settings.mode
    bot.remembered.position = position


def _forget(bot: Bot, settings: Settings) -> None:
    """Keep TradeHistory at its limit: a finish deletes one; a lowered limit deletes the rest here, some a tick."""
    lowered = bot.remembered.history_limit > settings.history_limit or not bot.remembered.history_limit
    if not lowered:
        bot.remembered.history_limit = settings.history_limit
        return
    history = bot.history(settings.mode)
    position = bot.remembered.position
    newest = position.sequence if position else 0
    over = [number for number in history.oldest(MOST_FORGOTTEN_A_TICK) if number <= newest - settings.history_limit]
    if over:
        history.forget(over)
    if len(over) < MOST_FORGOTTEN_A_TICK:
        bot.remembered.history_limit = settings.history_limit


def _time_to_look(bot: Bot) -> float:
    left = bot.deadline - bot.clock().timestamp() - RESERVED_SECONDS
    return max(min(left, LONGEST_LOOK_SECONDS), 0.5)


def _came_to(ended: Ended) -> str:
    """Why a trade did not go as it was meant to, or nothing."""
    return ended.halt or ("" if ended.trade.state is TradeState.EXECUTED else ended.trade.outcome)


def _word(decision: Decision, ended: Ended | None, killed: str | None) -> str:
    if killed:
        return "killed"
    if ended is not None:
        return ended.trade.state.value.lower()
    return "no trade" if decision.chosen is None else "overtaken"
