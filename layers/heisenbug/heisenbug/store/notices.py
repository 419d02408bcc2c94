"""Notice (bot_id, about): what was told lately of each kind, each way, so that nothing is told twice or too often.

about   : the way and the kind, such as telegram#trades
told    : the key of each notice and when, the last two hours' alone
version : fence: who adds one has seen all before it
"""

from botocore.session import Session
from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError
from pynamodb.expressions.condition import Condition

from heisenbug.domain.errors import FenceLost
from heisenbug.domain.notices import Kind, Notice, Told, Way
from heisenbug.store.bot_config import BotConfigItem
from heisenbug.store.tables import BotModel, PlainMeta, bind, failed_condition
from heisenbug.store.usage import UsageItem

# Two streams and a topic call the function at most; each attempt that is lost is another's that was won.
ATTEMPTS = 20


class NoticeItem(BotModel):
    """What was told of one kind, one way."""

    class Meta(PlainMeta):
        table = "Notice"

    bot_id = UnicodeAttribute(hash_key=True)
    about = UnicodeAttribute(range_key=True)
    told = JSONAttribute(default=list)
    version = NumberAttribute(default=0)


def bind_notices(prefix: str) -> Session:
    """Name this table and those of the settings and of the usage, for the function that needs no other."""
    return bind(prefix, (NoticeItem, BotConfigItem, UsageItem))


class Notices:
    """What was told of one bot."""

    def __init__(self, bot_id: str) -> None:
        self._bot_id = bot_id

    def claim(self, notice: Notice, way: Way, now: int, most: int) -> Told | None:
        """What was told with this notice, which is the caller's to send now; None where it is not to be told.

        Of several callers at once exactly one gets it; raises FenceLost where too many others came first.
        """
        for _ in range(ATTEMPTS):
            item = self._item(notice.kind, way)
            added = _told(item).add(notice.key, now, most)
            if added is None or self._keep(item, added):
                return added
        raise FenceLost(f"Notice {notice.key} was not told: others were first {ATTEMPTS} times.")

    def release(self, notice: Notice, way: Way) -> None:
        """Let a notice that surely did not arrive be claimed again."""
        for _ in range(ATTEMPTS):
            item = self._item(notice.kind, way)
            if self._keep(item, _told(item).without(notice.key)):
                return
        raise FenceLost(f"Notice {notice.key} is not free again: others were first {ATTEMPTS} times.")

    def _item(self, kind: Kind, way: Way) -> NoticeItem:
        about = f"{way.value}#{kind.value}"
        try:
            return NoticeItem.get(self._bot_id, about, consistent_read=True)
        except DoesNotExist:
            return NoticeItem(self._bot_id, about)

    def _keep(self, item: NoticeItem, told: Told) -> bool:
        seen: Condition = NoticeItem.version == item.version
        is_unchanged = seen if item.version else NoticeItem.version.does_not_exist()
        item.told, item.version = [list(entry) for entry in told.entries], int(item.version) + 1
        try:
            item.save(condition=is_unchanged)
        except PutError as error:
            if not failed_condition(error):
                raise
            return False
        return True


def _told(item: NoticeItem) -> Told:
    return Told(tuple((key, int(at)) for key, at in item.told))
