"""Table streams and the dead bot's alarm to the person, the ways that were chosen; and trying one out."""

import json
import os
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from aws_lambda_powertools import Logger
from ways import telling_from

from heisenbug.counting import counted
from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.notices import Notice
from heisenbug.notifying.carrier import NotNow
from heisenbug.notifying.sentences import alarm_notice, notice_of
from heisenbug.pushing import change_of, news_of

logger = Logger()
prefix, own = os.environ["TABLE_PREFIX"], os.environ["BOT_ID"]
telling_of = telling_from(
    os.environ, lambda way, key, why: logger.error("a notice did not get through", way=way, notice=key, error=why)
)
telling = telling_of(own)


@counted("notify")
def handler(event: dict[str, Any], context: object) -> dict[str, Any] | None:
    """A batch of changes, or an alarm: what was told is not told again should it come again; or `{"test": way}`."""
    if "test" in event:
        return telling.test(event["test"])
    notices = defaultdict[str, list[Notice]](list)
    for record in event["Records"]:
        for bot_id, notice in noticed(record):
            notices[bot_id].append(notice)
    tell(notices)
    return None


def tell(notices: Mapping[str, list[Notice]]) -> None:
    """Tell those of each bot as its settings choose; what one bot's person cannot be told now is no other's trouble."""
    later = []
    for bot_id, some in notices.items():
        try:
            logger.info("told", bot=bot_id, notices=len(some), sent=telling_of(bot_id).tell(some))
        except (NotNow, InvalidSettings) as not_now:
            later.append(not_now)
    if later:
        raise later[0]


def noticed(record: dict[str, Any]) -> list[tuple[str, Notice]]:
    """What is worth a notice in one record, with its bot; nothing in one that is not understood."""
    try:
        return [(bot_id, notice) for bot_id, notice in _all_of(record) if notice]
    except (AttributeError, KeyError, ValueError, TypeError, zlib.error):
        logger.exception("a record was not understood", keys=record.get("dynamodb", {}).get("Keys"))
        return []


def _all_of(record: dict[str, Any]) -> Iterator[tuple[str, Notice | None]]:
    if "Sns" in record:
        yield own, alarm_notice(json.loads(record["Sns"]["Message"]))
    else:
        change = change_of(record, prefix)
        yield from ((change.bot_id, notice_of(news.kind, news.data, news.at)) for news in news_of(change))
