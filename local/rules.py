"""The terms under which the simulated exchange converts, and whom it lets in."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from local.pricing import MARGINS

MOST_TTL_SECONDS = 86_400
MOST_MARGIN_PERCENT = 50


class InvalidRule(ValueError):
    """A rule that makes no sense; the text says what would."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Costs, limits and rights; the defaults are those of the documented examples.

    `margin_percent` replaces the table `margins` (percent by asset or class). A quote holds for `ttl_seconds`.
    `least_value` and `most_value` are in USD. With a `token` no other is let in; with `scopes` it may do only that.
    """

    margin_percent: Decimal | None = None
    margins: Mapping[str, Decimal] = field(default_factory=lambda: dict(MARGINS))
    ttl_seconds: float = 18.0
    least_value: Decimal = Decimal(0)
    most_value: Decimal | None = None
    token: str | None = None
    scopes: Collection[str] | None = None
    halted: Collection[str] = ()
    otp_on_transfers: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.ttl_seconds <= MOST_TTL_SECONDS:
            raise InvalidRule(f"ttl {self.ttl_seconds} must be a number of seconds from 0 to {MOST_TTL_SECONDS}.")
        percent = self.margin_percent
        if percent is not None and not (percent.is_finite() and 0 <= percent <= MOST_MARGIN_PERCENT):
            raise InvalidRule(f"margin {percent} must be a percentage from 0 to 50, such as 1.05.")
        if self.token == "":
            raise InvalidRule("the token is empty: give some text, or none to let any token in.")
