"""Whether the bot does its work: what is wrong, its ticks, what was given up, who looks on, what is deployed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from heisenbug.dead_letters import DeadLetters
from heisenbug.desk import Desk
from heisenbug.overview import Overview
from heisenbug.store.connection import Connections

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Deployed:
    """What runs and whom it asks: the venue and its address; the versions of template, package and Python."""

    venue: str
    address: str
    template: str
    package: str
    python: str


class Health:
    """One bot, examined."""

    def __init__(
        self,
        desk: Desk,
        overview: Overview,
        letters: DeadLetters,
        connections: Connections,
        deployed: Deployed,
        clock: Callable[[], datetime],
    ) -> None:
        self._desk, self._overview, self._letters = desk, overview, letters
        self._connections, self._deployed, self._clock = connections, deployed, clock

    def now(self) -> Plain:
        """Whether the bot does its work, what is wrong where it does not, and all that helps to find out why."""
        desk, deployed, letters = self._desk, self._deployed, self._letters.counted()
        problems = [*desk.problems.all(), *_letter_problems(letters), *_version_problems(deployed)]
        return {
            "status": "attention" if problems else "ok",
            "problems": problems,
            "last_tick_age_seconds": desk.problems.last_tick_age_seconds(),
            **self._overview.ticks(),
            "dead_letters": letters,
            "clients": self._connections.count(int(self._clock().timestamp())),
            "unresolved": desk.trades.unresolved(),
            "watched": desk.trades.watched(),
            "exchange": {
                "venue": deployed.venue,
                "address": deployed.address,
                "quiet_until": desk.standing.quiet_until(),
            },
            "versions": {"package": deployed.package, "template": deployed.template, "python": deployed.python},
        }


def _letter_problems(letters: list[Plain]) -> list[str]:
    return [_letter_problem(kept) for kept in letters if kept["letters"] != 0]


def _letter_problem(kept: Plain) -> str:
    if kept["letters"] is None:
        return f"The queue {kept['queue']} cannot be asked: {kept['why']}"
    return f"Dead {kept['what']}: {kept['letters']} given up; read them in the queue {kept['queue']}, then purge it."


def _version_problems(deployed: Deployed) -> list[str]:
    if deployed.template == deployed.package:
        return []
    return [
        f"The template is of version {deployed.template} and the package of {deployed.package}: "
        "run sam build and sam deploy once more."
    ]
