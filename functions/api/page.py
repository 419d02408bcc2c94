"""The files a browser gets: the page, its script and style, the API's document and the page to try it in."""

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from answering import Answer
from reading import Request

from heisenbug.domain.errors import NotFound

KINDS = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
}
NOTHING_ELSE = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
OWN = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:"
# Kept by the browser, but asked for again each time: an update is never met by yesterday's script.
SAFE = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def page_policy(websocket_url: str) -> str:
    """What the page may do: run its own files, talk to its own address and to this WebSocket, build no HTML."""
    socket = "/".join(websocket_url.split("/")[:3])
    return f"{OWN}; connect-src 'self' {socket}; {NOTHING_ELSE}; require-trusted-types-for 'script'"


def docs_policy() -> str:
    """The same for the document's page, which talks to its own address alone."""
    return f"{OWN}; connect-src 'self'; {NOTHING_ELSE}"


def file(name: str, request: Request, policy: str = "") -> Answer:
    """The file `name`, or 304 where the browser has it already; raises NotFound."""
    if name not in _shelf():
        raise NotFound(f"There is no file {name[:40]!r}.")
    body = _read(name)
    etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:20]}"'
    headers = {**SAFE, "ETag": etag, "Content-Type": KINDS[_ending(name)]}
    if policy:
        headers["Content-Security-Policy"] = policy
    known = etag in request.headers.get("if-none-match", "")
    return Answer(304, "", headers) if known else Answer(200, body, headers)


@cache
def _shelf() -> dict[str, Traversable]:
    """Every file that may be sent, by name: no name is ever put together into a path."""
    swagger = files("aws_lambda_powertools") / "event_handler" / "openapi" / "swagger_ui"
    both = [*swagger.iterdir(), *files("heisenbug_web").iterdir()]
    return {found.name: found for found in both if _ending(found.name) in KINDS}


@cache
def _read(name: str) -> str:
    return _shelf()[name].read_text("utf-8")


def _ending(name: str) -> str:
    return name.rpartition(".")[2]
