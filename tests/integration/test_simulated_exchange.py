"""The simulated exchange over real HTTP on this machine, and its command."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
import requests

from heisenbug.markets.generated import GeneratedMarket
from heisenbug.markets.market import epoch
from local.exchange import CannotServe, ExchangeServer, main, running, serve
from local.replay import InvalidPosition

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server() -> Iterator[ExchangeServer]:
    with running(serve(GeneratedMarket(seed=7), speed=12)) as server:
        yield server


def fault(server: ExchangeServer, **order: object) -> None:
    requests.post(f"{server.url}/local/faults", json=order, timeout=5).raise_for_status()


def test_the_ticker_is_json_in_both_directions(server: ExchangeServer) -> None:
    answer = requests.get(f"{server.url}/v0/ticker", timeout=5)
    rows = {row["pair"]: row for row in answer.json()}
    assert answer.headers["Content-Type"] == "application/json"
    assert len(rows) == 16
    for row in rows.values():
        assert set(row) == {"ask", "bid", "currency", "pair"}
        assert all(re.fullmatch(r"\d+(\.\d{0,17}[1-9])?", row[side]) for side in ("ask", "bid"))
    assert float(rows["USDETH"]["ask"]) == pytest.approx(1 / float(rows["ETHUSD"]["bid"]))


def test_one_connection_serves_many_requests_quickly(server: ExchangeServer) -> None:
    with requests.Session() as session:
        session.get(f"{server.url}/v0/ticker", timeout=5)
        began = time.perf_counter()
        answers = [session.get(f"{server.url}/v0/ticker", timeout=5) for _ in range(50)]
        assert time.perf_counter() - began < 1.5  # a delayed acknowledgement would cost 40 ms each
    assert {answer.status_code for answer in answers} == {200}
    assert "close" not in answers[-1].headers.get("Connection", "")


def test_many_clients_are_served_at_once(server: ExchangeServer) -> None:
    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(lambda _: requests.get(f"{server.url}/v0/assets", timeout=5), range(64)))
    assert {answer.status_code for answer in answers} == {200}


def test_the_past_joins_on_to_the_present(server: ExchangeServer) -> None:
    question = {"seconds": 1, "count": 1000}
    past = requests.get(f"{server.url}/local/samples", params=question, timeout=5).json()["samples"]
    assert len(past) == 1000
    assert {len(sample["quotes"]) for sample in past} == {8}
    times = [epoch(sample["at"]) for sample in past]
    assert all(later - earlier == 1 for earlier, later in pairwise(times))
    assert 0 < time.time() - times[-1] < 3


def test_a_thousand_samples_take_well_under_a_tick(server: ExchangeServer) -> None:
    question = {"seconds": 5, "count": 1000}
    requests.get(f"{server.url}/local/samples", params=question, timeout=5)
    durations = []
    for _ in range(5):
        began = time.perf_counter()
        requests.get(f"{server.url}/local/samples", params=question, timeout=5)
        durations.append(time.perf_counter() - began)
    assert min(durations) < 0.5  # about 0.02 s; wide enough for a busy machine


def test_cards_need_a_token(server: ExchangeServer) -> None:
    url = f"{server.url}/v0/me/cards"
    refused = requests.get(url, timeout=5)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    cards = requests.get(url, headers={"Authorization": "Bearer paper"}, timeout=5).json()
    assert {card["currency"]: card["available"] for card in cards}["USD"] == "1000.00"


def test_faults_reach_the_wire(server: ExchangeServer) -> None:
    url = f"{server.url}/v0/ticker"
    fault(server, kind="status_429", count=1, seconds=3)
    answer = requests.get(url, timeout=5)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    assert answer.json()["code"] == "too_many_requests"
    fault(server, kind="html", count=1)
    answer = requests.get(url, timeout=5)
    assert answer.headers["Content-Type"].startswith("text/html")
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert requests.get(url, timeout=5).status_code == 200


def test_a_hang_ends_with_the_client_giving_up_and_the_next_answer_is_well(server: ExchangeServer) -> None:
    fault(server, kind="hang", count=1, seconds=60)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{server.url}/v0/ticker", timeout=0.3)
    assert requests.get(f"{server.url}/v0/ticker", timeout=5).status_code == 200


def test_a_hang_that_is_over_closes_the_connection_without_an_answer(server: ExchangeServer) -> None:
    fault(server, kind="hang", count=1, seconds=0)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/v0/ticker", timeout=5)


def test_a_body_too_large_is_refused(server: ExchangeServer) -> None:
    answer = requests.post(f"{server.url}/local/faults", data=b"x" * 70_000, timeout=5)
    assert answer.status_code == 413


def test_a_stopped_exchange_goes_on_where_it_was(tmp_path: Path) -> None:
    market, state = GeneratedMarket(seed=7), tmp_path / "exchange.json"
    now = [1_800_000_000.0]
    with running(serve(market, speed=12, clock=lambda: now[0], state_file=state)) as server:
        now[0] += 100
        before = requests.get(f"{server.url}/local/health", timeout=5).json()
    now[0] += 9999
    with running(serve(market, speed=12, clock=lambda: now[0], state_file=state)) as server:
        after = requests.get(f"{server.url}/local/health", timeout=5).json()
    assert before["market_time"] == after["market_time"]
    assert epoch(after["market_time"]) == market.start + 1200


def test_a_start_that_is_given_goes_before_what_was_kept(tmp_path: Path) -> None:
    market, state = GeneratedMarket(seed=7), tmp_path / "exchange.json"
    with running(serve(market, state_file=state)):
        pass
    server = serve(market, state_file=state, start=market.first + 60)
    server.server_close()
    assert server.exchange.replay.position == market.first + 60


def test_the_position_is_kept_while_serving(tmp_path: Path) -> None:
    state = tmp_path / "exchange.json"
    now = [1_800_000_000.0]
    with running(serve(GeneratedMarket(seed=7), speed=1, clock=lambda: now[0], state_file=state)):
        began = state.read_text()
        now[0] += 6
        deadline = time.monotonic() + 10
        while state.read_text() == began and time.monotonic() < deadline:
            time.sleep(0.05)
        assert state.read_text() != began


def test_a_busy_port_says_so_and_leaves_the_kept_position_alone(server: ExchangeServer, tmp_path: Path) -> None:
    state = tmp_path / "exchange.json"
    with pytest.raises(CannotServe, match=r"is taken: .* choose another with --port"):
        serve(GeneratedMarket(), port=server.server_address[1], state_file=state)
    assert not state.exists()


@pytest.mark.parametrize("name", ["file/exchange.json", "."])
def test_a_state_file_that_cannot_be_kept_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((CannotServe, InvalidPosition), match="choose another state file"):
        serve(GeneratedMarket(seed=7), state_file=tmp_path / name)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no folder that refuses everyone")
def test_a_state_that_cannot_be_written_at_the_start_says_so() -> None:
    with pytest.raises(CannotServe, match=r"cannot be written .* choose another state file"):
        serve(GeneratedMarket(seed=7), state_file=Path("/proc/exchange.json"))


# --- the command ---


def command(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "local.exchange", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def refused(*arguments: str) -> str:
    process = command(*arguments)
    _, talk = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "Traceback" not in talk
    return talk


def test_the_command_serves_until_it_is_told_to_stop_and_keeps_the_position(tmp_path: Path) -> None:
    state = tmp_path / "exchange.json"
    process = command("--market", "demo", "--speed", "12", "--port", "0", "--state", str(state), "--seed", "9")
    assert process.stderr is not None
    try:
        greeting = process.stderr.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+", greeting)
        assert url is not None
        health = requests.get(f"{url[0]}/local/health", timeout=5).json()
        assert health["market"] == "generated market, seed 9, planted drift 0.6 % an hour"
        kept = state.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        _, talk = process.communicate(timeout=10)
    assert (process.returncode, talk) == (0, "")
    assert epoch(json.loads(state.read_text())["market_time"]) > epoch(json.loads(kept)["market_time"])


def test_the_command_names_what_is_wrong_and_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"port {port} is taken" in refused("--port", port)
    assert "--market demo" in refused("--market", str(tmp_path / "none.csv.gz"))
    assert "is not a time like" in refused("--start", "yesterday")
    assert "lies outside this market" in refused("--port", "0", "--start", "2001-01-01")
    assert "speed -1.0 must be" in refused("--port", "0", "--speed", "-1")
    assert "give one like USD=1000" in refused("--port", "0", "--balance", "1000")
    assert "is not a percentage" in refused("--margin", "much")
    assert "margin 99 must be a percentage from 0 to 50" in refused("--port", "0", "--margin", "99")
    assert "is not a number of seconds" in refused("--ttl", "long")
    assert "ttl -1.0 must be" in refused("--port", "0", "--ttl", "-1")
    assert "the token is empty" in refused("--port", "0", "--token", "")
    assert "neither a file, nor JSON" in refused("--port", "0", "--faults", "nowhere.json")
    assert "kind 'boom': must be one of" in refused("--port", "0", "--faults", '[{"kind":"boom"}]')


def test_help_helps() -> None:
    process = command("--help")
    text, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    for option in ("--market", "--speed", "--port", "--state", "--start", "--seed", "--drift", "--balance", "Example"):
        assert option in text
    for option in ("--margin", "--ttl", "--token", "--faults"):
        assert option in text


def test_one_that_speaks_krakens_protocol_keeps_nothing_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--venue", "kraken", "--state", str(tmp_path / "state.json")]) == 1
    assert capsys.readouterr().err == (
        "The exchange did not start: an exchange that speaks Kraken's protocol keeps nothing: leave --state out.\n"
    )
