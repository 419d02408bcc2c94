"""Uphold's public prices: one call for all pairs quoted in one currency, everything it may answer named."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import requests

from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import MarketUnavailable
from heisenbug.domain.quotes import RawQuote, Ticker
from heisenbug.exchange.http import Answer, Http, plainly
from heisenbug.exchange.port import PastQuotes


class Uphold:
    """The prices of the venue that `http` talks to."""

    def __init__(self, http: Http, clock: Callable[[], datetime]) -> None:
        self._http = http
        self._clock = clock

    def tickers(self, pairs: Sequence[Pair], timeout_seconds: float) -> Ticker:
        """What Uphold asks and pays for all `pairs` now; raises MarketUnavailable within the timeout."""
        deadline = self._clock().timestamp() + timeout_seconds
        wanted = set(pairs)
        quotes: dict[Pair, RawQuote] = {}
        for currency in sorted({pair.quote for pair in pairs}):
            rows = _understood(self._http.get(f"/v0/ticker/{currency}", deadline))
            quotes.update((pair, raw) for pair, raw in _rows(rows, currency) if pair in wanted)
        return Ticker(self._clock(), quotes)


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
            raise MarketUnavailable(f"the market's past is not to be had: {plainly(error)}") from error


def _understood(answer: Answer) -> list[Any]:
    if not answer.ok:
        raise MarketUnavailable(answer.says)
    if answer.body is None:
        raise MarketUnavailable(f"the exchange's answer is not JSON: it begins with {answer.begins}")
    if not isinstance(answer.body, list):
        raise MarketUnavailable("the exchange's answer is not a list of prices")
    return answer.body


def _rows(rows: list[Any], currency: str) -> Iterable[tuple[Pair, RawQuote]]:
    for row in rows:
        if not isinstance(row, Mapping) or row.get("currency") != currency:
            continue
        name = str(row.get("pair", ""))
        if not name.endswith(currency):
            continue
        try:
            yield Pair(name.removesuffix(currency), currency), RawQuote(row.get("bid"), row.get("ask"))
        except ValueError:
            continue


def _past(sample: Mapping[str, Any]) -> PastQuotes:
    at = datetime.fromisoformat(sample["at"].replace("Z", "+00:00")).astimezone(UTC)
    quotes = {Pair.parse(name): RawQuote(bid, ask) for name, (bid, ask) in sample["quotes"].items()}
    return PastQuotes(int(at.timestamp()), quotes)
