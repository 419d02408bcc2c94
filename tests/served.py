"""The HTTP API on a port of this computer: each request becomes the event that API Gateway would make of it."""

import base64
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.serving import WSGIRequestHandler, make_server

from tests.lambdas import Event

Handler = Callable[[Event, object], Event]


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Nobody wants to read it."""


@contextmanager
def served(handler: Handler) -> Iterator[str]:
    """The address of a handler, for as long as it is needed."""
    server = make_server("127.0.0.1", 0, _Gateway(handler), threaded=True, request_handler=_Silent)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()


class _Gateway:
    """What API Gateway is between a client and a handler; one that raises is answered for with 500."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        try:
            answer = self._handler(_event(environ), None)
        except Exception as error:
            answer = _failed(error)
        body = answer["body"]
        sent = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        cookies = [("Set-Cookie", kept) for kept in answer.get("cookies", ())]
        start(f"{answer['statusCode']} -", [*answer["headers"].items(), *cookies, ("Content-Length", str(len(sent)))])
        return [sent]


def _failed(error: Exception) -> Event:
    headers = {"Content-Type": "application/json", "X-Raised": ascii(error)[:200]}
    return {"statusCode": 500, "headers": headers, "body": '{"message":"Internal Server Error"}'}


def _event(environ: dict[str, Any]) -> Event:
    path, _, query = environ["RAW_URI"].partition("?")
    asked = _joined(parse_qsl(query, keep_blank_values=True))
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    request = {"method": environ["REQUEST_METHOD"], "path": path, "sourceIp": environ["REMOTE_ADDR"]}
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": _headers(environ),
        "requestContext": {"http": request, "stage": "$default"},
        "isBase64Encoded": bool(body),
        **({"queryStringParameters": asked} if asked else {}),
        **({"body": base64.b64encode(body).decode()} if body else {}),
    }


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    told = {name.removeprefix("HTTP_"): value for name, value in environ.items() if name.startswith("HTTP_")}
    typed = {"CONTENT_TYPE": environ["CONTENT_TYPE"]} if environ.get("CONTENT_TYPE") else {}
    return {name.replace("_", "-").lower(): value for name, value in {**told, **typed}.items()}


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names that come twice have their values with a comma between them."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined
