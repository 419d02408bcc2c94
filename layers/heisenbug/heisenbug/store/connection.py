"""Connection (connection_id): the clients that listen, the tickets that let a browser in once, and who tried tokens."""

from collections.abc import Iterator
from dataclasses import dataclass

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DeleteError

from heisenbug.store.registry import BotItem
from heisenbug.store.tables import BotModel, PlainMeta, bind, failed_condition
from heisenbug.store.usage import UsageItem

# API Gateway ends a connection after two hours; the rest is slack for clocks.
CONNECTION_TTL_SECONDS = 3 * 3600
TICKET_TTL_SECONDS = 30
HANDSHAKE_SECONDS = 30
TICKET = "ticket#"
LONGEST_TICKET = 100


class ConnectionItem(BotModel):
    """One client, one ticket, or one network from which tokens were tried."""

    class Meta(PlainMeta):
        table = "Connection"

    connection_id = UnicodeAttribute(hash_key=True)
    role = UnicodeAttribute()
    expires_at = NumberAttribute()
    bot_id = UnicodeAttribute(null=True)
    tried = NumberAttribute(null=True)


def bind_connections(prefix: str) -> None:
    """Name this table, that of the bots and that of the usage, for functions that need no other."""
    bind(prefix, (ConnectionItem, BotItem, UsageItem))


@dataclass(frozen=True, slots=True)
class Client:
    """A connected client, what its token allows, and the bot that it watches: "" for the deployment's own."""

    connection_id: str
    role: str
    bot_id: str = ""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a ticket lets its holder do, once: in this role, with this bot."""

    role: str
    bot_id: str = ""


class Connections:
    """Who is connected, and who holds a ticket to connect."""

    def add(self, client: Client, now: int) -> None:
        """Remember a client; the platform forgets it by itself after three hours."""
        ConnectionItem(
            client.connection_id,
            role=client.role,
            bot_id=client.bot_id or None,
            expires_at=now + CONNECTION_TTL_SECONDS,
        ).save()

    def remove(self, connection_id: str) -> None:
        """Forget a client."""
        ConnectionItem(connection_id).delete()

    def forget(self, connection_id: str, now: int) -> None:
        """Forget a client that is gone; not one whose handshake may still be going on."""
        is_settled = ConnectionItem.expires_at < now + CONNECTION_TTL_SECONDS - HANDSHAKE_SECONDS
        try:
            ConnectionItem(connection_id).delete(condition=is_settled)
        except DeleteError as error:
            if not failed_condition(error):
                raise

    def all(self) -> Iterator[Client]:
        """Every client."""
        return (
            Client(item.connection_id, item.role, item.bot_id or "")
            for item in ConnectionItem.scan(consistent_read=True)
            if _is_client(item)
        )

    def count(self, now: int) -> int:
        """How many clients are connected; those that left without a word count until the next push to them."""
        is_open = ConnectionItem.expires_at >= now
        asked = ConnectionItem.scan(is_open, attributes_to_get=["connection_id"])
        return sum(_is_client(item) for item in asked)

    def issue(self, ticket: str, role: str, now: int, bot_id: str = "") -> None:
        """Let the holder of `ticket` connect once within 30 s, in this role, to watch this bot."""
        expires_at = now + TICKET_TTL_SECONDS
        ConnectionItem(TICKET + ticket, role=role, bot_id=bot_id or None, expires_at=expires_at).save()

    def redeem(self, ticket: str, now: int) -> Admitted | None:
        """What a ticket lets its holder do, and is used up by this; None where it is unknown, used or expired."""
        if len(ticket) > LONGEST_TICKET:
            return None
        try:
            deleted = ConnectionItem._get_connection().delete_item(
                TICKET + ticket, condition=ConnectionItem.expires_at >= now, return_values="ALL_OLD"
            )
        except DeleteError as error:
            if not failed_condition(error):
                raise
            return None
        told = deleted["Attributes"]
        return Admitted(told["role"]["S"], told.get("bot_id", {}).get("S", ""))


def _is_client(item: ConnectionItem) -> bool:
    """The platform's names of connections have no # in them; those of all else here have."""
    return "#" not in item.connection_id
