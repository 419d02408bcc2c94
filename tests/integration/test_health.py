"""Whether the bot does its work: what the health address tells, and that a part that cannot be asked hides nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from heisenbug import __version__
from heisenbug.store.connection import Client, Connections
from tests import commands, lambdas
from tests.bots import process, run
from tests.fakes import Clock
from tests.lambdas import Http, load, shelve_page
from tests.markets import MONDAY
from tests.tables import Cloud

NOW = MONDAY + 100
Opened = Callable[..., Http]


@pytest.fixture
def opened(tables: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Opened:
    """The API with an environment of the test's own, and the command line before it."""
    shelve_page(monkeypatch, tmp_path)
    monkeypatch.setattr("heisenbug.wiring.now", Clock(NOW))

    def open_with(**environment: str) -> Http:
        for name, value in environment.items():
            monkeypatch.setitem(lambdas.ENVIRONMENT, name, value)
        api = Http(load(monkeypatch, "api").handler)
        commands.connect(api, monkeypatch, tmp_path)
        return api

    return open_with


def queue(name: str, *letters: str) -> str:
    sqs = boto3.client("sqs", region_name="us-east-1")
    url = str(sqs.create_queue(QueueName=name)["QueueUrl"])
    for letter in letters:
        sqs.send_message(QueueUrl=url, MessageBody=letter)
    return url


def health(api: Http) -> Any:
    return api("GET", "/api/health").data


def test_a_bot_that_ticks_is_well_and_tells_its_ticks(opened: Opened) -> None:
    run(process(Clock()), range(20))
    told = health(opened())
    assert (told["status"], told["problems"], told["last_tick_age_seconds"]) == ("ok", [], NOW - MONDAY - 95)
    assert told["missed_ticks"] == 0
    assert [tick["errors"] for tick in told["ticks"]] == [[]] * len(told["ticks"])
    assert told["ticks"] == opened()("GET", "/api/ticks").data["ticks"] != []


def test_a_tick_tells_why_it_left_pairs_out(opened: Opened) -> None:
    bot = process(Clock())
    bot.tickers.failure = "it hangs"
    run(bot, range(3))
    told = health(opened())
    assert told["ticks"][0]["guarded"] > 0
    assert len(told["ticks"][0]["errors"]) == 1
    assert told["status"] == "attention"


def test_what_was_given_up_is_counted_by_its_queue_and_is_a_problem(opened: Opened) -> None:
    run(process(Clock()), range(20))
    api = opened(DEAD_TICKS_URL=queue("dead-ticks", "one", "two"), DEAD_PUSHES_URL=queue("dead-pushes"))
    told = health(api)
    assert told["dead_letters"] == [
        {"what": "ticks", "queue": "dead-ticks", "letters": 2, "why": None},
        {"what": "pushes", "queue": "dead-pushes", "letters": 0, "why": None},
    ]
    assert told["problems"] == ["Dead ticks: 2 given up; read them in the queue dead-ticks, then purge it."]


def test_a_queue_that_cannot_be_asked_is_a_problem_and_hides_nothing(opened: Opened) -> None:
    run(process(Clock()), range(20))
    told = health(opened(DEAD_TICKS_URL="https://sqs.us-east-1.amazonaws.com/123456789012/not-there"))
    assert (told["dead_letters"][0]["letters"], len(told["ticks"])) == (None, 20)
    assert [problem.split(":")[0] for problem in told["problems"]] == ["The queue not-there cannot be asked"]


def test_who_is_connected_is_counted_but_no_ticket_and_nobody_whose_time_is_over(opened: Opened) -> None:
    Connections().add(Client("one", "admin"), NOW)
    Connections().add(Client("two", "reader"), NOW)
    Connections().add(Client("three", "reader"), NOW - 4 * 3600)
    Connections().issue("a-ticket", "admin", NOW)
    assert health(opened())["clients"] == 2


def test_a_template_that_is_older_than_the_package_is_a_problem(opened: Opened) -> None:
    run(process(Clock()), range(20))
    told = health(opened(TEMPLATE_VERSION="0.0.1"))
    assert told["versions"]["template"] == "0.0.1"
    assert told["problems"] == [
        f"The template is of version 0.0.1 and the package of {__version__}: run sam build and sam deploy once more."
    ]


def test_the_command_tells_all_that_the_address_tells(opened: Opened) -> None:
    run(process(Clock()), range(20))
    api = opened(DEAD_TICKS_URL=queue("dead-ticks", "one"), EXCHANGE_URL="https://api.uphold.com")
    told, answer = commands.run("health").output, health(api)
    for said in (
        "attention",
        "Newest tick  5 s ago",
        "0 ticks in the last hour",
        "0 connected",
        "1 in the queue dead-ticks",
        "uphold at https://api.uphold.com, may be asked",
        f"package {__version__}, template {__version__}, Python {answer['versions']['python']}",
        *answer["problems"],
        *(tick["at"] for tick in answer["ticks"][:5]),
    ):
        assert said in told
