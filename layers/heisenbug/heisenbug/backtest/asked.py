"""A backtest as somebody asks for it, on the command line or over HTTP: the same words of refusal for both."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from heisenbug.backtest.rules import Fill, Wish
from heisenbug.domain.assets import TradingPair
from heisenbug.domain.configuration import Configuration, check_sides
from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.rules import shown
from heisenbug.domain.settings import DEFAULTS, Settings, change
from heisenbug.domain.venue import VENUES, Venue
from heisenbug.markets.history import History, history_of
from heisenbug.markets.market import epoch
from heisenbug.markets.recorded import RecordedMarket

NOT_HERE = ("mode", "check_interval_seconds", "pairs")


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything of a backtest but the market itself: `begin` and `end` in epoch seconds, None for all there is."""

    begin: float | None
    end: float | None
    settings: Settings
    fill: Fill
    venue: Venue

    def on(self, market: RecordedMarket) -> Wish:
        """The backtest on a market, over all of its pairs; raises InvalidSettings and OutOfRange."""
        history = history_of(market, self.settings.sample_seconds)
        _check_start(self.settings, history)
        check_sides(self.settings, _sides(history), self.venue)
        begin = float(history.at[0]) if self.begin is None else self.begin
        end = float(history.at[-1]) if self.end is None else self.end
        pairs = tuple(TradingPair(pair) for pair in sorted(history.pairs))
        here = self.venue.over(history.pairs, self.settings.bridge_asset)
        return Wish(history.between(begin, end), Configuration(self.settings, pairs, 1), here, self.fill)


def asked_of(told: Mapping[str, Any]) -> Asked:
    """What `told` asks for: from, to, set, fill and venue, each of which may be left out; raises InvalidSettings."""
    return Asked(
        moment_of("from", told.get("from", "")),
        moment_of("to", told.get("to", "")),
        settings_of(told.get("set", {})),
        _fill(told.get("fill", Fill.NEXT_SAMPLE.value)),
        _venue(told.get("venue", "uphold")),
    )


def settings_of(told: Any) -> Settings:
    """The settings of a backtest: active, paper, one check a sample; raises InvalidSettings."""
    if not isinstance(told, Mapping):
        raise _bad("set", f'set must be settings such as {{"risk_tolerance": 0.4}}, not {shown(told)}.')
    for name in NOT_HERE:
        if name in told:
            raise _bad(name, f"{name} cannot be set here: a backtest is on paper, checks each sample, takes all pairs.")
    always = replace(DEFAULTS, is_active=True, check_interval_seconds=1)
    return change(always, told)


def moment_of(name: str, text: Any) -> float | None:
    """The epoch seconds of a day or time that was typed, None for an empty text; raises InvalidSettings."""
    if text == "":
        return None
    try:
        return epoch(text)
    except (TypeError, ValueError, OverflowError):
        example = "give a day or a time like 2025-05-10 or 2025-05-10T12:00:00Z."
        raise _bad(name, f"{name} {shown(text)} is no time: {example}") from None


def _check_start(settings: Settings, history: History) -> None:
    """Raise InvalidSettings where the bot would begin with what the market does not know."""
    known = {settings.base_currency, *_sides(history)}
    if unknown := ", ".join(sorted(set(settings.paper_start) - known)):
        begin = f"begin with {', '.join(sorted(known))}."
        raise _bad("paper_start", f"paper_start holds {unknown}, which {history.name} has no price of: {begin}")


def _sides(history: History) -> set[str]:
    return {side for pair in history.pairs for side in (pair.base, pair.quote)}


def _fill(text: Any) -> Fill:
    try:
        return Fill(text)
    except ValueError:
        raise _bad("fill", f"fill must be {' or '.join(Fill)}, not {shown(text)}.") from None


def _venue(name: Any) -> Venue:
    if not isinstance(name, str) or name not in VENUES:
        named = name[:40] if isinstance(name, str) else shown(name)
        raise _bad("venue", f"There is no venue {named}; there are {', '.join(sorted(VENUES))}.")
    return VENUES[name]


def _bad(field: str, message: str) -> InvalidSettings:
    return InvalidSettings([FieldError(field, message)])
