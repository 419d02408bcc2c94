"""What is wrong with the bot, as its tables tell."""

from heisenbug.desk.known import Known
from heisenbug.domain.protections import lifted_by
from heisenbug.domain.snapshot import Snapshot
from heisenbug.domain.state import State
from heisenbug.domain.trade import TradeState
from heisenbug.messages import guarded_message, utc

LATE_AFTER_INTERVALS = 3
LEAST_PATIENCE_SECONDS = 90


class ProblemsDesk:
    """Tells what keeps the bot from its work."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def all(self) -> list[str]:
        """Every problem in words, the most urgent first; none where the bot does its work."""
        known = self._known
        told, invalid = known.told()
        state, age = known.states.read(), self.last_tick_age_seconds()
        patience = max(LATE_AFTER_INTERVALS * told.settings.check_interval_seconds, LEAST_PATIENCE_SECONDS)
        problems = [error.message for error in invalid.fields] if invalid else []
        if age is None or age > patience:
            problems.append(f"No tick for {'ever' if age is None else f'{age:.0f} s'}; look at the trader's log.")
        problems += _price_problems(known.newest(told)) + self._trading_problems(state)
        if not told.pairs and not invalid:
            problems.append("There is no enabled pair to trade; heisenbug pairs add BTC-USD adds one.")
        if state.killed_at:
            problems.append(f"Killed by {state.killed_by}: {state.killed_why}")
        for name, halt in state.halts_of(state.mode).items():
            until = f" until {utc(halt.until)}" if halt.until else ""
            problems.append(f"Entries are stopped{until} by {name.value}: {halt.why} {lifted_by(name)}")
        return problems

    def last_tick_age_seconds(self) -> float | None:
        """How long ago the newest tick was due; None before the first."""
        last_tick = self._known.states.read().last_tick
        return self._known.now() - last_tick if last_tick else None

    def _trading_problems(self, state: State) -> list[str]:
        problems = [f"The bot stays paper. {state.held_back}"] if state.held_back else []
        running = self._known.running(state)
        if running is not None and running.state is TradeState.UNRESOLVED:
            problems.append(
                f"Trade {running.id} ({running.amount} {running.source} into {running.target}) is unresolved, nothing "
                f"else is traded: {running.outcome}"
            )
        if quiet_until := self._known.quiet_until(state):
            problems.append(f"The exchange wants to be left alone until {quiet_until}.")
        return problems


def _price_problems(newest: Snapshot | None) -> list[str]:
    if newest is None:
        return []
    problems = [f"{pair} is guarded: {g['reason']}." for pair, g in guarded_message(newest).items()]
    if newest.equity is None:
        problems.append("Equity is unknown while something held has no price; drawdown is not watched meanwhile.")
    return problems
