"""Every setting once: its default, its bounds and what it means; all surfaces read this table and no other."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from heisenbug.domain.contradictions import contradictions
from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.model import Model
from heisenbug.domain.rules import (
    Amount,
    Amounts,
    AssetCode,
    BadValue,
    Cards,
    Choice,
    Costs,
    FittedModel,
    Flag,
    Integer,
    Number,
    OrNothing,
    Pairs,
    Rule,
)

WAYS = ("off", "telegram", "sns", "both")
BY_WAY = "nowhere, by Telegram, by e-mail and SMS (sns), or both"


def setting(default: Any, rule: Rule, means: str) -> Any:
    """A settings field: what it is unless told, what it may be, and what it means in one sentence."""
    metadata = {"rule": rule, "means": means}
    if isinstance(default, Mapping):
        return field(default_factory=lambda: default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the bot is told to do; every value is within its bounds."""

    is_active: bool = setting(False, Flag(), "Trade at all.")
    mode: str = setting(
        "paper", Choice("paper", "live"), "Whose money: paper is play money; live needs two more acts (heisenbug live)."
    )
    risk_tolerance: float = setting(0.5, Number(0, 1), "The highest risk score that may trade.")
    min_confidence: float = setting(0.7, Number(0, 1), "The lowest confidence that may trade.")
    min_expected_return: float = setting(0.001, Number(0, 1), "The lowest net return, after all costs, that may trade.")
    trade_size_percentage: float = setting(0.1, Number(0.01, 1), "The part of the holding that one trade converts.")
    trade_size_amount: Decimal | None = setting(
        None, Amount(optional=True), "A fixed amount in the base currency that one trade converts instead."
    )
    check_interval_seconds: int = setting(5, Integer(1, 300), "How often to look, in seconds.")
    cache_ttl_seconds: int = setting(3, Integer(1, 60), "A price older than this is asked for again, in seconds.")
    history_limit: int = setting(100, Integer(10, 1000), "How many trades TradeHistory keeps.")
    sample_seconds: int = setting(
        60, Integer(1, 86400), "The spacing of the samples a decision looks back on, in seconds."
    )
    window: int = setting(120, Integer(10, 1000), "How many samples a decision looks back on.")
    horizon: int = setting(60, Integer(1, 1000), "How many samples ahead a decision looks.")
    forecaster: str = setting(
        "zero_drift", Choice("zero_drift", "drift", "ridge"), "What the bot believes about the drift of prices."
    )
    drift_weight: float = setting(
        0.0, Number(-1, 1), "How much of the window's drift survives, used by the drift forecaster; 0 believes in none."
    )
    model: Model | None = setting(
        None,
        FittedModel(optional=True),
        "What heisenbug fit has learned, for the forecaster of its kind; drift goes by drift_weight without it.",
    )
    refit: str = setting(
        "paper",
        Choice("off", "paper", "live"),
        "Whether a day's better fit of the forecaster is put into use: never, on paper only, or with live money too.",
    )
    cost_bps: float | Mapping[str, float] | None = setting(
        None,
        Costs(0, 1000, optional=True),
        "The fee of one conversion in basis points, in place of the venue's by asset class; half spreads come on top.",
    )
    cooldown_seconds: int = setting(
        300, Integer(0, 86400), "How long a conversion and its reverse rest after a trade, in seconds."
    )
    base_currency: str = setting("USD", AssetCode(), "The asset that equity is counted in.")
    pairs: tuple[str, ...] = setting(
        ("BTC-USD", "ETH-USD"), Pairs(), "The pairs that fill the table of pairs on the first start, and only then."
    )
    paper_start: Mapping[str, Decimal] = setting(
        MappingProxyType({"USD": Decimal(1000)}), Amounts(), "The amounts that a paper ledger begins with."
    )
    bridge: str | None = setting(
        None,
        AssetCode(optional=True),
        "What conversions without a market of their own go over at venues with order books; nothing: base_currency.",
    )
    max_price_age_seconds: int = setting(30, Integer(1, 3600), "Prices older than this do not decide, in seconds.")
    max_drawdown: float = setting(
        0.2, Number(0.01, 1), "Equity this far under its peak ends entries until a person re-arms the bot."
    )
    drawdown_resume: float | None = setting(
        None,
        OrNothing(Number(0, 0.99)),
        "Equity back to this far under its peak lets entries begin again after max_drawdown, without a person.",
    )
    daily_loss: float | None = setting(
        None,
        OrNothing(Number(0.001, 0.99)),
        "Equity this far under the day's first ends entries until midnight (UTC).",
    )
    losing_streak: int | None = setting(
        None,
        OrNothing(Integer(2, 20)),
        "So many trades in a row that brought less than they had cost end entries for losing_streak_seconds.",
    )
    losing_streak_seconds: int = setting(
        3600, Integer(60, 604_800), "How long entries rest after a losing streak, in seconds."
    )
    max_trades_per_hour: int | None = setting(
        None, OrNothing(Integer(1, 1000)), "After so many trades in an hour (UTC) entries wait for the next one."
    )
    max_trades_per_day: int | None = setting(
        None, OrNothing(Integer(1, 10_000)), "After so many trades in a day (UTC) entries wait for the next one."
    )
    max_venue_errors: int | None = setting(
        5,
        OrNothing(Integer(1, 20)),
        "So many trades in a row that the venue did not carry out end entries for an hour.",
    )
    max_cost_excess_bps: float | None = setting(
        25,
        OrNothing(Number(0, 1000)),
        "Three trades in a row that cost so many basis points more than was quoted end entries until a person re-arms.",
    )
    reserve: Mapping[str, Decimal] | None = setting(
        None, Amounts(optional=True), "The least that an entry leaves of an asset."
    )
    stop_loss: float | None = setting(
        None,
        OrNothing(Number(0.001, 0.99, "a stop lies under what was paid")),
        "A holding whose price is this far under what it cost, all in, goes back to the base currency.",
    )
    take_profit: float | None = setting(
        None,
        OrNothing(Number(0.001, 100, "a target lies above what was paid")),
        "A holding that would bring this much more than it cost, after the cost of getting out, goes back.",
    )
    trailing_stop: float | None = setting(
        None,
        OrNothing(Number(0.001, 0.99, "a stop trails at a distance")),
        "A holding whose price is this far under its highest since it was bought goes back.",
    )
    time_stop: int | None = setting(
        None,
        OrNothing(Integer(1, 100_000)),
        "A holding that was bought this many samples ago, and is not expected to gain any more, goes back.",
    )
    max_exit_cost_bps: float = setting(
        1000, Number(1, 5000), "The highest cost, in basis points, that getting out of a holding may be quoted at."
    )
    budget: Mapping[str, Decimal] | None = setting(
        None,
        Amounts(optional=True),
        "The most the bot may hold or spend of an asset; live money touches no asset that is not named here.",
    )
    cards: Mapping[str, str] | None = setting(
        None, Cards(optional=True), "The card at the venue that holds the bot's live money of an asset, by its id."
    )
    notify_trades: str = setting("off", Choice(*WAYS), f"Where a trade that was made or failed is told: {BY_WAY}.")
    notify_protections: str = setting(
        "off", Choice(*WAYS), f"Where it is told that a protection or a person stopped the bot: {BY_WAY}."
    )
    notify_unresolved: str = setting(
        "off", Choice(*WAYS), f"Where it is told that nobody knows whether a trade happened: {BY_WAY}."
    )
    notify_dead: str = setting(
        "off", Choice(*WAYS), f"Where it is told that the bot checks no more, and when it does again: {BY_WAY}."
    )
    notify_per_hour: int = setting(
        10, Integer(1, 100), "How many notifications of one kind go out one way within an hour at most."
    )

    @property
    def has_protections(self) -> bool:
        """Whether any protection is set besides those of prices, drawdown and the venue, which always are."""
        counted = (self.losing_streak, self.max_trades_per_hour, self.max_trades_per_day)
        return (self.daily_loss, self.drawdown_resume, self.reserve, *counted) != (None,) * 6

    @property
    def has_exits(self) -> bool:
        """Whether any exit is set."""
        return (self.stop_loss, self.take_profit, self.trailing_stop, self.time_stop) != (None, None, None, None)

    def least_of(self, asset: str) -> Decimal:
        """The least that an entry leaves of `asset`."""
        return (self.reserve or {}).get(asset, Decimal(0))

    @property
    def bridge_asset(self) -> str:
        """What conversions without a market of their own go over."""
        return self.bridge or self.base_currency

    def most_of(self, asset: str) -> Decimal | None:
        """The most the bot may hold or spend of `asset`; None where nothing bounds it, as only paper money may be."""
        unnamed = Decimal(0) if self.mode == "live" else None
        return (self.budget or {}).get(asset, unnamed)


RULES: Mapping[str, Rule] = {f.name: f.metadata["rule"] for f in fields(Settings)}
MEANS: Mapping[str, str] = {f.name: f.metadata["means"] for f in fields(Settings)}
DEFAULTS = Settings()
MOST_CHANGES = 100


def change(current: Settings, changes: Mapping[str, Any]) -> Settings:
    """`current` with `changes` applied; raises InvalidSettings naming every bad field, and then nothing is changed."""
    if len(changes) > MOST_CHANGES:
        message = f"settings: at most {MOST_CHANGES} may be changed at once, not {len(changes)}."
        raise InvalidSettings([FieldError("settings", message)])
    accepted: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, value in changes.items():
        try:
            accepted[name] = _rule(name).check(value)
        except BadValue as bad:
            errors.append(FieldError(name, f"{name or 'The empty name'} {bad}"))
    changed = replace(current, **accepted)
    errors += [] if errors else contradictions(changed)
    if errors:
        raise InvalidSettings(errors)
    return changed


def parse(stored: Mapping[str, Any]) -> Settings:
    """The settings that a stored item states; what it does not name has its default, what it misnames is an error."""
    return change(DEFAULTS, stored)


def as_plain(settings: Settings) -> dict[str, Any]:
    """Every setting as JSON carries it: money as decimal text, the rest as it is."""
    return {name: rule.plain(getattr(settings, name)) for name, rule in RULES.items()}


def describe() -> dict[str, dict[str, Any]]:
    """The table of settings for forms, documents and help: per setting its JSON schema, default and meaning."""
    plain = as_plain(DEFAULTS)
    return {
        name: {
            **rule.schema(),
            "default": plain[name],
            "description": MEANS[name],
            "must": f"{name} must be {rule.must()}.",
        }
        for name, rule in RULES.items()
    }


def _rule(name: str) -> Rule:
    if name in RULES:
        return RULES[name]
    near = difflib.get_close_matches(name, RULES, n=1)
    hint = f"; did you mean {near[0]}?" if near else "; `heisenbug config get` lists them all."
    raise BadValue(f"is not a setting{hint}")
