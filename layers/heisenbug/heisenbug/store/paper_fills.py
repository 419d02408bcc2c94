"""What the paper exchange has carried out: its newest conversion, in BotState beside the bot's own items.

It outlives the process, so that a trade whose process died can be asked for as at a real venue.
"""

from decimal import Decimal

from pynamodb.exceptions import DoesNotExist

from heisenbug.domain.trade import Filled, Settlement, VenueQuote
from heisenbug.store.bot_state import BotStateItem

FILL = "paper-fill"


class PaperFills:
    """The newest conversion of one bot's paper exchange; one is enough, since at most one is open."""

    def __init__(self, bot_id: str) -> None:
        self._bot_id = bot_id

    def record(self, quote: VenueQuote) -> None:
        """Carry the conversion out; a second time changes nothing."""
        amounts = {"quote_id": quote.id, "amount": f"{quote.amount:f}", "received": f"{quote.receives:f}"}
        BotStateItem(self._bot_id, FILL, fill=amounts).save()

    def find(self, quote_id: str) -> Filled | None:
        """The conversion of this quote, or None where it was not carried out."""
        try:
            fill = BotStateItem.get(self._bot_id, FILL, consistent_read=True).fill
        except DoesNotExist:
            return None
        if fill["quote_id"] != quote_id:
            return None
        return Filled(Settlement.COMPLETED, Decimal(fill["amount"]), Decimal(fill["received"]))
