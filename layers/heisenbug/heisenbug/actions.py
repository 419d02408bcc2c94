"""What a WebSocket client may ask, and the answers: {"action": ..., "data": ...} in, {type, data, at} out."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from heisenbug.desk import Desk
from heisenbug.domain.errors import FieldError, HeisenbugError, InvalidSettings
from heisenbug.domain.rules import BadValue, Integer
from heisenbug.fleet import Fleet

LARGEST_MESSAGE_BYTES = 32_768
LIMIT = Integer(1, 100)
ACTIONS = "get_status, get_bots, get_recent_trades, get_top_trades, update_config, ping"
CHANGING = ("update_config",)
FORBIDDEN = "This token may only read; connect with the admin token to change settings."
Answer = tuple[str, Any]


class Actions:
    """Answers one client's messages; `role` is what its token allows, `bot` the one it watches, None the own one."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._answers: Mapping[str, Callable[[Desk, Mapping[str, Any]], Answer]] = {
            "get_status": lambda desk, message: ("bot_status", desk.standing.status()),
            "get_bots": lambda desk, message: ("bots", fleet.all()),
            "get_recent_trades": lambda desk, message: ("recent_trades", _trades(desk, message)),
            "get_top_trades": lambda desk, message: ("top_opportunities", desk.board.opportunities(_limit(message, 5))),
            "update_config": _update_config,
            "ping": lambda desk, message: ("pong", {}),
        }

    def answer(self, text: str, role: str, bot: str | None = None) -> Answer:
        """The type and data of the answer to `text`; what is not understood is answered with what is accepted."""
        try:
            message = _understood(text)
            is_changed = message["action"] in CHANGING
            if is_changed and role != "admin":
                return _error("forbidden", FORBIDDEN, [])
            return self._answers[message["action"]](self._fleet.desk_of(self._fleet.find(bot, is_changed)), message)
        except InvalidSettings as invalid:
            fields = [{"field": error.field, "message": error.message} for error in invalid.fields]
            return _error("invalid", str(invalid), fields)
        except HeisenbugError as error:
            return _error("refused", str(error), [])


class NotUnderstood(HeisenbugError):
    """A message that is none of those accepted."""


def _understood(text: str) -> Mapping[str, Any]:
    if len(text.encode()) > LARGEST_MESSAGE_BYTES:
        raise NotUnderstood(f"The message is over {LARGEST_MESSAGE_BYTES} bytes; send less at once.")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, Mapping) or message.get("action") not in ACTIONS.split(", "):
        raise NotUnderstood(f'Not understood. Send JSON such as {{"action": "get_status"}}; the actions are {ACTIONS}.')
    return message


def _update_config(desk: Desk, message: Mapping[str, Any]) -> Answer:
    return "config_updated", desk.settings.change(message.get("data"), "websocket")


def _trades(desk: Desk, message: Mapping[str, Any]) -> Any:
    return desk.trades.newest(_limit(message, 10))["trades"]


def _limit(message: Mapping[str, Any], default: int) -> int:
    try:
        return LIMIT.check(message.get("limit", default))
    except BadValue as bad:
        raise InvalidSettings([FieldError("limit", f"limit {bad}")]) from bad


def _error(code: str, text: str, fields: list[dict[str, str]]) -> Answer:
    return "error", {"code": code, "message": text, "fields": fields}
