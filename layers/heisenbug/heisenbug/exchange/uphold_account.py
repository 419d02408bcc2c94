"""Conversions at Uphold: a quote is free and exact, committing it is at most once, asking by its id is the truth.

Facts and quirks of the vendor's API behind each check: docs/uphold.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_DOWN, Context, Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from heisenbug.domain.errors import MarketUnavailable, Rejected, Unresolved
from heisenbug.domain.trade import Filled, Settlement, VenueQuote
from heisenbug.exchange.http import Answer, Http
from heisenbug.exchange.port import Request
from heisenbug.exchange.uphold_cards import Card, card_for, cards_of, is_id
from heisenbug.exchange.uphold_refusals import is_definite, refusal
from heisenbug.exchange.words import decimal, words

ASK_SECONDS = 4.0
COMMIT_SECONDS = 6.0
# What a commit leaves of the invocation for writing down what came of it.
KEPT_SECONDS = 1.0
# For amounts of any size that an asset can be counted in.
WIDE = Context(prec=60)
PAGE = 50
MOST_PAGES = 20
FINAL = {
    "completed": Settlement.COMPLETED,
    "failed": Settlement.FAILED,
    "cancelled": Settlement.FAILED,
}


class UpholdAccount:
    """One account, for one invocation that ends at `deadline` (epoch seconds); `pinned` names cards by asset."""

    def __init__(self, http: Http, pinned: Mapping[str, str], clock: Callable[[], datetime], deadline: float) -> None:
        self._http = http
        self._pinned = pinned
        self._clock = clock
        self._deadline = deadline
        self._cards: tuple[Card, ...] | None = None
        self._origins: dict[str, str] = {}

    def balances(self) -> Mapping[str, Decimal]:
        """What may be spent of each asset: of its pinned card, else of its first one."""
        self._cards = self.cards()
        assets = sorted({card.asset for card in self._cards})
        named = sorted(self._pinned) if self._pinned else assets
        return {asset: card_for(asset, self._cards, self._pinned).available for asset in named}

    def cards(self) -> tuple[Card, ...]:
        """Every card of the account."""
        return cards_of(self._all("/v0/me/cards"))

    def quote(self, request: Request) -> VenueQuote:
        """The exact result of a conversion of at most the amount asked for; nothing moves."""
        origin, destination = self._card(request.source), self._card(request.target)
        amount = self._tradable(request)
        asked_at = self._now()
        answer = self.ask_quote(origin, destination, amount, f"heisenbug-{request.trade_id}")
        if not answer.ok:
            raise refusal(answer)
        return self._quoted(answer.body, origin, destination, amount, asked_at)

    def ask_quote(self, origin: Card, destination: Card, amount: Decimal, reference: str, query: str = "") -> Answer:
        """Uphold's answer to a wish to convert; a quote that nobody commits lapses."""
        body = {
            "denomination": {"amount": f"{amount:f}", "currency": origin.asset, "target": "origin"},
            "destination": destination.id,
            "reference": reference,
        }
        return self._http.post(f"/v0/me/cards/{origin.id}/transactions{query}", body, self._until(ASK_SECONDS))

    def commit(self, quote: VenueQuote) -> Filled:
        """Carry out a quote, once; raises Rejected only where Uphold surely moved nothing."""
        path = f"/v0/me/cards/{self._origins[quote.id]}/transactions/{quote.id}/commit"
        deadline = min(self._until(COMMIT_SECONDS), self._deadline - KEPT_SECONDS)
        try:
            proof = self._http.proof(deadline)
        except MarketUnavailable as barred:
            raise Rejected(f"The commit was not sent: {barred}.") from barred
        try:
            answer = self._http.post(path, {}, deadline, proof)
        except MarketUnavailable as silent:
            raise Unresolved(f"The commit was sent, but {silent}.") from silent
        if answer.ok:
            return self._committed(answer, quote)
        if is_definite(answer):
            raise refusal(answer)
        raise Unresolved(f"The commit was sent, but {answer.says}.")

    def find(self, quote: VenueQuote) -> Filled | None:
        """What became of a quote's commit; None where Uphold knows of none, so far."""
        answer = self._http.get(f"/v0/me/transactions/{quote.id}", self._until(ASK_SECONDS))
        if answer.status == HTTPStatus.NOT_FOUND and isinstance(answer.body, Mapping):
            return None  # Uphold's own word; a page of something on the way says nothing of the commit
        if answer.status == HTTPStatus.NOT_FOUND:
            raise MarketUnavailable(f"{answer.says} without saying why")
        if not answer.ok:
            raise refusal(answer)
        return _filled(answer.body, quote)

    def statuses(self) -> Mapping[str, Mapping[str, Any]]:
        """What Uphold says of each asset that this account may hold."""
        rows = (row for row in self._all("/v0/assets") if isinstance(row, Mapping))
        return {str(row.get("code")): row for row in rows}

    def skew_seconds(self) -> float | None:
        """How far our clock is ahead of Uphold's; None where it tells no time."""
        told = self._http.get("/v0/assets", self._until(ASK_SECONDS)).headers.get("Date")
        try:
            return None if told is None else self._now() - parsedate_to_datetime(told).timestamp()
        except ValueError:
            return None

    def asks_for_otp(self) -> bool | None:
        """Whether transfers between own cards need a one-time password; None where the token may not read that."""
        answer = self._http.get("/v0/me", self._until(ASK_SECONDS))
        setting: Any = answer.body if answer.ok else None
        for name in ("settings", "otp", "transactions", "transfer"):
            setting = _part(setting, name)
        enabled = setting.get("enabled")
        return enabled if isinstance(enabled, bool) else None

    def _tradable(self, request: Request) -> Decimal:
        statuses = self.statuses()
        for asset in (request.source, request.target):
            status = words(statuses.get(asset, {}).get("status")) or "not offered to this account"
            if status != "open":
                raise Rejected(f"{asset} is {status} at Uphold now; nothing was sent.")
        return _floor(request.amount, statuses[request.source], request.source)

    def _card(self, asset: str) -> Card:
        if self._cards is None:
            self._cards = self.cards()
        return card_for(asset, self._cards, self._pinned)

    def _quoted(self, body: Any, origin: Card, destination: Card, amount: Decimal, asked_at: float) -> VenueQuote:
        """The quote as it may be committed; raises Rejected where it is not for what was asked."""
        _check_echo(body, origin, destination)
        pays, receives = _amount(body, "origin"), _amount(body, "destination")
        if pays != amount or receives <= 0:
            raise Rejected(
                f"Uphold's quote is over {pays} {origin.asset} for {receives} {destination.asset}, "
                f"not over the {amount} {origin.asset} that were asked for; it was left to lapse."
            )
        seconds = decimal(_part(body, "params").get("ttl"), "time to live") / 1000
        self._origins[str(body["id"])] = origin.id
        expires_at = int(asked_at + float(seconds))
        return VenueQuote(str(body["id"]), origin.asset, destination.asset, pays, receives, expires_at)

    def _committed(self, answer: Answer, quote: VenueQuote) -> Filled:
        try:
            return _filled(answer.body, quote)
        except MarketUnavailable as unclear:
            raise Unresolved(f"The commit was sent, but {unclear}.") from unclear

    def _all(self, path: str) -> Iterator[Any]:
        """Every row of a list that comes in pages."""
        for page in range(MOST_PAGES):
            wanted = {"Range": f"items={page * PAGE}-{page * PAGE + PAGE - 1}"}
            answer = self._http.get(path, self._until(ASK_SECONDS), wanted)
            if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return
            if not answer.ok:
                raise refusal(answer)
            rows = _listed(answer)
            yield from rows
            if answer.status != HTTPStatus.PARTIAL_CONTENT or len(rows) < PAGE:
                return

    def _until(self, seconds: float) -> float:
        return min(self._now() + seconds, self._deadline)

    def _now(self) -> float:
        return self._clock().timestamp()


def _listed(answer: Answer) -> Sequence[Any]:
    if not isinstance(answer.body, list):
        raise MarketUnavailable("the exchange's answer is not a list")
    return answer.body


def _floor(amount: Decimal, asset: Mapping[str, Any], code: str) -> Decimal:
    """The amount at the precision in which Uphold counts the asset, rounded down."""
    formatting = asset.get("formatting")
    places = formatting.get("precision") if isinstance(formatting, Mapping) else None
    if not isinstance(places, int) or not 0 <= places <= 18:
        return amount
    floored = min(amount, amount.quantize(Decimal(1).scaleb(-places), ROUND_DOWN, WIDE))
    if floored <= 0:
        raise Rejected(f"{amount} {code} is less than Uphold counts ({places} decimals); nothing was sent.")
    return floored


def _filled(body: Any, quote: VenueQuote) -> Filled:
    """What a transaction says of itself; raises MarketUnavailable where that is not clear enough to be booked."""
    if not isinstance(body, Mapping) or body.get("id") != quote.id:
        raise MarketUnavailable("the exchange's answer is not about this transaction")
    settlement = FINAL.get(str(body.get("status")), Settlement.PROCESSING)
    if settlement is not Settlement.COMPLETED:
        return Filled(settlement, quote.amount, quote.amount * 0)
    for side, asset in (("origin", quote.source), ("destination", quote.target)):
        if _part(body, side).get("currency") != asset:
            raise MarketUnavailable(f"the exchange's answer states another {side} than {asset}")
    amount, received = _amount(body, "origin"), _amount(body, "destination")
    if amount <= 0 or received <= 0:
        raise MarketUnavailable("the exchange's answer states an amount that is not above zero")
    return Filled(settlement, amount, received)


def _check_echo(body: Any, origin: Card, destination: Card) -> None:
    if not isinstance(body, Mapping) or not is_id(body.get("id")):
        raise Rejected("Uphold's quote has no id; it cannot be committed.")
    if body.get("status") != "pending":
        raise Rejected(f"Uphold's quote is {words(body.get('status'))!r}, not pending; it was left alone.")
    for side, card in (("origin", origin), ("destination", destination)):
        part = _part(body, side)
        told = part.get("CardId") or _part(part, "node").get("id"), part.get("currency")
        if told != (card.id, card.asset):
            raise Rejected(
                f"Uphold's quote names another {side} ({words(told[1])}, card {words(told[0])}) "
                f"than the {card.asset} card {card.id}; it was left to lapse."
            )


def _part(body: Any, name: str) -> Mapping[str, Any]:
    part = body.get(name) if isinstance(body, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _amount(body: Any, side: str) -> Decimal:
    return decimal(_part(body, side).get("amount"), f"{side} amount")
