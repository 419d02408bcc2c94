"""BotConfig (bot_id): one readable item, every setting an attribute with its plain name, for a person to edit by hand.

It is read as it is, whatever types a person typed, and judged by the settings' own rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError, TransactWriteError, UpdateError
from pynamodb.expressions.condition import Condition

from heisenbug.domain.errors import StaleVersion
from heisenbug.domain.settings import Settings, as_plain
from heisenbug.store.tables import BotModel, PlainMeta, Step, failed_condition
from heisenbug.store.values import from_dynamo, to_dynamo

ABOUT = ("bot_id", "version", "updated_by", "updated_at")


class BotConfigItem(BotModel):
    """The keys of BotConfig; the settings beside them are read raw."""

    class Meta(PlainMeta):
        table = "BotConfig"

    bot_id = UnicodeAttribute(hash_key=True)
    version = NumberAttribute(null=True)
    updated_by = UnicodeAttribute(null=True)
    updated_at = UnicodeAttribute(null=True)


@dataclass(frozen=True, slots=True)
class StoredConfig:
    """The item as it stands: the settings it names, its version, and who wrote it when."""

    stated: Mapping[str, Any]
    version: int
    updated_by: str
    updated_at: str
    raw_version: Any = None
    has_version: bool = False


class BotConfig:
    """The settings item of one bot."""

    def __init__(self, bot_id: str) -> None:
        self._bot_id = bot_id

    def read(self) -> StoredConfig | None:
        """The item, strongly consistent; None before the first start."""
        table = BotConfigItem._get_connection()
        raw = table.get_item(self._bot_id, consistent_read=True).get("Item")
        if not raw:
            return None
        plain = {name: from_dynamo(value) for name, value in raw.items()}
        stated = {name: value for name, value in plain.items() if name not in ABOUT}
        version = plain.get("version")
        return StoredConfig(
            stated,
            int(version) if isinstance(version, Decimal) and version == version.to_integral() else 0,
            str(plain.get("updated_by", "")),
            str(plain.get("updated_at", "")),
            version,
            "version" in plain,
        )

    def bump(self, stored: StoredConfig, version: int, who: str, at: str) -> None:
        """Number a content that came in without a new version: an edit by hand, or of the pairs."""
        condition = _unchanged(stored)
        try:
            BotConfigItem(self._bot_id).update(
                actions=[
                    BotConfigItem.version.set(version),
                    BotConfigItem.updated_by.set(who),
                    BotConfigItem.updated_at.set(at),
                ],
                condition=condition,
            )
        except UpdateError as error:
            if not failed_condition(error):
                raise

    def write(
        self,
        settings: Settings,
        stored: StoredConfig | None,
        version: int,
        who: str,
        at: str,
        beside: Callable[[Step], None] | None = None,
    ) -> None:
        """Put the settings as `version`; raises StaleVersion unless the item is still the one that was `stored`.

        What `beside` adds is written in the same transaction, or neither is.
        """
        item = {name: _storable(getattr(settings, name), plain) for name, plain in as_plain(settings).items()}
        about = {"version": version, "updated_by": who, "updated_at": at}
        attributes = {name: to_dynamo(value) for name, value in {**item, **about}.items()}
        condition = _unchanged(stored)
        table = BotConfigItem._get_connection()
        try:
            if beside is None:
                table.put_item(self._bot_id, attributes=attributes, condition=condition)
                return
            with Step(connection=table.connection) as step:
                step.put_raw(table, self._bot_id, attributes, condition)
                beside(step)
        except (PutError, TransactWriteError) as error:
            if not failed_condition(error):
                raise
            raise StaleVersion(
                "Someone changed the settings first, nothing was changed; read them again and repeat the change."
            ) from error


def _unchanged(stored: StoredConfig | None) -> Condition:
    """That the item has the version it was read with, even where a person made that something else than a number."""
    version = BotConfigItem.version
    if stored is None or (not stored.has_version):
        return version.does_not_exist()
    if isinstance(stored.raw_version, Decimal):
        return version == float(stored.raw_version)
    not_a_number: Condition = ~version.is_type()  # type: ignore[no-untyped-call]
    return not_a_number


def _storable(value: Any, plain: Any) -> Any:
    """A setting's value as DynamoDB takes it: every number exact, money never as text."""
    if isinstance(value, Mapping):
        return {key: _storable(part, part) for key, part in value.items()}
    return value if isinstance(value, Decimal) else _exact(plain)


def _exact(plain: Any) -> Any:
    if isinstance(plain, float):
        return Decimal(repr(plain))
    if isinstance(plain, Mapping):
        return {key: _exact(part) for key, part in plain.items()}
    return [_exact(part) for part in plain] if isinstance(plain, list) else plain
