"""Table streams and the dead bot's alarm to the person, the ways that were chosen; and trying one out."""

import json
import os
import zlib
from collections.abc import Iterator
from typing import Any

from aws_lambda_powertools import Logger
from ways import telling_from

from heisenbug.counting import counted
from heisenbug.domain.notices import Notice
from heisenbug.notifying.sentences import alarm_notice, notice_of
from heisenbug.pushing import change_of, news_of

logger = Logger()
prefix = os.environ["TABLE_PREFIX"]
telling = telling_from(
    os.environ, lambda way, key, why: logger.error("a notice did not get through", way=way, notice=key, error=why)
)


@counted("notify")
def handler(event: dict[str, Any], context: object) -> dict[str, Any] | None:
    """A batch of changes, or an alarm: what was told is not told again should it come again; or `{"test": way}`."""
    if "test" in event:
        return telling.test(event["test"])
    notices = [notice for record in event["Records"] for notice in noticed(record)]
    if notices:
        logger.info("told", notices=len(notices), sent=telling.tell(notices))
    return None


def noticed(record: dict[str, Any]) -> list[Notice]:
    """What is worth a notice in one record; nothing in one that is not understood: it must not block the rest."""
    try:
        return [notice for notice in _all_of(record) if notice]
    except (AttributeError, KeyError, ValueError, TypeError, zlib.error):
        logger.exception("a record was not understood", keys=record.get("dynamodb", {}).get("Keys"))
        return []


def _all_of(record: dict[str, Any]) -> Iterator[Notice | None]:
    if "Sns" in record:
        yield alarm_notice(json.loads(record["Sns"]["Message"]))
    else:
        yield from (notice_of(news.kind, news.data, news.at) for news in news_of(change_of(record, prefix)))
