"""Giving the bot live money: what can be looked at beforehand, and the act itself, which only the trader can do.

Both are asked of the trader's function directly, with the person's own AWS credentials: the API's token is not enough.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

from heisenbug.configuration import Configuration, Configurations
from heisenbug.credential import Credential
from heisenbug.domain.assets import precision
from heisenbug.domain.errors import HeisenbugError, MissingAct
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.live import Consent, Deployment, barred_by, digest, standing, to_type
from heisenbug.domain.settings import Settings
from heisenbug.exchange.uphold_account import UpholdAccount
from heisenbug.exchange.uphold_cards import Card, card_for
from heisenbug.exchange.uphold_refusals import TOO_LITTLE, complaints, refusal
from heisenbug.store.bot_state import Ledgers, States

MOST_SKEW_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, whether it is well, and what was found."""

    name: str
    ok: bool
    says: str

    def plain(self) -> dict[str, Any]:
        """As JSON carries it."""
        return {"name": self.name, "ok": self.ok, "says": self.says}


@dataclass(frozen=True, slots=True)
class Giving:
    """One bot's way to live money."""

    deployment: Deployment
    credential: Credential
    account: Callable[[Mapping[str, str]], UpholdAccount]
    configurations: Configurations
    states: States
    ledgers: Ledgers
    clock: Callable[[], datetime]

    def answer(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """What a person asked for: `{"look": true}`, or `{"typed": "risk 100 USD", "by": "anna"}` to give."""
        try:
            if "typed" in wish:
                return {"given": self.give(str(wish["typed"]), str(wish.get("by", "a person")))}
            return self.look()
        except HeisenbugError as error:
            return {"error": str(error)}

    def look(self) -> dict[str, Any]:
        """Everything that can be checked without moving money, and the sentence that gives it."""
        told = self.configurations.now()
        findings = [self._deployed()]
        if findings[0].ok:
            findings += self._carefully(told.settings)
        state = self.states.read()
        wanted = standing(replace(told.settings, mode="live"), self.deployment, state.consent, "")
        return {
            "findings": [finding.plain() for finding in findings],
            "mode": told.settings.mode,
            "trades": state.mode,
            "missing": wanted.held_back,
            "to_type": to_type(told.settings.budget) if told.settings.budget else "",
        }

    def give(self, typed: str, by: str) -> str:
        """Open the live ledger with the budget, pin its cards, remember the consent; raises MissingAct."""
        told = self.configurations.now()
        budget = told.settings.budget
        if not budget:
            raise MissingAct("No budget is set, so nothing can be risked: heisenbug config set budget=... first.")
        if typed.strip() != to_type(budget):
            raise MissingAct(f"Nothing was given: '{to_type(budget)}' was to be typed, not '{typed.strip()[:80]}'.")
        if barred_by(self.deployment):
            raise MissingAct(f"{barred_by(self.deployment)} Nothing was given.")
        before = self._refuse_meanwhile()
        cards = self._chosen(told.settings)
        given = {asset: min(most, cards[asset].available) for asset, most in budget.items()}
        pinned = self._pin(told, cards, by)
        self._open({asset: amount for asset, amount in given.items() if amount > 0}, before)
        self._consent(pinned, typed.strip(), by)
        return ", ".join(f"{given[asset]} {asset} of card {cards[asset].id}" for asset in sorted(given))

    def _refuse_meanwhile(self) -> tuple[Ledger, int]:
        """The live ledger as it is before, and the sequence of its newest trade."""
        if self.states.read().open_trade:
            raise MissingAct("A trade is open; give money when it has ended (heisenbug status).")
        stored = self.ledgers.read("live") or (Ledger({}), 0)
        if stored[0].watched:
            raise MissingAct(
                f"Trade {stored[0].watched[0].sequence} failed within the last day and is still asked for; "
                "what the bot holds is only sure after that."
            )
        return stored

    def _chosen(self, settings: Settings) -> dict[str, Card]:
        cards = self.account(settings.cards or {}).cards()
        return {asset: card_for(asset, cards, settings.cards or {}) for asset in settings.budget or {}}

    def _pin(self, told: Configuration, cards: Mapping[str, Card], by: str) -> Settings:
        """The settings that the sentence was about, with the cards pinned; raises StaleVersion where others came."""
        pinned = {asset: card.id for asset, card in cards.items()}
        if pinned != told.settings.cards:
            self.configurations.change({"cards": pinned}, by, self.clock(), told.version)
        return replace(told.settings, cards=pinned)

    def _open(self, given: Mapping[str, Decimal], before: tuple[Ledger, int]) -> None:
        ledger, sequence = before
        self.ledgers.open_anew("live", Ledger(given, ledger.entries), sequence)

    def _consent(self, settings: Settings, typed: str, by: str) -> None:
        at = self.clock().astimezone(UTC).isoformat(timespec="seconds")
        self.states.consent(Consent(typed, digest(settings), by, at))

    # ------------------------------------------------------------ looking

    def _deployed(self) -> Finding:
        barred = barred_by(self.deployment)
        return Finding("deployment", not barred, barred or "LiveTrading is enabled")

    def _carefully(self, settings: Settings) -> Sequence[Finding]:
        found: list[Finding] = []
        steps: Sequence[tuple[str, Callable[[Settings], Sequence[Finding]]]] = (
            ("token", self._token),
            ("clock", self._clock_skew),
            ("one-time password", self._otp),
            ("cards", self._cards),
            ("quote", self._tiny_quote),
        )
        for name, step in steps:
            try:
                found += step(settings)
            except HeisenbugError as error:
                found.append(Finding(name, False, str(error)))
                if name == "token":
                    break
        return found

    def _token(self, settings: Settings) -> Sequence[Finding]:
        self.credential.token()
        cards = self.account({}).cards()
        return [Finding("token", True, f"it is accepted and reads {len(cards)} cards")]

    def _clock_skew(self, settings: Settings) -> Sequence[Finding]:
        skew = self.account({}).skew_seconds()
        if skew is None:
            return [Finding("clock", True, "the exchange tells no time to compare with")]
        return [Finding("clock", abs(skew) <= MOST_SKEW_SECONDS, f"{abs(skew):.0f} s off the exchange's")]

    def _otp(self, settings: Settings) -> Sequence[Finding]:
        asks = self.account({}).asks_for_otp()
        if asks is None:
            return [Finding("one-time password", True, "the token may not read the setting; the quote below shows it")]
        says = "is asked between own cards: turn that off in Uphold's settings" if asks else "is not asked for"
        return [Finding("one-time password", not asks, says)]

    def _cards(self, settings: Settings) -> Sequence[Finding]:
        return [
            Finding(f"card {asset}", True, f"{card.available} on '{card.label}' {card.id}, {_how(asset, settings)}")
            for asset, card in self._chosen(settings).items()
        ]

    def _tiny_quote(self, settings: Settings) -> Sequence[Finding]:
        """What a conversion would be told, without committing anything: validated as a commit would be."""
        cards = list(self._chosen(settings).values())
        if len(cards) < 2:
            return [Finding("quote", False, "name two assets in the budget, and a conversion can be tried")]
        origin, destination = sorted(cards, key=lambda card: card.available <= 0)[:2]
        smallest = Decimal(1).scaleb(-precision(origin.asset))
        amount = max((origin.available / 1000).quantize(smallest, ROUND_DOWN), smallest)
        answer = self.account(settings.cards or {}).ask_quote(
            origin, destination, amount, "heisenbug-doctor", "?validate=true"
        )
        if any(complaint.code == TOO_LITTLE for complaint in complaints(answer.body)):
            return [Finding("quote", True, f"{amount} {origin.asset} is too little for it; all else would be accepted")]
        if not answer.ok:
            raise refusal(answer)
        return [Finding("quote", True, f"{amount} {origin.asset} into {destination.asset} would be accepted")]


def _how(asset: str, settings: Settings) -> str:
    return "as the settings name it" if asset in (settings.cards or {}) else "the first by its place in Uphold's list"
