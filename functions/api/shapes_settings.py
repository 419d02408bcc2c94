"""The shapes of what the bot is told: settings and pairs."""

from shape_bits import (
    CURSOR,
    FIELD_ERROR,
    FLAG,
    MOMENT,
    PAIR,
    PRIORITY,
    TEXT,
    WHOLE,
    Shape,
    all_of,
    list_of,
    or_none,
    ref,
    some_of,
)

from heisenbug.domain.settings import describe
from heisenbug.notifying.telling import WAY


def _settings() -> dict[str, Shape]:
    told = describe()
    return {
        name: {**{key: value for key, value in rule.items() if key != "must"}, "description": _meaning(rule)}
        for name, rule in told.items()
    }


def _meaning(rule: Shape) -> str:
    return f"{rule['description']} {rule['must']}"


SETTING_CHANGE = all_of({"name": TEXT, "before": {}, "after": {}})
VERSION = all_of(
    {
        "version": WHOLE,
        "at": MOMENT,
        "who": TEXT,
        "settings": ref("Settings"),
        "pairs": list_of(all_of({"pair": PAIR, "priority": PRIORITY})),
    }
)
CONFIG = {
    **all_of({"version": WHOLE, "settings": ref("Settings"), "errors": list_of(FIELD_ERROR)}),
    "required": ["version", "settings"],
}
SETTINGS = some_of(_settings())

SHAPES: dict[str, Shape] = {
    "Settings": SETTINGS,
    "SettingsTried": {"type": "object", "description": "A SettingsChange, right or wrong."},
    "SettingsChange": {**SETTINGS, "minProperties": 1, "examples": [{"risk_tolerance": 0.6}]},
    "Config": CONFIG,
    "ConfigSchema": {"type": "object", "description": "The schema of Settings, as JSON schema."},
    "ConfigHistory": all_of({"versions": list_of(VERSION), "cursor": CURSOR}),
    "Pair": all_of({"pair": PAIR, "enabled": FLAG, "priority": PRIORITY}),
    "Pairs": all_of({"pairs": list_of(ref("Pair"))}),
    "PairChange": some_of({"enabled": {**FLAG, "default": True}, "priority": PRIORITY}),
    "Removed": all_of({"removed": PAIR}),
    "Checked": all_of({"errors": list_of(FIELD_ERROR), "changes": list_of(SETTING_CHANGE)}),
    "NotificationTest": some_of({"way": {"type": "string", "enum": [*WAY.words], "default": WAY.words[0]}}),
    "NotificationSent": all_of({"way": TEXT, "says": TEXT}),
    "Restore": {
        **some_of({"version": {**WHOLE, "minimum": 1}, "names": or_none(list_of(TEXT))}),
        "required": ["version"],
    },
}
