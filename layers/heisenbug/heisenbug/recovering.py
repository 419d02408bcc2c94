"""What a tick does before it looks ahead: it finds the ledger, and brings what earlier ticks left behind to its end."""

from dataclasses import replace
from datetime import UTC

from heisenbug.bot import Bot, Now
from heisenbug.domain.errors import FenceLost
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.settings import Settings
from heisenbug.domain.state import State
from heisenbug.domain.trade import TradeState
from heisenbug.reconciling import Reconciling
from heisenbug.settling import Ended, Position, Settling


def position_of(bot: Bot, state: State, settings: Settings) -> Position:
    """Where the mode's ledger stands, opened on the first start."""
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


def recovered(bot: Bot, now: Now, may_begin: bool) -> Now:
    """The tick after what was open or under watch was asked for.

    Told to trade other money, it begins nothing with this one: the next tick stands on what it was told.
    """
    reconciled = _reconcile(bot, now)
    if reconciled is not None:
        open_trade = still_open(reconciled) if may_begin else now.state.open_trade
        state = replace(now.state, version=reconciled.position.version, open_trade=open_trade)
        now = replace(now, position=reconciled.position, state=halted(bot, state, reconciled), last=reconciled)
        return now
    watched = _watch_live(bot, now)
    if watched is None:
        return now
    version = watched.position.version
    state = halted(bot, replace(now.state, version=version), watched)
    return replace(now, position=replace(now.position, version=version), state=state, last=watched)


def halted(bot: Bot, state: State, ended: Ended | None) -> State:
    """The state, killed where a trade showed that only a person can go on."""
    if ended is None or not ended.halt or state.killed_at is not None:
        return state
    killed = bot.states.kill(bot.clock().astimezone(UTC), "the exchange", ended.halt)
    return replace(state, killed_at=killed.killed_at)


def still_open(ended: Ended) -> str | None:
    """The id of a trade that has not ended."""
    return None if ended.trade.finished_at is not None else ended.trade.id


def settling_of(bot: Bot, settings: Settings) -> Settling:
    """Where and how a trade's end is written down."""
    return Settling(bot.book(settings.mode), settings, bot.clock)


def _reconcile(bot: Bot, now: Now) -> Ended | None:
    """What became of the open trade, or else of a failed one that is due to be asked for."""
    told, position = now.told, now.position
    exchange = bot.exchange(told, now.look, position.ledger.holdings)
    reconciling = Reconciling(exchange, settling_of(bot, told.settings))
    try:
        if now.state.open_trade is None:
            return reconciling.watch(position)
        running = bot.history(told.settings.mode).running()
        # Another process may have ended it and begun another meanwhile: this position knows nothing of that.
        is_ours = running is not None and running.id == now.state.open_trade
        return reconciling.reconcile(running, position) if running is not None and is_ours else None
    except FenceLost:
        return None


def _watch_live(bot: Bot, now: Now) -> Ended | None:
    """A live trade that failed within a day may land while the bot is on paper: it is asked for all the same."""
    if now.state.mode != "paper" or now.state.open_trade or not bot.deployment.enabled:
        return None
    stored = bot.ledgers.read("live")
    if stored is None or not stored[0].watched:
        return None
    live = replace(now.told, settings=replace(now.told.settings, mode="live"))
    exchange = bot.exchange(live, now.look, stored[0].holdings)
    reconciling = Reconciling(exchange, settling_of(bot, live.settings))
    try:
        ended = reconciling.watch(Position(stored[0], stored[1], now.state.version))
    except FenceLost:
        return None
    # A token that is gone is no halt on paper; a trade that landed is.
    return ended if ended is None or ended.trade.state is TradeState.EXECUTED else replace(ended, halt="")
