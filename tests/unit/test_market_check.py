"""Looking through a recorded market: each kind of finding, and that the guards agree."""

import gzip
import json
import random
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cli.market import market as command
from heisenbug.domain.assets import Pair
from heisenbug.domain.guards import Moment, Watch, look
from heisenbug.domain.quotes import RawQuote
from heisenbug.markets.checked import Checked, Finding, check
from heisenbug.markets.generated import GeneratedMarket
from heisenbug.markets.market import epoch, iso
from heisenbug.markets.recorded import RecordedMarket, read_market
from heisenbug.markets.written import write_market

DATA = Path(__file__).parents[3] / "shared" / "data"
BEGIN = epoch("2025-05-05T00:00:00Z")
Row = tuple[float, str, str, str]


def read(folder: Path, rows: Sequence[Row]) -> RecordedMarket:
    text = "".join(f"{iso(BEGIN + minute * 60)},{pair},{bid},{ask}\n" for minute, pair, bid, ask in rows)
    path = folder / "market.csv.gz"
    path.write_bytes(gzip.compress(f"at,pair,bid,ask\n{text}".encode()))
    return read_market(path)


def looked(folder: Path, rows: Sequence[Row], seconds: float | None = None) -> Checked:
    names = [pair for _, pair, _, _ in rows]
    return check(read(folder, rows), lambda places: [names[place] for place in places], seconds)


def minutes(count: int, pair: str = "BTC-USD", first: int = 0) -> list[Row]:
    """A pair that moves a little each minute."""
    return [(first + row, pair, f"{100 + row % 7 / 10:.1f}", f"{100.2 + row % 7 / 10:.1f}") for row in range(count)]


def priced(prices: Sequence[float]) -> list[Row]:
    return [(minute, "BTC-USD", f"{price:.6f}", f"{price:.6f}") for minute, price in enumerate(prices)]


def without(rows: list[Row], *gone: int) -> list[Row]:
    return [row for row in rows if row[0] not in gone]


def only(found: Checked) -> Finding:
    (finding,) = found.findings
    return finding


def test_a_sound_market_has_nothing_noteworthy(tmp_path: Path) -> None:
    found = looked(tmp_path, sorted(minutes(50) + minutes(50, "ETH-USD")))
    assert found.findings == ()
    assert (found.rows, found.first, found.last) == (100, BEGIN, BEGIN + 49 * 60)
    assert [(facts.pair, facts.rows, facts.missing) for facts in found.pairs] == [
        ("BTC-USD", 50, 0),
        ("ETH-USD", 50, 0),
    ]
    assert found.pairs[0].spread_bps == pytest.approx(20, abs=0.1)


GAPS = [
    ((3,), 1, 1, 2, ""),
    ((3, 4, 7), 3, 2, 2, ""),
    ((3, 7, 8, 9), 4, 2, 6, ""),
    (tuple(range(5, 40)), 35, 1, 4, "the venue's answer has no such pair"),
]


@pytest.mark.parametrize(("gone", "samples", "gaps", "before", "guard"), GAPS)
def test_a_gap_says_how_many_samples_are_missing_and_where_the_longest_is(
    tmp_path: Path, gone: tuple[int, ...], samples: int, gaps: int, before: int, guard: str
) -> None:
    finding = only(looked(tmp_path, without(minutes(50), *gone)))
    assert (finding.kind, finding.count, finding.at, finding.guard) == ("gap", gaps, BEGIN + before * 60, guard)
    assert f"for {samples} sample" in finding.says
    assert f"from {iso(BEGIN + before * 60)}" in finding.says


def test_what_only_one_pair_lacks_is_told_apart_from_what_all_lack(tmp_path: Path) -> None:
    rows = without(minutes(50), 20) + without(minutes(50, "ETH-USD"), 20, 30, 31)
    shared, own = looked(tmp_path, sorted(rows)).findings
    assert (shared.pairs, shared.count) == (("BTC-USD", "ETH-USD"), 1)
    assert (own.pairs, own.count, own.at) == (("ETH-USD",), 1, BEGIN + 29 * 60)
    assert "2 samples" in own.says


def test_a_pair_that_appears_late_or_ends_early_is_named(tmp_path: Path) -> None:
    rows = minutes(100) + minutes(95, "ETH-USD", first=5) + minutes(60, "SOL-USD") + minutes(99, "XRP-USD")
    found = {(one.kind, one.pairs): one for one in looked(tmp_path, sorted(rows)).findings}
    assert set(found) == {("late", ("ETH-USD",)), ("gone", ("SOL-USD",)), ("gone", ("XRP-USD",))}
    assert found["late", ("ETH-USD",)].guard == "the venue's answer has no such pair"
    assert "0:40:00 early" in found["gone", ("SOL-USD",)].says
    assert [found["gone", (pair,)].guard != "" for pair in ("SOL-USD", "XRP-USD")] == [True, False]


def test_a_repeated_time_is_counted_for_its_pair(tmp_path: Path) -> None:
    rows = sorted([*minutes(30), *minutes(30, "ETH-USD"), (7, "ETH-USD", "1", "1"), (9, "ETH-USD", "1", "1")])
    repeated = [one for one in looked(tmp_path, rows).findings if one.kind == "repeated"]
    assert [(one.pairs, one.count, one.at) for one in repeated] == [(("ETH-USD",), 2, BEGIN + 7 * 60)]


@pytest.mark.parametrize(("in_a_row", "often"), [(1, ""), (19, ""), (20, ", 20 times in a row or more")])
def test_crossed_quotes_are_told_in_the_guards_words(tmp_path: Path, in_a_row: int, often: str) -> None:
    rows = minutes(100)
    for minute in range(10, 10 + in_a_row):
        rows[minute] = (minute, "BTC-USD", "101", "100")
    finding = only(looked(tmp_path, rows))
    assert (finding.kind, finding.count, finding.at) == ("crossed", in_a_row, BEGIN + 600)
    assert f"{in_a_row}.0% of its rows, at most {in_a_row} in a row" in finding.says
    assert finding.guard == f"crossed quote: bid 101 is above ask 100{often}"


@pytest.mark.parametrize(("unchanged", "is_frozen"), [(19, False), (20, True), (35, True)])
def test_prices_without_a_change_for_twenty_samples_are_frozen(tmp_path: Path, unchanged: int, is_frozen: bool) -> None:
    still = [(30 + row, "BTC-USD", "100.25", "100.350") for row in range(unchanged + 1)]
    found = looked(tmp_path, minutes(30) + still + minutes(30, first=31 + unchanged))
    assert [(one.kind, one.at) for one in found.findings] == [("frozen", BEGIN + 1800)] * is_frozen
    assert all(f"the longest {unchanged} samples" in one.says for one in found.findings)


def test_a_second_without_a_change_is_no_sample_without_a_change(tmp_path: Path) -> None:
    rows = [(second / 60, "BTC-USD", f"{100 + second // 60 % 7}", "110") for second in range(600)]
    assert looked(tmp_path, rows).findings == ()
    assert only(looked(tmp_path, rows, 1)).kind == "frozen"


JUMPS = [
    ([100] * 5 + [109] * 5, []),
    ([100] * 5 + [111] * 5, [("jump", "jump from 100 to 111 waits until 3 samples in a row confirm it")]),
    ([100] * 5 + [89] + [100] * 5, [("jump", "jump from 100 to 89 waits until 3 samples in a row confirm it")]),
    ([1] * 5 + [1000] * 9 + [1] * 5, [("slip", "price is 1000-fold what it was")]),
    ([50] * 5 + [0.5] * 2 + [50] * 5, [("slip", "price is 1/100 of what it was")]),
]


@pytest.mark.parametrize(("prices", "expected"), JUMPS)
def test_jumps_and_misplaced_points_are_told_in_the_guards_words(
    tmp_path: Path, prices: list[float], expected: list[tuple[str, str]]
) -> None:
    found = looked(tmp_path, priced(prices))
    assert [(one.kind, one.guard) for one in found.findings] == expected


def test_a_volatile_market_may_move_twelve_volatilities(tmp_path: Path) -> None:
    calm = [100 * (1.03 if row % 2 else 1.0) for row in range(60)]
    assert looked(tmp_path, priced([*calm, 130, 131, 130])).findings == ()
    assert only(looked(tmp_path, priced([*calm, 200, 201, 200]))).kind == "jump"


def guarded_rows(market: RecordedMarket, volatility: float) -> list[str]:
    """What the guard itself says of every row of a market of one pair."""
    watch, said = Watch(), []
    for bid, ask, at in zip(market.bids, market.asks, market.row_times.tolist(), strict=True):
        watch, _ = look(Pair("BTC", "USD"), RawQuote(bid, ask), watch, Moment(int(at), True), lambda _: volatility)
        said.append(watch.guarded.reason if watch.guarded else "")
    return said


@pytest.mark.parametrize("seed", range(12))
def test_what_is_found_is_what_the_guard_holds_back_row_by_row(tmp_path: Path, seed: int) -> None:
    dice, price, prices = random.Random(seed), 100.0, list[float]()
    for _ in range(600):
        price *= dice.choice([1.0] * 300 + [1.3, 0.7]) * (1 + dice.gauss(0, 0.0007))
        prices.extend([price * dice.choice([1.0] * 200 + [1000, 0.1, 1.5])] * dice.choice([1] * 150 + [2, 5, 25]))
    market = read(tmp_path, priced(prices))
    found = check(market, lambda rows: [])
    said = guarded_rows(market, found.pairs[0].volatility or 0.0)
    begun = ["frozen" in text for before, text in pairwise(["", *said]) if text and not before]
    assert sum(one.count for one in found.findings if one.kind in ("jump", "slip")) == begun.count(False) > 0
    assert sum(one.count for one in found.findings if one.kind == "frozen") >= begun.count(True)
    assert {one.guard for one in found.findings} <= set(said)


def test_a_price_beyond_reason_and_a_name_that_is_no_pair_are_named(tmp_path: Path) -> None:
    rows = sorted([*minutes(30), *minutes(30, "X-USD")])
    rows[20] = (10, "BTC-USD", "1", "9999999999999999")
    found = looked(tmp_path, rows).findings
    assert [(one.kind, one.pairs) for one in found] == [("name", ("X-USD",)), ("absurd", ("BTC-USD",))]
    assert found[1].guard == "ask 1.000e+16 is beyond any reason"


REAL = [
    ("crypto4_bidask_1m_2018-04", {"gap", "frozen"}),
    ("crypto5_1m_2023-03_outage", {"gap", "frozen"}),
    ("crypto6_1m_2023-04", set()),
    ("crypto8_1m_2025-05", set()),
    ("fx2_bidask_1m_2014-05", {"gap", "gone", "crossed"}),
    ("fx2_bidask_1s_2014-05-05", {"gap"}),
    ("fx_eurusd_1m_times1000", {"gap", "slip"}),
    ("fx_eurusd_ticks_crossed", {"gap", "crossed"}),
]


@pytest.mark.parametrize(("name", "kinds"), REAL)
def test_real_recordings_show_what_is_known_of_them(name: str, kinds: set[str]) -> None:
    path = DATA / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"the recorded market {name} is not here")
    answer = CliRunner().invoke(command, ["check", str(path), "--json"])
    assert answer.exit_code == 0
    assert {finding["kind"] for finding in json.loads(answer.stdout)["findings"]} == kinds


def test_the_outage_of_2023_is_found_to_the_minute() -> None:
    path = DATA / "crypto5_1m_2023-03_outage.csv.gz"
    if not path.exists():
        pytest.skip("the recording of the outage is not here")
    gap, frozen = check(read_market(path), lambda rows: []).findings
    assert (gap.pairs, iso(gap.at)) == (frozen.pairs, "2023-03-24T12:40:00Z")
    assert "1:21:00 from" in gap.says
    assert "the longest 72 samples" in frozen.says


def test_a_month_of_eight_pairs_is_looked_through_in_two_seconds(tmp_path: Path) -> None:
    market = GeneratedMarket()
    path = tmp_path / "month.csv.gz"
    write_market(market, (market.first + np.arange(43_195) * 60).tolist(), path)
    began = time.process_time()
    found = check(read_market(path), lambda rows: [])
    assert time.process_time() - began < 2
    assert (found.rows, found.findings) == (345_560, ())


def ask(path: Path, *options: str) -> tuple[int, str, str]:
    answer = CliRunner().invoke(command, ["check", str(path), *options])
    return answer.exit_code, answer.stdout, answer.stderr


def test_strict_makes_findings_an_error_and_only_findings(tmp_path: Path) -> None:
    read(tmp_path, without(minutes(50), 3))
    assert ask(tmp_path / "market.csv.gz")[0] == 0
    assert ask(tmp_path / "market.csv.gz", "--strict")[0] == 1
    read(tmp_path, minutes(50))
    assert ask(tmp_path / "market.csv.gz", "--strict")[0] == 0


def test_the_command_finds_the_pair_of_a_repeated_row(tmp_path: Path) -> None:
    read(tmp_path, sorted([*minutes(30), *minutes(30, "ETH-USD"), (7, "ETH-USD", "1", "1")]))
    code, told, _ = ask(tmp_path / "market.csv.gz")
    assert code == 0
    assert "repeated  ETH-USD: 1 row followed by another of the same time" in told


UNREADABLE = [
    (b"at,pair,bid,ask\n2025-05-05T00:00:00Z,BTC-USD,0,1\n", "line 2: bid '0' is not a price above 0"),
    (b"at,pair,bid,ask\n2025-05-05T00:00:00Z,BTC-USD,1,-1\n", "line 2: ask '-1' is not a price above 0"),
    (b"time,pair\n", "line 1: the header is 'time,pair'"),
    (b"at,pair,bid,ask\n", "has no prices"),
]


@pytest.mark.parametrize(("text", "sentence"), UNREADABLE)
def test_an_unreadable_file_is_one_sentence_and_exit_code_two(tmp_path: Path, text: bytes, sentence: str) -> None:
    path = tmp_path / "market.csv.gz"
    path.write_bytes(gzip.compress(text))
    code, told, said = ask(path)
    assert (code, told) == (2, "")
    assert sentence in said
    assert said.count("\n") == 1


def test_a_missing_file_and_an_impossible_sample_are_sentences_too(tmp_path: Path) -> None:
    assert "There is no market file" in ask(tmp_path / "none.csv.gz")[2]
    assert ask(tmp_path / "none.csv.gz")[0] == 2
    read(tmp_path, minutes(5))
    assert ask(tmp_path / "market.csv.gz", "--sample-seconds", "0")[::2] == (
        2,
        "A sample of 0 s cannot be: choose 1 or more.\n",
    )
