"""The OpenAPI document, written from the API's own table of routes: `python -m cli.openapi > web/openapi.json`."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from heisenbug import __version__
from heisenbug.session import COOKIE

API = Path(__file__).parents[1] / "functions" / "api"
JSON = "application/json"
ABOUT = (
    "Ask the bot and tell it. Every answer but the files' is JSON, money as decimal text, times as UTC ISO-8601, "
    "lists newest first. Errors say what, why and what to do next; what is refused has changed nothing."
)
IN_PATH: dict[str, dict[str, Any]] = {
    "pair": {"type": "string", "examples": ["BTC-USD"]},
    "id": {"type": "string", "examples": ["3b0c44298fc1c149afbf4c89"]},
    "job": {"type": "string", "examples": ["20260102T030405.678-9abcde"]},
}
NEEDED = ("SettingsChange", "Restore", "Statement", "BacktestWish", "SweepWish")
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
        return [{"name": "If-Match", "in": "header", "description": means, "schema": {"type": "string"}}]
    return []


def _refusals(route: Any) -> dict[str, Any]:
    words = "Not understood; each bad field is named and nothing was changed."
    refusals: dict[str, Any] = {"400": _answer(words, "Error")}
    if route.access != "anyone":
        refusals["401"] = _answer("No token, or one that is not known.", "Error")
        refusals["403"] = _answer("The token does not allow this.", "Error")
    if (_names(route.path) and route.method != "PUT") or route.sends == "Restore":
        refusals["404"] = _answer("There is no such thing; the message says what there is.", "Error")
    if route.returns == "Config" and route.method != "GET":
        refusals["409"] = _answer("Somebody changed the settings first; `config` shows the newer ones.", "Error")
    if route.status == 202:
        refusals["429"] = _answer("Enough is under way; the message says what to wait for.", "Error")
    if route.sends:
        refusals["413"] = _answer("The body is too large.", "Error")
    return refusals


def _answer(words: str, shape: str) -> dict[str, Any]:
    return {"description": words, "content": _content(shape)}


def _content(shape: str) -> dict[str, Any]:
    if shape == "Csv":
        return {"text/csv": {"schema": {"type": "string"}}}
    return {JSON: {"schema": {"$ref": f"#/components/schemas/{shape}"}}}


if __name__ == "__main__":
    print(json.dumps(document(), indent=1))
