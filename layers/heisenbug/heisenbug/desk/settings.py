"""The settings: shown, changed, tried, and set back."""

from collections.abc import Mapping
from typing import Any

from heisenbug.desk.known import Known, Plain, cursor, field_errors
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.rules import shown
from heisenbug.domain.settings import as_plain, describe


class SettingsDesk:
    """What the bot is told."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def config(self) -> Plain:
        """Every setting, the version they are at, and what is wrong with them, if anything."""
        told, invalid = self._known.told()
        return {**_config(told), "errors": field_errors(invalid)}

    def schema(self) -> Plain:
        """Every setting's bounds, default and meaning."""
        return {"type": "object", "properties": describe(), "additionalProperties": False}

    def history(self, limit: int, before: int | None = None) -> Plain:
        """The versions of the settings, newest first."""
        versions = self._known.settings_history.newest(limit, before)
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
        return {"versions": rows, "cursor": cursor(rows, limit, "version")}

    def change(self, changes: Any, who: str, version: int | None = None) -> Plain:
        """Change settings; raises InvalidSettings naming each bad field, or StaleVersion; then nothing is changed."""
        changes = _some(changes)
        if changes.get("mode") in ("paper", "live"):
            self._refuse_open(changes["mode"])
        return _config(self._known.configurations.change(changes, who, self._known.clock(), version))

    def check(self, changes: Any) -> Plain:
        """What is wrong with `changes` of settings, and what each would change; nothing is kept of them."""
        before = as_plain(self._known.told()[0].settings)
        try:
            after = as_plain(self._known.configurations.checked(_some(changes)))
        except InvalidSettings as invalid:
            return {"errors": field_errors(invalid), "changes": []}
        names = [name for name in after if after[name] != before[name]]
        rows = [{"name": name, "before": before[name], "after": after[name]} for name in names]
        return {"errors": [], "changes": rows}

    def restore(self, version: Any, names: Any, who: str, seen: int | None = None) -> Plain:
        """Set settings back to what they were at a version; raises InvalidSettings, StaleVersion or NotFound."""
        errors = []
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            errors.append(FieldError("version", f"version must be the number of a version, not {shown(version)}."))
        if names is not None and (not isinstance(names, list) or not all(isinstance(name, str) for name in names)):
            errors.append(FieldError("names", f'names must be a list such as ["model"], not {shown(names)}.'))
        if errors:
            raise InvalidSettings(errors)
        return self.change(self._known.configurations.as_it_was(version, names), who, seen)

    def _refuse_open(self, mode: str) -> None:
        """No mode change while a trade is open: it is settled by the exchange it was made on."""
        state = self._known.states.read()
        if state.open_trade and mode != self._known.told()[0].settings.mode:
            message = f"mode cannot change while trade {state.open_trade} is open; wait until it has ended."
            raise InvalidSettings([FieldError("mode", message)])


def _some(changes: Any) -> Mapping[str, Any]:
    if not isinstance(changes, Mapping) or not changes:
        message = 'Send at least one setting, as in {"risk_tolerance": 0.6}.'
        raise InvalidSettings([FieldError("settings", message)])
    return changes


def _config(told: Configuration) -> Plain:
    return {"version": told.version, "settings": as_plain(told.settings)}
