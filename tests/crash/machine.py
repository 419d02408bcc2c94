"""A machine that does to a bot whatever can be done to it, in any order, and then holds it to its promise."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from heisenbug.configuration import Configurations
from heisenbug.store.bot_state import States
from local.trouble import Chance, Mishap, Plan, Step
from tests.crash.matrix import ALLOWED, begin_at
from tests.crash.proving import Figures
from tests.crash.tape import (
    Tape,
    answer_lost,
    dies_after,
    dies_before,
    meanwhile_after,
    meanwhile_before,
    no_answer,
    no_connection,
    throttled,
)
from tests.crash.verdict import Verdict, judge
from tests.crash.world import SPACING, Laboratory, Process

STEPS = 10
MOST_CALLS = 24
# What no plan of the venue's makes worse: requests that are answered at once, so that an example stays short.
SWIFT = tuple(sorted(set(Mishap) - {Mishap.HANG}))
PAUSES = (0, 3, 25, 60, 145, 400, 4000, 90_000)
AT_A_CALL = (dies_before, dies_after, answer_lost, throttled, no_connection, no_answer)
HTTP_ONLY = (no_connection, no_answer)


class Bot(RuleBasedStateMachine):
    """One bot over its life; `laboratory` and `told` are set for the run."""

    laboratory: Laboratory
    told: Callable[[Verdict], None]

    @initialize(plan=st.builds(Chance, st.integers(0, 10**6), st.sampled_from((0.0, 0.1, 0.3, 0.6)), st.just(SWIFT)))
    def begins(self, plan: Chance) -> None:
        """The exchange has its own day, good or bad."""
        self.world = self.laboratory.world()
        self.tape = self.laboratory.tape
        self.process = begin_at(self.world)
        self.world.trouble.order(Plan(chance=plan))

    @rule(times=st.integers(1, 5), new=st.booleans(), late=st.sampled_from((0, 2, 30)))
    def ticks(self, times: int, new: bool, late: int) -> None:
        """Some ticks, on time or the first one late, by a process that is warm or new."""
        self.process = self.world.process() if new else self.process
        self.world.clock.at = max(self.world.clock.at, self.world.next_due() + late)
        for _ in range(times):
            self._tick(self.process, self.world.next_due())

    @rule(place=st.integers(0, 3), mishap=st.sampled_from(AT_A_CALL), new=st.booleans())
    def has_an_accident_while_it_trades(self, place: int, mishap: Any, new: bool) -> None:
        """A tick with a mishap at a call that only a trade makes."""
        self._accident(self.world.venue.trade[place], mishap, new)

    @rule(number=st.integers(0, MOST_CALLS), mishap=st.sampled_from(AT_A_CALL), new=st.booleans())
    def has_an_accident(self, number: int, mishap: Any, new: bool) -> None:
        """A tick with a mishap at one of its calls."""
        self._accident(number, mishap, new)

    @rule(number=st.integers(0, MOST_CALLS), hangs=st.sampled_from((0, SPACING, 25, 200)), after=st.booleans())
    def is_doubled(self, number: int, hangs: int, after: bool) -> None:
        """A tick that is delivered to a second process while the first one hangs at one of its calls."""
        due, other = self.world.next_due(), self.world.process()

        def meanwhile() -> None:
            with self.tape.aside():
                self.world.clock.at += hangs
                self._tick(other, due)
                if hangs:
                    self._tick(other, self.world.next_due())

        wrap = meanwhile_after if after else meanwhile_before
        with self.tape.record({number: wrap(meanwhile)}):
            self._tick(self.process, due)

    @rule(back=st.integers(1, 4))
    def is_told_of_the_past(self, back: int) -> None:
        """An old tick, once more."""
        self._tick(self.process, self.world.next_due() - back * SPACING)

    @rule(seconds=st.sampled_from(PAUSES))
    def waits(self, seconds: int) -> None:
        """Time passes without a tick."""
        self.world.clock.at += seconds
        self.process = self.world.process()

    @rule(chance=st.builds(Chance, st.integers(0, 10**6), st.sampled_from((0.0, 0.3, 1.0)), st.just(SWIFT)))
    def meets_another_day(self, chance: Chance) -> None:
        """The exchange changes its mood."""
        self.world.trouble.order(Plan(chance=chance))

    @rule(step=st.sampled_from((Step.QUOTE, Step.COMMIT, Step.READ)), data=st.data())
    def meets_trouble(self, step: Step, data: st.DataObject) -> None:
        """The exchange does one thing, for good."""
        kind = data.draw(st.sampled_from(sorted(set(self.world.venue.fits[step]) - {Mishap.HANG})))
        self.world.trouble.order(Plan(chance=Chance(1, 1.0, (kind,), (step,))))

    @rule()
    def is_killed(self) -> None:
        """A person stops it."""
        self.world.kill()

    @rule()
    def is_armed(self) -> None:
        """A person lets it go on."""
        States(self.world.bot_id).rearm(self.world.clock())

    @rule(mode=st.sampled_from(("paper", "live")), is_active=st.booleans())
    def is_told(self, mode: str, is_active: bool) -> None:
        """A person changes the settings, past every surface that would refuse it."""
        changes = {"mode": mode, "is_active": is_active}
        Configurations(self.world.bot_id).change(changes, "a person", self.world.clock())

    def teardown(self) -> None:
        """The exchange is well again; the bot ends what is open, and all is compared."""
        if not hasattr(self, "world"):
            return
        self.world.trouble.order(Plan())
        self.world.give_again()
        self.world.end(self.world.process(), stride=6 * SPACING)
        self.world.watch_out()
        verdict = judge(self.world)
        type(self).told(verdict)
        assert verdict.kept, verdict

    def _accident(self, place: int | str, mishap: Any, new: bool) -> None:
        process = self.world.process() if new else self.process
        due = self.world.next_due()
        with self.tape.record({place: _fitting(self.tape, mishap)}):
            self._tick(process, due)
        self.process = self.world.process()

    def _tick(self, process: Process, due: int) -> None:
        with suppress(*ALLOWED):
            self.world.tick(process, due)


def _fitting(tape: Tape, mishap: Any) -> Any:
    """What cannot happen to a call of the tables does not."""

    def fitted(call: Any) -> Any:
        is_http = " " in tape.names[-1]
        wrong = (mishap in HTTP_ONLY) != is_http and mishap not in (dies_before, dies_after)
        return call() if wrong else mishap(call)

    return fitted


def random_lives(laboratory: Laboratory, examples: int, number: int) -> Figures:
    """Let that many bots live, drawn by the seed `number`; raises AssertionError with a short one that broke it."""
    figures = Figures()

    def told(verdict: Verdict) -> None:
        figures.judged(verdict, f"a life of seed {number}")

    machine = type("Life", (Bot,), {"laboratory": laboratory, "told": staticmethod(told)})
    steady = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    run_state_machine_as_test(seed(number)(machine), settings=steady)  # type: ignore[no-untyped-call]
    return figures
