"""Giving the bot live money: what can be looked at beforehand, and the act itself, which only the trader can do.

Both are asked of the trader's function directly, with the person's own AWS credentials: the API's token is not enough.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from heisenbug.configuration import Configurations
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.errors import HeisenbugError, MissingAct
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.live import Consent, Deployment, barred_by, digest, standing, to_type
from heisenbug.domain.settings import Settings
from heisenbug.domain.venue import UPHOLD, Venue
from heisenbug.exchange.port import Custody, Finding, Place
from heisenbug.store.bot_state import Ledgers, States


@dataclass(frozen=True, slots=True)
class Giving:
    """One bot's way to live money."""

    deployment: Deployment
    custody: Callable[[Configuration], Custody]
    configurations: Configurations
    states: States
    ledgers: Ledgers
    clock: Callable[[], datetime]
    venue: Venue = UPHOLD

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
            findings += self._carefully(told)
        state = self.states.read()
        wanted = standing(replace(told.settings, mode="live"), self.deployment, state.consent, "")
        return {
            "findings": [finding.plain() for finding in findings],
            "venue": self.venue.name,
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
        places = self.custody(told).places(tuple(budget))
        given = {asset: min(most, places[asset].available) for asset, most in budget.items()}
        pinned = self._pin(told, places, by)
        self._open({asset: amount for asset, amount in given.items() if amount > 0}, before)
        self._consent(pinned, typed.strip(), by)
        return ", ".join(f"{given[asset]} {asset} of {places[asset].says}" for asset in sorted(given))

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

    def _pin(self, told: Configuration, places: Mapping[str, Place], by: str) -> Settings:
        """The settings that the sentence was about, its places pinned; raises StaleVersion where others came."""
        pinned = {asset: place.id for asset, place in places.items() if place.id} or None
        if pinned != told.settings.cards:
            self.configurations.change({"cards": pinned}, by, self.clock(), told.version)
        return replace(told.settings, cards=pinned)

    def _open(self, given: Mapping[str, Decimal], before: tuple[Ledger, int]) -> None:
        ledger, sequence = before
        self.ledgers.open_anew("live", Ledger(given, ledger.entries, base=ledger.base), sequence)

    def _consent(self, settings: Settings, typed: str, by: str) -> None:
        at = self.clock().astimezone(UTC).isoformat(timespec="seconds")
        self.states.consent(Consent(typed, digest(settings), by, at))

    # ------------------------------------------------------------ looking

    def _deployed(self) -> Finding:
        barred = barred_by(self.deployment)
        return Finding("deployment", not barred, barred or "LiveTrading is enabled")

    def _carefully(self, told: Configuration) -> Sequence[Finding]:
        found: list[Finding] = []
        looks = self.custody(told).looks(tuple(told.settings.budget or {}))
        for place, (name, look) in enumerate(looks):
            try:
                found += look()
            except HeisenbugError as error:
                found.append(Finding(name, False, str(error)))
                if place == 0:
                    break
        return found
