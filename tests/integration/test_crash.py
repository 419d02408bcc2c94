"""The short form of `make crash`: every death that leaves a world of its own, some other mishaps, and random lives."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from itertools import count
from typing import Any

import boto3
import pytest

from heisenbug.domain.assets import Pair
from heisenbug.exchange.order_book.dialect import Library, Raw, Sought
from heisenbug.exchange.order_book.kraken import Kraken
from heisenbug.exchange.port import Request
from tests.crash.machine import random_lives
from tests.crash.matrix import (
    OF_A_BRIDGE,
    OF_AN_EXIT,
    OF_AN_EXIT_OVER_A_BRIDGE,
    OF_THE_PLAIN,
    SCENARIOS,
    WRITES,
    Case,
    Scenario,
    calls_of,
    cases,
    run,
)
from tests.crash.proving import MUTANTS, Figures, NoFollowing
from tests.crash.tape import Killed, dies_after, dies_before
from tests.crash.venues import AT_KRAKEN, AT_UPHOLD, CRASH_VENUES, OVER_BRIDGE, AtKraken, CrashVenue
from tests.crash.verdict import judge
from tests.crash.world import Laboratory, World, laboratory
from tests.tables import PREFIX, table_definitions

ONE_IN = 40
# What dies over a bridge leaves more behind, and takes longer to come to its end.
OF_DEATHS_ONE_IN = 4
LIVES, SEEDS = 50, range(1, 4)
UNHEARD = next(scenario for scenario in SCENARIOS if scenario.name == "a commit that landed unheard")
LANDED = next(scenario for scenario in SCENARIOS if scenario.name == "a failed trade that landed after all")


@pytest.fixture
def venue() -> CrashVenue:
    return AT_UPHOLD


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, venue: CrashVenue) -> Iterator[Laboratory]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, "set back after the test")
    with laboratory(venue) as opened:
        yield opened


OUT_OF = {name: CRASH_VENUES[name] for name in ("uphold-exits", "kraken-exits")}
INTO = {name: venue for name, venue in CRASH_VENUES.items() if "exits" not in name}
at_every_venue = pytest.mark.parametrize("venue", INTO.values(), ids=INTO.keys())
where_all_is_direct = pytest.mark.parametrize("venue", [AT_UPHOLD, AT_KRAKEN], ids=["uphold", "kraken"])
over_a_bridge = pytest.mark.parametrize("venue", [OVER_BRIDGE], ids=["bridge"])
out_of_every_venue = pytest.mark.parametrize("venue", OUT_OF.values(), ids=OUT_OF.keys())
out_over_a_bridge = pytest.mark.parametrize("venue", [CRASH_VENUES["bridge-exits"]], ids=["bridge-exits"])


@where_all_is_direct
@pytest.mark.parametrize("scenario", OF_THE_PLAIN, ids=lambda scenario: scenario.name)
def test_whatever_call_a_tick_dies_at_nothing_is_doubled_lost_or_left_open(
    here: Laboratory, scenario: Scenario
) -> None:
    figures = Figures()
    all_cases = list(cases(here, (scenario,)))
    for place, case in enumerate(all_cases):
        if differs(case) or place % ONE_IN == 0:
            figures.add(run(here, case))
    assert figures.broken == []
    assert figures.after >= {(scenario.name, case.number) for case in all_cases if changes(case)}
    assert (scenario.name, 0) in figures.before
    assert (figures.conversions > 0) == (scenario.name != "a commit that was never sent")


@over_a_bridge
@pytest.mark.parametrize("scenario", OF_A_BRIDGE, ids=lambda scenario: scenario.name)
def test_whatever_call_dies_between_two_legs_nothing_is_doubled_lost_or_forgotten_at_the_bridge(
    here: Laboratory, scenario: Scenario
) -> None:
    figures = died_some(here, scenario)
    assert figures.broken == []
    assert figures.conversions > figures.runs


@out_of_every_venue
@pytest.mark.parametrize("scenario", OF_AN_EXIT, ids=lambda scenario: scenario.name)
def test_whatever_call_an_exit_dies_at_nothing_is_doubled_or_lost(here: Laboratory, scenario: Scenario) -> None:
    figures = died_some(here, scenario)
    assert figures.broken == []
    # What a dead process only intended is given up, and its price is gone by then.
    assert figures.exits > 0 or scenario.name == "an exit of a dead process"


@out_over_a_bridge
@pytest.mark.parametrize("scenario", OF_AN_EXIT_OVER_A_BRIDGE, ids=lambda scenario: scenario.name)
def test_whatever_call_dies_between_the_legs_of_an_exit_nothing_is_doubled_lost_or_forgotten(
    here: Laboratory, scenario: Scenario
) -> None:
    figures = died_some(here, scenario)
    assert figures.broken == []
    assert figures.exits >= figures.runs
    assert figures.legs >= figures.runs


def died_some(here: Laboratory, scenario: Scenario) -> Figures:
    """Some of the deaths that differ, and all at the commit."""
    figures = Figures()
    deaths = [case for case in cases(here, (scenario,)) if differs(case)]
    for place, case in enumerate(deaths):
        if place % OF_DEATHS_ONE_IN == 0 or case.call == here.venue.commit:
            figures.add(run(here, case))
    return figures


@over_a_bridge
def test_a_book_that_ends_a_leg_without_the_next_one_is_found_out(here: Laboratory) -> None:
    figures = Figures()
    # The process dies after it ended the first leg; of the second there is no word anywhere.
    [ended] = [place for place, call in enumerate(calls_of(here, OF_A_BRIDGE[0])) if call == "TransactWriteItems"][2:3]
    figures.add(run(here, Case(OF_A_BRIDGE[0], ended, "TransactWriteItems", "dies after"), NoFollowing))
    assert figures.forgotten > 0
    assert (figures.lost, figures.double, figures.kept) == (0, 0, False)
    whole = Figures()
    whole.add(run(here, Case(OF_A_BRIDGE[0], ended, "TransactWriteItems", "dies after")))
    assert (whole.forgotten, whole.broken) == (0, [])


def differs(case: Case) -> bool:
    """Whether this death leaves what no other one does; `make crash` makes all of them."""
    return (case.mishap == "dies after" and changes(case)) or (case.mishap, case.number) == ("dies before", 0)


def changes(case: Case) -> bool:
    """Whether the call may change something; readings of tables do not, of the exchange they may."""
    return case.call in WRITES or " " in case.call


def left_by(here: Laboratory, case: Case, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, ...]:
    """What a death leaves behind: the tables, the exchange and the time, in a world of the same name each time."""
    for counter in ("_worlds", "_tokens"):
        monkeypatch.setattr(f"tests.crash.world.{counter}", count(1))
    world = here.world(case.scenario.plan)
    process = case.scenario.begin(world)
    due = world.next_due()
    with here.tape.record({case.number: dies_before if case.mishap == "dies before" else dies_after}), suppress(Killed):
        world.tick(process, due)
    client = boto3.client("dynamodb")
    tables = [client.scan(TableName=PREFIX + name)["Items"] for name in sorted(table_definitions())]
    return tables, world.exchange.settle(world.clock.at), world.clock.at


@pytest.mark.parametrize("scenario", [SCENARIOS[0], LANDED], ids=lambda scenario: scenario.name)
def test_a_death_that_is_left_out_leaves_what_one_that_is_not_left(
    here: Laboratory, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    worlds: list[Any] = [None]
    for case in cases(here, (scenario,)):
        if "dies" in case.mishap:
            left = left_by(here, case, monkeypatch)
            assert differs(case) or left == worlds[-1], case
            worlds += [left] if left != worlds[-1] else []
    assert len(worlds) > 3


@at_every_venue
@pytest.mark.parametrize("number", SEEDS)
def test_whatever_is_done_to_a_bot_in_whatever_order_it_keeps_its_promise(here: Laboratory, number: int) -> None:
    figures = random_lives(here, LIVES, number)
    assert figures.broken == []
    assert figures.runs >= LIVES


@pytest.mark.parametrize("venue", [*OUT_OF.values(), CRASH_VENUES["bridge-exits"]], ids=lambda venue: venue.title)
def test_a_bot_with_exits_keeps_it_too(here: Laboratory) -> None:
    figures = random_lives(here, LIVES // 2, 1)
    assert figures.broken == []
    assert figures.exits > 0


@pytest.mark.parametrize("missing", MUTANTS)
def test_a_bot_without_one_of_its_steps_is_found_out(here: Laboratory, missing: str) -> None:
    figures = Figures()
    figures.add(run(here, Case(UNHEARD, 0, "UpdateItem", "dies before"), MUTANTS[missing]))
    assert figures.lost == 1
    assert not figures.kept


class Forgetful(Kraken):
    """Looks through open orders only: what an account must not do, for an order that is over is then taken for none."""

    def find(self, library: Library, sought: Sought) -> Sequence[Raw]:
        found = library.privatePostOpenOrders({"cl_ord_id": sought.client_id})["result"]["open"]
        return list(found.values())


class AtForgetful(AtKraken):
    """The venue with such an account."""

    dialect = Forgetful()


@pytest.mark.parametrize("venue", [AtForgetful()], ids=["forgetful"])
def test_an_account_that_does_not_look_through_past_orders_is_found_out(here: Laboratory) -> None:
    figures = Figures()
    figures.add(run(here, Case(UNHEARD, 0, "UpdateItem", "dies before")))
    assert figures.lost
    assert not figures.kept


def converted(world: World, trade_id: str) -> None:
    """A conversion past the bot's books."""
    account = world.process().live.account({}, [Pair("BTC", "USD")], world.clock.at + 20)
    account.commit(account.quote(Request(trade_id, "USD", "BTC", Decimal(10))))


@where_all_is_direct
def test_a_conversion_that_is_nowhere_in_the_books_is_lost_and_a_second_one_of_a_decision_is_double(
    here: Laboratory,
) -> None:
    world = here.world()
    converted(world, "one")
    once = judge(world)
    assert (once.conversions, once.lost, once.double, once.conserved) == (1, 1, 0, False)
    converted(world, "one")
    assert (judge(world).lost, judge(world).double) == (2, 1)


def test_a_trade_in_the_books_that_never_happened_is_invented(here: Laboratory) -> None:
    other, world = here.world(), here.world()
    world.tick(world.process())
    assert (judge(world).conversions, judge(world).kept) == (1, True)
    world.exchange = other.exchange
    assert (judge(world).invented, judge(world).kept) == (1, False)


def test_a_point_that_no_death_has_hit_is_noticed(here: Laboratory) -> None:
    figures = Figures()
    figures.add(run(here, Case(UNHEARD, 99, "none", "dies before")))
    assert (figures.broken, figures.before, figures.kept) == ([], set(), False)


def test_a_death_is_the_end_of_its_process(here: Laboratory) -> None:
    world = here.world()
    due = world.next_due()
    with pytest.raises(Killed, match="before"), here.tape.record({0: dies_before}):
        world.tick(world.process(), due)
    assert here.tape.names == ["UpdateItem"]
