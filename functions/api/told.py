"""What is told the bot over HTTP."""

from typing import Any

from answering import Plain
from reading import Request
from routing import Access, Office, Routes

from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.rules import shown

LONGEST_WHY = 200

routes = Routes(of_bot=True)


@routes.add("PATCH", "/api/config", "Config", access=Access.ADMIN, sends="SettingsChange")
def patch_config(office: Office, request: Request) -> Plain:
    """Change settings, all or none; with `If-Match: VERSION` only where nobody changed them first (409)."""
    return office.desk.settings.change(request.sent(), "api", request.version_seen())


@routes.add("POST", "/api/config/check", "Checked", sends="SettingsTried")
def check_config(office: Office, request: Request) -> Plain:
    """What is wrong with a change of settings, and what it would change; nothing is kept of it."""
    return office.desk.settings.check(request.sent())


@routes.add("POST", "/api/config/restore", "Config", access=Access.ADMIN, sends="Restore")
def restore_config(office: Office, request: Request) -> Plain:
    """Set settings back to what they were at a version, all or those of `names`, as a new version."""
    told = request.sent_of("version", "names")
    return office.desk.settings.restore(told.get("version"), told.get("names"), "api", request.version_seen())


@routes.add("PUT", "/api/pairs/{pair}", "Pair", access=Access.ADMIN, sends="PairChange")
def put_pair(office: Office, request: Request) -> Plain:
    """Add a pair or replace what is told of it: enabled with priority 50 unless it is said otherwise."""
    told = request.sent_of("enabled", "priority")
    return office.desk.pairs.put(request.named["pair"], told.get("enabled", True), told.get("priority", 50))


@routes.add("DELETE", "/api/pairs/{pair}", "Removed", access=Access.ADMIN)
def remove_pair(office: Office, request: Request) -> Plain:
    """Take a pair out."""
    return office.desk.pairs.remove(request.named["pair"])


@routes.add("POST", "/api/start", "Config", access=Access.ADMIN)
def start(office: Office, request: Request) -> Plain:
    """Let the bot trade."""
    return office.desk.settings.change({"is_active": True}, "api")


@routes.add("POST", "/api/stop", "Config", access=Access.ADMIN)
def stop(office: Office, request: Request) -> Plain:
    """Let the bot look, but not trade."""
    return office.desk.settings.change({"is_active": False}, "api")


@routes.add("POST", "/api/kill", "Kill", access=Access.ADMIN, sends="KillReason")
def kill(office: Office, request: Request) -> Plain:
    """Stop at once, until a person re-arms the bot; what it holds stays as it is."""
    return office.desk.standing.kill("api", _why(request.sent_of("why").get("why", "")))


@routes.add("POST", "/api/trades/{id}/resolve", "Trade", access=Access.ADMIN, sends="Statement")
def resolve(office: Office, request: Request) -> Plain:
    """State, typed in full, what became of an unresolved trade: "executed 100 USD for 0.0012 BTC", or a failure."""
    return office.desk.trades.resolve(request.named["id"], request.sent_of("statement").get("statement"), "api")


@routes.add("POST", "/api/rearm", "Kill", access=Access.ADMIN)
def rearm(office: Office, request: Request) -> Plain:
    """Lift the kill; drawdown counts from now on."""
    return office.desk.standing.rearm()


@routes.add(
    "POST",
    "/api/notifications/test",
    "NotificationSent",
    access=Access.ADMIN,
    sends="NotificationTest",
    of_bot=False,
)
def test_notifications(office: Office, request: Request) -> Plain:
    """Send one notification by Telegram or SNS, whatever is chosen: where it went, or what keeps it from arriving."""
    return office.notifications.test(request.sent_of("way").get("way", "telegram"))


def _why(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidSettings([FieldError("why", f"why must be a text, not {shown(value)}.")])
    text = value[:LONGEST_WHY].encode("utf-8", "replace").decode()
    return text or "by hand"
