"""Talking to a venue: HTTP/1.1, a deadline for everything, reading asked again, sending never."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

import requests
import urllib3

from heisenbug.domain.errors import MarketUnavailable, Quiet
from heisenbug.exchange.patience import Patience

LARGEST_ANSWER_BYTES = 8_000_000
CHUNK_BYTES = 65_536
# A reading that came to nothing is asked again after these pauses, while its deadline allows it.
PAUSES_SECONDS = (0.2, 0.5)
MARGIN_SECONDS = 0.01
# What must be left of a deadline for a call to make sense at all.
LEAST_SECONDS = 0.05
# A call that nothing else has ended this long after its deadline is left behind.
OVERTIME_SECONDS = 0.5
LEAST_SECRET = 8
PASSING = (
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
Sign = Callable[[], Mapping[str, str]]
Exchanged = TypeVar("Exchanged")


@dataclass(frozen=True, slots=True)
class Answer:
    """A venue's answer: `body` is its JSON, None where it is none; header names are matched in any case.

    Numbers with a fraction are text in it, so that no digit of theirs is lost.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    begins: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is an answer in the 200s."""
        return 200 <= self.status < 300

    @property
    def says(self) -> str:
        """The status in words."""
        known = self.status in HTTPStatus._value2member_map_
        return f"the exchange answered {self.status}" + (f" {HTTPStatus(self.status).phrase}" if known else "")


class PlainSession(requests.Session):
    """Takes nothing from the environment, neither proxies nor passwords, and redirects for what they are: answers."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: the library would read all of the answer, at any length, to know where it leads."""


class Http:
    """The venue at `url`; one connection is kept. `sign` gives the headers that prove who asks.

    Raises MarketUnavailable where no answer came by the deadline (epoch seconds), Quiet where the venue wants to be
    left alone. A sending may have been carried out all the same: only its caller knows what that means.
    """

    def __init__(
        self,
        url: str,
        clock: Callable[[], datetime],
        wait: Callable[[float], None],
        patience: Patience | None = None,
        sign: Sign = dict,
    ) -> None:
        self.url = url.rstrip("/")
        self._clock = clock
        self._wait = wait
        self._patience = patience or Patience()
        self._sign = sign
        self.session = PlainSession()

    def get(
        self,
        path: str,
        deadline: float,
        headers: Mapping[str, str] | None = None,
        pauses: Sequence[float] = PAUSES_SECONDS,
        proof: Mapping[str, str] | None = None,
    ) -> Answer:
        """Read; what passes by itself (no connection, 500, 503, a short Retry-After) is asked again in time.

        A `proof` that was made for this very request is sent with it, as often as it is asked.
        """
        try:
            asked = requests.Request("GET", self.url + path, headers)
            ours = self.proof(deadline)
            answer = self._ask(asked, deadline, ours if proof is None else proof)
            if answer.status not in PASSING or not self._may_wait(pauses, deadline):
                return answer
            pause = pauses[0]
        except Quiet:
            pause = self._patience.until - self._now() + MARGIN_SECONDS
            if not self._may_wait([pause] if pauses else [], deadline):
                raise
        except MarketUnavailable:
            if not self._may_wait(pauses, deadline):
                raise
            pause = pauses[0]
        self._wait(pause)
        return self.get(path, deadline, headers, pauses[1:], proof)

    def post(
        self, path: str, body: Mapping[str, Any], deadline: float, proof: Mapping[str, str] | None = None
    ) -> Answer:
        """Send once, never again; with a `proof` that was got before, nothing but the way there can fail."""
        proof = self.proof(deadline) if proof is None else proof
        headers = {"Content-Type": "application/json"}
        return self._ask(requests.Request("POST", self.url + path, headers, data=json.dumps(body)), deadline, proof)

    def send(
        self, path: str, content: str, deadline: float, headers: Mapping[str, str], proof: Mapping[str, str]
    ) -> Answer:
        """Send once, exactly what was signed, never again; nothing is sent without patience and time."""
        self.proof(deadline)
        return self._ask(requests.Request("POST", self.url + path, headers, data=content), deadline, proof)

    def hush(self) -> None:
        """The venue asked for quiet, in other words than by 429."""
        self._patience.asked(self._now(), None)

    def proof(self, deadline: float) -> Mapping[str, str]:
        """The headers that prove who asks, while there is patience and time; to get them takes time as well.

        Raises what keeps anything from being sent now: Quiet, MarketUnavailable, or what `sign` raises.
        """
        self._patience.check(self._now())
        self._check_time(deadline)
        proof = self._sign()
        self._check_time(deadline)
        return proof

    def _check_time(self, deadline: float) -> None:
        if self._left(deadline) < LEAST_SECONDS:
            raise MarketUnavailable("the exchange was not asked: no time was left")

    def _ask(self, request: requests.Request, deadline: float, proof: Mapping[str, str]) -> Answer:
        left = self._left(deadline)
        request.headers = {**(request.headers or {}), **proof}
        try:
            answer = within(left + OVERTIME_SECONDS, lambda: self._exchanged(request, left, deadline, proof))
        except requests.RequestException as error:
            raise MarketUnavailable(f"the exchange did not answer: {plainly(error)}") from None
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._patience.asked(self._now(), _seconds(answer.headers.get("Retry-After")))
            left = self._patience.until - self._now()
            raise Quiet(f"{answer.says}, to be asked again after {left:.0f} s")
        return answer

    def _exchanged(self, request: requests.Request, left: float, deadline: float, proof: Mapping[str, str]) -> Answer:
        prepared = self.session.prepare_request(request)
        with self.session.send(prepared, timeout=(left, left), stream=True, allow_redirects=False) as answer:
            content = _blotted(self._content(answer, deadline), proof)
        return Answer(answer.status_code, answer.headers, _json(content), repr(content[:20]))

    def _content(self, answer: requests.Response, deadline: float) -> bytes:
        content = b""
        while chunk := _read_some(answer):
            content += chunk
            if self._now() > deadline:
                raise requests.Timeout("the answer dripped")
            if len(content) > LARGEST_ANSWER_BYTES:
                raise MarketUnavailable(f"the exchange's answer is over {LARGEST_ANSWER_BYTES} bytes")
        return content

    def _may_wait(self, pauses: Sequence[float], deadline: float) -> bool:
        return bool(pauses) and pauses[0] + LEAST_SECONDS < self._left(deadline)

    def _left(self, deadline: float) -> float:
        return deadline - self._now()

    def _now(self) -> float:
        return self._clock().timestamp()


def plainly(error: Exception) -> str:
    """What went wrong on the way, in words."""
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return "it took too long"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return type(error).__name__


def within(seconds: float, exchange: Callable[[], Exchanged]) -> Exchanged:
    """What `exchange` gives; it is left behind after `seconds`, whatever it waits for: names, headers that drip."""
    ended: SimpleQueue[Exchanged | BaseException] = SimpleQueue()

    def carry_out() -> None:
        try:
            ended.put(exchange())
        except BaseException as error:
            ended.put(error)

    Thread(target=carry_out, daemon=True).start()
    try:
        end = ended.get(timeout=seconds)
    except Empty:
        raise requests.Timeout("left behind") from None
    if isinstance(end, BaseException):
        raise end
    return end


def _blotted(content: bytes, proof: Mapping[str, str]) -> bytes:
    """The answer without the secret of its question, should a venue repeat it."""
    for secret in (value.rpartition(" ")[2] for value in proof.values()):
        if len(secret) >= LEAST_SECRET:
            content = content.replace(secret.encode(), b"(hidden)")
    return content


def _read_some(answer: requests.Response) -> bytes:
    """What has come by now: an answer that drips is stopped by our deadline, not by each byte's."""
    try:
        chunk: bytes = answer.raw.read1(CHUNK_BYTES, decode_content=True)
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from error
    return chunk


def _json(content: bytes) -> Any:
    try:
        return json.loads(content, parse_float=str)
    except (ValueError, RecursionError):
        return None


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.strip().isdigit() else None
