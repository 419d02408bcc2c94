"""Which market a local run looks at: live public prices, the generated demo, or a recording; each with its own bot."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from cli.errors import CannotRun

LIVE_URL = "https://api.uphold.com"
DEMO_SPEED = 12.0
SAMPLE_SECONDS = 60
ANSWER_SECONDS = 2.0
DEMO = {
    "forecaster": "drift",
    "drift_weight": 0.7,
    "cost_bps": 5,
    "cooldown_seconds": 0,
    "trade_size_amount": 5,
}


@dataclass(frozen=True, slots=True)
class MarketChoice:
    """A market: `source` is what the simulated exchange serves, empty for live prices; the bot's first settings."""

    bot_id: str
    source: str
    speed: float
    settings: Mapping[str, Any]
    words: str


def choose_market(market: str, speed: float | None, live_trading: bool = False) -> MarketChoice:
    """The market that was asked for; without a wish the live one where it answers, else the demo.

    With live trading it is one of this computer's: real money needs a bot whose state outlives a power cut.
    """
    if live_trading and market == "live":
        raise CannotRun(
            "On this computer live trading takes only the simulated exchange, because the embedded AWS forgets when it "
            "is killed: choose --market demo or a recording (make up LIVE=1 MARKET=demo), or deploy to AWS."
        )
    if live_trading and not market:
        market = "demo"
    if market == "demo":
        return demo(speed or DEMO_SPEED)
    if market == "live":
        return live()
    if market:
        return recorded(Path(market).expanduser(), speed or 1.0)
    return live() if live_answers() else demo(speed or DEMO_SPEED)


def live_answers() -> bool:
    """Whether Uphold's public prices can be had here."""
    try:
        return requests.get(f"{LIVE_URL}/v0/ticker/USD", timeout=ANSWER_SECONDS).ok
    except requests.RequestException:
        return False


def live() -> MarketChoice:
    """Uphold's public prices, as they are."""
    words = (
        "Live public prices of Uphold, paper money, default settings. The window fills one sample a minute; "
        "after that most of the time the honest answer is 'no trade'."
    )
    return MarketChoice("live", "", 1.0, {"is_active": True}, words)


def demo(speed: float) -> MarketChoice:
    """The generated market, with settings under which a newcomer sees trades."""
    settings = {**DEMO, "is_active": True, "sample_seconds": sample_seconds(speed)}
    words = (
        f"The generated demo market at {speed:g} market seconds a second, paper money. It is not real: a drift is "
        "planted in it, and the demo's settings believe in it (forecaster drift, weight 0.7) at a cost of 5 bp without "
        "cool-down, $5 a trade, so that you see trades. On real markets at real costs the honest answer is mostly "
        "'no trade'."
    )
    return MarketChoice("demo", "demo", speed, settings, words)


def recorded(file: Path, speed: float) -> MarketChoice:
    """A recorded market, looked at with the default settings."""
    if not file.is_file():
        raise CannotRun(
            f"There is no market file {file}; give one of the format `at,pair,bid,ask` (.csv.gz), or MARKET=demo."
        )
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", file.name.removesuffix(".gz").removesuffix(".csv"))[:48]
    seconds = sample_seconds(speed)
    words = (
        f"The recorded market {file.name} at {speed:g} market seconds a second, paper money, default settings. "
        f"A sample is {seconds} s here, {seconds * speed / 60:g} min of the market."
    )
    return MarketChoice(
        name, str(file.resolve()), speed, {"is_active": True, "sample_seconds": sample_seconds(speed)}, words
    )


def sample_seconds(speed: float) -> int:
    """The spacing of samples that keeps one a market minute, as near as whole seconds allow."""
    return max(round(SAMPLE_SECONDS / speed), 1)
