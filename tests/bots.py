"""A whole bot over tables in memory: everything real but the market, the queue and the clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any

from heisenbug.bot import Bot, Remembered, Report
from heisenbug.configuration import Configurations
from heisenbug.domain.assets import Pair
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.ledger import Ledger
from heisenbug.domain.live import Consent, Deployment, digest, to_type
from heisenbug.domain.quotes import RawQuote
from heisenbug.domain.venue import Venue
from heisenbug.exchange.paper import Paper
from heisenbug.exchange.patience import Patience
from heisenbug.exchange.port import Exchange, Past, PastQuotes
from heisenbug.looking import Look, Looking, Memory
from heisenbug.store.bot_state import Ledgers, States
from heisenbug.store.paper_fills import PaperFills
from heisenbug.store.price_snapshot import PriceSnapshots
from heisenbug.store.trade_book import TradeBook
from heisenbug.store.trade_history import TradeHistory
from heisenbug.tick import run_tick
from tests.fakes import Clock, FakeExchange, FakeQueue, FakeTickers
from tests.markets import FREE, MONDAY
from tests.models import model

BOT = "default"
_tokens = count(1)


@dataclass
class FakePast:
    """A market's past, as told."""

    slots: list[PastQuotes] = field(default_factory=list)
    asked: int = 0

    def samples(self, sample_seconds: int, count: int, before: int) -> Sequence[PastQuotes]:
        self.asked += 1
        return [slot for slot in self.slots if slot.at < before][-count:]


class EndlessPast:
    """The past of the endless rise and fall, as far back as one likes: a window that is full at once."""

    def samples(self, sample_seconds: int, count: int, before: int) -> Sequence[PastQuotes]:
        dues = range(before - count * sample_seconds, before, sample_seconds)
        return [PastQuotes(due, {Pair("BTC", "USD"): _both(price_of((due - MONDAY) // 5))}) for due in dues]


def _both(price: float) -> RawQuote:
    return RawQuote(repr(price), repr(price))


@dataclass
class Process:
    """One warm process: what it remembers lasts from tick to tick, and is lost with it."""

    clock: Clock
    tickers: FakeTickers
    past: Past | None = None
    venue: Venue = FREE
    queue: FakeQueue = field(default_factory=FakeQueue)
    memory: Memory = field(default_factory=Memory)
    remembered: Remembered = field(default_factory=Remembered)
    left_seconds: float = 20
    deployment: Deployment = Deployment()
    missing_credential: Callable[[], str] = str
    patience: Patience = field(default_factory=Patience)
    live: FakeExchange | None = None

    def __post_init__(self) -> None:
        self.configurations = Configurations(BOT)

    def bot(self) -> Bot:
        """The bot of one invocation, with a token of its own."""
        token = f"attempt-{next(_tokens)}"
        snapshots = PriceSnapshots(BOT)
        return Bot(
            bot_id=BOT,
            venue=self.venue,
            clock=self.clock,
            wait=self.clock.sleep,
            deadline=self.clock.at + self.left_seconds,
            token=token,
            configurations=self.configurations,
            states=States(BOT),
            ledgers=Ledgers(BOT),
            history=lambda mode: TradeHistory(BOT, mode),
            book=lambda mode: TradeBook(BOT, mode, token),
            snapshots=snapshots,
            looking=Looking(self.tickers, self.past, snapshots, self.clock, self.memory),
            exchange=self._exchange,
            queue=self.queue,
            remembered=self.remembered,
            deployment=self.deployment,
            missing_credential=self.missing_credential,
            patience=self.patience,
        )

    def _exchange(self, told: Configuration, look: Look, holdings: Mapping[str, Decimal]) -> Exchange:
        if told.settings.mode == "live":
            assert self.live is not None, "This test has no exchange for live money."
            self.live.prices = {"USD": 1.0, **{pair.base: quote.mid for pair, quote in look.market.quotes.items()}}
            return self.live
        return Paper(PaperFills(BOT), look.market.quotes, holdings, told.settings, self.venue, self.clock)

    def tick(self, due: int, late: float = 0.0) -> Report:
        """One check at its due time."""
        self.clock.at = max(self.clock.at, due + late)
        return run_tick(self.bot(), due)

    def tell(self, **changes: Any) -> None:
        """Change the settings, as the API does."""
        self.configurations.change(changes, "a test", self.clock())


@dataclass
class Live:
    """A bot that may trade live money, with the venue's cards; every act is done unless a test undoes it."""

    bot: Process
    exchange: FakeExchange

    def consent(self) -> Consent:
        """Type what may be risked, as `heisenbug live` does, and open the live ledger with the budget."""
        settings = self.bot.configurations.now().settings
        budget, cards = settings.budget or {}, self.exchange.holdings
        given = {asset: min(most, cards[asset]) for asset, most in budget.items() if cards.get(asset)}
        before = Ledgers(BOT).read("live")
        Ledgers(BOT).open_anew("live", Ledger(given), before[1] if before else 0)
        at = self.bot.clock().isoformat(timespec="seconds")
        typed = Consent(to_type(budget), digest(settings), "anna", at)
        States(BOT).consent(typed)
        return typed


LIVE_BUDGET: Mapping[str, str] = {"USD": "200", "BTC": "5"}


def live(clock: Clock | None = None, **changes: Any) -> Live:
    """A seasoned bot whose three acts are done: 200 USD of the 1000 on the card."""
    told = {**EAGER, "mode": "live", "budget": LIVE_BUDGET, **changes}
    bot = seasoned(clock, **told, **({} if "model" in told else proven(told)))
    bot.live = FakeExchange({}, {"USD": Decimal("1000.00")}, bot.clock)
    bot.deployment = Deployment(enabled=True)
    opened = Live(bot, bot.live)
    opened.consent()
    return opened


# A bot that trades whenever BTC climbs: a window of 10 samples of 5 s, no cost, no rest.
EAGER: Mapping[str, Any] = {
    "is_active": True,
    "pairs": ["BTC-USD"],
    "check_interval_seconds": 5,
    "sample_seconds": 5,
    "cache_ttl_seconds": 1,
    "window": 10,
    "horizon": 10,
    "forecaster": "drift",
    "drift_weight": 1,
    "min_confidence": 0.5,
    "risk_tolerance": 1,
    "min_expected_return": 0,
    "cost_bps": 0,
    "cooldown_seconds": 0,
    "max_drawdown": 1,
}


def proven(told: Mapping[str, Any]) -> dict[str, Any]:
    """A model of the naive drift that is said to have beaten zero-drift: live money asks for one."""
    sides = {side for name in told["pairs"] for side in name.split("-")}
    assets = tuple(sorted(sides - {told.get("base_currency", "USD")}))
    looks = {name: told[name] for name in ("window", "horizon", "sample_seconds")}
    return {"model": model(**looks, assets=assets).plain()}


def price_of(tick: int, start: float = 100.0) -> float:
    """BTC climbs a thousandth a tick for 15 ticks and falls back as fast, with a wobble, for ever."""
    place = tick % 30
    height = place if place < 15 else 30 - place
    return round(start * (1 + 0.001 * height + 0.0001 * (tick % 2)), 4)


def process(clock: Clock | None = None, **changes: Any) -> Process:
    """A new process; with `changes`, the first start of a bot that is eager to trade."""
    clock = clock or Clock(MONDAY)
    opened = Process(clock, FakeTickers(clock))
    if changes or Configurations(BOT)._config.read() is None:
        opened.tell(**{**EAGER, **changes})
    return opened


def seasoned(clock: Clock | None = None, **changes: Any) -> Process:
    """A process on a market that offers its past, so that it may trade at once."""
    opened = process(clock, **changes)
    opened.past = EndlessPast()
    return opened


def run(bot: Process, ticks: range) -> list[Report]:
    """The ticks with these numbers, each 5 s after the other, at the prices of an endless rise and fall."""
    reports = []
    for tick in ticks:
        bot.tickers.set(BTC=price_of(tick))
        reports.append(bot.tick(MONDAY + 5 * tick))
    return reports
