"""What a venue with an order book says when it refuses, as one sentence that says what, why and what to do."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from heisenbug.domain.errors import HeisenbugError, MarketUnavailable, NeedsPerson, Quiet, Rejected
from heisenbug.exchange.http import Answer
from heisenbug.exchange.order_book.dialect import Dialect
from heisenbug.exchange.words import REARM, words

NOT_ALLOWED = ("PermissionDenied", "AccountNotEnabled")
LOCKED = ("AccountSuspended",)
STRANGERS = ("AuthenticationError", "ArgumentsRequired")
CLOSED = ("OnMaintenance", "MarketClosed")
POOR = ("InsufficientFunds",)
HASTY = ("DDoSProtection", "RateLimitExceeded")
PASSING = ("InvalidNonce",)
WRONG = ("InvalidOrder", "BadRequest", "BadSymbol", "NotSupported")


class Refusals:
    """The refusals of one venue; `errors` is ccxt's module of them."""

    def __init__(self, dialect: Dialect, errors: ModuleType) -> None:
        self._dialect = dialect
        self.any: type[Exception] = errors.BaseError
        named: Any = lambda names: tuple(getattr(errors, name) for name in names)  # noqa: E731
        told: list[tuple[tuple[str, ...], Callable[[str], HeisenbugError]]] = [
            (NOT_ALLOWED, self._not_allowed),
            (LOCKED, self._locked),
            (STRANGERS, self._stranger),
            (CLOSED, self._closed),
            (POOR, self._poor),
            (HASTY, lambda said: Quiet(f"{dialect.title} wants to be asked less often ({said})")),
            (PASSING, lambda said: MarketUnavailable(f"{dialect.title} says: {said}")),
            (WRONG, self._wrong),
        ]
        self._told = [(named(names), tell) for names, tell in told]

    def refusal(self, error: Exception, answer: Answer | None) -> HeisenbugError:
        """What an error stands for: Rejected where the venue said no, MarketUnavailable where it said nothing sure."""
        said = self.said(answer) or words(type(error).__name__)
        for kinds, tell in self._told:
            if isinstance(error, kinds):
                return tell(said)
        return MarketUnavailable(f"{self._dialect.title} says: {said}")

    def is_definite(self, error: Exception) -> bool:
        """Whether an order that came to this error certainly moved nothing: the venue looked at it and said no."""
        return any(isinstance(error, kinds) for kinds, _ in self._told)

    def said(self, answer: Answer | None) -> str:
        """The venue's own words in its answer, or the status where it has none."""
        if answer is None:
            return ""
        return words(self._dialect.complaint(answer.body)) or answer.says

    def _stranger(self, said: str) -> HeisenbugError:
        return NeedsPerson(
            f"{self._dialect.title} does not accept the key ({said}): it is wrong, expired, revoked or bound to other "
            f"addresses. Create one with the rights {self._dialect.rights} and store it: heisenbug credential. {REARM}"
        )

    def _not_allowed(self, said: str) -> HeisenbugError:
        return NeedsPerson(
            f"{self._dialect.title} does not allow the key to do this ({said}). It needs the rights "
            f"{self._dialect.rights}; create a key that has them and store it: heisenbug credential. {REARM}"
        )

    def _locked(self, said: str) -> HeisenbugError:
        return NeedsPerson(f"{self._dialect.title} has locked the account ({said}). See to that there. {REARM}")

    def _closed(self, said: str) -> HeisenbugError:
        return Rejected(f"{self._dialect.title} takes no such orders now ({said}); nothing moved.")

    def _poor(self, said: str) -> HeisenbugError:
        return Rejected(
            f"The account at {self._dialect.title} does not hold enough for this ({said}): it holds less than the "
            "bot's ledger says. Put the money back, or give the bot a new budget: heisenbug live."
        )

    def _wrong(self, said: str) -> HeisenbugError:
        return Rejected(
            f"{self._dialect.title} refused: {said}. Nothing moved; if it goes on, look at heisenbug doctor."
        )
