"""Bot (kind, name): the bots of a deployment besides its own, and the cards and accounts that bots have for themselves.

bot     : one bot, by its id; active once `opened`, until `removed_at`
claim   : what one bot has alone, such as uphold#card or kraken#account; `holder` is its id
"""

from collections.abc import Iterable, Mapping

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError, TransactWriteError, UpdateError
from pynamodb.expressions.condition import Condition

from heisenbug.domain.errors import StaleVersion
from heisenbug.domain.registered import Registered
from heisenbug.store.bot_state import TICK, BotStateItem, killing
from heisenbug.store.tables import BotModel, PlainMeta, Step, failed_condition

BOT, CLAIM = "bot", "claim"


class BotItem(BotModel):
    """One bot, or one claim."""

    class Meta(PlainMeta):
        table = "Bot"

    kind = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)
    venue = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    created_by = UnicodeAttribute(null=True)
    opened = BooleanAttribute(null=True)
    removed_at = UnicodeAttribute(null=True)
    removed_by = UnicodeAttribute(null=True)
    holder = UnicodeAttribute(null=True)


class Registry:
    """The bots that were created; the deployment's own is in no table."""

    def get(self, bot_id: str) -> Registered | None:
        """One bot, strongly consistent; None where there never was one of this name."""
        try:
            item = BotItem.get(BOT, bot_id, consistent_read=True)
        except DoesNotExist:
            return None
        return _registered(item) if item.opened else None

    def all(self, is_consistent: bool = True) -> list[Registered]:
        """Every bot that was ever created, those that were removed included, in the order of their names."""
        return [_registered(item) for item in BotItem.query(BOT, consistent_read=is_consistent) if item.opened]

    def reserve(self, bot: Registered) -> bool:
        """Keep a name for a bot whose settings are written next; False where it was ever taken.

        A name whose bot was never opened is free again: what created it died.
        """
        item = BotItem(BOT, bot.bot_id, venue=bot.venue, created_at=bot.created_at, created_by=bot.created_by)
        item.opened = False
        free: Condition = BotItem.name.does_not_exist() | (BotItem.opened == False)  # noqa: E712
        try:
            item.save(condition=free)
        except PutError as error:
            if not failed_condition(error):
                raise
            return False
        return True

    def open(self, bot: Registered) -> None:
        """Let a reserved bot begin; raises StaleVersion where somebody else reserved its name meanwhile."""
        is_mine: Condition = (BotItem.created_at == bot.created_at) & (BotItem.created_by == bot.created_by)
        try:
            BotItem(BOT, bot.bot_id).update(actions=[BotItem.opened.set(True)], condition=is_mine)
        except UpdateError as error:
            if not failed_condition(error):
                raise
            raise StaleVersion(
                f"Somebody else creates {bot.bot_id} as well; look at the bots and try again."
            ) from error

    def remove(self, bot: Registered, who: str, at: str) -> None:
        """Take a bot out for good, and give back what it had for itself; raises StaleVersion where a trade is open.

        In the same step it is killed and its state moved on, so that a tick on its way intends nothing any more.
        """
        held = [claim for claim, holder in Claims().holders().items() if holder == bot.bot_id]
        is_there: Condition = BotItem.opened.exists() & BotItem.removed_at.does_not_exist()
        try:
            with Step(connection=BotItem._get_connection().connection) as step:
                step.update(
                    BotItem(BOT, bot.bot_id),
                    actions=[BotItem.removed_at.set(at), BotItem.removed_by.set(who)],
                    condition=is_there,
                )
                step.update(
                    BotStateItem(bot.bot_id, TICK),
                    actions=[*killing(at, who, "The bot was removed."), BotStateItem.version.add(1)],
                    condition=BotStateItem.open_trade.does_not_exist(),
                )
                Claims().write(step, bot.bot_id, (), held)
        except TransactWriteError as error:
            if not failed_condition(error):
                raise
            raise StaleVersion(
                f"{bot.bot_id} was not removed: it began a trade, or somebody else was first. Look at it and try again."
            ) from error


class Claims:
    """What bots have for themselves."""

    def holders(self) -> Mapping[str, str]:
        """The bot that holds each claim, strongly consistent."""
        return {item.name: item.holder or "" for item in BotItem.query(CLAIM, consistent_read=True)}

    def write(self, step: Step, bot_id: str, wanted: Iterable[str], unwanted: Iterable[str]) -> None:
        """Add to `step` that the bot has what is wanted and no more what is not; it fails where another bot has it."""
        for claim in wanted:
            step.save(BotItem(CLAIM, claim, holder=bot_id), condition=_free_for(bot_id))
        for claim in unwanted:
            step.delete(BotItem(CLAIM, claim), condition=_free_for(bot_id))

    def take(self, bot_id: str, wanted: Iterable[str], unwanted: Iterable[str]) -> bool:
        """The same by itself; False where another bot has something of it."""
        try:
            with Step(connection=BotItem._get_connection().connection) as step:
                self.write(step, bot_id, wanted, unwanted)
        except TransactWriteError as error:
            if not failed_condition(error):
                raise
            return False
        return True


def _free_for(bot_id: str) -> Condition:
    free, ours = BotItem.name.does_not_exist(), BotItem.holder == bot_id
    is_free: Condition = free | ours
    return is_free


def _registered(item: BotItem) -> Registered:
    return Registered(item.name, item.venue or "", item.created_at or "", item.created_by or "", item.removed_at or "")
