"""What the bot is told, from the tables where people say it: settings, pairs, and every version of both."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from heisenbug.domain.assets import Pair, TradingPair
from heisenbug.domain.claims import claimed, refuse_held
from heisenbug.domain.configuration import Configuration, check_sides
from heisenbug.domain.errors import FieldError, InvalidSettings, NotFound, StaleVersion
from heisenbug.domain.settings import DEFAULTS, Settings, as_plain, change, parse
from heisenbug.domain.venue import UPHOLD, Venue
from heisenbug.store.bot_config import BotConfig, StoredConfig
from heisenbug.store.registry import Claims
from heisenbug.store.settings_history import SettingsHistory, SettingsVersion
from heisenbug.store.tables import Step
from heisenbug.store.trading_pair import TradingPairs

ATTEMPTS = 3
# A transaction takes a hundred items.
MOST_CARDS = 90
VERSIONS_LOOKED_AT = 100


class Configurations:
    """The configuration of one bot, which trades at `venue`."""

    def __init__(self, bot_id: str, venue: Venue = UPHOLD) -> None:
        self._venue = venue
        self._config = BotConfig(bot_id)
        self._pairs = TradingPairs(bot_id)
        self._history = SettingsHistory(bot_id)
        self._bot_id, self._claims = bot_id, Claims()
        self._held: frozenset[str] | None = None
        self._newest: SettingsVersion | None = None
        self._versions: dict[int, Configuration] = {}
        self._spaced: tuple[int, tuple[int, ...]] = (-1, ())

    def now(self) -> Configuration:
        """The configuration as it stands; raises InvalidSettings naming the fields a person got wrong."""
        stored = self._config.read()
        if stored is None:
            return Configuration(DEFAULTS, _pairs_named(DEFAULTS), 0)
        told = self._valid(stored)
        self._refuse_held(told.settings)
        return told

    def begin(self, at: datetime) -> Configuration:
        """The configuration for a tick: written with its defaults on the first start, kept as a version when new."""
        stored = self._config.read()
        if stored is None:
            self.change({}, "first start", at)
            stored = self._config.read()
            if stored is None:
                raise StaleVersion("The settings were deleted while they were read; the next tick reads them again.")
        told = self._valid(stored)
        self._hold(told.settings)
        return self._keep(told, stored, at)

    def change(self, changes: Mapping[str, Any], who: str, at: datetime, version: int | None = None) -> Configuration:
        """Apply `changes`; raises InvalidSettings, or StaleVersion where the settings are not at `version` any more."""
        for attempt in range(ATTEMPTS):
            stored = self._config.read()
            if version is not None and stored is not None and stored.version != version:
                raise StaleVersion(
                    f"The settings are at version {stored.version}, not {version}: someone changed them first. "
                    "Nothing was changed; read them again and repeat the change."
                )
            try:
                return self._write(changes, stored, who, at)
            except StaleVersion:
                # Somebody else wrote these settings, or took a card that they name: the next attempt tells which.
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def checked(self, changes: Mapping[str, Any]) -> Settings:
        """What the settings would be with `changes`, of which nothing is kept; raises InvalidSettings."""
        stored = self._config.read()
        settings = _mended(stored, changes) if stored else change(DEFAULTS, changes)
        check_told(settings, self._enabled() if stored else _pairs_named(settings), self._venue)
        self._refuse_held(settings)
        return settings

    def as_it_was(self, version: int, names: Sequence[str] | None = None) -> dict[str, Any]:
        """The settings as they were at `version`, all or those of `names`; raises NotFound and InvalidSettings."""
        kept = self._history.get(version)
        if kept is None:
            raise NotFound(f"Version {version} is not kept: heisenbug config history names those that are.")
        wanted = list(kept.settings) if names is None else list(names)
        unknown = [name for name in wanted if name not in kept.settings]
        if unknown:
            has = ", ".join(kept.settings)
            message = f"names: version {version} has no setting {', '.join(unknown)[:100]}; it has {has}."
            raise InvalidSettings([FieldError("names", message)])
        return {name: kept.settings[name] for name in wanted}

    def version(self, version: int) -> Configuration | None:
        """The configuration as it was at `version`, or None where no tick saw it."""
        if version not in self._versions:
            kept = self._history.get(version)
            if kept is None:
                return None
            pairs = tuple(TradingPair(Pair.parse(name), True, priority) for name, priority in kept.pairs)
            self._versions[version] = Configuration(parse(kept.settings), pairs, version)
        return self._versions[version]

    def spacings(self, version: int) -> tuple[int, ...]:
        """Every spacing of samples, in seconds, that the newest versions up to `version` told; read once a version."""
        if self._spaced[0] != version:
            newest = self._history.newest(VERSIONS_LOOKED_AT, version + 1)
            told = {int(kept.settings.get("sample_seconds", DEFAULTS.sample_seconds)) for kept in newest}
            self._spaced = version, tuple(sorted(told))
        return self._spaced[1]

    def _write(self, changes: Mapping[str, Any], stored: StoredConfig | None, who: str, at: datetime) -> Configuration:
        settings = _mended(stored, changes) if stored else change(DEFAULTS, changes)
        version = (stored.version if stored else 0) + 1
        is_first = stored is None and not self._pairs.all()
        pairs = _pairs_named(settings) if is_first else self._enabled()
        check_told(settings, pairs, self._venue)
        moment, beside = at.astimezone(UTC).isoformat(timespec="milliseconds"), self._claiming(settings, stored)
        if is_first:
            self._pairs.fill(settings.pairs)
        self._config.write(settings, stored, version, who, moment, beside)
        return Configuration(settings, pairs, version)

    def _claiming(self, settings: Settings, stored: StoredConfig | None) -> Callable[[Step], None] | None:
        """What is written with the settings where they, or those before, have something for this bot alone.

        Raises InvalidSettings where another bot has it; one that takes it meanwhile fails the write.
        """
        wanted = set(claimed(settings, self._venue))
        if not wanted and not (stored and _held_before(stored)):
            return None
        holders = self._claims.holders()
        refuse_held(settings, self._venue, self._bot_id, holders)
        mine = {claim for claim, holder in holders.items() if holder == self._bot_id}
        if mine == wanted:
            return None
        changed = len(mine ^ wanted)
        if changed > MOST_CARDS:
            message = f"cards: at most {MOST_CARDS} can be new or given up at once, not {changed}."
            raise InvalidSettings([FieldError("cards", message)])
        return lambda step: self._claims.write(step, self._bot_id, wanted - mine, mine - wanted)

    def _valid(self, stored: StoredConfig) -> Configuration:
        settings, pairs = parse(stored.stated), self._enabled()
        check_told(settings, pairs, self._venue)
        return Configuration(settings, pairs, stored.version)

    def _refuse_held(self, settings: Settings) -> Mapping[str, str]:
        """Who holds what, where the settings want anything for themselves; raises InvalidSettings where others do."""
        holders = self._claims.holders() if claimed(settings, self._venue) else {}
        refuse_held(settings, self._venue, self._bot_id, holders)
        return holders

    def _hold(self, settings: Settings, is_new: bool = False) -> None:
        """Have what the settings want for the bot alone, however they came to be, and give the rest back.

        Looked up once a process and for what `is_new`; raises InvalidSettings where another bot has some of it.
        """
        wanted = frozenset(claimed(settings, self._venue))
        if not is_new and (self._held == wanted or not (wanted or self._held)):
            return
        holders = self._refuse_held(settings) or self._claims.holders()
        mine = {claim for claim, holder in holders.items() if holder == self._bot_id}
        if mine != wanted and not self._claims.take(self._bot_id, wanted - mine, mine - wanted):
            self._refuse_held(settings)
            raise StaleVersion("Another bot's cards changed meanwhile; the next tick looks again.")
        self._held = wanted

    def _enabled(self) -> tuple[TradingPair, ...]:
        return tuple(trading for trading in self._pairs.all() if trading.enabled)

    def _keep(self, read: Configuration, stored: StoredConfig, at: datetime) -> Configuration:
        digest = _digest(read)
        if self._newest is None or self._newest.digest != digest:
            self._newest = next(iter(self._history.newest()), None)
        known = self._newest
        if known is not None and known.digest == digest and known.version == read.version:
            return read
        version = max(read.version, known.version + 1 if known else 1)
        by_hand = version != read.version
        if by_hand:
            self._hold(read.settings, is_new=True)
        seen = _seen(read, version, "by hand" if by_hand else stored.updated_by, at, digest)
        is_added = self._history.add(seen)
        if not is_added and self._history.newest(1, version + 1)[0].digest != digest:
            # Another tick gave the number to another content: this one takes the next.
            return self._keep(read, stored, at)
        if is_added and by_hand:
            self._config.bump(stored, version, seen.who, seen.at)
        self._newest = seen
        return Configuration(read.settings, read.pairs, version)


def _mended(stored: StoredConfig, changes: Mapping[str, Any]) -> Settings:
    """The stored settings with `changes`; a change may mend what is wrong in the store, all else must be right."""
    return change(DEFAULTS, {**stored.stated, **changes})


def check_told(settings: Settings, pairs: tuple[TradingPair, ...], venue: Venue) -> None:
    """Whether the settings fit the enabled pairs and the venue: raises InvalidSettings naming each that does not."""
    sides = {side for trading in pairs for side in (trading.pair.base, trading.pair.quote)}
    named = {"base_currency": settings.base_currency, "bridge": settings.bridge}
    strangers = {field: asset for field, asset in named.items() if asset is not None and asset not in sides}
    if pairs and strangers:
        must, those = "must be an asset of an enabled pair", f"those are {', '.join(sorted(sides))}."
        told = strangers.items()
        raise InvalidSettings([FieldError(field, f"{field} {must}, not {asset}; {those}") for field, asset in told])
    check_sides(settings, sides, venue)


def _pairs_named(settings: Settings) -> tuple[TradingPair, ...]:
    return tuple(TradingPair(Pair.parse(name)) for name in sorted(settings.pairs))


def _held_before(stored: StoredConfig) -> bool:
    """Whether the stored settings may have had something for their bot alone."""
    return bool(stored.stated.get("cards")) or stored.stated.get("mode") == "live"


def _plain_pairs(pairs: tuple[TradingPair, ...]) -> tuple[tuple[str, int], ...]:
    return tuple((str(trading.pair), trading.priority) for trading in pairs)


def _digest(read: Configuration) -> str:
    content = {"settings": as_plain(read.settings), "pairs": _plain_pairs(read.pairs)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _seen(read: Configuration, version: int, who: str, at: datetime, digest: str) -> SettingsVersion:
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds")
    return SettingsVersion(version, as_plain(read.settings), _plain_pairs(read.pairs), who, moment, digest)
