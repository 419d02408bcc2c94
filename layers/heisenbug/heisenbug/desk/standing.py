"""How the bot stands: what it is told, what bars it, what it did last; and the switch that stops it at once."""

from dataclasses import asdict

from heisenbug.desk.known import Known, Plain, field_errors
from heisenbug.desk.trades import TradesDesk
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.schedule import newest_due
from heisenbug.domain.state import State
from heisenbug.messages import dropped_message, halt_message, trade_message, utc

RECENT_TRADES = 5


class StandingDesk:
    """Tells how the bot is, and stops it."""

    def __init__(self, known: Known, trades: TradesDesk) -> None:
        self._known, self._trades = known, trades

    def status(self) -> Plain:
        """How the bot is: what it is told, what bars it, its newest tick, equity and trades."""
        known = self._known
        told, invalid = known.told()
        state, settings = known.states.read(), told.settings
        newest = known.newest(told)
        due = newest_due(known.now(), settings.check_interval_seconds)
        return {
            "bot_id": known.bot_id,
            "state": _state_word(state, told, invalid),
            "is_active": settings.is_active,
            "mode": state.mode,
            "held_back": state.held_back or None,
            "consent": asdict(state.consent) if state.consent else None,
            "risk_tolerance": settings.risk_tolerance,
            "min_confidence": settings.min_confidence,
            "max_drawdown": settings.max_drawdown,
            "check_interval": settings.check_interval_seconds,
            "cache_ttl": settings.cache_ttl_seconds,
            "base_currency": settings.base_currency,
            "settings_version": told.version,
            "settings_errors": field_errors(invalid),
            "killed": _killed(state),
            "halts": [halt_message(name, halt) for name, halt in state.halts_of(state.mode).items()],
            "open_trade": self._open_trade(state),
            "dropped": self._dropped(state),
            "exchange_quiet_until": known.quiet_until(state),
            "refit": known.states.refit(),
            "ticks": state.ticks,
            "last_tick": utc(state.last_tick) if state.last_tick else None,
            "next_tick": utc(due + settings.check_interval_seconds),
            "window": {"samples": min(newest.samples if newest else 0, settings.window), "of": settings.window},
            **known.worth(newest),
            "recent_trades": self._trades.newest(RECENT_TRADES)["trades"],
        }

    def glance(self) -> Plain:
        """How the bot is in few words; `late_seconds` is for how long its next tick is overdue."""
        known = self._known
        told, invalid = known.told()
        state, settings = known.states.read(), told.settings
        worth, due = known.worth(known.newest(told)), state.last_tick + settings.check_interval_seconds
        return {
            "state": _state_word(state, told, invalid),
            "is_active": settings.is_active,
            "mode": state.mode,
            "base_currency": settings.base_currency,
            "equity": worth["equity"],
            "drawdown": worth["drawdown"],
            "settings_version": told.version,
            "ticks": state.ticks,
            "last_tick": utc(state.last_tick) if state.last_tick else None,
            "late_seconds": round(max(known.now() - due, 0), 1) if state.last_tick else None,
        }

    def quiet_until(self) -> str | None:
        """Until when the venue wants to be left alone; None where it may be asked."""
        return self._known.quiet_until(self._known.states.read())

    def kill(self, who: str, why: str) -> Plain:
        """From now on nothing is intended or committed, until a person re-arms the bot; holdings stay."""
        return {"killed": _killed(self._known.states.kill(self._known.clock(), who, why))}

    def rearm(self) -> Plain:
        """Lift the kill and what protections have stopped; they count from now on."""
        return {"killed": _killed(self._known.states.rearm(self._known.clock()))}

    def _open_trade(self, state: State) -> Plain | None:
        running = self._known.running(state)
        return trade_message(running) if running else None

    def _dropped(self, state: State) -> list[Plain]:
        stored = self._known.ledgers.read(state.mode)
        return [dropped_message(one) for one in stored[0].dropped] if stored else []


def _state_word(state: State, told: Configuration, invalid: InvalidSettings | None) -> str:
    if state.killed_at:
        return "killed"
    if invalid:
        return "settings not understood"
    if not told.settings.is_active:
        return "stopped"
    return "halted" if state.halts_of(state.mode) else "running"


def _killed(state: State) -> Plain | None:
    if state.killed_at is None:
        return None
    return {"at": state.killed_at, "by": state.killed_by, "why": state.killed_why}
