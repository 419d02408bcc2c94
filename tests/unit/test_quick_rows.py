"""Reading rows by the block gives what reading them one by one gives: the same market, or the same words of a fault."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from heisenbug.markets import recorded
from heisenbug.markets.price_texts import price_texts
from heisenbug.markets.quick_rows import quick_rows
from heisenbug.markets.recorded import InvalidMarket, read_market
from heisenbug.markets.rows import Codes

DATA = Path(__file__).parents[2].parent / "shared" / "data"
AT = "2025-05-04T15:37:00Z"

wholes = st.integers(1, 10**18 - 1).map(str) | st.integers(1, 10**7).map(lambda number: f"{number:09}")
prices = wholes | st.builds("{}.{}".format, wholes | st.just("0"), wholes)
pairs = st.sampled_from(
    ["BTC-USD", "A-B", "ABCDEFGH-USD", "ABCDEFGI-USD", "BTC-USDT", "1000SHIB-USDT", "A" * 20 + "-B"]
)
seconds = st.datetimes().map(lambda at: at.replace(microsecond=0).isoformat() + "Z")
fractions = st.tuples(st.datetimes(), st.text("0123456789", min_size=1, max_size=6)).map(
    lambda at: f"{at[0].replace(microsecond=0).isoformat()}.{at[1]}Z"
)
STRANGE = [
    "0",
    "0.00",
    "1.",
    ".5",
    "-1",
    "1e5",
    "١",
    "\r",
    " ",
    ",",
    "\n",
    "\0",
    "é",
    "/",
    "1:2",
    "9" * 400,
    "2025-02-30",
]
values = st.one_of(st.sampled_from(STRANGE), st.text("0123456789.-:TZ/", max_size=24))


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """Rows in the format, sorted."""
    times = sorted(draw(st.lists(st.one_of(seconds, fractions), min_size=1, max_size=6)))
    rows = [(at, draw(pairs), draw(prices), draw(prices)) for at in times]
    return [",".join(row) for row in rows]


def outcome(path: Path) -> tuple[Any, ...] | str:
    """All of the market there, or why there is none."""
    try:
        market = read_market(path)
    except InvalidMarket as fault:
        return str(fault)
    numbers = (market.times, market.newest, market.row_times, market.bids.floats, market.asks.floats)
    return market.pairs, list(market.bids), list(market.asks), [array.tolist() for array in numbers]


@contextmanager
def only_carefully() -> Iterator[None]:
    with patch.object(recorded, "quick_rows", lambda block, codes: None):
        yield


def read_both_ways(path: Path) -> tuple[Any, Any]:
    quickly = outcome(path)
    with only_carefully():
        return quickly, outcome(path)


def packed(folder: Path, text: str) -> Path:
    path = folder / "market.csv.gz"
    path.write_bytes(gzip.compress(f"at,pair,bid,ask\n{text}".encode(), 1))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("markets")


@pytest.mark.parametrize("path", sorted(DATA.glob("*.csv.gz")), ids=lambda path: path.name.removesuffix(".csv.gz"))
def test_every_recording_is_read_the_same_both_ways(path: Path) -> None:
    quickly, carefully = read_both_ways(path)
    assert quickly == carefully


@pytest.mark.parametrize("path", sorted(DATA.glob("*.csv.gz")), ids=lambda path: path.name.removesuffix(".csv.gz"))
def test_no_recording_needs_the_careful_reader(path: Path) -> None:
    with gzip.open(path) as file:
        file.readline()
        assert quick_rows(file.read(), Codes()) is not None


@settings(max_examples=300)
@given(rows=lines(), end=st.sampled_from(["\n", "\r\n"]))
@example(rows=[f"{AT},A-B,0.000000000000000001,999999999999999999.999999999999999999"], end="\n")
@example(rows=[f"{AT},A-B,9007199254740993,123456789012345.1"], end="\n")
@example(rows=[f"{AT},ABCDEFGHIJKLMNOPQRSTUVWXYZ-USD,1,2"], end="\n")
@example(rows=["2255-03-14T16:00:00.000001Z,A-B,1,2"], end="\n")
def test_whatever_is_in_the_format_is_read_the_same_both_ways(folder: Path, rows: list[str], end: str) -> None:
    quickly, carefully = read_both_ways(packed(folder, "".join(row + end for row in rows)))
    assert quickly == carefully


@settings(max_examples=300)
@given(rows=lines(), data=st.data())
def test_whatever_is_wrong_is_told_in_the_same_words(folder: Path, rows: list[str], data: st.DataObject) -> None:
    text = "".join(row + "\n" for row in rows)
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(len(text), begin + 3)))
    quickly, carefully = read_both_ways(packed(folder, text[:begin] + data.draw(values) + text[end:]))
    assert quickly == carefully


@settings(max_examples=300)
@given(rows=lines(), column=st.integers(0, 3), value=values, data=st.data())
def test_a_strange_value_is_told_in_the_same_words(
    folder: Path, rows: list[str], column: int, value: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    parts = rows[place].split(",")
    parts[column] = value
    changed = [*rows[:place], ",".join(parts), *rows[place + 1 :]]
    quickly, carefully = read_both_ways(packed(folder, "".join(row + "\n" for row in changed)))
    assert quickly == carefully


@pytest.mark.parametrize(
    "line",
    [
        *("2025-05-04T15:37:00X,A-B,1,2", "2025-05-04T15;37:00Z,A-B,1,2", "2025-05-04t15:37:00Z,A-B,1,2"),
        *("2025-05-04T15:37:60Z,A-B,1,2", "2025-05-04T15:60:00Z,A-B,1,2", "2025-05-04T24:00:00Z,A-B,1,2"),
        *("2025-05-04T15:37:00.Z,A-B,1,2", "2025-05-04T15:37:00.1234567Z,A-B,1,2", "2025-05-04T15:37:00.5,A-B,1,2"),
        *("2025-W18-7T15:37:00Z,A-B,1,2", "2025-05-32T15:37:00Z,A-B,1,2", "2025/05/04T15:37:00Z,A-B,1,2"),
        *(
            f"{AT},A-B,1.,2",
            f"{AT},A-B,.5,2",
            f"{AT},A-B,1+5,2",
            f"{AT},A-B,1.2.3,2",
            f"{AT},A-B,1/2,2",
            f"{AT},A-B,1,",
        ),
        *(
            f"{AT},A-B,1,2\r",
            f"{AT},A-B,1\r,2",
            f"{AT},A-B,1,2,",
            f"{AT},A-B,12",
            f"{AT},A.B-C,1,2",
            "",
            ",,,",
            "1,2,3,4",
        ),
        *(f"{AT},A-B,0000000000000000,2", f"{AT},A-B,1234567890123456789,2", f"{AT},A-B,12345678901234x6,2"),
    ],
)
def test_an_unusual_line_is_read_the_same_both_ways(folder: Path, line: str) -> None:
    quickly, carefully = read_both_ways(packed(folder, f"{AT},A-B,1,2\n{line}\n2025-05-05T00:00:00Z,A-B,1,2\n"))
    assert quickly == carefully


def test_a_day_follows_on_another(folder: Path) -> None:
    days = [f"2025-05-{day:02}T23:59:59Z,A-B,1,2\n" for day in range(1, 32)]
    quickly, carefully = read_both_ways(packed(folder, "".join(days)))
    assert quickly == carefully
    assert len(quickly[1]) == 31


@given(texts=st.lists(prices, min_size=1))
def test_a_price_is_the_float_of_its_text_to_the_last_bit(texts: list[str]) -> None:
    rows = quick_rows("".join(f"{AT},A-B,{text},{text}\n" for text in texts).encode(), Codes())
    assert rows is not None
    assert list(rows.bids) == texts
    assert rows.bids.floats.tolist() == rows.asks.floats.tolist() == [float(text) for text in texts]
    assert price_texts(texts).floats.tolist() == rows.bids.floats.tolist()


def test_blocks_are_read_as_one_file_whatever_their_size(folder: Path) -> None:
    rows = [f"2025-05-04T15:{n // 60 % 60:02}:{n % 60:02}.5Z,{'ABC'[n % 3]}-USD,{n}.25,{n}9" for n in range(1, 900)]
    path = packed(folder, "".join(f"{row}\n" for row in rows) + "2025-05-04T15:59:00Z,D-USD,1.0000000000000000,1\n")
    whole = outcome(path)
    with patch.object(recorded, "_BLOCK_BYTES", 100):
        assert outcome(path) == whole
    assert len(whole[1]) == 900


@pytest.mark.parametrize(
    "names",
    [
        ["ABCDEFGH-USD", "ABCDEFGH-EUR", "ABCDEFGH-US", "BCDEFGH-USD", "A-USD", "AA-USD", "A-US", "XBCDEFGH-USD"],
        ["ABCDEFGH1IJKLMNOP-USD", "ABCDEFGH2IJKLMNOP-USD"],
    ],
)
def test_a_pair_is_never_taken_for_another_of_the_same_beginning_or_end(folder: Path, names: list[str]) -> None:
    market = read_market(packed(folder, "".join(f"{AT},{name},{place + 1},9\n" for place, name in enumerate(names))))
    assert market.pairs == tuple(names)
    assert market.row(0) == {name: (str(place + 1), "9") for place, name in enumerate(names)}


def test_texts_are_counted_from_the_end_too() -> None:
    texts = price_texts(["1.50", "0.00000000000000000123"])
    assert (texts[-2], texts[-1]) == ("1.50", "0.00000000000000000123")
