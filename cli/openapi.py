"""The OpenAPI document, written from the API's own table of routes: `python -m cli.openapi > web/openapi.json`."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from heisenbug import __version__
from heisenbug.domain.assets import PAIR_PATTERN
from heisenbug.session import COOKIE

API = Path(__file__).parents[1] / "functions" / "api"
JSON = "application/json"
ABOUT = (
    "Ask the bot and tell it. Every answer but the files' is JSON, money as decimal text, times as UTC ISO-8601, "
    "lists newest first. Errors say what, why and what to do next; what is refused has changed nothing."
)
IN_PATH: dict[str, dict[str, Any]] = {
    "pair": {"type": "string", "pattern": PAIR_PATTERN, "examples": ["BTC-USD"]},
    "id": {"type": "string", "examples": ["3b0c44298fc1c149afbf4c89"]},
    "job": {"type": "string", "examples": ["20260102T030405.678-9abcde"]},
}
VERSION = {"type": "string", "pattern": r"^(\*|\"?[0-9]{1,20}\"?)$", "examples": ["2"]}
NEEDED = ("SettingsChange", "Restore", "Statement", "BacktestWish", "SweepWish", "BotWish")
# What may be too long to send.
LONG = ("BacktestReport", "SweepReport", "Csv")
REFUSALS: dict[str, tuple[str, ...]] = {
    "400": ("Not understood; each bad field is named and nothing was changed.", "Error"),
    "401": ("No token, or one that is not known.", "Error"),
    "403": ("The token does not allow this, or the page's cookie came without its header.", "Error"),
    "404": ("There is no such thing; the message says what there is.", "Error"),
    "405": ("The address takes other methods; `Allow` names them.", "Error"),
    "409": ("Somebody was first; `config` shows the settings as they are.", "Error"),
    "413": ("What was sent, or would be, is too large.", "Error", "Gateway"),
    "429": ("Too much at once: ask again in a moment, or wait for what the message names.", "Error", "Gateway"),
    "500": ("The bot's own fault; its alarm tells.", "Gateway"),
    "503": ("It could not be answered in time; ask again.", "Gateway"),
}
WAIT = {"description": "For how many seconds, where that is known.", "schema": {"type": "integer", "minimum": 1}}
HEADERS = {"429": {"headers": {"Retry-After": WAIT}}}
WELL = {200: "It worked.", 202: "It was begun; ask how it stands by its id."}
PAGES = "The session of a browser: POST /api/session sets it; a change needs the header X-Heisenbug: page beside it."


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the HTTP API."""
    routes = [route for route in _of_the_api("routes").routes.table if route.returns]
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Heisenbug", "version": __version__, "description": ABOUT},
        # Relative to the document at /api/openapi.json, so that it holds under any path prefix.
        "servers": [{"url": "..", "description": "Where this document came from"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "responses": {status: {**_answer(*told), **HEADERS.get(status, {})} for status, told in REFUSALS.items()},
            "schemas": _of_the_api("shapes").shapes(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "Admin or reader token."},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": PAGES},
            },
        },
    }


def operation(route: Any) -> dict[str, Any]:
    """What the document says of one route."""
    words = str(route.answer.__doc__)
    told: dict[str, Any] = {
        "operationId": route.answer.__name__,
        "summary": words.rstrip("."),
        "tags": [_tag(route)],
        "parameters": [*map(_in_path, _names(route.path)), *map(_in_query, route.query), *_extra(route)],
        "responses": {str(route.status): _answer(WELL[route.status], route.returns), **_refusals(route)},
    }
    if route.access == "anyone":
        told["security"] = []
    if route.sends:
        told["requestBody"] = {"required": route.sends in NEEDED, "content": _content(route.sends)}
    return told


def _of_the_api(module: str) -> Any:
    """One of the API function's modules, found as Lambda finds it: by its own folder."""
    if str(API) not in sys.path:
        sys.path.insert(0, str(API))
    return importlib.import_module(module)


def _tag(route: Any) -> str:
    if "bots" in route.path:
        return "Bots"
    if "session" in route.path:
        return "Session"
    if "config" in route.path or "pairs" in route.path:
        return "Settings"
    if "backtests" in route.path or "sweeps" in route.path:
        return "Learn"
    return "Look" if route.method == "GET" else "Control"


def _names(path: str) -> list[str]:
    return [part.strip("{}") for part in path.split("/") if part.startswith("{")]


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": IN_PATH[name]}


def _in_query(query: Any) -> dict[str, Any]:
    return {"name": query.name, "in": "query", "description": query.means, "schema": query.schema()}


def _extra(route: Any) -> list[dict[str, Any]]:
    """What is read from the request's headers."""
    if route.returns == "Config" and route.sends:
        means = "The version the change counts on; 409 where somebody changed the settings first."
        return [{"name": "If-Match", "in": "header", "description": means, "schema": VERSION}]
    return []


def _refusals(route: Any) -> dict[str, Any]:
    is_open, is_asked = route.access == "anyone", route.method == "GET"
    may_be = {
        "401": not is_open,
        "403": not is_open or not is_asked,
        "404": (bool(_names(route.path)) and route.method != "PUT") or route.sends == "Restore" or route.of_bot,
        "409": not is_asked and (route.returns in ("Config", "Bot", "BotRemoved") or route.sends == "Statement"),
        "413": bool(route.sends) or route.returns in LONG,
    }
    return {status: {"$ref": f"#/components/responses/{status}"} for status in REFUSALS if may_be.get(status, True)}


def _answer(words: str, *shapes: str) -> dict[str, Any]:
    return {"description": words, "content": _content(*shapes)}


def _content(*shapes: str) -> dict[str, Any]:
    if shapes == ("Csv",):
        return {"text/csv": {"schema": {"type": "string"}}}
    referred = [{"$ref": f"#/components/schemas/{shape}"} for shape in shapes]
    return {JSON: {"schema": referred[0] if len(referred) == 1 else {"anyOf": referred}}}


if __name__ == "__main__":
    print(json.dumps(document(), indent=1))
