"""Uphold's account as a person looks at it: cards, the clock, the one-time password, a quote that nobody commits."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal

from heisenbug.domain.assets import precision
from heisenbug.exchange.port import Finding, Looks, Place
from heisenbug.exchange.uphold_account import UpholdAccount
from heisenbug.exchange.uphold_cards import Card, card_for
from heisenbug.exchange.uphold_refusals import TOO_LITTLE, complaints, refusal

MOST_SKEW_SECONDS = 5.0


class UpholdCustody:
    """The cards behind `account`; `pinned` names some of them by asset."""

    def __init__(self, account: UpholdAccount, pinned: Mapping[str, str]) -> None:
        self._account = account
        self._pinned = pinned

    def places(self, assets: Sequence[str]) -> Mapping[str, Place]:
        """The card of each asset; raises NeedsPerson where there is none."""
        return {
            asset: Place(card.available, f"card {card.id}", card.id) for asset, card in self._chosen(assets).items()
        }

    def looks(self, assets: Sequence[str]) -> Looks:
        """What can be looked at, by name."""
        return (
            ("token", self._token),
            ("clock", self._clock_skew),
            ("one-time password", self._otp),
            ("cards", lambda: self._cards(assets)),
            ("quote", lambda: self._tiny_quote(assets)),
        )

    def _chosen(self, assets: Sequence[str]) -> dict[str, Card]:
        cards = self._account.cards()
        return {asset: card_for(asset, cards, self._pinned) for asset in assets}

    def _token(self) -> Sequence[Finding]:
        cards = self._account.cards()
        return [Finding("token", True, f"it is accepted and reads {len(cards)} cards")]

    def _clock_skew(self) -> Sequence[Finding]:
        skew = self._account.skew_seconds()
        if skew is None:
            return [Finding("clock", True, "the exchange tells no time to compare with")]
        return [Finding("clock", abs(skew) <= MOST_SKEW_SECONDS, f"{abs(skew):.0f} s off the exchange's")]

    def _otp(self) -> Sequence[Finding]:
        asks = self._account.asks_for_otp()
        if asks is None:
            return [Finding("one-time password", True, "the token may not read the setting; the quote below shows it")]
        says = "is asked between own cards: turn that off in Uphold's settings" if asks else "is not asked for"
        return [Finding("one-time password", not asks, says)]

    def _cards(self, assets: Sequence[str]) -> Sequence[Finding]:
        return [
            Finding(f"card {asset}", True, f"{card.available} on '{card.label}' {card.id}, {self._how(asset)}")
            for asset, card in self._chosen(assets).items()
        ]

    def _tiny_quote(self, assets: Sequence[str]) -> Sequence[Finding]:
        """What a conversion would be told, without committing anything: validated as a commit would be."""
        cards = list(self._chosen(assets).values())
        if len(cards) < 2:
            return [Finding("quote", False, "name two assets in the budget, and a conversion can be tried")]
        origin, destination = sorted(cards, key=lambda card: card.available <= 0)[:2]
        smallest = Decimal(1).scaleb(-precision(origin.asset))
        amount = max((origin.available / 1000).quantize(smallest, ROUND_DOWN), smallest)
        answer = self._account.ask_quote(origin, destination, amount, "heisenbug-doctor", "?validate=true")
        if any(complaint.code == TOO_LITTLE for complaint in complaints(answer.body)):
            return [Finding("quote", True, f"{amount} {origin.asset} is too little for it; all else would be accepted")]
        if not answer.ok:
            raise refusal(answer)
        return [Finding("quote", True, f"{amount} {origin.asset} into {destination.asset} would be accepted")]

    def _how(self, asset: str) -> str:
        return "as the settings name it" if asset in self._pinned else "the first by its place in Uphold's list"
