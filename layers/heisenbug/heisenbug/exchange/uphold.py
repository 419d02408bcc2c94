"""Uphold's public prices: one call for all pairs quoted in one currency, everything it may answer named."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import requests
import urllib3

from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import MarketUnavailable
from heisenbug.domain.quotes import RawQuote, Ticker
from heisenbug.exchange.port import PastQuotes

LARGEST_ANSWER_BYTES = 8_000_000
CHUNK_BYTES = 65_536


class Uphold:
    """The venue at `url`; one HTTP/1.1 connection is kept, nothing is retried: the next tick asks again."""

    def __init__(self, url: str, clock: Callable[[], datetime]) -> None:
        self._url = url.rstrip("/")
        self._clock = clock
        self._session = requests.Session()
        self._session.trust_env = False

    def tickers(self, pairs: Sequence[Pair], timeout_seconds: float) -> Ticker:
        """What Uphold asks and pays for all `pairs` now; raises MarketUnavailable within the timeout."""
        deadline = monotonic() + timeout_seconds
        wanted = set(pairs)
        quotes: dict[Pair, RawQuote] = {}
        for currency in sorted({pair.quote for pair in pairs}):
            rows = self._get(f"/v0/ticker/{currency}", deadline)
            quotes.update((pair, raw) for pair, raw in _rows(rows, currency) if pair in wanted)
        return Ticker(self._clock(), quotes)

    def _get(self, path: str, deadline: float) -> Any:
        try:
            body = self._read(path, deadline)
        except requests.RequestException as error:
            raise MarketUnavailable(f"the exchange did not answer: {_plainly(error)}") from error
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise MarketUnavailable(f"the exchange's answer is not JSON: it begins with {body[:20]!r}") from None

    def _read(self, path: str, deadline: float) -> bytes:
        left = max(deadline - monotonic(), 0.05)
        body = b""
        with self._session.get(self._url + path, timeout=(left, left), stream=True, allow_redirects=False) as answer:
            if answer.status_code != requests.codes.ok:
                raise MarketUnavailable(_refusal(answer))
            while chunk := _read_some(answer):
                body += chunk
                if monotonic() > deadline:
                    raise MarketUnavailable("the exchange did not answer in time")
                if len(body) > LARGEST_ANSWER_BYTES:
                    raise MarketUnavailable(f"the exchange's answer is over {LARGEST_ANSWER_BYTES} bytes")
        return body


class LocalPast:
    """The past of a market that runs on this computer."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds

    def samples(self, sample_seconds: int, count: int, before: int) -> Sequence[PastQuotes]:
        """The newest `count` slots before `before` (epoch seconds), oldest first; none where it does not answer."""
        query = {"seconds": sample_seconds, "count": count, "before": before}
        try:
            answer = requests.get(self._url, params=query, timeout=self._timeout_seconds)
            answer.raise_for_status()
            return [_past(sample) for sample in answer.json()["samples"]]
        except (requests.RequestException, ValueError, KeyError) as error:
            raise MarketUnavailable(f"the market's past is not to be had: {_plainly(error)}") from error


def _read_some(answer: requests.Response) -> bytes:
    """What has come by now: an answer that drips is stopped by our deadline, not by each byte's."""
    try:
        chunk: bytes = answer.raw.read1(CHUNK_BYTES, decode_content=True)
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from error
    return chunk


def _rows(rows: Any, currency: str) -> Iterable[tuple[Pair, RawQuote]]:
    if not isinstance(rows, list):
        raise MarketUnavailable("the exchange's answer is not a list of prices")
    for row in rows:
        if not isinstance(row, Mapping) or row.get("currency") != currency:
            continue
        base = str(row.get("pair", ""))[: -len(currency)]
        try:
            yield Pair(base, currency), RawQuote(row.get("bid"), row.get("ask"))
        except ValueError:
            continue


def _past(sample: Mapping[str, Any]) -> PastQuotes:
    at = datetime.fromisoformat(sample["at"].replace("Z", "+00:00")).astimezone(UTC)
    quotes = {Pair.parse(name): RawQuote(bid, ask) for name, (bid, ask) in sample["quotes"].items()}
    return PastQuotes(int(at.timestamp()), quotes)


def _refusal(answer: requests.Response) -> str:
    wait = answer.headers.get("Retry-After")
    until = f", to be asked again after {wait[:10]} s" if wait else ""
    return f"the exchange answered {answer.status_code} {answer.reason}{until}"


def _plainly(error: Exception) -> str:
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return "it took too long"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return type(error).__name__
