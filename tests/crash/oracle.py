"""What ought to stop a bot, told from its history alone: obvious, and by no line of the bot's own."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from heisenbug.domain.settings import Settings
from heisenbug.domain.trade import Trade, TradeState

HOUR, DAY = 3600, 86_400
COIN, MONEY = "BTC", "USD"
# The bot may remember a peak by so much less than it was (guarding.PEAK_STEP), and counts in cents.
PEAK_SLACK = Decimal("1.005")
EDGE = 1e-4
BPS_SLACK = 0.02
LEAST_WORTH = 2


@dataclass
class Oracle:
    """The history of one mode's money: what ended when, what it was worth at each look, and what follows from that.

    Where the bot may have seen less than this did (it died before it wrote that down), this one demands less.
    """

    holdings: dict[str, Decimal] = field(default_factory=lambda: {MONEY: Decimal(1000)})
    paid: Decimal = Decimal(0)
    done: list[int] = field(default_factory=list)
    losses: list[int] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    excess: list[float] = field(default_factory=list)
    peak: Decimal | None = None
    fallen: bool = False
    day: int = -1
    firsts: list[Decimal] = field(default_factory=list)
    first: Decimal | None = None
    lost: bool = False

    # ------------------------------------------------------------ what happens

    def rearmed(self) -> None:
        """A person has looked: what came before counts no more, but for the number of trades."""
        self.losses, self.errors, self.excess = [], [], []
        self.peak, self.fallen, self.day, self.lost = None, False, -1, False

    def ended(self, trade: Trade, at: int) -> None:
        """A trade came to its end."""
        if trade.state is TradeState.EXECUTED:
            self._executed(trade, at)
        elif trade.state is TradeState.FAILED or (trade.state is TradeState.SKIPPED and trade.quote is None):
            self.errors.append(at)

    def looks(self, due: int, price: float | None) -> None:
        """A tick sees the market, whatever becomes of that tick."""
        worth = self.worth(price)
        if worth is None:
            return
        if self.day != due // DAY:
            self.day, self.firsts, self.first, self.lost = due // DAY, [], None, False
        if self.first is None:
            self.firsts.append(worth)

    def looked(self, price: float | None, settings: Settings) -> None:
        """A tick has written down what it saw, and no later one had begun."""
        worth = self.worth(price)
        if worth is None:
            return
        self.peak = max(self.peak or worth, worth)
        fall = 1 - float(worth * PEAK_SLACK / self.peak)
        if self.fallen:
            self.fallen = settings.drawdown_resume is None or fall > settings.drawdown_resume
        else:
            self.fallen = fall >= settings.max_drawdown
        self.first = self.first or min(self.firsts)
        loss = 1 - float(worth / self.first)
        most = settings.daily_loss
        self.lost = most is not None and (self.lost or loss >= most + EDGE)

    # ------------------------------------------------------------ what follows

    def worth(self, price: float | None) -> Decimal | None:
        """All that is held, in dollars; None where it has no price."""
        coins = self.holdings.get(COIN, Decimal(0))
        if coins and price is None:
            return None
        return self.holdings.get(MONEY, Decimal(0)) + coins * Decimal(repr(price or 0.0))

    def bars(self, due: int, now: float, age: float, settings: Settings) -> Iterator[str]:
        """The protections that ought to keep every entry decided for `due`, begun at `now`, from beginning."""
        yield from self._bars_by_worth(due, settings)
        yield from self._bars_by_trades(int(now), settings)
        if age > settings.max_price_age_seconds:
            yield "max_price_age_seconds"

    def _bars_by_worth(self, due: int, settings: Settings) -> Iterator[str]:
        if self.fallen:
            yield "max_drawdown"
        if settings.daily_loss is not None and self.lost and self.day == due // DAY:
            yield "daily_loss"

    def _bars_by_trades(self, now: int, settings: Settings) -> Iterator[str]:
        if self._are(self.losses, settings.losing_streak, now - settings.losing_streak_seconds):
            yield "losing_streak"
        if self._are([at for at in self.done if at // HOUR == now // HOUR], settings.max_trades_per_hour):
            yield "max_trades_per_hour"
        if self._are([at for at in self.done if at // DAY == now // DAY], settings.max_trades_per_day):
            yield "max_trades_per_day"
        if self._are(self.errors, settings.max_venue_errors, now - HOUR):
            yield "max_venue_errors"
        bound = settings.max_cost_excess_bps
        if bound is not None and len(self.excess) >= 3 and min(self.excess[-3:]) > bound + BPS_SLACK:
            yield "max_cost_excess_bps"

    @staticmethod
    def _are(times: list[int], most: int | None, after: int = 0) -> bool:
        """Whether there are so many, the newest of them since."""
        return most is not None and len(times) >= most and times[-1] > after

    def bars_amount(self, trade: Trade, settings: Settings) -> Iterator[str]:
        """Those that ought to have kept this very trade from being begun, or committed once it is quoted."""
        held = self.holdings.get(trade.source, Decimal(0))
        least = (settings.reserve or {}).get(trade.source, Decimal(0))
        if least and held - trade.amount < least:
            yield "reserve"
        budget = settings.budget or {}
        if trade.source in budget and trade.amount > budget[trade.source]:
            yield "budget"
        got = trade.quote.receives if trade.quote else Decimal(0)
        if trade.target in budget and self.holdings.get(trade.target, Decimal(0)) + got > budget[trade.target]:
            yield "budget"
        if settings.mode == "live" and not {trade.source, trade.target} <= budget.keys():
            yield "budget"

    def must_leave(self, price: float | None, age: float, settings: Settings) -> bool:
        """Whether a stop, or a target, is clearly due, whatever protections say."""
        coins = self.holdings.get(COIN, Decimal(0))
        if price is None or not self.paid or coins * Decimal(repr(price)) < LEAST_WORTH:
            return False
        gain = price / float(self.paid) - 1
        stops = settings.stop_loss is not None and gain < -settings.stop_loss - EDGE
        return stops and age <= settings.max_price_age_seconds

    def _executed(self, trade: Trade, at: int) -> None:
        received = trade.received or Decimal(0)
        self.done.append(at)
        self.errors = []
        if trade.realised_cost_bps is not None and trade.quoted_cost_bps is not None:
            self.excess.append(trade.realised_cost_bps - trade.quoted_cost_bps)
        before = self.holdings.get(trade.target, Decimal(0))
        if trade.source == COIN:
            is_loss = float(received) < float(trade.amount * self.paid) * (1 - 1e-9)
            self.losses = [*self.losses, at] if is_loss else []
        else:
            self.paid = (before * self.paid + trade.amount) / (before + received)
        self.holdings[trade.source] = self.holdings.get(trade.source, Decimal(0)) - trade.amount
        self.holdings[trade.target] = before + received
