"""One check of the market: claim, reconcile, look, decide, record, act."""

from dataclasses import replace

from heisenbug.bot import Bot, Now, Report
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.decide import Decision, decide_on
from heisenbug.domain.errors import FenceLost, InvalidSettings, MarketUnavailable
from heisenbug.domain.live import Standing, lasting, standing
from heisenbug.domain.outcome import outcome_of
from heisenbug.domain.portfolio import Portfolio
from heisenbug.domain.protections import needs_person
from heisenbug.domain.record import pack_record
from heisenbug.domain.schedule import is_early, is_stale, on_grid
from heisenbug.domain.settings import Settings
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.state import State
from heisenbug.domain.trade import TradeState
from heisenbug.domain.view import View, view
from heisenbug.guarding import guarded, newly
from heisenbug.recovering import converting_of, halted, position_of, recovered
from heisenbug.settling import Ended, Position

# What is kept of the invocation's time for everything but asking for prices.
RESERVED_SECONDS = 8.0
LONGEST_LOOK_SECONDS = 5.0
# Deleting more than this a tick would cost more than the tick; the rest goes with the next ones.
MOST_FORGOTTEN_A_TICK = 50


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
    position = position_of(bot, state, told.settings)
    look = bot.looking.look(due, state.previous_tick, told, _time_to_look(bot))
    now = recovered(bot, Now(due, told, look, state, position), may_begin)
    seen = view(look.market, told.settings.base_currency, told.settings.window)
    now = guarded(bot, _looked_at(bot, now, seen), seen)
    decision = decide_on(seen, look.market, _portfolio(now), told.settings, bot.venue)
    snapshot = _snapshot(bot, now, decision)
    bot.snapshots.save(snapshot)
    bot.looking.keep(due, look, snapshot)
    ended = None if decision.chosen is None else _convert(bot, now, decision, snapshot)
    halted(bot, now.state, ended)
    _remember(bot, told.settings, ended.position if ended else now.position)
    _forget(bot, told.settings)
    last, begun = ended or now.last, newly(now, state)
    return Report(
        due,
        _word(decision, ended, bool(begun)),
        (_came_to(last) if last else "") or " ".join(halt.why for halt in begun.values()),
        0.0,
        decision,
        last.trade if last else None,
        len(look.market.guarded),
        look.failure or "",
        needs_person(begun) or (state.killed_at is None and bool(last and last.halt)),
    )


def _looked_at(bot: Bot, now: Now, seen: View) -> Now:
    """The tick after its ledger saw the prices: written where that says more of what it holds, and no trade is open."""
    position, settings = now.position, now.told.settings
    prices = dict(zip(seen.assets, seen.prices.tolist(), strict=True))
    ledger = position.ledger.looked_at(settings.base_currency, prices, now.due, settings.trailing_stop)
    looked = replace(position, ledger=ledger)
    if ledger.entries == position.ledger.entries or now.state.open_trade:
        return replace(now, position=looked)
    try:
        bot.book(settings.mode).keep(ledger, position.sequence, position.version)
    except FenceLost:
        return replace(now, position=looked)
    version = position.version + 1
    return replace(now, position=replace(looked, version=version), state=replace(now.state, version=version))


def _portfolio(now: Now) -> Portfolio:
    ledger, state = now.position.ledger, now.state
    killed, has_exits = state.killed_at is not None, now.told.settings.has_exits
    return ledger.portfolio(now.due, state.open_trade, killed, has_exits, now.halts)


def _convert(bot: Bot, now: Now, decision: Decision, snapshot: Snapshot) -> Ended | None:
    record = pack_record(snapshot, now.look.market.samples)
    try:
        return converting_of(bot, now).convert(decision, now.position, record)
    except FenceLost:
        return None


def _snapshot(bot: Bot, now: Now, decision: Decision) -> Snapshot:
    settings = now.told.settings
    return Snapshot(
        now.due,
        now.look.market.price_age_seconds,
        settings.sample_seconds if now.look.is_sample else 0,
        now.told.version,
        now.look.market.quotes,
        now.look.watches,
        _portfolio(now),
        now.worth,
        now.peak,
        now.state.ticks,
        decision.samples,
        settings.mode,
        outcome_of(decision),
        max(round((bot.clock().timestamp() - now.due) * 1000), 0),
    )


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


def _word(decision: Decision, ended: Ended | None, is_halted: bool) -> str:
    if ended is not None:
        return ended.trade.state.value.lower()
    if is_halted:
        return "halted"
    return "no trade" if decision.chosen is None else "overtaken"
