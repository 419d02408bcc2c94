"""SettingsHistory (bot_id, version): every content the settings ever had, written at the first tick that saw it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError

from heisenbug.store.tables import BotModel, PlainMeta, failed_condition


class SettingsHistoryItem(BotModel):
    """One version of the settings and of the table of pairs."""

    class Meta(PlainMeta):
        table = "SettingsHistory"

    bot_id = UnicodeAttribute(hash_key=True)
    version = NumberAttribute(range_key=True)
    settings = JSONAttribute()
    trading_pairs = JSONAttribute()
    who = UnicodeAttribute(null=True)
    at = UnicodeAttribute()
    digest = UnicodeAttribute()


@dataclass(frozen=True, slots=True)
class SettingsVersion:
    """One content of the settings, plain as JSON carries it, with its pairs as [pair, priority], who and when."""

    version: int
    settings: Mapping[str, Any]
    pairs: tuple[tuple[str, int], ...]
    who: str
    at: str
    digest: str


class SettingsHistory:
    """The versions of one bot's settings."""

    def __init__(self, bot_id: str) -> None:
        self._bot_id = bot_id

    def newest(self, limit: int = 1, before: int | None = None) -> list[SettingsVersion]:
        """The newest versions, newest first."""
        condition = None if before is None else SettingsHistoryItem.version < before
        items = SettingsHistoryItem.query(
            self._bot_id, condition, scan_index_forward=False, limit=limit, consistent_read=True
        )
        return [_version(item) for item in items]

    def get(self, version: int) -> SettingsVersion | None:
        """One version, or None where it was never seen."""
        try:
            return _version(SettingsHistoryItem.get(self._bot_id, version))
        except DoesNotExist:
            return None

    def add(self, seen: SettingsVersion) -> bool:
        """Keep a version; False where another tick kept that number first."""
        item = SettingsHistoryItem(
            self._bot_id,
            seen.version,
            settings=dict(seen.settings),
            trading_pairs=[list(pair) for pair in seen.pairs],
            who=seen.who,
            at=seen.at,
            digest=seen.digest,
        )
        try:
            item.save(condition=SettingsHistoryItem.version.does_not_exist())
        except PutError as error:
            if not failed_condition(error):
                raise
            return False
        return True


def _version(item: SettingsHistoryItem) -> SettingsVersion:
    pairs = tuple((name, priority) for name, priority in item.trading_pairs)
    return SettingsVersion(int(item.version), item.settings, pairs, item.who or "", item.at, item.digest)
