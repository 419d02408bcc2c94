"""`make crash`: the whole proof that no death of a process doubles or loses a conversion; ends 0 where it holds."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator

from cli.paths import Home
from tests.crash.guarded import MEETINGS, Lived, guarded_lives, place, without
from tests.crash.guarded import MUTANTS as UNGUARDED
from tests.crash.proving import MUTANTS, Figures, every_point, many_lives
from tests.crash.venues import CRASH_VENUES, CrashVenue
from tests.crash.yard import every_kill, yard
from tests.e2e.places import new_home

NO_OTHERS = 10**9
LIVES_OF_A_MUTANT = 300


def main() -> int:
    """Run every part, print the figures of each, and say whether all of it held."""
    options = _parser().parse_args()
    tell = _clocked(time.monotonic())
    venues = [CRASH_VENUES[name] for name in options.venues.split(",")]
    held = [part for venue in venues for part in _at(venue, options, tell)]
    held += [_mutant(name, options.jobs, tell) for name in MUTANTS]
    held += [_guarded(options.guarded, options.seed), *map(_unguarded, UNGUARDED)]
    print(f"\n{'The promise was kept.' if all(held) else 'THE PROMISE WAS BROKEN, or the proof cannot fail.'}")
    return 0 if all(held) else 1


def _at(venue: CrashVenue, options: argparse.Namespace, tell: Callable[[str], None]) -> Iterator[bool]:
    """Every part at one venue."""
    jobs, name = options.jobs, venue.title
    yield _part(f"{name}: every mishap at every call", lambda: every_point(jobs, tell, options.share, venue=venue))
    yield _part(
        f"{name}: a worker killed (SIGKILL) before and after every call", lambda: _killed(options.port, tell, venue)
    )
    yield _part(f"{name}: random lives", lambda: many_lives(options.examples, jobs, tell, options.seed, venue))


def _part(title: str, prove: Callable[[], Figures]) -> bool:
    print(f"\n{title}", flush=True)
    figures = prove()
    _print(figures)
    return figures.kept


def _mutant(name: str, jobs: int, tell: Callable[[str], None]) -> bool:
    """The same harness over a bot without one of its steps must find it out: only then can it fail."""
    print(f"\nWithout {name}: this must break", flush=True)
    figures = every_point(jobs, tell, NO_OTHERS, name)
    _print(figures)
    return bool(figures.lost or figures.double)


def _guarded(examples: int, seed: int) -> bool:
    """Lives that meet with each of the protections: none is got round."""
    print("\nProtections: random lives", flush=True)
    lived = Lived()
    try:
        with place() as here:
            for name in MEETINGS:
                lived += guarded_lives(here, name, examples, seed)
    except AssertionError as broken:
        print(f"  BROKEN  {broken}", flush=True)
        return False
    _print(lived)
    return True


def _unguarded(mutant: str) -> bool:
    """The same lives of a bot without one of its guards must find that out."""
    print(f"\nWithout {mutant}: this must break", flush=True)
    try:
        with place() as here, without(mutant):
            guarded_lives(here, UNGUARDED[mutant][0], LIVES_OF_A_MUTANT, 1, shrink=False)
    except AssertionError as broken:
        print(f"  {str(broken).splitlines()[0][:100]}", flush=True)
        return True
    return False


def _killed(port: int, tell: Callable[[str], None], venue: CrashVenue) -> Figures:
    with yard(Home(new_home("crash")), port, venue) as here:
        return every_kill(here, tell)


def _print(figures: Figures | Lived) -> None:
    for line in figures.lines():
        print(f"  {line}", flush=True)


def _clocked(begin: float) -> Callable[[str], None]:
    def tell(text: str) -> None:
        print(f"{time.monotonic() - begin:6.0f} s  {text}", file=sys.stderr, flush=True)

    return tell


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    add = parser.add_argument
    add("--examples", type=int, default=10_000, help="random lives at each venue (default 10000)")
    add("--guarded", type=int, default=500, help="random lives that meet with each protection (default 500)")
    add("--venues", default=",".join(CRASH_VENUES), help="which venues, separated by commas (default: all)")
    add("--share", type=int, default=1, help="of the mishaps that are no deaths try one in so many (default 1: all)")
    add("--jobs", type=int, default=2, help="processes (default 2)")
    add("--seed", type=int, default=1, help="the first seed of the lives (default 1)")
    add("--port", type=int, default=4720, help="where the embedded AWS of the killed workers listens (default 4720)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
