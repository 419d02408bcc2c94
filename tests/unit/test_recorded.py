"""Reading recorded markets: what is accepted, what is refused and in which words."""

import gzip
import time
from pathlib import Path

import pytest

from heisenbug.markets.market import epoch
from heisenbug.markets.recorded import InvalidMarket, RecordedMarket, read_market

DATA = Path(__file__).parents[2].parent / "shared" / "data"
HEADER = "at,pair,bid,ask\n"
T1 = "2025-05-04T15:37:00Z"
T2 = "2025-05-04T15:38:00Z"
ROW = f"{T1},BTC-USD,95467.7,95470.0\n"


def packed(folder: Path, text: str) -> Path:
    path = folder / "market.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def market(folder: Path, text: str, gone_after_seconds: float = 1800.0) -> RecordedMarket:
    return read_market(packed(folder, HEADER + text), gone_after_seconds)


def recorded(name: str) -> Path:
    path = DATA / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"the recorded market {name} is not here")
    return path


def test_prices_are_served_as_the_texts_of_the_file(tmp_path: Path) -> None:
    assert market(tmp_path, ROW).quotes_at([epoch(T1)]) == [{"BTC-USD": ("95467.7", "95470.0")}]


def test_a_quote_holds_until_the_next_one(tmp_path: Path) -> None:
    recording = market(tmp_path, f"{ROW}{T2},BTC-USD,1,2\n")
    before, at, between, later = recording.quotes_at([epoch(T1) - 1, epoch(T1), epoch(T2) - 0.001, epoch(T2) + 30])
    assert before == {}
    assert at == between == {"BTC-USD": ("95467.7", "95470.0")}
    assert later == {"BTC-USD": ("1", "2")}


def test_of_two_quotes_at_the_same_time_the_later_row_counts(tmp_path: Path) -> None:
    assert market(tmp_path, f"{T1},A-B,1,2\n{T1},A-B,3,4\n").quotes_at([epoch(T1)]) == [{"A-B": ("3", "4")}]


def test_a_pair_that_disappears_leaves_after_the_stated_time(tmp_path: Path) -> None:
    rows = f"{T1},A-B,1,2\n{T1},C-D,3,4\n{T2},C-D,5,6\n"
    recording = market(tmp_path, rows, gone_after_seconds=90)
    assert set(recording.quotes_at([epoch(T1) + 90])[0]) == {"A-B", "C-D"}
    assert set(recording.quotes_at([epoch(T1) + 91])[0]) == {"C-D"}


def test_a_row_holds_only_what_was_published_at_its_time(tmp_path: Path) -> None:
    recording = market(tmp_path, f"{T1},A-B,1,2\n{T1},C-D,3,4\n{T2},C-D,5,6\n")
    assert recording.row(0) == {"A-B": ("1", "2"), "C-D": ("3", "4")}
    assert recording.row(1) == {"C-D": ("5", "6")}


def test_crossed_quotes_are_kept_because_guarding_is_the_bots_work(tmp_path: Path) -> None:
    assert market(tmp_path, f"{T1},A-B,2,1\n").quotes_at([epoch(T1)]) == [{"A-B": ("2", "1")}]


def test_lines_may_end_in_carriage_return(tmp_path: Path) -> None:
    path = packed(tmp_path, (HEADER + ROW).replace("\n", "\r\n"))
    assert read_market(path).pairs == ("BTC-USD",)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (f"{T1},BTC-USD,abc,1\n", "bid 'abc' is not a price above 0"),
        (f"{T1},BTC-USD,1,NaN\n", "ask 'NaN' is not a price above 0"),
        (f"{T1},BTC-USD,0.00,1\n", "bid '0.00' is not a price above 0"),
        (f"{T1},BTC-USD,1,0\n", "ask '0' is not a price above 0"),
        (f"{T1},BTC-USD,-1,1\n", "bid '-1'"),
        (f"{T1},BTC-USD,1,1e5\n", "ask '1e5'"),
        (f"{T1},BTC-USD,,1\n", "bid ''"),
        (f"{T1},BTCUSD,1,1\n", "pair 'BTCUSD' is not a pair like BTC-USD"),
        ("2025-05-04 15:37:00,BTC-USD,1,1\n", "at '2025-05-04 15:37:00' is not a UTC time"),
        ("2025-13-04T15:37:00Z,BTC-USD,1,1\n", "at '2025-13-04T15:37:00Z' is not a date of the calendar"),
        ("2025-05-04T15:36:59Z,BTC-USD,1,1\n", "is earlier than 2025-05-04T15:37:00Z on the line before"),
        (f"{T1},BTC-USD,1\n", "has 3 columns instead of at,pair,bid,ask"),
        (f"{T1},BTC-USD,1,1,1\n", "has 5 columns"),
        ("\n", "'' has 1 columns"),
        (f"{T1},BTC-USD,1,1", "has no end of line, so the file is cut off"),
        (f"{T1},BTC-US", "has no end of line"),
        (f"{T1},BTC-USD,١,1\n", "bid '"),
    ],
)
def test_a_bad_line_is_named_with_its_number_and_value(tmp_path: Path, bad: str, words: str) -> None:
    with pytest.raises(InvalidMarket, match=r"market\.csv\.gz line 4: ") as problem:
        market(tmp_path, ROW + ROW + bad)
    assert words in str(problem.value)


def test_a_bad_line_far_into_a_large_file_is_named_too(tmp_path: Path) -> None:
    with pytest.raises(InvalidMarket, match="line 100002: bid 'x'"):
        market(tmp_path, ROW * 100_000 + f"{T1},BTC-USD,x,1\n" + ROW * 1000)


def test_rows_out_of_order_are_found_across_blocks(tmp_path: Path) -> None:
    late = ROW.replace(T1, T2)
    with pytest.raises(InvalidMarket, match="line 100002: at '2025-05-04T15:37:00Z' is earlier"):
        market(tmp_path, late * 100_000 + ROW)


@pytest.mark.parametrize("text", ["time,pair,bid,ask\n" + ROW, ROW, "", "at,pair,bid,ask"])
def test_a_wrong_header_is_shown_with_the_right_one(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidMarket, match=r"line 1: the header is|has no prices"):
        read_market(packed(tmp_path, text))


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidMarket, match="no prices after its header"):
        market(tmp_path, "")


def test_gzip_data_that_is_cut_off_is_named_with_the_line_reached(tmp_path: Path) -> None:
    path = packed(tmp_path, HEADER + "".join(f"{T1},BTC-USD,{n},{n * 7 % 1013}.5\n" for n in range(1, 20_000)))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InvalidMarket, match=r"line 1\d{4}: the gzip data is cut off or damaged"):
        read_market(path)


def test_damaged_gzip_data_is_named(tmp_path: Path) -> None:
    path = packed(tmp_path, HEADER + ROW * 1000)
    data = bytearray(path.read_bytes())
    data[-6] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(InvalidMarket, match=r"not gzip data|cut off or damaged"):
        read_market(path)


def test_a_csv_that_is_not_packed_says_how_to_pack_it(tmp_path: Path) -> None:
    path = tmp_path / "market.csv"
    path.write_text(HEADER + ROW)
    with pytest.raises(InvalidMarket, match="Pack the CSV with: gzip FILE"):
        read_market(path)


def test_a_missing_file_says_what_is_expected_and_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidMarket, match=r"no market file .*gzip CSV with the columns .*--market demo"):
        read_market(tmp_path / "none.csv.gz")


def test_a_replay_of_a_short_recording_starts_at_a_third_of_it(tmp_path: Path) -> None:
    assert market(tmp_path, f"{ROW}{T2},BTC-USD,1,2\n").start == epoch(T1) + 20


def test_the_month_of_eight_pairs_is_read_whole() -> None:
    path = recorded("crypto8_1m_2025-05")
    began = time.process_time()
    recording = read_market(path)
    assert time.process_time() - began < 5  # about 0.6 s; wide enough for a busy machine
    assert recording.newest.shape == (43_195, 8)
    assert recording.spacing_seconds == 60
    assert recording.start == recording.first + 60_000
    assert recording.quotes_at([epoch("2025-06-03T15:31:00Z")])[0]["XRP-USD"] == ("2.2484", "2.2484")


def test_every_pair_disappears_during_the_outage_and_comes_back() -> None:
    recording = read_market(recorded("crypto5_1m_2023-03_outage"))
    gaps = [b - a for a, b in zip(recording.times, recording.times[1:], strict=False)]
    before = float(recording.times[gaps.index(max(gaps))])
    kept, gone, back = recording.quotes_at([before + 1800, before + 1801, before + max(gaps)])
    assert (len(kept), len(gone), len(back)) == (5, 0, 5)


@pytest.mark.parametrize(
    ("name", "pairs", "rows"),
    [
        ("crypto4_bidask_1m_2018-04", 4, 11_500),
        ("fx2_bidask_1m_2014-05", 2, 19_203),
        ("fx2_bidask_1s_2014-05-05", 2, 26_051),
        ("fx_eurusd_1m_times1000", 1, 1_825),
        ("fx_eurusd_ticks_crossed", 1, 20_000),
    ],
)
def test_every_recorded_market_is_read(name: str, pairs: int, rows: int) -> None:
    recording = read_market(recorded(name))
    assert (len(recording.pairs), len(recording.bids)) == (pairs, rows)
