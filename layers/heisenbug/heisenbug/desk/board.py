"""What the bot would trade, and why it mostly does not: the conversions of the newest tick, and decisions before."""

from heisenbug.board import opportunity, rank
from heisenbug.desk.known import Known, Plain
from heisenbug.explaining import Explaining
from heisenbug.messages import guarded_message, utc


class BoardDesk:
    """The board of all conversions."""

    def __init__(self, known: Known, explaining: Explaining) -> None:
        self._known, self._explaining = known, explaining

    def opportunities(self, limit: int) -> Plain:
        """The best conversions of the newest tick, each with its numbers and what stopped it."""
        newest = self._known.newest(self._known.told()[0])
        if newest is None:
            return {"at": None, "samples": 0, "opportunities": []}
        decision = self._explaining.decided(newest)
        ranked = sorted(decision.conversions(), key=rank)
        return {
            "at": utc(decision.at),
            "samples": decision.samples,
            "guarded": guarded_message(newest),
            "opportunities": [opportunity(scored) for scored in ranked[:limit]],
        }

    def decisions(self, limit: int, before: int | None = None) -> Plain:
        """The newest decisions, newest first: what was chosen, or what stopped the best, and whether it is so again."""
        return self._explaining.decisions(limit, before, self._known.told()[0])
