"""What a tick does before it looks ahead: it finds the ledger, and brings what earlier ticks left behind to its end."""

from dataclasses import replace
from datetime import UTC

from heisenbug.bot import Bot, Now
from heisenbug.converting import Converting
from heisenbug.domain.errors import FenceLost
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.settings import Settings
from heisenbug.domain.state import State
from heisenbug.domain.trade import Trade, TradeState
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
        reconciled = _went_on(bot, now, reconciled)
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


def converting_of(bot: Bot, now: Now) -> Converting:
    """What carries conversions through their life in this tick."""
    venue = bot.venue.over((trading.pair for trading in now.told.pairs), now.told.settings.bridge_asset)
    exchange = bot.exchange(now.told, now.look, now.position.ledger.holdings)
    settling = settling_of(bot, now.told.settings)
    return Converting(bot.bot_id, exchange, settling, bot.deadline, venue if bot.bridges else None)


def still_open(ended: Ended) -> str | None:
    """The id of a trade that has not ended, or of the leg that follows it."""
    if ended.following is not None:
        return ended.following.id
    return None if ended.trade.finished_at is not None else ended.trade.id


def settling_of(bot: Bot, settings: Settings) -> Settling:
    """Where and how a trade's end is written down."""
    return Settling(bot.book(settings.mode), settings, bot.clock, bot.venue.least_value)


def _went_on(bot: Bot, now: Now, ended: Ended) -> Ended:
    """The leg that waits, or follows what has just ended, tried; a bot that is killed begins none."""
    leg = ended.following if ended.following and ended.trade.state is TradeState.EXECUTED else None
    leg = ended.trade if _waits(ended.trade) else leg
    if leg is None or ended.halt:
        return ended
    try:
        if now.state.killed_at is not None:
            told = f"The bot was stopped between the legs; it holds the {leg.source}."
            return settling_of(bot, now.told.settings).drop(leg, TradeState.ABANDONED, told, ended.position)
        converting = converting_of(bot, now)
        return converting.onwards(converting.go_on(leg, ended.position))
    except FenceLost:
        return ended


def _waits(trade: Trade) -> bool:
    return trade.state is TradeState.INTENDED and trade.leg is not None and trade.leg.waits


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
