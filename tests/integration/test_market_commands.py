"""`heisenbug market` as a process: recording the simulated exchange over HTTP, killed, interrupted, gone on with."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from heisenbug.markets.generated import GeneratedMarket
from heisenbug.markets.recorded import InvalidMarket, RecordedMarket, read_market
from local.exchange import ExchangeServer, running, serve

ROOT = Path(__file__).parents[2]
RUN = "import sys; sys.path[:0] = ['layers/heisenbug', '.']; from cli.market import market; market()"
PATIENCE_SECONDS = 40


@pytest.fixture
def server() -> Iterator[ExchangeServer]:
    with running(serve(GeneratedMarket(seed=7), speed=12)) as server:
        yield server


def command(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def done(*arguments: str) -> tuple[int, str]:
    """Exit code and talk of a command that ends by itself."""
    process = command(*arguments)
    _, talk = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, talk


def recording(path: Path, url: str, *more: str) -> list[str]:
    return ["record", "--output", str(path), "--url", url, "--every", "1", *more]


def rows(path: Path) -> int:
    """How many rows can be read by now."""
    try:
        return len(read_market(path).bids)
    except InvalidMarket:
        return 0


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def matches(server: ExchangeServer, market: RecordedMarket) -> bool:
    """Whether every recorded price is one that the exchange's market had."""
    source, replay = server.exchange.market, server.exchange.replay
    moments = [float(at) - before for at in market.times for before in (1.0, 0.0)]
    known = source.quotes_at([replay.market_time(moment) for moment in moments])
    pairs = {pair: {tuple(map(float, quotes[pair])) for quotes in known} for pair in market.pairs}
    return all(
        (float(bid), float(ask)) in pairs[pair]
        for place in range(len(market.times))
        for pair, (bid, ask) in market.row(place).items()
    )


def test_a_recording_holds_what_the_exchange_showed(server: ExchangeServer, tmp_path: Path) -> None:
    path = tmp_path / "market.csv.gz"
    code, talk = done(*recording(path, server.url, "--pairs", "BTC-USD,ETH-USD", "--for", "3s"))
    market = read_market(path)
    assert code == 0, talk
    assert f"{len(market.bids)} rows recorded in {path}" in talk
    assert market.pairs == ("BTC-USD", "ETH-USD")
    assert len(set(market.times // 1)) == len(market.times) >= 3
    assert matches(server, market)


def test_a_killed_recording_can_be_read_and_gone_on_with(server: ExchangeServer, tmp_path: Path) -> None:
    path = tmp_path / "market.csv.gz"
    process = command(*recording(path, server.url, "--pairs", "BTC-USD"))
    wait_until(lambda: rows(path) >= 2)
    process.kill()
    process.communicate(timeout=PATIENCE_SECONDS)
    before = read_market(path)
    code, talk = done(*recording(path, server.url, "--for", "2s"))
    after = read_market(path)
    assert code == 0, talk
    assert "Recording BTC-USD each 1 s, going on from" in talk
    assert len(after.bids) > len(before.bids)
    assert list(after.bids)[: len(before.bids)] == list(before.bids)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_recording_ends_well_and_says_its_rows(
    server: ExchangeServer, tmp_path: Path, end: signal.Signals
) -> None:
    path = tmp_path / "market.csv.gz"
    process = command(*recording(path, server.url, "--pairs", "BTC-USD"))
    wait_until(lambda: rows(path) >= 2)
    process.send_signal(end)
    _, talk = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, talk
    assert f"{rows(path)} rows recorded in" in talk
    assert "Traceback" not in talk


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"kind": "html"}, "Nothing recorded: the exchange's answer is not JSON"),
        ({"kind": "status_500"}, "Nothing recorded: the exchange answered 500"),
        ({"kind": "gone", "pair": "BTC-USD"}, "BTC-USD is not recorded: the venue's answer has no such pair."),
        ({"kind": "zero", "pair": "BTC-USD"}, "BTC-USD is not recorded: its price '0' is not above 0"),
    ],
)
def test_what_the_exchange_fails_to_give_is_said_and_the_recording_goes_on(
    server: ExchangeServer, tmp_path: Path, fault: dict[str, object], sentence: str
) -> None:
    path = tmp_path / "market.csv.gz"
    process = command(*recording(path, server.url, "--pairs", "BTC-USD"))
    wait_until(lambda: rows(path) >= 1)
    requests.post(f"{server.url}/local/faults", json=fault, timeout=5).raise_for_status()
    time.sleep(2.5)
    requests.post(f"{server.url}/local/faults", json={"kind": "none"}, timeout=5).raise_for_status()
    had = rows(path)
    wait_until(lambda: rows(path) > had)
    process.send_signal(signal.SIGINT)
    _, talk = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, talk
    assert sentence in talk


def test_what_cannot_be_recorded_is_one_sentence_and_exit_code_two(server: ExchangeServer, tmp_path: Path) -> None:
    path = tmp_path / "market.csv.gz"
    (tmp_path / "torn.csv.gz").write_bytes(b"\x1f\x8b\x08")
    cases = [
        (recording(path, server.url, "--pairs", "FOO-USD"), "quotes no FOO-USD"),
        (recording(path, server.url, "--pairs", "BTC"), "is not a pair"),
        (recording(path, server.url, "--for", "a day"), "--for 'a day' is not a time"),
        (recording(path, server.url, "--for", "0"), "--for '0' is not a time of a second or more"),
        (recording(path, "nowhere", "--for", "1s"), "'nowhere' is not the address of an exchange"),
        (recording(tmp_path / "none" / "m.csv.gz", server.url), "There is no folder"),
        (recording(tmp_path / "torn.csv.gz", server.url), "torn.csv.gz line 1: the gzip data is cut off"),
    ]
    for arguments, sentence in cases:
        code, talk = done(*arguments)
        assert code == 2, talk
        assert sentence in talk
        assert talk.count("\n") == 1
    assert not path.exists()


def test_an_exchange_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "market.csv.gz"
    code, talk = done(*recording(path, "http://127.0.0.1:9", "--for", "2s"))
    assert code == 0, talk
    assert "no connection; recording begins when it answers" in talk
    assert "0 rows recorded" in talk
    assert not path.exists()


def test_generating_twice_gives_the_same_bytes_and_a_sound_market(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv.gz", tmp_path / "other.csv.gz"
    for path in (one, other):
        code, talk = done("generate", "--output", str(path), "--days", "0.5", "--pairs", "10", "--seed", "3")
        assert code == 0, talk
    assert one.read_bytes() == other.read_bytes()
    assert done("check", str(one), "--strict")[0] == 0
