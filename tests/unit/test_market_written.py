"""Writing markets: the one format, to the byte, whole or not at all; recordings that can be read at any time."""

import gzip
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.market import market as command
from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import MarketUnavailable, Quiet
from heisenbug.domain.quotes import RawQuote, Ticker
from heisenbug.markets.generated import FIRST, GeneratedMarket
from heisenbug.markets.market import Quotes, epoch, iso
from heisenbug.markets.recorded import InvalidMarket, read_market
from heisenbug.markets.written import (
    CannotWrite,
    Recorder,
    Recording,
    UnwritablePrice,
    open_recording,
    price_text,
    write_market,
)
from tests.exchanges import StillMarket
from tests.fakes import Clock
from tests.markets import MONDAY

BTC, ETH = Pair("BTC", "USD"), Pair("ETH", "USD")
PRICES: Quotes = {"BTC-USD": ("1.5", "2"), "ETH-USD": ("3", "4")}


def moments(count: int, first: float = FIRST) -> list[float]:
    return [first + 60 * sample for sample in range(count)]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_written_is_what_the_market_quotes(tmp_path: Path) -> None:
    market, path = GeneratedMarket(seed=3), tmp_path / "market.csv.gz"
    assert write_market(market, moments(3000), path) == 24_000
    read = read_market(path)
    assert read.pairs == market.pairs
    assert read.quotes_at(moments(3000)) == market.quotes_at(moments(3000))


def test_the_same_market_gives_the_same_bytes_under_any_name(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write_market(GeneratedMarket(seed=seed), moments(100), tmp_path / f"{name}.csv.gz")
    one, same, other = (digest(tmp_path / f"{name}.csv.gz") for name in "abc")
    assert one == same != other


def test_a_file_that_is_there_is_replaced_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "market.csv.gz"
    path.write_text("mine")
    with pytest.raises(CannotWrite, match="is there already: name another file, or replace it with --force"):
        write_market(GeneratedMarket(), moments(2), path)
    assert path.read_text() == "mine"
    assert write_market(GeneratedMarket(), moments(2), path, force=True) == 16
    assert len(read_market(path).times) == 2


class Breaks(StillMarket):
    """A market that ends in the middle of being written."""

    def quotes_at(self, moments: Sequence[float]) -> list[Quotes]:
        if moments[0] > 60_000:
            raise KeyboardInterrupt
        return super().quotes_at(moments)


def test_nothing_half_written_stays_and_what_was_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "market.csv.gz"
    path.write_text("mine")
    with pytest.raises(KeyboardInterrupt):
        write_market(Breaks(), moments(5000, 0.0), path, force=True)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("market.csv.gz", "mine")]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("market.csv", "end it in .csv.gz"),
        (".csv.gz", "end it in .csv.gz"),
        ("none/market.csv.gz", "There is no folder"),
        ("folder.csv.gz", "is a folder"),
    ],
)
def test_a_place_where_no_market_file_can_be_is_refused(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "folder.csv.gz").mkdir()
    with pytest.raises(CannotWrite, match=sentence):
        write_market(GeneratedMarket(), moments(2), tmp_path / name)
    with pytest.raises(CannotWrite, match=sentence):
        open_recording(tmp_path / name, (BTC,), MONDAY)


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("6420.05", "6420.05"),
        ("6420.050", "6420.050"),
        (6419, "6419"),
        ("1e-7", "0.0000001"),
        ("1.5E+3", "1500"),
        ("0.1234567890123456785", "0.123456789012345678"),
        ("999999999999999999.5", "999999999999999999.5"),
    ],
)
def test_a_price_is_written_in_plain_digits(sent: Any, written: str) -> None:
    assert price_text(sent) == written


@pytest.mark.parametrize(
    "sent", [None, True, "", "n/a", "NaN", "Infinity", "0", "-1", "1e18", "1e-19", "1e999999999", "1e-999999999", [1]]
)
def test_what_is_no_price_is_not_written(sent: Any) -> None:
    with pytest.raises(UnwritablePrice):
        price_text(sent)


def test_a_recording_can_be_read_after_each_addition(tmp_path: Path) -> None:
    recording = open_recording(tmp_path / "market.csv.gz", (BTC, ETH), MONDAY)
    for count, moment in enumerate(moments(5), 1):
        recording.add(moment, PRICES)
        read = read_market(recording.path)
        assert (len(read.times), read.last, recording.rows) == (count, moment, 2 * count)
    assert read.pairs == ("BTC-USD", "ETH-USD")
    assert gzip.decompress(recording.path.read_bytes()).count(b"at,pair,bid,ask") == 1


def recorded(folder: Path, count: int = 3) -> Recording:
    recording = open_recording(folder / "market.csv.gz", (BTC, ETH), MONDAY)
    for moment in moments(count, MONDAY - 600):
        recording.add(moment, PRICES)
    return recording


@pytest.mark.parametrize("pairs", [(BTC, ETH), (ETH, BTC), ()])
def test_a_recording_of_the_same_pairs_is_gone_on_with(tmp_path: Path, pairs: tuple[Pair, ...]) -> None:
    again = open_recording(recorded(tmp_path).path, pairs, MONDAY)
    assert (again.pairs, again.last, again.rows) == ((BTC, ETH), MONDAY - 480, 0)
    again.add(MONDAY, PRICES)
    assert len(read_market(again.path).times) == 4


def test_a_recording_of_other_pairs_or_from_the_future_is_left_alone(tmp_path: Path) -> None:
    path = recorded(tmp_path).path
    with pytest.raises(CannotWrite, match="holds BTC-USD, ETH-USD and not BTC-USD"):
        open_recording(path, (BTC,), MONDAY)
    with pytest.raises(CannotWrite, match="which is yet to come"):
        open_recording(path, (BTC, ETH), MONDAY - 3600)


def test_a_damaged_recording_is_not_gone_on_with(tmp_path: Path) -> None:
    path = recorded(tmp_path).path
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InvalidMarket, match="cut off or damaged"):
        open_recording(path, (BTC, ETH), MONDAY)


def test_an_empty_file_is_a_recording_that_has_not_begun(tmp_path: Path) -> None:
    path = tmp_path / "market.csv.gz"
    path.touch()
    recording = open_recording(path, (BTC,), MONDAY)
    recording.add(MONDAY, {"BTC-USD": ("1", "2")})
    assert len(read_market(path).times) == 1


def test_two_recordings_of_one_file_are_noticed(tmp_path: Path) -> None:
    one = recorded(tmp_path)
    other = open_recording(one.path, (BTC, ETH), MONDAY)
    other.add(MONDAY, PRICES)
    with pytest.raises(CannotWrite, match="Somebody else writes to"):
        one.add(MONDAY + 1, PRICES)
    assert len(read_market(one.path).times) == 4


class Venue:
    """A venue that answers with what it was told, one after the other, `seconds` after it was asked."""

    def __init__(
        self, clock: Clock, answers: Sequence[dict[Pair, RawQuote] | Exception], seconds: float = 0.25
    ) -> None:
        self.clock, self.answers, self.seconds = clock, list(answers), seconds
        self.asked: list[float] = []

    def tickers(self, pairs: Sequence[Pair], timeout_seconds: float) -> Ticker:
        self.asked.append(self.clock.at)
        self.clock.at += self.seconds
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return Ticker(self.clock(), answer)


GOOD = {BTC: RawQuote("1.5", "2"), ETH: RawQuote(3, 4)}


def record(recording: Recording, venue: Venue, seconds: float, every: float = 60.0) -> list[str]:
    """What is said while it records for so long."""
    said: list[str] = []
    recorder = Recorder(venue, every, venue.clock, venue.clock.sleep, said.append)
    recorder.run(recording, venue.clock.at + seconds)
    return said


def new(folder: Path) -> Recording:
    return open_recording(folder / "market.csv.gz", (BTC, ETH), MONDAY)


def test_each_slot_is_asked_once_at_its_beginning_and_stamped_with_the_receipt(tmp_path: Path) -> None:
    venue, recording = Venue(Clock(MONDAY + 10), [GOOD]), new(tmp_path)
    said = record(recording, venue, 200)
    assert venue.asked == [MONDAY + second for second in (10, 60, 120, 180)]
    assert read_market(recording.path).times.tolist() == [at + 0.25 for at in venue.asked]
    assert said[-1] == "8 rows: BTC-USD 1.5 / 2, ETH-USD 3 / 4"


def test_a_slot_that_the_recording_has_is_not_asked_again(tmp_path: Path) -> None:
    record(new(tmp_path), Venue(Clock(MONDAY + 10), [GOOD]), 15)
    venue = Venue(Clock(MONDAY + 30), [GOOD])
    record(open_recording(tmp_path / "market.csv.gz", (), MONDAY + 30), venue, 60)
    assert venue.asked == [MONDAY + 60]


@pytest.mark.parametrize(
    ("answer", "sentence", "times"),
    [
        (MarketUnavailable("the exchange answered 503"), "Nothing recorded: the exchange answered 503.", 2),
        (Quiet("the exchange wants to be left alone"), "Nothing recorded: the exchange wants to be left alone.", 2),
        ({BTC: RawQuote("1", "2")}, "ETH-USD is not recorded: the venue's answer has no such pair.", 3),
        ({**GOOD, ETH: RawQuote("NaN", "4")}, "ETH-USD is not recorded: its price 'NaN' is not above 0", 3),
        ({}, "BTC-USD is not recorded: the venue's answer has no such pair.", 2),
    ],
)
def test_what_cannot_be_had_is_said_and_skipped(
    tmp_path: Path, answer: dict[Pair, RawQuote] | Exception, sentence: str, times: int
) -> None:
    recording = new(tmp_path)
    said = record(recording, Venue(Clock(MONDAY), [GOOD, answer, GOOD]), 121)
    assert any(text.startswith(sentence) for text in said)
    assert len(read_market(recording.path).times) == times


def test_crossed_quotes_are_recorded_as_they_are(tmp_path: Path) -> None:
    recording = new(tmp_path)
    record(recording, Venue(Clock(MONDAY), [{**GOOD, BTC: RawQuote("2", "1")}]), 1)
    assert read_market(recording.path).quotes_at([MONDAY + 1])[0]["BTC-USD"] == ("2", "1")


def test_a_clock_that_goes_back_leaves_the_file_sorted(tmp_path: Path) -> None:
    recording, clock = new(tmp_path), Clock(MONDAY)
    record(recording, Venue(clock, [GOOD]), 1)
    clock.at = MONDAY - 300
    said = record(recording, Venue(clock, [GOOD]), 400)
    assert any("the clock went back behind the last row" in text for text in said)
    assert len(read_market(recording.path).times) == 2


def generate(path: Path, *options: str) -> tuple[int, str]:
    answer = CliRunner().invoke(command, ["generate", "--output", str(path), *options])
    return answer.exit_code, answer.stderr


def test_the_command_writes_the_demo_market(tmp_path: Path) -> None:
    code, said = generate(tmp_path / "market.csv.gz", "--days", "1")
    assert code == 0
    assert "11,520 rows, 2026-01-01T00:00:00Z to 2026-01-01T23:59:00Z" in said
    assert read_market(tmp_path / "market.csv.gz").quotes_at(moments(1440)) == GeneratedMarket().quotes_at(
        moments(1440)
    )


def test_the_command_takes_every_parameter(tmp_path: Path) -> None:
    made_up = {"seed": 9, "days": 0.5, "pairs": "btc-usd,EUR-USD,USDC-USD", "drift": 0.003, "bounce": 0.5}
    timed = {"begin": "2024-02-29", "sample-seconds": 300}
    options = [word for name, value in {**made_up, **timed}.items() for word in (f"--{name}", str(value))]
    code, _ = generate(tmp_path / "market.csv.gz", *options)
    first = epoch("2024-02-29T00:00:00Z")
    pairs = ("BTC-USD", "EUR-USD", "USDC-USD")
    made = GeneratedMarket(9, 0.003, pairs, 0.5, 300, first)
    read = read_market(tmp_path / "market.csv.gz")
    assert code == 0
    assert (read.pairs, read.spacing_seconds, iso(read.last)) == (pairs, 300, "2024-02-29T11:55:00Z")
    assert read.quotes_at([first, read.last]) == made.quotes_at([first, read.last])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--days 0", "0 days cannot be generated"),
        ("--days -1", "-1 days cannot be generated"),
        ("--days nan", "nan days cannot be generated"),
        ("--days 99999", "at most 3660"),
        ("--days 0.0001", "fewer than two samples"),
        ("--pairs 0", "0 pairs cannot be generated: choose 1 to 300"),
        ("--pairs 301", "301 pairs cannot be generated"),
        ("--pairs FOO-USD", "'FOO-USD' is no pair of the generated market: choose among BTC-USD"),
        ("--pairs BTC-USD,BTC-USD", "none of them twice"),
        ("--pairs ,", "name at least one pair"),
        ("--drift 1", "drift 1.0 an hour from 0 to below 1"),
        ("--seed -1", "seed -1 must be 0 or more"),
        ("--bounce -1", "bounce -1.0 must be 0 to 10"),
        ("--sample-seconds 0", "choose 1 to 86400 s"),
        ("--begin yesterday", "'yesterday' is not a time: give one like 2026-01-01T00:00:00Z"),
        ("--begin 1969-12-31", "do not lie between 1970 and 9999"),
        ("--begin 9998-12-30", "do not lie between 1970 and 9999"),
    ],
)
def test_what_was_mistyped_is_one_sentence_and_exit_code_two(tmp_path: Path, options: str, sentence: str) -> None:
    code, said = generate(tmp_path / "market.csv.gz", *options.split())
    assert code == 2
    assert sentence in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_command_replaces_a_file_only_by_force_and_wants_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "market.csv.gz"
    assert generate(path, "--days", "0.01")[0] == 0
    before = digest(path)
    code, said = generate(path, "--days", "0.02")
    assert (code, digest(path)) == (2, before)
    assert "--force" in said
    assert generate(path, "--days", "0.01", "--force")[0] == 0
    assert digest(path) == before
    code, said = generate(tmp_path / "none" / "market.csv.gz")
    assert code == 2
    assert "There is no folder" in said


def test_help_helps() -> None:
    for name, options in (
        ("generate", ("--output", "--days", "--pairs", "--seed", "--drift", "--bounce", "--begin", "--force")),
        ("check", ("--json", "--strict", "--sample-seconds")),
        ("record", ("--output", "--pairs", "--url", "--every", "--for")),
    ):
        told = CliRunner().invoke(command, [name, "--help"], env={"COLUMNS": "120", "NO_COLOR": "1"}).stdout
        assert all(option in told for option in options)
