"""Telling: each notice the ways that were chosen for it, each way once, within the hour's limit.

claim (a conditional write) --> send --> it arrived, or nobody knows, or a person must mend something: it stays told
                                     --> it surely did not arrive, and may later: released, and the batch comes again
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.notices import Notice, Told, Way, ways_of
from heisenbug.domain.rules import BadValue, Choice
from heisenbug.domain.settings import Settings, parse
from heisenbug.notifying.carrier import Carrier, NotNow, Unanswered
from heisenbug.store.bot_config import BotConfig

PREFIX = "notify_"
WAY = Choice(*(way.value for way in Way))


class Memory(Protocol):
    """What was told before, as all processes know it."""

    def claim(self, notice: Notice, way: Way, now: int, most: int) -> Told | None:
        """What was told with this one, which is ours to send; None where it is not to be told."""

    def release(self, notice: Notice, way: Way) -> None:
        """Forget that it was told."""


def chosen(config: BotConfig) -> Settings:
    """The settings as far as they say what is told; raises InvalidSettings where just those are not understood."""
    stored = config.read()
    stated = stored.stated if stored else {}
    return parse({name: value for name, value in stated.items() if name.startswith(PREFIX)})


@dataclass(frozen=True, slots=True)
class Telling:
    """The ways to a person; `failed` hears of every notice that did not get through."""

    name: str
    settings: Callable[[], Settings]
    memory: Memory
    carriers: Mapping[Way, Carrier]
    clock: Callable[[], datetime]
    failed: Callable[[str, str, str], None]

    def tell(self, notices: Sequence[Notice]) -> int:
        """Tell what was chosen; how many were sent. Raises NotNow where some are to be told again later."""
        settings = self.settings()
        sent, later = 0, list[str]()
        for way in Way:
            try:
                for notice in (one for one in notices if way in ways_of(one.kind, settings)):
                    sent += self._tell(notice, way, settings.notify_per_hour)
            except NotNow as not_now:
                later.append(str(not_now))
        if later:
            raise NotNow(" ".join(later))
        return sent

    def _tell(self, notice: Notice, way: Way, most: int) -> bool:
        """Tell one notice one way; whether it was sent. Raises NotNow where no other need be tried now."""
        now = int(self.clock().timestamp())
        told = self.memory.claim(notice, way, now, most)
        if told is None:
            return False
        try:
            self.carriers[way].send(self._worded(notice, told.left(now, most), most))
        except NotNow:
            self.memory.release(notice, way)
            raise
        except Unanswered as lost:
            self.failed(way.value, notice.key, str(lost))
            raise NotNow(str(lost)) from None
        except InvalidSettings as lost:
            self.failed(way.value, notice.key, str(lost))
            return False
        return True

    def _worded(self, notice: Notice, left: int, most: int) -> str:
        last = f" This is the last within an hour (notify_per_hour={most}); others are in the panel alone."
        return f"{self.name}, {notice.says}{last if left == 0 else ''}"

    def test(self, way: Any) -> dict[str, Any]:
        """Try one way out: where it went, or what keeps it from arriving, as plain data."""
        try:
            carrier = self.carriers[Way(_checked(way))]
            said = carrier.send(f"{self.name}: this is a test of its notifications; nothing has happened.")
        except InvalidSettings as invalid:
            return {"fields": [{"field": error.field, "message": error.message} for error in invalid.fields]}
        except (NotNow, Unanswered) as failed:
            return {"error": str(failed)}
        return {"way": str(way), "says": said}


def _checked(way: Any) -> str:
    try:
        return WAY.check(way)
    except BadValue as bad:
        raise InvalidSettings([FieldError("way", f"way {bad}")]) from bad
