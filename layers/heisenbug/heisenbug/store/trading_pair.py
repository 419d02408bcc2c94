"""TradingPair (bot_id, pair): the pairs the bot may trade, each enabled or not, with its priority."""

from collections.abc import Iterable

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from heisenbug.domain.assets import Pair, TradingPair
from heisenbug.domain.errors import FieldError, InvalidSettings
from heisenbug.domain.rules import Integer
from heisenbug.store.tables import BotModel, PlainMeta

PRIORITY = Integer(1, 100)


class TradingPairItem(BotModel):
    """One pair."""

    class Meta(PlainMeta):
        table = "TradingPair"

    bot_id = UnicodeAttribute(hash_key=True)
    pair = UnicodeAttribute(range_key=True)
    enabled = BooleanAttribute(default=True)
    priority = NumberAttribute(default=50)


class TradingPairs:
    """The pairs of one bot."""

    def __init__(self, bot_id: str) -> None:
        self._bot_id = bot_id

    def all(self) -> tuple[TradingPair, ...]:
        """Every pair, enabled or not, in the order of their names; strongly consistent; raises InvalidSettings."""
        try:
            items = TradingPairItem.query(self._bot_id, consistent_read=True)
            return tuple(
                TradingPair(Pair.parse(item.pair), item.enabled, PRIORITY.check(item.priority)) for item in items
            )
        except (ValueError, TypeError) as error:
            message = f"pairs: an item of the table TradingPair is not understood: {error}"
            raise InvalidSettings([FieldError("pairs", message)]) from error

    def put(self, pair: TradingPair) -> None:
        """Add a pair or change it."""
        TradingPairItem(self._bot_id, str(pair.pair), enabled=pair.enabled, priority=pair.priority).save()

    def fill(self, pairs: Iterable[str]) -> None:
        """Add these pairs, enabled, with the ordinary priority."""
        for name in pairs:
            self.put(TradingPair(Pair.parse(name)))

    def remove(self, pair: Pair) -> None:
        """Take a pair out; without it nothing is lost where it is not there."""
        TradingPairItem(self._bot_id, str(pair)).delete()
