"""The simulated exchange behind `requests`, without a socket: a session's adapter that asks it directly.

session.mount("http://exchange.test", InProcess(exchange, clock, wait))
"""

import io
from collections.abc import Callable, Mapping
from email.utils import formatdate
from http.client import responses
from json import dumps
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.response import HTTPResponse
from urllib3.util import Timeout

from local.answers import Answer, Request
from local.replayed import Replayed


class InProcess(BaseAdapter):
    """Carries a session's requests to `exchange` at the time of `clock` (epoch seconds), and its answers back.

    `wait(seconds)` moves that clock: by an answer's delay, or by the request's read timeout where that is over first.
    What is asked for is done before: an answer that comes too late, or never, does not undo it.
    """

    def __init__(self, exchange: Replayed, clock: Callable[[], float], wait: Callable[[float], object]) -> None:
        super().__init__()
        self.exchange = exchange
        self._clock = clock
        self._wait = wait
        self._builder = HTTPAdapter()

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The answer; raises requests.ReadTimeout or requests.ConnectionError where there is none."""
        answer = self.exchange.answer(_asked(request), self._clock())
        self._await(answer, _read_timeout(timeout), request)
        response = self._builder.build_response(request, _raw(answer, request, self._clock()))
        if not stream:
            _ = response.content
        return response

    def close(self) -> None:
        """Nothing is open."""

    def _await(self, answer: Answer, patience: float | None, request: requests.PreparedRequest) -> None:
        delay = answer.delay_seconds if answer.hang_seconds is None else answer.hang_seconds
        if patience is not None and delay >= patience:
            self._wait(patience)
            raise requests.ReadTimeout(f"Read timed out. (read timeout={patience})", request=request)
        if delay:
            self._wait(delay)
        if answer.reset or answer.hang_seconds is not None:
            raise requests.ConnectionError("Remote end closed connection without response", request=request)


def _asked(request: requests.PreparedRequest) -> Request:
    address = urlsplit(request.url or "")
    body = request.body or b""
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    return Request(
        request.method or "GET",
        unquote(str(address.path)),
        dict(parse_qsl(str(address.query))),
        headers,
        body.encode() if isinstance(body, str) else bytes(body),
    )


def _raw(answer: Answer, request: requests.PreparedRequest, now: float) -> HTTPResponse:
    body = dumps(answer.body, separators=(",", ":")) if answer.html is None else answer.html
    content = body.encode()
    headers = {
        "Date": formatdate(now, usegmt=True),
        "Content-Type": "application/json" if answer.html is None else "text/html; charset=utf-8",
        "Content-Length": str(len(content)),
        **answer.headers,
    }
    return HTTPResponse(
        body=io.BytesIO(content),
        headers=headers,
        status=int(answer.status),
        reason=responses[answer.status],
        preload_content=False,
        request_method=request.method,
    )


def _read_timeout(timeout: Any) -> float | None:
    """The seconds that a request waits for its answer; none: for ever."""
    if isinstance(timeout, Timeout):
        timeout = timeout.read_timeout
    wanted = timeout[1] if isinstance(timeout, tuple) else timeout
    return float(wanted) if isinstance(wanted, int | float) else None
