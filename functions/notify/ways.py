"""The ways to the bot's person, built from the environment; what the trader needs would be a heavy load here."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.config import Config
from botocore.session import Session

from heisenbug.domain.notices import Way
from heisenbug.notifying.carrier import Carrier
from heisenbug.notifying.telegram import Secret, Telegram
from heisenbug.notifying.telling import Telling, chosen
from heisenbug.notifying.topic import Topic
from heisenbug.store.bot_config import BotConfig
from heisenbug.store.notices import Notices, bind_notices


def telling_from(environment: Mapping[str, str], failed: Callable[[str, str, str], None]) -> Callable[[str], Telling]:
    """The ways, by bot; `failed` hears the way, the key and the reason of what did not get through.

    That is a dead letter as well, so that the bot's health and an alarm tell of it.
    """
    session = bind_notices(environment["TABLE_PREFIX"])
    stack, own = environment["POWERTOOLS_SERVICE_NAME"], environment["BOT_ID"]
    secret = Secret(environment["TELEGRAM_PARAMETER"], lambda: _asked_once(session, "ssm"))
    ways: Mapping[Way, Carrier] = {
        Way.TELEGRAM: Telegram(environment["TELEGRAM_URL"], secret.read, _now),
        Way.SNS: Topic(lambda: _asked_once(session, "sns"), environment["NOTIFY_TOPIC"], stack),
    }

    def lost(way: str, key: str, why: str) -> None:
        failed(way, key, why)
        letter = json.dumps({"way": way, "notice": key, "why": why})
        _asked_once(session, "sqs").send_message(QueueUrl=environment["DEAD_PUSHES_URL"], MessageBody=letter)

    def telling_of(bot_id: str) -> Telling:
        name, config = stack if bot_id == own else f"{stack} {bot_id}", BotConfig(bot_id)
        return Telling(name, lambda: chosen(config), Notices(bot_id), ways, _now, lost)

    return telling_of


def _asked_once(session: Session, service: str) -> Any:
    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1})
    return session.create_client(service, config=config)


def _now() -> datetime:
    return datetime.now(UTC)
