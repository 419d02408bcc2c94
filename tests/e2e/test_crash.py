"""A real worker process killed at every call of a tick, on real servers: the short form of `make crash`."""

from cli.paths import Home
from tests.crash.matrix import SCENARIOS
from tests.crash.yard import every_kill, yard
from tests.e2e.places import free_ports, new_home


def test_wherever_a_worker_is_killed_its_conversion_is_in_the_books_once() -> None:
    with yard(Home(new_home("crash")), free_ports()) as here:
        figures = every_kill(here, lambda _: None, SCENARIOS[:1])
    assert figures.broken == []
    assert figures.before == figures.after == figures.points
    assert len(figures.points) >= 20
    assert figures.conversions >= len(figures.points)
