"""Backtests as jobs: what is asked, what is refused and in which words, carried out once, never running for ever."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli import main
from heisenbug.store.jobs import DIED, NEVER_BEGUN, JobItem
from heisenbug.wiring import BacktestWiring, backtests_from_environment
from tests.histories import KEEN
from tests.jobs import MARKET, SAMPLES, Jobs, opened, stock, write_made
from tests.lambdas import BUCKET
from tests.tables import Cloud

KEEN_WORDS = [word for name, value in KEEN.items() for word in ("--set", f"{name}={json.dumps(value)}")]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_made(tmp_path_factory.mktemp("market"))


@pytest.fixture
def jobs(tables: Cloud, market: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    stock(market)
    with opened(monkeypatch) as jobs:
        yield jobs


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the clock of whatever is wired from now on be so much ahead."""
    monkeypatch.setattr("heisenbug.wiring.now", lambda: datetime.now(UTC) + timedelta(seconds=seconds))


def test_a_backtest_is_begun_carried_out_and_reports_what_the_command_line_reports_to_the_byte(
    jobs: Jobs, market: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = jobs.ask(set=dict(KEEN), to="2027-01-01")
    begun = asked.data
    assert (asked.status, begun["state"], begun["progress"], begun["summary"]) == (202, "queued", 0, None)
    assert jobs.started == [begun["id"]]
    jobs.work()
    job = jobs.job(begun["id"])
    assert (job["state"], job["progress"], job["reason"]) == ("done", 1, None)
    assert 0 < job["summary"]["trades"] < SAMPLES
    there = jobs.api("GET", f"/api/backtests/{begun['id']}/report")

    monkeypatch.setattr(
        "sys.argv", ["heisenbug", "backtest", "--market", str(market), "--to", "2027-01-01", *KEEN_WORDS, "--json"]
    )
    with pytest.raises(SystemExit):
        main.main()
    assert there.text + "\n" == capsys.readouterr().out
    report = there.data
    curves = report.pop("curves")
    assert job["summary"] == {**report, "trades": len(report["trades"])}
    assert jobs.api("GET", f"/api/backtests/{begun['id']}/curves").data == curves


def test_the_newest_come_first_and_show_what_was_asked(jobs: Jobs) -> None:
    ids = [jobs.ask(fill=fill).data["id"] for fill in ("same_quote", "next_sample")]
    listed = jobs.api("GET", "/api/backtests").data["backtests"]
    assert [job["id"] for job in listed] == ids[::-1]
    assert [job["asked"]["fill"] for job in listed] == ["next_sample", "same_quote"]
    assert len(jobs.api("GET", "/api/backtests", query={"limit": "1"}).data["backtests"]) == 1


@pytest.mark.parametrize(
    ("told", "field", "says"),
    [
        ({"market": "nowhere"}, "market", "There is no market nowhere; there are made. Upload one: heisenbug market"),
        ({"market": ["made"]}, "market", "There is no market in a list; there are made."),
        ({"set": {"risk_tolerance": 2}}, "risk_tolerance", "risk_tolerance must be a number from 0 to 1, not 2."),
        ({"set": {"mode": "live"}}, "mode", "mode cannot be set here: a backtest is on paper"),
        ({"set": [1]}, "set", 'set must be settings such as {"risk_tolerance": 0.4}, not a list.'),
        ({"from": "yesterday"}, "from", "from the text 'yesterday' is no time: give a day or a time like 2025-05-10"),
        ({"to": 5}, "to", "to 5 is no time"),
        ({"fill": "best"}, "fill", "fill must be next_sample or same_quote, not the text 'best'."),
        ({"venue": "mtgox"}, "venue", "There is no venue mtgox; there are binance, coinbase, kraken, uphold."),
        ({"speed": 3}, "speed", "speed is not understood here; a backtest takes market, from, to, set, fill, venue."),
    ],
)
def test_what_cannot_be_understood_is_named_and_nothing_is_begun(
    jobs: Jobs, told: dict[str, Any], field: str, says: str
) -> None:
    reply = jobs.ask(**told)
    assert reply.status == 400
    (row,) = reply.error["fields"]
    assert row["field"] == field
    assert row["message"].startswith(says)
    assert jobs.api("GET", "/api/backtests").data == {"backtests": []}
    assert jobs.started == []


def test_a_reader_may_look_and_begin_nothing(jobs: Jobs) -> None:
    reader = jobs.api.as_role("reader")
    assert reader("POST", "/api/backtests", {"market": MARKET}).status == 403
    assert reader("GET", "/api/backtests").status == 200
    assert jobs.started == []


def test_the_same_event_twice_runs_once_and_harms_nothing(
    jobs: Jobs, tables: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = jobs.ask().data["id"]
    jobs.deliver(job_id)
    before = jobs.job(job_id)
    tables.calls.clear()
    jobs.deliver(job_id)
    assert jobs.job(job_id) == before
    assert "GetObject" not in tables.counted()
    assert "PutObject" not in tables.counted()


def test_an_event_delivered_while_the_first_is_at_work_is_left_alone(jobs: Jobs, tables: Cloud) -> None:
    job_id = jobs.ask().data["id"]
    states = []

    def again(name: str, call: dict[str, Any]) -> None:
        if name == "GetObject" and not states:
            states.append(jobs.job(job_id)["state"])
            jobs.deliver(job_id)
            states.append(jobs.job(job_id)["state"])

    tables.before = again
    jobs.deliver(job_id)
    assert states == ["running", "running"]
    assert jobs.job(job_id)["state"] == "done"


def test_what_the_market_cannot_give_fails_with_the_words_of_the_command_line(jobs: Jobs) -> None:
    job_id = jobs.ask(**{"from": "1999-01-01", "to": "1999-01-02"}).data["id"]
    jobs.work()
    job = jobs.job(job_id)
    assert (job["state"], job["summary"]) == ("failed", None)
    assert job["reason"].startswith("made has no prices then: it goes from 2026-01")
    for part in ("report", "curves"):
        refused = jobs.api("GET", f"/api/backtests/{job_id}/{part}")
        assert (refused.status, "is failed" in refused.error["message"]) == (404, True)


def test_what_breaks_off_is_failed_at_once_and_raised_for_the_log(jobs: Jobs, tables: Cloud) -> None:
    job_id = jobs.ask().data["id"]

    def broken(name: str, call: dict[str, Any]) -> None:
        if name == "GetObject":
            raise MemoryError

    tables.before = broken
    with pytest.raises(MemoryError):
        jobs.deliver(job_id)
    assert jobs.job(job_id)["reason"].startswith("It broke off (MemoryError): the log")


def test_one_that_was_never_begun_or_died_is_failed_after_its_deadline_and_stays_so(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, dying = (jobs.ask().data["id"] for _ in range(2))
    work = BacktestWiring().work("an attempt that dies", 900_000)
    assert work.jobs.claim(dying, work.claim, work.clock().timestamp(), int(work.deadline) + 30) is not None
    assert jobs.job(dying)["state"] == "running"
    later(monkeypatch, 1000)
    seen = {job["id"]: job for job in backtests_from_environment().newest(10)["backtests"]}
    assert (seen[waiting]["state"], seen[waiting]["reason"]) == ("failed", NEVER_BEGUN)
    assert (seen[dying]["state"], seen[dying]["reason"]) == ("failed", DIED)
    assert BacktestWiring().work("a late attempt", 900_000).carry_out(waiting) == "begun before"


def test_only_so_many_are_under_way_at_once_so_that_the_trader_is_never_starved(jobs: Jobs) -> None:
    for _ in range(3):
        assert jobs.ask().status == 202
    busy = jobs.ask()
    assert (busy.status, busy.error["code"]) == (429, "busy")
    assert "3 are under way" in busy.error["message"]
    jobs.work()
    assert jobs.ask().status == 202


def test_jobs_go_by_themselves_after_a_month(jobs: Jobs, tables: Cloud) -> None:
    jobs.ask()
    (item,) = tables.items(JobItem.Meta.table)
    days = (int(item["expires_at"]["N"]) - datetime.now(UTC).timestamp()) / 86400
    assert days == pytest.approx(30, abs=0.01)


def test_an_unknown_backtest_is_not_found(jobs: Jobs) -> None:
    for path in ("/api/backtests/no-such", "/api/backtests/no-such/report"):
        reply = jobs.api("GET", path)
        assert (reply.status, reply.error["code"]) == (404, "not_found")


def test_how_far_it_is_can_be_read_meanwhile(jobs: Jobs, tables: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heisenbug.backtesting.TELL_EACH_SECONDS", 0)
    job_id = jobs.ask(set=dict(KEEN)).data["id"]
    told: list[float] = []
    tables.after = lambda name, call: (
        told.append(float(tables.items("Job")[0]["progress"]["N"])) if name == "UpdateItem" else None
    )
    jobs.deliver(job_id)
    assert told[0] == 0
    assert told == sorted(told)
    assert 0 < told[len(told) // 2] < 1
    assert told[-1] == 1


def test_a_result_lies_where_the_lifecycle_of_the_bucket_ends_it(jobs: Jobs, tables: Cloud) -> None:
    job_id = jobs.ask().data["id"]
    jobs.work()
    kept = [call for name, call in tables.calls if name == "PutObject" and call["Bucket"] == BUCKET]
    assert [call["Key"] for call in kept] == [
        *("markets/made.csv.gz", f"results/curves/{job_id}.json", f"results/backtests/{job_id}.json")
    ]
