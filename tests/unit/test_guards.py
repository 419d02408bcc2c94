"""Which prices may be believed: every kind of bad quote, its reason, since when, and the way back."""

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.assets import Pair
from heisenbug.domain.guards import Moment, Watch, believe, look
from heisenbug.domain.market import Guarded
from heisenbug.domain.quotes import Quote, RawQuote, Ticker
from tests.markets import MONDAY

BTC, ETH = Pair("BTC", "USD"), Pair("ETH", "USD")
DATA = Path(__file__).parents[3] / "shared" / "data"


def calm(_: Pair) -> float:
    return 0.001


class Feed:
    """One pair looked at again and again, a minute apart."""

    def __init__(self, pair: Pair = BTC, volatility: float = 0.001) -> None:
        self.pair, self.watch, self.at = pair, Watch(), MONDAY
        self.volatility = volatility

    def see(self, bid: Any, ask: Any = None, *, sample: bool = True) -> Quote | None:
        self.at += 60
        raw = RawQuote(bid, bid if ask is None else ask)
        return self._look(raw, sample)

    def miss(self) -> Quote | None:
        self.at += 60
        return self._look(None, True)

    def _look(self, raw: RawQuote | None, sample: bool) -> Quote | None:
        moment = Moment(self.at, sample)
        self.watch, quote = look(self.pair, raw, self.watch, moment, lambda _: self.volatility)
        return quote

    @property
    def reason(self) -> str:
        return self.watch.guarded.reason if self.watch.guarded else ""


BAD_QUOTES = [
    ("NaN", 1, "bid is NaN"),
    (float("nan"), 1, "bid is NaN"),
    (1, float("inf"), "ask is Infinity"),
    ("-Infinity", 1, "bid is -Infinity"),
    (0, 1, "bid 0 is not above zero"),
    ("0.00", 1, "bid 0.00 is not above zero"),
    (-5, 1, "bid -5 is not above zero"),
    (1, "-1", "ask -1 is not above zero"),
    ("n/a", 1, "bid 'n/a' is not a number"),
    ("", 1, "bid '' is not a number"),
    (None, 1, "bid is missing"),
    (1, None, "ask is missing"),
    (True, 1, "bid is missing"),
    ([1], 1, "bid '[1]' is not a number"),
    ({"price": 1}, 1, "is not a number"),
    ("<html>", "<html>", "bid '<html>' is not a number"),
    (101, 100, "crossed quote: bid 101 is above ask 100"),
]


@pytest.mark.parametrize(("bid", "ask", "reason"), BAD_QUOTES, ids=lambda item: repr(item)[:20])
def test_a_bad_price_is_left_out_with_its_reason_and_the_next_good_one_is_believed(
    bid: object, ask: object, reason: str
) -> None:
    feed = Feed()
    assert feed.see("100", "101") is not None
    assert feed._look(RawQuote(bid, ask), True) is None
    assert reason in feed.reason
    assert feed.see("100.5", "101.5") is not None
    assert feed.watch.guarded is None


@pytest.mark.parametrize("price", ["1e400", "1e-400", "9e999999"])
@pytest.mark.parametrize("known", [True, False])
def test_a_price_beyond_any_reason_is_guarded_and_fails_nothing(price: str, known: bool) -> None:
    feed = Feed()
    if known:
        feed.see("100")
    assert feed.see(price) is None
    assert feed.reason
    assert feed.see("100.1") is not None


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(1e-12, 1e12),
    st.sampled_from([float("nan"), float("inf"), float("-inf"), 0.0, -1.0]),
    st.text(max_size=8).filter(lambda text: "e" not in text.lower()),
    st.lists(st.integers(), max_size=2),
    st.sampled_from(["100", "101.5", "0.0000001", "99"]),
)


@given(st.lists(st.tuples(ANYTHING, ANYTHING, st.booleans()), max_size=30))
def test_whatever_a_venue_sends_a_quote_is_believed_or_guarded_and_nothing_fails(
    rows: list[tuple[object, object, bool]],
) -> None:
    feed = Feed()
    for bid, ask, sample in rows:
        feed.at += 5
        quote = feed._look(RawQuote(bid, ask), sample)
        assert (quote is None) == (feed.watch.guarded is not None)
        if quote is not None:
            assert 0 < quote.bid <= quote.ask


def test_the_first_reason_changes_but_since_stays_until_it_is_free() -> None:
    feed = Feed()
    feed.see("100")
    feed.see("NaN")
    since = feed.at
    feed.miss()
    assert feed.watch.guarded == Guarded("the venue's answer has no such pair", since)
    feed.see("0")
    assert feed.watch.guarded is not None
    assert feed.watch.guarded.since == since
    feed.see("100.1")
    feed.see("x")
    assert feed.watch.guarded.since == feed.at


def test_a_pair_that_disappears_and_comes_back_is_believed_again() -> None:
    feed = Feed()
    feed.see("100")
    for _ in range(30):
        assert feed.miss() is None
    assert feed.see("101") is not None


def test_crossed_quotes_say_so_and_twenty_in_a_row_say_that_too() -> None:
    feed = Feed()
    feed.see("100")
    for _ in range(19):
        assert feed.see("102", "101") is None
        assert "in a row" not in feed.reason
    feed.see("102", "101")
    assert feed.reason.endswith("20 times in a row or more")
    assert feed.see("101", "102") is not None
    feed.see("102", "101")
    assert "in a row" not in feed.reason


def test_no_change_for_twenty_samples_is_frozen_and_free_at_the_first_change() -> None:
    feed = Feed()
    feed.see("100", "101")
    for _ in range(19):
        assert feed.see("100", "101") is not None
    assert feed.see("100", "101") is None
    assert feed.reason.startswith("frozen")
    assert feed.see("100", "101") is None
    assert feed.see("100", "101.01") is not None
    assert feed.see("100", "101.01") is not None


def test_the_ticks_between_samples_do_not_freeze_a_pair() -> None:
    feed = Feed()
    feed.see("100")
    assert all(feed.see("100", sample=False) is not None for _ in range(200))


def test_a_frozen_price_written_differently_is_still_frozen() -> None:
    feed = Feed()
    for row in range(40):
        feed.see("100" if row % 2 else "100.0")
    assert feed.reason.startswith("frozen")


def test_a_jump_is_held_back_until_three_samples_confirm_it() -> None:
    feed = Feed()
    feed.see("100")
    assert feed.see("120") is None
    assert "jump from 100 to 120 waits" in feed.reason
    assert feed.see("120.5", sample=False) is None
    assert feed.see("121") is None
    assert feed.see("120") is not None
    assert feed.watch.guarded is None


def test_a_spike_that_goes_away_confirms_nothing() -> None:
    feed = Feed()
    feed.see("100")
    for spike, back in (("130", "100.1"), ("70", "100.2"), ("131", "100.3")):
        assert feed.see(spike) is None
        assert feed.see(back) is not None


def test_samples_that_disagree_with_each_other_confirm_nothing() -> None:
    feed = Feed()
    feed.see("100")
    for price in ("120", "150", "120", "150", "120", "150"):
        assert feed.see(price) is None


@pytest.mark.parametrize(
    ("volatility", "price", "jumps"),
    [
        (0.001, "110.5", True),
        (0.001, "109.9", False),
        (0.02, "125", False),
        (0.02, "129", True),
        (0.0, "110.5", True),
        (0.001, "90.5", True),
        (0.001, "91", False),
    ],
)
def test_a_jump_is_more_than_ten_percent_and_more_than_twelve_volatilities(
    volatility: float, price: str, jumps: bool
) -> None:
    feed = Feed(volatility=volatility)
    feed.see("100")
    assert (feed.see(price) is None) == jumps


@pytest.mark.parametrize("factor", [1000, 10, 100, 0.001, 0.1, 0.00000001])
def test_a_price_a_power_of_ten_away_never_confirms_itself(factor: float) -> None:
    feed = Feed()
    feed.see("100")
    for row in range(50):
        assert feed.see(repr((100 + row % 3 / 10) * factor)) is None
        assert "what it was" in feed.reason
    assert feed.see("100.2") is not None


def test_a_slipped_decimal_point_never_confirms_itself_however_the_market_moves_meanwhile() -> None:
    feed = Feed()
    feed.see("100")
    assert all(feed.see(repr(100_000 * 1.002**row)) is None for row in range(60))


def test_a_first_price_that_was_slipped_does_not_guard_the_pair_for_ever() -> None:
    feed = Feed()
    feed.see("100000")
    assert any(feed.see(repr(100 + row % 7 / 10)) is not None for row in range(500))


def test_the_samples_that_confirm_a_jump_are_consecutive() -> None:
    feed = Feed()
    feed.see("100")
    feed.see("120")
    feed.see("120")
    feed.see("NaN")
    assert feed.see("120") is None


def test_one_guarded_pair_leaves_the_others_alone() -> None:
    ticker = Ticker(datetime.fromtimestamp(MONDAY, UTC), {BTC: RawQuote("NaN", 1), ETH: RawQuote(10, 11)})
    watches, quotes = believe(ticker, (BTC, ETH), {}, Moment(MONDAY, True), calm)
    assert set(quotes) == {ETH}
    assert watches[BTC].guarded == Guarded("bid is NaN", MONDAY)
    assert watches[ETH].guarded is None


def test_no_answer_guards_every_pair_with_the_venues_failure_and_forgets_nothing() -> None:
    feed = Feed()
    feed.see("100")
    ticker = Ticker(datetime.fromtimestamp(MONDAY, UTC), failure="it took too long")
    watches, quotes = believe(ticker, (BTC, ETH), {BTC: feed.watch}, Moment(MONDAY + 900, True), calm)
    assert not quotes
    assert {watch.guarded for watch in watches.values()} == {Guarded("it took too long", MONDAY + 900)}
    assert watches[BTC].mid == 100


def rows(name: str, pair: str, most: int = 10**9) -> Iterator[tuple[int, str, str]]:
    path = DATA / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"the recorded market {name} is not beside this repository")
    with gzip.open(path, "rt") as lines:
        for number, row in enumerate(row for row in csv.DictReader(lines) if row["pair"] == pair):
            if number == most:
                return
            moment = datetime.fromisoformat(row["at"].replace("Z", "+00:00"))
            yield int(moment.timestamp()), row["bid"], row["ask"]


def test_recorded_prices_a_thousand_times_too_large_are_never_believed() -> None:
    feed, slipped, believed = Feed(Pair("EUR", "USD"), 0.0002), 0, 0
    for _, bid, ask in rows("fx_eurusd_1m_times1000", "EUR-USD"):
        quote = feed.see(bid, ask)
        slipped += float(bid) > 100
        believed += quote is not None
        assert quote is None or quote.mid < 2
    assert slipped == 19
    assert believed > 1700


def test_recorded_crossed_ticks_are_dropped_and_the_others_believed() -> None:
    feed, crossed, believed = Feed(Pair("EUR", "USD"), 0.0001), 0, 0
    for _, bid, ask in rows("fx_eurusd_ticks_crossed", "EUR-USD", 5000):
        quote = feed.see(bid, ask, sample=False)
        crossed += float(bid) > float(ask)
        believed += quote is not None
        assert (quote is None) == (float(bid) > float(ask))
    assert crossed > 200
    assert crossed + believed == 5000


def test_the_recorded_outage_is_frozen_after_twenty_minutes_and_freed_by_the_first_trade() -> None:
    feed, guarded = Feed(volatility=0.0005), []
    last = ""
    for at, bid, ask in rows("crypto5_1m_2023-03_outage", "BTC-USD"):
        quote = feed.see(bid, ask)
        if bid != last:
            assert quote is not None
        elif quote is None:
            guarded.append(at)
        last = bid
    assert 40 <= len(guarded) <= 81
    assert guarded == list(range(guarded[0], guarded[-1] + 60, 60))
    assert datetime.fromtimestamp(guarded[0], UTC).date().isoformat() == "2023-03-24"


@pytest.mark.parametrize("name", ["crypto8_1m_2025-05", "crypto6_1m_2023-04"])
def test_two_calm_recorded_days_are_believed_almost_throughout(name: str) -> None:
    feed = Feed(volatility=0.0005)
    believed = [feed.see(bid, ask) is not None for _, bid, ask in rows(name, "BTC-USD", 2880)]
    assert sum(believed) > 0.999 * len(believed)
