"""Running the matrix over two processes, and adding up what came of it."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context

from heisenbug.store.trade_book import TradeBook
from tests.crash.matrix import SCENARIOS, Case, Outcome, calls_of, cases, run
from tests.crash.tape import Tape, taped_aws
from tests.tables import cloud

AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
Tell = Callable[[str], None]


@dataclass
class Figures:
    """What many runs add up to."""

    points: int = 0
    runs: int = 0
    conversions: int = 0
    double: int = 0
    lost: int = 0
    invented: int = 0
    unresolved: int = 0
    conserved: bool = True
    longest: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether the promise was kept in every run."""
        return not (self.double or self.lost or self.invented or self.unresolved or self.broken) and self.conserved

    def add(self, outcome: Outcome) -> None:
        """One run more."""
        verdict, case = outcome.verdict, outcome.case
        self.runs += 1
        self.conversions += verdict.conversions
        self.double += verdict.double
        self.lost += verdict.lost
        self.invented += verdict.invented
        self.unresolved += verdict.unresolved
        self.conserved = self.conserved and verdict.conserved
        self.longest = max(self.longest, outcome.ticks)
        if not verdict.kept:
            self.broken.append(f"{case.scenario.name}: {case.mishap} at call {case.number}, {case.call}: {verdict}")

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.points + other.points,
            self.runs + other.runs,
            self.conversions + other.conversions,
            self.double + other.double,
            self.lost + other.lost,
            self.invented + other.invented,
            self.unresolved + other.unresolved,
            self.conserved and other.conserved,
            max(self.longest, other.longest),
            self.broken + other.broken,
        )

    def lines(self) -> Iterator[str]:
        """For a person."""
        yield f"I/O points found                  {self.points}"
        yield f"runs                              {self.runs}"
        yield f"conversions at the exchange       {self.conversions}"
        yield f"double conversions                {self.double}"
        yield f"lost conversions                  {self.lost}"
        yield f"trades that never happened        {self.invented}"
        yield f"value conserved                   {'yes' if self.conserved else 'NO'}"
        yield f"unresolved left                   {self.unresolved}"
        yield f"longest time to resolution        {self.longest} ticks"
        yield from (f"BROKEN  {text}" for text in self.broken[:20])


@contextmanager
def laboratory() -> Iterator[Tape]:
    """Tables in memory, with every call of every AWS client on the tape."""
    os.environ.update(AWS)
    os.environ.pop("AWS_ENDPOINT_URL", None)
    tape = Tape()
    with cloud(), taped_aws(tape):
        yield tape


class NoIntent(TradeBook):
    """A book that writes nothing before the commit: what the proof must find to be wrong."""

    def intend(self, *_: object) -> None:
        """Not written."""

    def committing(self, *_: object) -> None:
        """Not written."""

    def _clear(self, *_: object) -> None:
        """Nothing to clear, and no fence."""


BOOKS: dict[str, type[TradeBook]] = {"as it is": TradeBook, "without the intent": NoIntent}


def every_point(jobs: int, tell: Tell, share: int = 1, book: str = "as it is") -> Figures:
    """The matrix over `jobs` processes; of every `share` cases one is run, each point at least before and after."""
    with laboratory() as tape:
        points = sum(len(calls_of(tape, scenario, BOOKS[book])) for scenario in SCENARIOS)
    total = Figures(points)
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for figures in pool.map(_part, [(part, jobs, share, book) for part in range(jobs)]):
            total += figures
    tell(f"{total.runs} runs over {points} points")
    return total


def _part(wish: tuple[int, int, int, str]) -> Figures:
    part, jobs, share, name = wish
    figures = Figures()
    with laboratory() as tape:
        for case in _chosen(cases(tape, book=BOOKS[name]), part, jobs, share):
            figures.add(run(tape, case, BOOKS[name]))
    return figures


def _chosen(all_cases: Iterable[Case], part: int, jobs: int, share: int) -> Iterator[Case]:
    """This part's cases: every death, and of the other mishaps one in `share`."""
    wanted = (case for place, case in enumerate(all_cases) if "dies" in case.mishap or place % share == 0)
    return (case for place, case in enumerate(wanted) if place % jobs == part)
