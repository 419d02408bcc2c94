"""Live money needs three separate acts; while one is missing the bot trades paper and says which."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from heisenbug.domain.model import LUCK
from heisenbug.domain.settings import Settings

# No budget has this digest.
VOID = "void"


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person typed that may be risked, on which budget and cards (by digest), who and when."""

    typed: str
    digest: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the deployment allows: `enabled` is its parameter LiveTrading; a local one may lose its state.

    A plain exchange is one that is spoken to over http, where everybody on the way reads the token.
    """

    enabled: bool = False
    is_local: bool = False
    exchange_is_local: bool = False
    exchange_is_plain: bool = False

    @property
    def is_rehearsal(self) -> bool:
        """Whether nothing here can be real: a stack and an exchange on this computer, and no live trading."""
        return self.is_local and self.exchange_is_local and not self.enabled


@dataclass(frozen=True, slots=True)
class Standing:
    """Whose money the bot trades, and why not live where that was asked for."""

    mode: str = "paper"
    held_back: str = ""


def standing(settings: Settings, deployment: Deployment, consent: Consent | None, missing_credential: str) -> Standing:
    """Live only where all three acts are done: the setting, the deployment with its credential, the typed consent."""
    if settings.mode != "live":
        return Standing()
    missing = [*_deployment(deployment, missing_credential), *_consent(settings, consent), *_forecaster(settings)]
    return Standing("paper", " ".join(missing)) if missing else Standing("live")


def lasting(consent: Consent | None, settings: Settings) -> Consent | None:
    """What is left of a consent: once budget or cards are others, it does not come back with them."""
    return consent if consent is None or consent.digest == digest(settings) else replace(consent, digest=VOID)


def to_type(budget: Mapping[str, Decimal]) -> str:
    """The sentence that a person types to let the bot risk this money."""
    amounts = [f"{amount.normalize():f} {asset}" for asset, amount in sorted(budget.items())]
    return f"risk {' and '.join(amounts)}"


def digest(settings: Settings) -> str:
    """The budget and cards that a consent is about, as a short text."""
    budget = {asset: f"{amount.normalize():f}" for asset, amount in (settings.budget or {}).items()}
    content = json.dumps([budget, dict(settings.cards or {})], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def barred_by(deployment: Deployment) -> str:
    """Why this deployment cannot trade live money, or nothing."""
    if not deployment.enabled:
        return "The stack is not deployed with LiveTrading=enabled, so it may not read a credential."
    if deployment.is_local and not deployment.exchange_is_local:
        return (
            "On this computer live mode accepts only an exchange on the loopback: the embedded AWS forgets when it is "
            "killed. Deploy to AWS for real money."
        )
    if deployment.exchange_is_plain and not deployment.exchange_is_local:
        return "ExchangeUrl begins with http://, so everybody on the way could read the token: deploy it with https://."
    return ""


def _deployment(deployment: Deployment, missing_credential: str) -> list[str]:
    barred = barred_by(deployment) or missing_credential
    return [barred] if barred else []


def _forecaster(settings: Settings) -> list[str]:
    """Live money believes only what beat zero-drift on samples that it was not fitted on, beyond luck."""
    if settings.forecaster == "zero_drift":
        return []
    model = settings.model
    if model is None or model.kind != settings.forecaster:
        return [f"The forecaster {settings.forecaster} was never held against zero_drift: heisenbug fit does it."]
    if model.beats_baseline:
        return []
    return [
        f"The forecaster {model.kind} did not beat zero_drift out of sample: log-loss {model.worth.log_loss:.4f} "
        f"against {model.baseline.log_loss:.4f}, p-value {model.p_value:.2g} (above {LUCK:g} it may be luck). "
        "Set forecaster=zero_drift, or fit another."
    ]


def _consent(settings: Settings, consent: Consent | None) -> list[str]:
    if not settings.budget:
        return ['No budget is set: heisenbug config set budget=\'{"USD": "100"}\' names what may be risked.']
    if consent is None:
        return ["Nobody has typed what may be risked: heisenbug live asks for it."]
    if consent.digest != digest(settings):
        return [f"Budget or cards have changed since {consent.by} typed '{consent.typed}': heisenbug live asks again."]
    return []
