"""What can be asked of the bot and told to it: API, WebSocket and command line all speak through here."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from math import isfinite
from typing import Any

from heisenbug.board import opportunity, rank
from heisenbug.configuration import Configuration, Configurations, check_model
from heisenbug.domain.assets import Pair, TradingPair
from heisenbug.domain.errors import FieldError, InvalidSettings, NotFound
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.protections import Drawdown
from heisenbug.domain.rules import BadValue, Flag, shown
from heisenbug.domain.schedule import newest_due
from heisenbug.domain.settings import DEFAULTS, as_plain, change, describe
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.stated import stated
from heisenbug.domain.trade import Filled, Trade, TradeState
from heisenbug.domain.venue import Venue
from heisenbug.domain.view import view
from heisenbug.domain.wanted import EVERY_TRADE, Wanted
from heisenbug.explaining import Explaining
from heisenbug.messages import dropped_message, guarded_message, price_message, tick_message, trade_message, utc
from heisenbug.recall import market_of
from heisenbug.settling import Ended, Position, Settling
from heisenbug.store.bot_state import Ledgers, State, States
from heisenbug.store.price_snapshot import PriceSnapshots
from heisenbug.store.settings_history import SettingsHistory
from heisenbug.store.trade_book import TradeBook
from heisenbug.store.trade_history import TradeHistory
from heisenbug.store.trading_pair import PRIORITY, TradingPairs

RECENT_TRADES = 5
LATE_AFTER_INTERVALS = 3
LEAST_PATIENCE_SECONDS = 90
Plain = dict[str, Any]


class Desk:
    """One bot, asked and told; answers are plain data as clients get them."""

    def __init__(self, bot_id: str, venue: Venue, clock: Callable[[], datetime]) -> None:
        self._bot_id = bot_id
        self._clock = clock
        self._configurations = Configurations(bot_id)
        self._explaining = Explaining(bot_id, venue, self._configurations, clock)
        self._states = States(bot_id)
        self._ledgers = Ledgers(bot_id)
        self._snapshots = PriceSnapshots(bot_id)
        self._pairs = TradingPairs(bot_id)
        self._settings_history = SettingsHistory(bot_id)

    # ------------------------------------------------------------------ asked

    def status(self) -> Plain:
        """How the bot is: what it is told, what bars it, its newest tick, equity and trades."""
        told, invalid = self._told()
        state, settings = self._states.read(), told.settings
        newest = self._newest(told)
        due = newest_due(self._now(), settings.check_interval_seconds)
        return {
            "bot_id": self._bot_id,
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
            "settings_errors": _field_errors(invalid),
            "killed": _killed(state),
            "open_trade": self._open_trade(state),
            "dropped": self._dropped(state),
            "exchange_quiet_until": self._quiet(state),
            "refit": self._states.refit(),
            "ticks": state.ticks,
            "last_tick": utc(state.last_tick) if state.last_tick else None,
            "next_tick": utc(due + settings.check_interval_seconds),
            "window": {"samples": min(newest.samples if newest else 0, settings.window), "of": settings.window},
            **self._worth(newest),
            "recent_trades": self.trades(RECENT_TRADES)["trades"],
        }

    def health(self) -> Plain:
        """Whether the bot does its work, and what is wrong where it does not."""
        told, invalid = self._told()
        state = self._states.read()
        age = self._now() - state.last_tick if state.last_tick else None
        patience = max(LATE_AFTER_INTERVALS * told.settings.check_interval_seconds, LEAST_PATIENCE_SECONDS)
        newest = self._newest(told)
        problems = [error.message for error in invalid.fields] if invalid else []
        if age is None or age > patience:
            problems.append(f"No tick for {'ever' if age is None else f'{age:.0f} s'}; look at the trader's log.")
        if newest is not None:
            problems += [f"{pair} is guarded: {g['reason']}." for pair, g in guarded_message(newest).items()]
        if newest is not None and newest.equity is None:
            problems.append("Equity is unknown while something held has no price; drawdown is not watched meanwhile.")
        problems += self._trading_problems(state)
        if not told.pairs and not invalid:
            problems.append("There is no enabled pair to trade; heisenbug pairs add BTC-USD adds one.")
        if state.killed_at:
            problems.append(f"Killed by {state.killed_by}: {state.killed_why}")
        return {"status": "ok" if not problems else "attention", "problems": problems, "last_tick_age_seconds": age}

    def config(self) -> Plain:
        """Every setting, the version they are at, and what is wrong with them, if anything."""
        told, invalid = self._told()
        return {**_config(told), "errors": _field_errors(invalid)}

    def config_schema(self) -> Plain:
        """Every setting's bounds, default and meaning."""
        return {"type": "object", "properties": describe(), "additionalProperties": False}

    def config_history(self, limit: int, before: int | None = None) -> Plain:
        """The versions of the settings, newest first."""
        versions = self._settings_history.newest(limit, before)
        rows = [
            {
                "version": kept.version,
                "at": kept.at,
                "who": kept.who,
                "settings": kept.settings,
                "pairs": [{"pair": name, "priority": priority} for name, priority in kept.pairs],
            }
            for kept in versions
        ]
        return {"versions": rows, "cursor": _cursor(rows, limit, "version")}

    def pairs(self) -> Plain:
        """Every pair, enabled or not."""
        return {"pairs": [_pair(trading) for trading in self._pairs.all()]}

    def trades(self, limit: int, before: int | None = None, wanted: Wanted = EVERY_TRADE) -> Plain:
        """The newest trades that are wanted, newest first."""
        rows = [trade_message(trade) for trade in self._history().newest(limit, before, wanted)]
        return {"trades": rows, "cursor": _cursor(rows, limit, "sequence")}

    def trade(self, named: str) -> Plain:
        """One trade by its sequence number or the beginning of its id, explained; raises NotFound."""
        return self._explaining.trade(named, self._mode())

    def opportunities(self, limit: int) -> Plain:
        """The best conversions of the newest tick, each with its numbers and what stopped it."""
        newest = self._newest(self._told()[0])
        if newest is None:
            return {"at": None, "samples": 0, "opportunities": []}
        decision = self._explaining.decided(newest)
        ranked = sorted(decision.conversions(), key=rank)
        return {
            "at": utc(decision.at),
            "samples": decision.samples,
            "guarded": guarded_message(newest),
            "opportunities": [opportunity(scored) for scored in ranked[:limit]],
        }

    def decisions(self, limit: int, before: int | None = None) -> Plain:
        """The newest decisions, newest first: what was chosen, or what stopped the best, and whether it is so again."""
        return self._explaining.decisions(limit, before, self._told()[0])

    def portfolio(self) -> Plain:
        """What the bot holds, with its value and entry price in the base currency."""
        told, _ = self._told()
        stored = self._ledgers.read(self._mode())
        newest = self._newest(told)
        prices = self._prices_of(newest) if newest else {}
        holdings = stored[0].holdings if stored else told.settings.paper_start
        entries = stored[0].entries if stored else {}
        rows = [
            {
                "asset": asset,
                "amount": f"{amount:f}",
                "price": prices.get(asset),
                "value": None if prices.get(asset) is None else round(float(amount) * prices[asset], 8),
                "entry_price": f"{entries[asset]:f}" if asset in entries else None,
            }
            for asset, amount in sorted(holdings.items())
        ]
        return {"base_currency": told.settings.base_currency, "holdings": rows, **self._worth(newest)}

    def equity(self, limit: int) -> Plain:
        """Equity and drawdown at the newest samples, oldest first."""
        points = [
            {"at": utc(kept.at), "equity": str(kept.equity), "drawdown": Drawdown(kept.equity, kept.peak).fraction}
            for kept in self._samples(limit)
            if kept.equity is not None
        ]
        return {"equity": points}

    def prices(self, limit: int, pair: str | None = None) -> Plain:
        """The newest samples of all pairs or of one, oldest first."""
        rows = []
        for kept in self._samples(limit):
            quotes = price_message(kept)
            rows.append({"at": utc(kept.at), "quotes": quotes if pair is None else _only(quotes, pair)})
        return {"prices": rows}

    # ------------------------------------------------------------------- told

    def change_config(self, changes: Any, who: str, version: int | None = None) -> Plain:
        """Change settings; raises InvalidSettings naming each bad field, or StaleVersion; then nothing is changed."""
        changes = _some(changes)
        if changes.get("mode") in ("paper", "live"):
            self._refuse_open(changes["mode"])
        return _config(self._configurations.change(changes, who, self._clock(), version))

    def check_config(self, changes: Any) -> Plain:
        """What is wrong with `changes` of settings, and what each would change; nothing is kept of them."""
        before = as_plain(self._told()[0].settings)
        try:
            after = as_plain(self._configurations.checked(_some(changes)))
        except InvalidSettings as invalid:
            return {"errors": _field_errors(invalid), "changes": []}
        names = [name for name in after if after[name] != before[name]]
        rows = [{"name": name, "before": before[name], "after": after[name]} for name in names]
        return {"errors": [], "changes": rows}

    def restore_config(self, version: Any, names: Any, who: str, seen: int | None = None) -> Plain:
        """Set settings back to what they were at a version; raises InvalidSettings, StaleVersion or NotFound."""
        errors = []
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            errors.append(FieldError("version", f"version must be the number of a version, not {shown(version)}."))
        if names is not None and (not isinstance(names, list) or not all(isinstance(name, str) for name in names)):
            errors.append(FieldError("names", f'names must be a list such as ["model"], not {shown(names)}.'))
        if errors:
            raise InvalidSettings(errors)
        return self.change_config(self._configurations.as_it_was(version, names), who, seen)

    def put_pair(self, name: str, enabled: Any = True, priority: Any = 50) -> Plain:
        """Add a pair or change it; raises InvalidSettings, also where the model in use knows nothing of it."""
        errors: list[FieldError] = []
        for field, rule, value in (("enabled", Flag(), enabled), ("priority", PRIORITY, priority)):
            try:
                rule.check(value)
            except BadValue as bad:
                errors.append(FieldError(field, f"{field} {bad}"))
        try:
            pair = Pair.parse(name)
        except ValueError as bad:
            errors.append(FieldError("pair", str(bad)))
        if errors:
            raise InvalidSettings(errors)
        if enabled:
            check_model(self._told()[0].settings, {pair.base, pair.quote})
        trading = TradingPair(pair, enabled, int(priority))
        self._pairs.put(trading)
        return _pair(trading)

    def remove_pair(self, name: str) -> Plain:
        """Take a pair out; raises NotFound."""
        known = {str(trading.pair): trading for trading in self._pairs.all()}
        if name not in known:
            raise NotFound(f"There is no pair {name}; there are {', '.join(sorted(known)) or 'none'}.")
        self._pairs.remove(known[name].pair)
        return {"removed": name}

    def kill(self, who: str, why: str) -> Plain:
        """From now on nothing is intended or committed, until a person re-arms the bot; holdings stay."""
        return {"killed": _killed(self._states.kill(self._clock(), who, why))}

    def resolve(self, trade_id: str, statement: Any, who: str) -> Plain:
        """State what became of an unresolved trade; raises NotFound, InvalidSettings, or FenceLost."""
        state = self._states.read()
        running = self._running(state)
        if running is None or running.id != trade_id:
            raise NotFound(f"Trade {trade_id[:40]} is not open; {_what_is_open(running)}")
        if running.state is not TradeState.UNRESOLVED:
            raise NotFound(f"Trade {trade_id} is {running.state.value}, not UNRESOLVED: the bot is still at it.")
        filled = stated(running, statement)
        stored = self._ledgers.read(state.mode)
        if stored is None:
            raise NotFound("There is no ledger to settle the trade in.")
        return trade_message(self._settle(state, running, filled, stored, who).trade)

    def rearm(self) -> Plain:
        """Lift the kill; drawdown counts from now on."""
        return {"killed": _killed(self._states.rearm())}

    # ---------------------------------------------------------------- private

    def _refuse_open(self, mode: str) -> None:
        """No mode change while a trade is open: it is settled by the exchange it was made on."""
        state = self._states.read()
        if state.open_trade and mode != self._told()[0].settings.mode:
            message = f"mode cannot change while trade {state.open_trade} is open; wait until it has ended."
            raise InvalidSettings([FieldError("mode", message)])

    def _settle(self, state: State, running: Trade, filled: Filled, stored: tuple[Ledger, int], who: str) -> Ended:
        settings = replace(self._told()[0].settings, mode=state.mode)
        book = TradeBook(self._bot_id, state.mode, f"{who}/{running.id}")
        told = replace(running, outcome=f"Stated by a person ({who}). Before: {running.outcome}")
        position = Position(stored[0], stored[1], state.version)
        return Settling(book, settings, self._clock).finish(told, filled, position, None)

    def _told(self) -> tuple[Configuration, InvalidSettings | None]:
        try:
            return self._configurations.now(), None
        except InvalidSettings as invalid:
            version = next(iter(self._settings_history.newest()), None)
            kept = self._configurations.version(version.version) if version else None
            return kept or Configuration(change(DEFAULTS, {}), (), 0), invalid

    def _now(self) -> float:
        return self._clock().timestamp()

    def _mode(self) -> str:
        """The mode the bot trades in, which is not always the one it is told."""
        return self._states.read().mode

    def _history(self) -> TradeHistory:
        return TradeHistory(self._bot_id, self._mode())

    def _running(self, state: State) -> Trade | None:
        return TradeHistory(self._bot_id, state.mode).running() if state.open_trade else None

    def _open_trade(self, state: State) -> Plain | None:
        running = self._running(state)
        return trade_message(running) if running else None

    def _dropped(self, state: State) -> list[Plain]:
        stored = self._ledgers.read(state.mode)
        return [dropped_message(one) for one in stored[0].dropped] if stored else []

    def _quiet(self, state: State) -> str | None:
        return utc(state.quiet_until) if state.quiet_until > self._now() else None

    def _trading_problems(self, state: State) -> list[str]:
        problems = [f"The bot stays paper. {state.held_back}"] if state.held_back else []
        running = self._running(state)
        if running is not None and running.state is TradeState.UNRESOLVED:
            problems.append(
                f"Trade {running.id} ({running.amount} {running.source} into {running.target}) is unresolved, nothing "
                f"else is traded: {running.outcome}"
            )
        if state.quiet_until > self._now():
            problems.append(f"The exchange wants to be left alone until {utc(state.quiet_until)}.")
        return problems

    def _newest(self, told: Configuration) -> Snapshot | None:
        return next(iter(self._snapshots.newest(told.settings.sample_seconds, 1)), None)

    def _samples(self, limit: int) -> list[Snapshot]:
        spacing = self._told()[0].settings.sample_seconds
        return self._snapshots.samples(spacing, limit, before=2**40)

    def _prices_of(self, snapshot: Snapshot) -> dict[str, float]:
        told = self._explaining.told_at(snapshot)
        seen = view(market_of(snapshot, told, ()), told.settings.base_currency, told.settings.window)
        return {asset: price for asset, price in zip(seen.assets, seen.prices.tolist(), strict=True) if isfinite(price)}

    def _worth(self, newest: Snapshot | None) -> Plain:
        if newest is None:
            return {"equity": None, "drawdown": None, "data_age_seconds": None, "guarded": {}}
        tick = tick_message(newest)
        age = self._now() - newest.at + newest.price_age_seconds
        return {
            "equity": tick["equity"],
            "drawdown": tick["drawdown"],
            "data_age_seconds": round(max(age, 0), 1),
            "guarded": tick["guarded"],
        }


def _some(changes: Any) -> Mapping[str, Any]:
    if not isinstance(changes, Mapping) or not changes:
        message = 'Send at least one setting, as in {"risk_tolerance": 0.6}.'
        raise InvalidSettings([FieldError("settings", message)])
    return changes


def _state_word(state: State, told: Configuration, invalid: InvalidSettings | None) -> str:
    if state.killed_at:
        return "killed"
    if invalid:
        return "settings not understood"
    return "running" if told.settings.is_active else "stopped"


def _what_is_open(running: Trade | None) -> str:
    return f"the open one is {running.id}." if running else "no trade is open."


def _killed(state: State) -> Plain | None:
    if state.killed_at is None:
        return None
    return {"at": state.killed_at, "by": state.killed_by, "why": state.killed_why}


def _config(told: Configuration) -> Plain:
    return {"version": told.version, "settings": as_plain(told.settings)}


def _field_errors(invalid: InvalidSettings | None) -> list[Plain]:
    return [{"field": error.field, "message": error.message} for error in (invalid.fields if invalid else ())]


def _pair(trading: TradingPair) -> Plain:
    return {"pair": str(trading.pair), "enabled": trading.enabled, "priority": trading.priority}


def _only(quotes: Plain, pair: str) -> Plain:
    return {pair: quotes[pair]} if pair in quotes else {}


def _cursor(rows: list[Plain], limit: int, key: str) -> int | None:
    return int(rows[-1][key]) if len(rows) == limit else None
