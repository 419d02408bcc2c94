"""Running the proofs over several processes, and adding up what came of them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields
from multiprocessing import get_context
from typing import Any

from heisenbug.domain.trade import Trade
from heisenbug.store.trade_book import TradeBook
from tests.crash.matrix import SCENARIOS, Case, Outcome, cases, run
from tests.crash.venues import AT_UPHOLD, CRASH_VENUES, CrashVenue
from tests.crash.verdict import Verdict
from tests.crash.world import laboratory

CASES_AT_ONCE = 20
Tell = Callable[[str], None]
Point = tuple[str, int]


@dataclass
class Figures:
    """What many runs add up to; a point is a call of a scenario's tick, hit where its process died at it."""

    points: set[Point] = field(default_factory=set)
    before: set[Point] = field(default_factory=set)
    after: set[Point] = field(default_factory=set)
    runs: int = 0
    conversions: int = 0
    exits: int = 0
    legs: int = 0
    double: int = 0
    lost: int = 0
    invented: int = 0
    unresolved: int = 0
    forgotten: int = 0
    not_conserved: int = 0
    longest: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether the promise was kept in every run, and every point was hit before and after."""
        return not self.broken and self.before == self.after == self.points

    def add(self, outcome: Outcome) -> None:
        """One run of the matrix more."""
        case = outcome.case
        point = case.scenario.name, case.number
        self.points.add(point)
        if outcome.happened and case.mishap in ("dies before", "dies after"):
            (self.before if case.mishap == "dies before" else self.after).add(point)
        self.longest = max(self.longest, outcome.ticks)
        self.judged(outcome.verdict, f"{case.scenario.name}: {case.mishap} at call {case.number}, {case.call}")

    def judged(self, verdict: Verdict, what: str) -> None:
        """One verdict more."""
        self.runs += 1
        self.conversions += verdict.conversions
        self.exits += verdict.exits
        self.legs += verdict.legs
        self.double += verdict.double
        self.lost += verdict.lost
        self.invented += verdict.invented
        self.unresolved += verdict.unresolved
        self.forgotten += verdict.forgotten
        self.not_conserved += not verdict.conserved
        if not verdict.kept:
            self.broken.append(f"{what}: {verdict}")

    def __add__(self, other: "Figures") -> "Figures":
        both: dict[str, Any] = {}
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            both[each.name] = mine | theirs if isinstance(mine, set) else mine + theirs
        return Figures(**{**both, "longest": max(self.longest, other.longest)})

    def lines(self) -> Iterator[str]:
        """For a person."""
        if self.points:
            yield f"I/O points found              {len(self.points)}"
            yield f"  died before, died after     {len(self.before)}, {len(self.after)}"
        yield f"runs                          {self.runs}"
        yield f"conversions at the exchange   {self.conversions}"
        yield f"  of them exits, legs         {self.exits}, {self.legs}"
        yield f"double conversions            {self.double}"
        yield f"lost conversions              {self.lost}"
        yield f"trades that never happened    {self.invented}"
        yield f"value conserved               {'yes' if not self.not_conserved else f'NOT in {self.not_conserved}'}"
        yield f"unresolved left               {self.unresolved}"
        yield f"legs forgotten at a bridge    {self.forgotten}"
        if self.points:
            yield f"longest time to resolution    {self.longest} ticks"
        yield from (f"BROKEN  {text}" for text in self.broken[:20])


class NoIntent(TradeBook):
    """A book that writes nothing before the commit: what the proof must find to be wrong."""

    def intend(self, *_: object) -> None:
        """Not written."""

    def committing(self, *_: object) -> None:
        """Not written."""

    def _clear(self, *_: object, **__: object) -> None:
        """Nothing to clear, and no fence."""


class NoCommitting(TradeBook):
    """A book that writes the intent, but not that the commit is about to be sent: wrong too."""

    def committing(self, *_: object) -> None:
        """Not written."""


class NoFollowing(TradeBook):
    """A book that ends a leg and does not intend the next in the same step: what is at the bridge is forgotten."""

    def _clear(self, step: Any, trade: Trade, *others: Any, **told: Any) -> None:
        """Nothing follows."""
        super()._clear(step, trade, *others, **{**told, "following": None})


MUTANTS: dict[str, type[TradeBook]] = {"the intent": NoIntent, "the word before the commit": NoCommitting}
BOOKS: dict[str, type[TradeBook]] = {"": TradeBook, **MUTANTS}


def every_point(jobs: int, tell: Tell, share: int = 1, without: str = "", venue: CrashVenue = AT_UPHOLD) -> Figures:
    """The matrix over `jobs` processes: every death, and of the other mishaps one in `share`.

    `without` takes a step of the book away (MUTANTS): the promise must then be seen to be broken.
    """
    with laboratory(venue) as here:
        found = list(cases(here, book=BOOKS[without]))
    chosen = [case for place, case in enumerate(found) if "dies" in case.mishap or place % share == 0]
    parts = [chosen[place : place + CASES_AT_ONCE] for place in range(0, len(chosen), CASES_AT_ONCE)]
    wishes = [(_named(venue), without, _plain(some)) for some in parts]
    return _over(jobs, _some_cases, wishes, tell, f"of {len(chosen)} cases")


def many_lives(examples: int, jobs: int, tell: Tell, first_seed: int = 1, venue: CrashVenue = AT_UPHOLD) -> Figures:
    """Random lives over `jobs` processes, some hundred a seed, so that a broken one is found again by its seed."""
    each = max(min(250, examples // jobs), 1)
    seeds = range(first_seed, first_seed - (-examples // each))
    return _over(jobs, _some_lives, [(_named(venue), each, seed) for seed in seeds], tell, f"of {examples} lives")


def _over(jobs: int, work: Callable[[Any], Figures], wishes: Sequence[Any], tell: Tell, of: str) -> Figures:
    total = Figures()
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for figures in pool.map(work, wishes):
            total += figures
            tell(f"{total.runs} {of}, {total.conversions} conversions, {len(total.broken)} broken")
    return total


def _named(venue: CrashVenue) -> str:
    """A venue as it travels to another process."""
    return next(name for name, one in CRASH_VENUES.items() if one is venue)


def _plain(some: Sequence[Case]) -> list[tuple[int, int, str, str]]:
    """The cases as they travel to another process."""
    return [(SCENARIOS.index(case.scenario), case.number, case.call, case.mishap) for case in some]


def _some_cases(wish: tuple[str, str, list[tuple[int, int, str, str]]]) -> Figures:
    venue, without, some = wish
    figures = Figures()
    with laboratory(CRASH_VENUES[venue]) as here:
        for place, number, call, mishap in some:
            figures.add(run(here, Case(SCENARIOS[place], number, call, mishap), BOOKS[without]))
    return figures


def _some_lives(wish: tuple[str, int, int]) -> Figures:
    from tests.crash.machine import random_lives

    venue, examples, seed = wish
    with laboratory(CRASH_VENUES[venue]) as here:
        return random_lives(here, examples, seed)
