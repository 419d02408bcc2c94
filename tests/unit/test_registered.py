"""Which venues a deployment's bots can trade at, and where what opens each is stored."""

from typing import Any

import pytest

from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.registered import checked_name, checked_venue, credential_parameter
from heisenbug.domain.venue import BINANCE, KRAKEN, UPHOLD, VENUES, Venue
from tests.template import template

BASE = "/heisenbug/exchange-token"


@pytest.mark.parametrize(("own", "can"), [(UPHOLD, ["uphold"]), (KRAKEN, [*VENUES]), (BINANCE, [*VENUES])])
def test_order_books_take_a_deployment_that_was_built_for_some(own: Venue, can: list[str]) -> None:
    for name, venue in VENUES.items():
        if name in can:
            assert checked_venue(name, own) == venue
        else:
            with pytest.raises(InvalidSettings, match=f"deploy with VenueName={name}"):
                checked_venue(name, own)


def test_a_bot_trades_where_the_deployment_does_unless_it_is_said_otherwise() -> None:
    assert checked_venue(None, KRAKEN) == KRAKEN


def test_a_name_is_what_the_template_allows() -> None:
    assert template()["Parameters"]["BotId"]["AllowedPattern"] == "[A-Za-z0-9_-]{1,64}"
    assert checked_name("A-b_9") == "A-b_9"


@pytest.mark.parametrize("name", [None, 7, "", "a b", "a:live", "a\n", "ä", "x" * 65, ["a"]])
def test_a_name_that_is_none_is_refused(name: Any) -> None:
    with pytest.raises(InvalidSettings, match="name must be a name of 1 to 64 letters"):
        checked_name(name)


def test_what_opens_another_venue_is_stored_below_that_of_the_own_one() -> None:
    assert credential_parameter(BASE, KRAKEN, KRAKEN) == BASE
    assert credential_parameter(BASE, UPHOLD, KRAKEN) == f"{BASE}/uphold"
    assert credential_parameter("", UPHOLD, KRAKEN) == ""
