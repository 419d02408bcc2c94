"""The API asked what nobody would think of; `make fuzz` is the long form, on the deployed stack."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bots import process, run
from tests.doors import TOKENS, guarded
from tests.fakes import Clock
from tests.fuzzing import Known, fuzz, operations
from tests.jobs import MARKET, Jobs, opened, stock, write_made
from tests.lambdas import shelve_page
from tests.served import served
from tests.tables import Cloud
from tests.telegram import notify_here, telegram_here

# No trade is in doubt here, so there is nothing to be stated.
NOTHING_OPEN = "POST /api/trades/{id}/resolve"


@pytest.fixture
def busy(tables: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Jobs]:
    """The API of a bot that has traded, with a market in its bucket."""
    shelve_page(monkeypatch, tmp_path)
    stock(write_made(tmp_path))
    run(process(Clock()), range(20))
    with telegram_here() as telegram:
        ask = notify_here(monkeypatch, telegram)
        with opened(monkeypatch) as jobs:
            monkeypatch.setattr(sys.modules["app"].office.notifications, "_ask", ask)
            yield jobs


def known(jobs: Jobs) -> Known:
    """A trade, a market, and a job of either kind that is done."""
    backtest = jobs.ask().data["id"]
    jobs.work()
    sweep = jobs.sweep("min_confidence=0.6,0.8", set={"window": 30}).data["id"]
    for share in jobs.shares():
        jobs.hand_out(share)
    jobs.api("POST", "/api/bots", {"name": "1"})
    return {
        "bot": ["default"],
        "bot_id": ["first"],
        "clone": ["default"],
        "id": ["1"],
        "job": [backtest, sweep],
        "market": [MARKET],
    }


def test_whatever_is_asked_the_answer_is_one_that_the_document_states(
    busy: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = known(busy)
    with served(guarded(busy.api.handler, monkeypatch)) as url:
        figures = fuzz(url, TOKENS["admin"], told, examples=3)
    assert not figures.failures, "\n".join(figures.failures)
    assert set(figures.calls) == operations()
    assert operations() - figures.well == {NOTHING_OPEN}
