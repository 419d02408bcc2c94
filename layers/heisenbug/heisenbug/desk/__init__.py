"""What can be asked of the bot and told to it: API, WebSocket and command line all speak through here."""

from collections.abc import Callable
from datetime import datetime

from heisenbug.desk.board import BoardDesk
from heisenbug.desk.known import Known
from heisenbug.desk.pairs import PairsDesk
from heisenbug.desk.problems import ProblemsDesk
from heisenbug.desk.settings import SettingsDesk
from heisenbug.desk.standing import StandingDesk
from heisenbug.desk.trades import TradesDesk
from heisenbug.desk.worth import WorthDesk
from heisenbug.domain.venue import Venue
from heisenbug.explaining import Explaining


class Desk:
    """One bot, asked and told, a part for each side of it; answers are plain data as clients get them."""

    def __init__(self, bot_id: str, venue: Venue, clock: Callable[[], datetime]) -> None:
        self.bot_id, self.venue = bot_id, venue
        known = Known(bot_id, clock, venue)
        explaining = Explaining(bot_id, venue, known.configurations, clock)
        self.trades = TradesDesk(known, explaining, venue.least_value)
        self.standing = StandingDesk(known, self.trades)
        self.problems = ProblemsDesk(known)
        self.settings = SettingsDesk(known)
        self.pairs = PairsDesk(known)
        self.board = BoardDesk(known, explaining)
        self.worth = WorthDesk(known, explaining)
