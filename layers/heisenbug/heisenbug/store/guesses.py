"""Tokens that are tried to sign in, counted by the network they come from: a few a minute, and a pause for the rest.

They lie in the table Connection, one item a network, and expire with it.
"""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from heisenbug.store.connection import ConnectionItem
from heisenbug.store.tables import failed_condition

MOST = 10
WINDOW_SECONDS = 60
GUESS = "guess#"
# One household has as many addresses of version 6 as it likes, all of this network.
NETWORK_BITS = {4: 32, 6: 64}


class Guesses:
    """How often each network has tried tokens within the minute that it is."""

    def spend(self, address: str, now: int) -> int:
        """Count an attempt: 0 where it is one of the first ten of its minute, else the seconds until the next one."""
        ends = _end_of_minute(now)
        more = ([ConnectionItem.tried.add(1)], (ConnectionItem.expires_at == ends) & (ConnectionItem.tried < MOST))
        first = (
            [ConnectionItem.tried.set(1), ConnectionItem.expires_at.set(ends), ConnectionItem.role.set("")],
            ConnectionItem.expires_at.does_not_exist() | (ConnectionItem.expires_at < ends),
        )
        # Of two that are first at once, one is the second.
        is_counted = any(_written(address, actions, condition) for actions, condition in (more, first, more))
        return 0 if is_counted else ends - now

    def give_back(self, address: str, now: int) -> None:
        """Forget one attempt of this minute: it was no guess."""
        is_counted = (ConnectionItem.expires_at == _end_of_minute(now)) & (ConnectionItem.tried > 0)
        _written(address, [ConnectionItem.tried.add(-1)], is_counted)


def network_of(address: str) -> str:
    """The network whose addresses are one caller's; what is no address is a network of its own."""
    try:
        version = ip_address(address).version
    except ValueError:
        return "unknown"
    return str(ip_network(f"{address}/{NETWORK_BITS[version]}", strict=False))


def _end_of_minute(now: int) -> int:
    return (now // WINDOW_SECONDS + 1) * WINDOW_SECONDS


def _written(address: str, actions: Sequence[Action], condition: Condition) -> bool:
    try:
        ConnectionItem(GUESS + network_of(address)).update(list(actions), condition=condition)
    except UpdateError as error:
        if not failed_condition(error):
            raise
        return False
    return True
