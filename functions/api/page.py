"""The files a browser gets: the panel, the API's document and the page to try it in; compressed where that is taken."""

import base64
import gzip
import hashlib
import re
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
    "txt": "text/plain; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "json": "application/json",
    "webmanifest": "application/manifest+json",
}
PACKED_ALREADY = ("png",)
NOTHING_ELSE = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
OWN = "default-src 'none'; script-src 'self'; img-src 'self' data:; style-src 'self'"
SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
# Kept by the browser, but asked for again each time: an update is never met by yesterday's script.
ASKED_AGAIN = "no-cache"
# A name that changes with its content is never asked for again.
NAMED_BY_CONTENT = re.compile(r"[a-z]+-[0-9a-f]{12}\.js")
KEPT = "public, max-age=31536000, immutable"
# The worker lies among the assets and serves the page above them.
WORKER = {"sw.js": {"Service-Worker-Allowed": "../"}}


def page_policy(websocket_url: str) -> str:
    """What the page may do: run its own files, talk to its own address and to this WebSocket, build no HTML."""
    socket = "/".join(websocket_url.split("/")[:3])
    return (
        f"{OWN}{_own_style()}; connect-src 'self' {socket}; manifest-src 'self'; worker-src 'self'; {NOTHING_ELSE}; "
        "require-trusted-types-for 'script'; trusted-types worker"
    )


def docs_policy() -> str:
    """The same for the document's page, which talks to its own address alone."""
    return f"{OWN}; connect-src 'self'; {NOTHING_ELSE}"


def file(name: str, request: Request, policy: str = "") -> Answer:
    """The file `name`, or 304 where the browser has it already; raises NotFound."""
    if name not in _shelf():
        raise NotFound(f"There is no file {name[:40]!r}.")
    headers = {**SAFE, **WORKER.get(name, {}), "ETag": _etag(name), "Content-Type": KINDS[_ending(name)]}
    headers["Cache-Control"] = KEPT if NAMED_BY_CONTENT.fullmatch(name) else ASKED_AGAIN
    headers["Vary"] = "Accept-Encoding"
    if policy:
        headers["Content-Security-Policy"] = policy
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Answer(304, "", headers)
    return _sent(name, "gzip" in request.headers.get("accept-encoding", ""), headers)


def _sent(name: str, is_packed: bool, headers: dict[str, str]) -> Answer:
    if is_packed and _ending(name) not in PACKED_ALREADY:
        return Answer(200, _packed(name), {**headers, "Content-Encoding": "gzip"}, is_base64=True)
    if _ending(name) in PACKED_ALREADY:
        return Answer(200, base64.b64encode(_read(name)).decode(), headers, is_base64=True)
    return Answer(200, _read(name).decode(), headers)


@cache
def _shelf() -> dict[str, Traversable]:
    """Every file that may be sent, by name: no name is ever put together into a path."""
    swagger = files("aws_lambda_powertools") / "event_handler" / "openapi" / "swagger_ui"
    both = [*swagger.iterdir(), *files("heisenbug_web").iterdir()]
    return {found.name: found for found in both if _ending(found.name) in KINDS}


@cache
def _read(name: str) -> bytes:
    return _shelf()[name].read_bytes()


@cache
def _packed(name: str) -> str:
    """The file as it was packed for the layer, else packed now."""
    beside = files("heisenbug_web") / f"{name}.gz"
    packed = beside.read_bytes() if beside.is_file() else gzip.compress(_read(name))
    return base64.b64encode(packed).decode()


@cache
def _etag(name: str) -> str:
    return f'"{hashlib.sha256(_read(name)).hexdigest()[:20]}"'


@cache
def _own_style() -> str:
    """The style within the page, as its policy allows it; nothing where the page has none."""
    found = re.search(rb"<style>(.*?)</style>", _read("index.html"), re.DOTALL)
    return f" 'sha256-{base64.b64encode(hashlib.sha256(found[1]).digest()).decode()}'" if found else ""


def _ending(name: str) -> str:
    return name.rpartition(".")[2]
