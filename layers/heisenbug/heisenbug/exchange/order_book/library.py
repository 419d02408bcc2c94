"""ccxt, opened for one venue: it names markets, signs and knows errors; the way to the venue is our own.

The only module that imports ccxt, when a venue is opened and not before.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from importlib import import_module
from itertools import count
from time import time_ns
from types import ModuleType
from typing import Any, TypeVar

from heisenbug.domain.errors import HeisenbugError, MarketUnavailable, NeedsPerson, Quiet
from heisenbug.exchange.http import Answer, Http
from heisenbug.exchange.keys import KeyPair
from heisenbug.exchange.order_book.dialect import Dialect, Library
from heisenbug.exchange.order_book.refusals import Refusals

CONTENT_TYPE = "content-type"
_Found = TypeVar("_Found")


NO_KEYS = KeyPair("", "")


class Way:
    """Carries what ccxt has signed to the venue, once, within a deadline (epoch seconds) that is set before."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.deadline = 0.0
        self.newest: Answer | None = None

    def check(self, deadline: float) -> None:
        """Raise Quiet or MarketUnavailable where nothing would be sent now."""
        self._http.proof(deadline)

    def hush(self) -> None:
        """The venue wants to be left alone."""
        self._http.hush()

    def carry(self, url: str, method: str, headers: Mapping[str, str], body: str | None) -> Answer:
        """The venue's answer; raises MarketUnavailable where none came, or one of somebody on the way."""
        path = "/" + url.split("/", 3)[3]
        plain = {name: text for name, text in headers.items() if name.lower() == CONTENT_TYPE}
        proof = {name: text for name, text in headers.items() if name.lower() != CONTENT_TYPE}
        self.newest = None
        if method == "GET":
            answer = self._http.get(path, self.deadline, plain, proof=proof)
        else:
            answer = self._http.send(path, body or "", self.deadline, plain, proof)
        self.newest = answer
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or not isinstance(answer.body, dict | list):
            raise MarketUnavailable(answer.says if not answer.ok else "the exchange's answer is not JSON")
        return answer


class Opened:
    """One venue's ccxt for one process; `keys` gives the credential when a private request needs it."""

    def __init__(
        self,
        dialect: Dialect,
        http: Http,
        clock: Callable[[], datetime],
        keys: Callable[[], KeyPair],
        nanoseconds: Callable[[], int] = time_ns,
    ) -> None:
        self.dialect = dialect
        self._way = Way(http)
        self._keys = keys
        self._library = _opened(dialect, self._way, clock, nanoseconds)
        self.refusals = Refusals(dialect, import_module("ccxt.base.errors"))

    @property
    def markets(self) -> Mapping[str, Any] | None:
        """The markets that are known, by their symbols."""
        known: Mapping[str, Any] | None = self._library.markets
        return known

    def know(self, deadline: float, ask: Callable[[Library], list[Any]]) -> None:
        """Learn the venue's markets; raises as `ask` does, and then knows what it knew."""
        self._library.set_markets(self.ask(deadline, ask))

    def check(self, deadline: float) -> None:
        """Raise what would keep a request from being sent now: Quiet, MarketUnavailable, a credential that is not."""
        self._way.check(deadline)
        self._keys()

    def ask(self, deadline: float, ask: Callable[[Library], _Found], as_customer: bool = False) -> _Found:
        """What a question brings; raises MarketUnavailable or Rejected, as refusals.py says."""
        try:
            return self._asked(deadline, ask, self._keys() if as_customer else NO_KEYS)
        except self.refusals.any as error:
            raise self.refusal(error) from error

    def order(self, deadline: float, place: Callable[[Library], _Found]) -> _Found:
        """The same of an order, with ccxt's own errors: it matters whether one is definite."""
        return self._asked(deadline, place, self._keys())

    def refusal(self, error: Exception) -> HeisenbugError:
        """What an error of ccxt's stands for, in words."""
        refusal = self.refusals.refusal(error, self._way.newest)
        if isinstance(refusal, Quiet):
            self._way.hush()
        return refusal

    def _asked(self, deadline: float, ask: Callable[[Library], _Found], keys: KeyPair) -> _Found:
        self._library.apiKey, self._library.secret = keys.key, keys.secret
        self._way.deadline = deadline
        return ask(self._library)


def _opened(dialect: Dialect, way: Way, clock: Callable[[], datetime], nanoseconds: Callable[[], int]) -> Library:
    """ccxt's object, whose requests go our way, whose time is ours, and whose numbers are text."""
    library = getattr(_imported(dialect), dialect.name)({"enableRateLimit": False, "options": dict(dialect.options)})
    errors = import_module("ccxt.base.errors")
    library.number = str
    library.errors = errors
    library.exceptions["exact"].update({text: getattr(errors, name) for text, name in dialect.errors.items()})
    stamps = count(1)

    def fetch(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        answer = way.carry(url, method, headers or {}, body)
        text = json.dumps(answer.body)
        kind = dialect.kind_of(answer.body)
        if kind:
            raise getattr(errors, kind)(text)
        told = answer.status, answer.says, url, method, answer.headers, text, answer.body, headers, body
        if not library.handle_errors(*told) and not answer.ok:
            library.handle_http_status_code(answer.status, answer.says, url, method, text)
            raise errors.ExchangeError(answer.says)
        return answer.body

    library.fetch = fetch
    library.milliseconds = lambda: int(clock().timestamp() * 1000)
    if dialect.counts_nonces:
        # In microseconds of the real time, and never the same twice, whatever our clock says.
        library.nonce = lambda: nanoseconds() // 1000 + next(stamps)
    return library


def _imported(dialect: Dialect) -> ModuleType:
    """ccxt's module of the venue; raises NeedsPerson in a deployment that was built without."""
    try:
        return import_module(f"ccxt.{dialect.name}")
    except ModuleNotFoundError as missing:
        raise NeedsPerson(
            f"This deployment was built without ccxt, which {dialect.title} needs: write VenueName={dialect.name} to "
            "parameter_overrides in samconfig.toml (or set HEISENBUG_VENUE), then sam build and sam deploy again."
        ) from missing
