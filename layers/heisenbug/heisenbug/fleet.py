"""The bots of a deployment, seen together: listed, created, cloned, removed."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from heisenbug.configuration import check_told
from heisenbug.desk import Desk
from heisenbug.desk.known import Known
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.errors import FieldError, InvalidSettings, NotFound
from heisenbug.domain.registered import MOST_BOTS, Registered, checked_name, checked_venue, is_name
from heisenbug.domain.settings import DEFAULTS, as_plain, change
from heisenbug.domain.venue import VENUES, Venue
from heisenbug.store.registry import Registry

Plain = dict[str, Any]
Checked = TypeVar("Checked")
# Whatever is cloned begins on paper and stopped, and with nothing of what live money was given.
FRESH: Mapping[str, Any] = {"is_active": False, "mode": "paper", "budget": None, "cards": None}


class Fleet:
    """All bots of a deployment; its `own` always exists, is always first and cannot be removed."""

    def __init__(self, own: Registered, venue: Venue, clock: Callable[[], datetime]) -> None:
        self.own = own
        self._venue, self._clock = venue, clock
        self._registry = Registry()

    def find(self, name: str | None, is_changed: bool = False) -> Registered:
        """The bot of this name, the deployment's own where none is named; raises NotFound.

        What a removed one did can be read, and that is all.
        """
        if name is None or name == self.own.bot_id:
            return self.own
        found = self._registry.get(name) if is_name(name) else None
        if found is None:
            raise NotFound(f"There is no bot {name[:64]!r}; there are {self._names()}.")
        if is_changed and found.removed_at:
            raise NotFound(f"Bot {name} was removed at {found.removed_at}; what it did can be read, and that is all.")
        return found

    def desk_of(self, bot: Registered) -> Desk:
        """The bot, asked and told."""
        return Desk(bot.bot_id, self.venue_of(bot), self._clock)

    def venue_of(self, bot: Registered) -> Venue:
        """Where it trades."""
        return VENUES[bot.venue]

    def others(self) -> list[str]:
        """The active bots besides the own one."""
        return [bot.bot_id for bot in self._registry.all() if not bot.removed_at]

    def all(self) -> Plain:
        """Every bot with how it is, the deployment's own first; and those that were removed, by name."""
        created = self._registry.all()
        active = [self.own, *(bot for bot in created if not bot.removed_at)]
        gone = [
            {"bot_id": bot.bot_id, "venue": bot.venue, "removed_at": bot.removed_at}
            for bot in created
            if bot.removed_at
        ]
        return {"bots": [self.row(bot) for bot in active], "removed": gone}

    def row(self, bot: Registered) -> Plain:
        """One bot with how it is."""
        return {
            "bot_id": bot.bot_id,
            "venue": bot.venue,
            "is_own": bot.bot_id == self.own.bot_id,
            "created_at": bot.created_at or None,
            "created_by": bot.created_by or None,
            **self.desk_of(bot).standing.glance(),
        }

    def create(self, told: Mapping[str, Any], who: str) -> Plain:
        """Create the bot `name`, at `venue`, with the settings and pairs of `clone` where that is told.

        It begins on paper, stopped, with a ledger and a history of its own; raises InvalidSettings naming each field.
        """
        bot, taken = self._checked(told, who)
        self._begin(bot, taken)
        return self.row(bot)

    def remove(self, name: str, who: str) -> Plain:
        """Let a bot do nothing any more; all it did is kept under its name. Raises InvalidSettings or NotFound."""
        if name == self.own.bot_id:
            raise _wrong("name", f"name {name} is the deployment's own bot, which cannot be removed: stop it instead.")
        bot = self.find(name, is_changed=True)
        bars = _bars_removal(Known(bot.bot_id, self._clock, self.venue_of(bot)))
        if bars:
            raise _wrong("name", f"name {name} cannot be removed now: {bars}")
        self._registry.remove(bot, who, self._now())
        return {"removed": name}

    def _checked(self, told: Mapping[str, Any], who: str) -> tuple[Registered, Configuration | None]:
        """The bot to be and what it is cloned from; raises InvalidSettings naming everything that is wrong."""
        errors: list[FieldError] = []
        name = _or_wrong(lambda: self._free(told.get("name")), errors) or ""
        venue = _or_wrong(lambda: checked_venue(told.get("venue"), self._venue), errors)
        cloned = _or_wrong(lambda: self._cloned(told.get("clone")), errors)
        if errors or venue is None:
            raise InvalidSettings(errors)
        if cloned is not None:
            enabled = tuple(trading for trading in cloned.pairs if trading.enabled)
            check_told(change(cloned.settings, FRESH), enabled, venue)
        return Registered(name, venue.name, self._now(), who), cloned

    def _free(self, name: Any) -> str:
        checked_name(name)
        others = self._registry.all()
        if name == self.own.bot_id:
            raise _wrong("name", f"name {name} is taken, by the deployment's own bot.")
        for other in others:
            if other.bot_id == name:
                was = f"by a bot that was removed at {other.removed_at}; its trades are kept under it"
                raise _wrong("name", f"name {name} is taken{f', {was}' if other.removed_at else ''}: choose another.")
        if sum(not other.removed_at for other in others) + 1 >= MOST_BOTS:
            raise _wrong("name", f"name: there are {MOST_BOTS} bots, and no more are allowed; remove one first.")
        return str(name)

    def _cloned(self, name: Any) -> Configuration | None:
        """The settings and all pairs, enabled or not, of the bot that is to be cloned."""
        if name is None:
            return None
        try:
            known = Known(str(name), self._clock, self.venue_of(self.find(str(name))))
            return Configuration(known.configurations.now().settings, known.pairs.all(), 0)
        except NotFound as missing:
            raise _wrong("clone", f"clone: {missing}") from missing
        except InvalidSettings as invalid:
            raise _wrong("clone", f"clone: the settings of {name} are not understood: {invalid}") from invalid

    def _begin(self, bot: Registered, cloned: Configuration | None) -> None:
        if not self._registry.reserve(bot):
            raise _wrong("name", f"name {bot.bot_id} is taken: choose another.")
        known = Known(bot.bot_id, self._clock, self.venue_of(bot))
        for trading in cloned.pairs if cloned else ():
            known.pairs.put(trading)
        settings = change(cloned.settings if cloned else DEFAULTS, FRESH)
        known.configurations.change(as_plain(settings), bot.created_by, self._clock())
        self._registry.open(bot)

    def _names(self) -> str:
        return ", ".join([self.own.bot_id, *(bot.bot_id for bot in self._registry.all() if not bot.removed_at)])

    def _now(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="milliseconds")


def _bars_removal(known: Known) -> str:
    """Why a bot must not be removed yet, or nothing: what only it would find out, or the live money that it trades."""
    state, told = known.states.read(), known.told()[0]
    if state.open_trade:
        return f"trade {state.open_trade} is open; wait until it has ended, or state what became of it."
    live = known.ledgers.read("live")
    if live and live[0].watched:
        return f"trade {live[0].watched[0].sequence} failed within the last day and is still asked for; wait a day."
    if "live" in (state.mode, told.settings.mode) and state.killed_at is None:
        return "it trades live money; set mode=paper or kill it first. What it holds stays in the account."
    return ""


def _or_wrong(check: Callable[[], Checked], errors: list[FieldError]) -> Checked | None:
    try:
        return check()
    except InvalidSettings as invalid:
        errors += invalid.fields
        return None


def _wrong(field: str, message: str) -> InvalidSettings:
    return InvalidSettings([FieldError(field, message)])
