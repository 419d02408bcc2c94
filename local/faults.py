"""Faults on demand: what a ticker answer looks like when the exchange, or the way to it, is not well."""

import threading
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from heisenbug.markets.market import Prices, Quotes
from local.answers import JUST_A_MOMENT, Answer, internal_server_error, too_many_requests
from local.ticker import Row, decimal_text


class InvalidFault(ValueError):
    """A fault that cannot be ordered; the text says what can."""


class Kind(StrEnum):
    """What is wrong: with the prices of a pair (or all), or with the answer as a whole."""

    NAN = "nan"
    ZERO = "zero"
    NEGATIVE = "negative"
    MISSING = "missing"
    TEXT = "text"
    CROSSED = "crossed"
    TIMES1000 = "times1000"
    GONE = "gone"
    STATUS_429 = "status_429"
    STATUS_500 = "status_500"
    HANG = "hang"
    HTML = "html"
    NONE = "none"


_VALUES = {Kind.NAN: "NaN", Kind.ZERO: "0", Kind.TEXT: "n/a"}
_WHOLE_ANSWER = {Kind.STATUS_429, Kind.STATUS_500, Kind.HANG, Kind.HTML}
_CROSSED_BY = Decimal("1.001")
HANG_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: of one pair or all (none), for `count` ticker answers or for good (none).

    With a `currency` only the answers for that one's ticker are spoilt, and so only who asks for it is in trouble.
    `seconds` is how long a hang lasts, and what Retry-After says with a 429.
    """

    kind: Kind
    pair: str | None = None
    count: int | None = None
    seconds: float = HANG_SECONDS
    currency: str | None = None

    def hits(self, pair: str) -> bool:
        """Whether the prices of this pair are spoilt."""
        return self.kind not in _WHOLE_ANSWER and self.pair in (None, pair)


HEALTHY = Fault(Kind.NONE)


class FaultPlan:
    """The fault that the next ticker answers carry, counted down as they are given."""

    def __init__(self) -> None:
        self._fault = HEALTHY
        self._lock = threading.Lock()

    @property
    def fault(self) -> Fault:
        """The fault in force; its count is the number of answers still to spoil."""
        return self._fault

    def order(self, fault: Fault) -> None:
        """From now on this fault instead of the one before."""
        with self._lock:
            self._fault = fault

    def take(self, currency: str = "") -> Fault:
        """The fault of one ticker answer, which is for `currency`."""
        with self._lock:
            fault = self._fault
            if fault.currency not in (None, currency):
                return HEALTHY
            if fault.count is not None:
                self._fault = replace(fault, count=fault.count - 1) if fault.count > 1 else HEALTHY
            return fault


def fault_from(body: object, pairs: tuple[str, ...]) -> Fault:
    """The fault that a request's JSON body orders; raises InvalidFault naming the bad field."""
    if not isinstance(body, dict):
        raise InvalidFault('a fault is a JSON object like {"kind":"nan","pair":"BTC-USD","count":3}.')
    unknown = body.keys() - {"kind", "pair", "count", "seconds", "currency"}
    if unknown:
        raise InvalidFault(
            f"{', '.join(sorted(unknown))}: unknown; a fault has kind, pair, count, seconds and currency."
        )
    return Fault(_kind(body), _pair(body, pairs), _count(body), _seconds(body), _currency(body, pairs))


def spoilt_quotes(fault: Fault, quotes: Quotes) -> Quotes:
    """The quotes with a fault that runs through both directions of a pair: crossed, 1000-fold or gone."""
    kept = {pair: prices for pair, prices in quotes.items() if not (fault.kind == Kind.GONE and fault.hits(pair))}
    return {pair: _spoilt_prices(fault.kind, prices) if fault.hits(pair) else prices for pair, prices in kept.items()}


def spoilt_row(fault: Fault, pair: str, row: Row) -> Row:
    """The ticker row with a fault of its values: no number, zero, negative, text, or no price fields at all."""
    if not fault.hits(pair):
        return row
    if fault.kind == Kind.MISSING:
        return {key: value for key, value in row.items() if key not in ("ask", "bid")}
    if fault.kind == Kind.NEGATIVE:
        return row | {"ask": f"-{row['ask']}", "bid": f"-{row['bid']}"}
    value = _VALUES.get(fault.kind)
    return row if value is None else row | {"ask": value, "bid": value}


def whole_answer_fault(fault: Fault) -> Answer | None:
    """The answer that a fault gives instead of prices; none where it spoils only some of them."""
    match fault.kind:
        case Kind.STATUS_429:
            return too_many_requests(fault.seconds)
        case Kind.STATUS_500:
            return internal_server_error()
        case Kind.HANG:
            return Answer(hang_seconds=fault.seconds)
        case Kind.HTML:
            return Answer(html=JUST_A_MOMENT)
    return None


def _spoilt_prices(kind: Kind, prices: Prices) -> Prices:
    bid, ask = (Decimal(price) for price in prices)
    if kind == Kind.CROSSED:
        return decimal_text(max(bid, ask) * _CROSSED_BY), decimal_text(min(bid, ask))
    if kind == Kind.TIMES1000:
        return decimal_text(bid * 1000), decimal_text(ask * 1000)
    return prices


def _kind(body: dict[str, object]) -> Kind:
    try:
        return Kind(str(body.get("kind")))
    except ValueError:
        raise InvalidFault(f"kind {body.get('kind')!r}: must be one of {', '.join(Kind)}.") from None


def _pair(body: dict[str, object], pairs: tuple[str, ...]) -> str | None:
    pair = body.get("pair")
    if pair is None or (isinstance(pair, str) and pair in pairs):
        return pair
    raise InvalidFault(f"pair {pair!r}: must be null for all, or one of {', '.join(pairs)}.")


def _currency(body: dict[str, object], pairs: tuple[str, ...]) -> str | None:
    currency, known = body.get("currency"), sorted({side for pair in pairs for side in pair.split("-")})
    if currency is None or (isinstance(currency, str) and currency in known):
        return currency
    raise InvalidFault(f"currency {currency!r}: must be null for all, or one of {', '.join(known)}.")


def _count(body: dict[str, object]) -> int | None:
    count = body.get("count")
    if count is None or (isinstance(count, int) and not isinstance(count, bool) and count >= 1):
        return count
    raise InvalidFault(f"count {count!r}: must be null for good, or a number of answers from 1.")


def _seconds(body: dict[str, object]) -> float:
    seconds = body.get("seconds", HANG_SECONDS)
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds <= 3600:
        return float(seconds)
    raise InvalidFault(f"seconds {seconds!r}: must be a number from 0 to 3600.")
