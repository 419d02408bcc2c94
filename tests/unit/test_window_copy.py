"""A window's copy gives back the very same floats, and is small where prices are what venues send."""

import csv
import gzip
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heisenbug.domain.assets import Pair
from heisenbug.domain.market import Sample
from heisenbug.domain.quotes import CrossedQuote, Quote
from heisenbug.domain.record import LARGEST_COPY_BYTES, Record, pack_record, unpack_record
from heisenbug.domain.snapshot import pack
from heisenbug.domain.window_copy import pack_window, unpack_window
from heisenbug.domain.window_slots import sample_of
from heisenbug.markets.generated import GeneratedMarket, first_pairs
from tests.markets import MONDAY
from tests.snapshots import COINS, PRICES, full
from tests.template import ROOT

RECORDED = ROOT.parent / "shared" / "data"
DEFAULT_WINDOW = 120
Sides = Mapping[str, tuple[Any, Any]]


def samples_of(slots: Sequence[Sides], spacing: int = 60) -> tuple[Sample, ...]:
    """The samples that a bot keeps of these bids and asks."""
    return tuple(sample_of(MONDAY + spacing * row, dict(quotes_of(slot))) for row, slot in enumerate(slots))


def quotes_of(slot: Sides) -> Iterator[tuple[Pair, Quote]]:
    for name, (bid, ask) in slot.items():
        with suppress(CrossedQuote):
            yield Pair.parse(name), Quote(Pair.parse(name), Decimal(str(bid)), Decimal(str(ask)))


def assert_exact(samples: Sequence[Sample]) -> int:
    """The size of the copy, which gives back every time and every bit of every price."""
    packed = pack_window(samples)
    assert unpack_window(packed) == tuple(samples)
    return len(packed)


def walking(digits: int, coins: int = 10, length: int = DEFAULT_WINDOW - 1) -> tuple[Sample, ...]:
    """Coins at seven basis points a minute, quoted with so many significant digits."""
    dice, slots = random.Random(digits), []
    prices = list(PRICES[:coins])
    for _ in range(length):
        prices = [price * math.exp(dice.gauss(0, 0.0007)) for price in prices]
        slots.append(
            {
                f"{coin}-USD": (f"{price:.{digits}g}", f"{price * 1.0004:.{digits}g}")
                for coin, price in zip(COINS, prices, strict=False)
            }
        )
    return samples_of(slots)


# --------------------------------------------------------------------- exactness


def test_an_empty_window_is_a_window() -> None:
    assert_exact(())


def test_one_sample_and_samples_without_a_price_are_kept_as_they_were() -> None:
    assert_exact(samples_of([{"BTC-USD": ("64213.27", "64213.28")}]))
    assert_exact(samples_of([{}, {"BTC-USD": ("64213.27", "64213.28")}, {}]))


def test_a_pair_that_came_late_or_was_guarded_for_a_while_has_the_same_gaps() -> None:
    window = list(walking(7, coins=2))
    window = [
        Sample(one.at, {name: mid for name, mid in one.log_mids.items() if name != "ETH-USD" or row not in (0, 7, 8)})
        for row, one in enumerate(window)
    ]
    assert_exact(window)


def test_slots_that_were_missed_leave_the_times_as_they_were() -> None:
    window = [one for row, one in enumerate(walking(7, coins=1)) if row not in (3, 4, 5, 60)]
    window = [Sample(one.at + (row == 9), one.log_mids) for row, one in enumerate(window)]
    assert_exact(window)


def test_a_mid_that_is_not_the_nearest_float_to_its_decimal_is_kept_to_the_last_bit() -> None:
    bid, ask = Decimal("0.1"), Decimal("0.2")
    assert (float(bid) + float(ask)) / 2 != float((bid + ask) / 2)
    assert_exact(samples_of([{"XRP-USD": (bid, ask)}, {"XRP-USD": ("0.1", "0.3")}, {"XRP-USD": ("0.7", "0.8")}]))


def test_a_jump_a_constant_price_and_one_about_one_are_kept() -> None:
    prices = [100.0] * 30 + [100_000.0] * 3 + [1e-7, 1.0, 0.99999999, 1.00000001] + [1.0] * 20
    assert_exact(samples_of([{"BTC-USD": (price, price)} for price in prices]))


def test_prices_of_eighteen_digits_and_floats_of_no_decimal_at_all_are_kept() -> None:
    assert_exact(samples_of([{"BAT-USD": ("6.323910706380825903", "6.356066865823428462")}] * 3))
    dice = random.Random(5)
    assert_exact([Sample(MONDAY + row, {"BTC-USD": dice.gauss(0, 1)}) for row in range(50)])


PRICE = st.decimals("1e-15", "1e15", allow_nan=False, allow_infinity=False)


@given(st.lists(st.dictionaries(st.sampled_from(["BTC-USD", "ETH-BTC"]), st.tuples(PRICE, PRICE)), max_size=12))
def test_whatever_a_venue_may_quote_comes_back_the_same(slots: list[dict[str, tuple[Decimal, Decimal]]]) -> None:
    assert_exact(samples_of([{name: (min(both), max(both)) for name, both in slot.items()} for slot in slots]))


@given(st.lists(st.floats(-35, 35, allow_nan=False), max_size=12))
def test_whatever_float_was_kept_comes_back_the_same(logs: list[float]) -> None:
    assert_exact([Sample(MONDAY + 5 * row, {"BTC-USD": each}) for row, each in enumerate(logs)])


# -------------------------------------------------------------------------- size


def recorded(name: str) -> list[Sides]:
    """Every slot of a recorded market."""
    slots: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    with gzip.open(RECORDED / f"{name}.csv.gz", "rt") as rows:
        for row in csv.DictReader(rows):
            slots[row["at"]][row["pair"]] = row["bid"], row["ask"]
    return [slots[at] for at in sorted(slots)]


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded markets are not here")
@pytest.mark.parametrize(
    ("name", "largest"),
    [("crypto8_1m_2025-05", 1300), ("crypto4_bidask_1m_2018-04", 800), ("fx2_bidask_1m_2014-05", 400)],
)
def test_windows_of_real_prices_are_small(name: str, largest: int) -> None:
    slots = recorded(name)
    starts = range(0, len(slots) - DEFAULT_WINDOW, len(slots) // 8)
    sizes = [assert_exact(samples_of(slots[start : start + DEFAULT_WINDOW - 1])) for start in starts]
    assert max(sizes) < largest


def test_a_window_of_ten_generated_assets_fits_four_kilobytes_with_its_snapshot() -> None:
    market = GeneratedMarket(seed=3, pairs=first_pairs(10))
    moments = [market.first + 60 * row for row in range(DEFAULT_WINDOW - 1)]
    window = samples_of(market.quotes_at(moments))
    assert len(window[0].log_mids) == 10
    assert len(pack_record(full(), window)) < 4096
    assert assert_exact(window) < 3072


@pytest.mark.parametrize(("digits", "largest"), [(6, 2100), (8, 3100), (10, 4096), (17, 7000)])
def test_digits_are_what_a_window_costs(digits: int, largest: int) -> None:
    assert assert_exact(walking(digits)) < largest


def test_the_largest_window_that_may_be_told_of_ten_coins_is_still_kept() -> None:
    assert len(pack_window(walking(8, length=999))) < LARGEST_COPY_BYTES


# ------------------------------------------------------------------------ records


def test_a_record_is_read_as_it_was_written() -> None:
    window = walking(7)
    assert unpack_record(MONDAY, pack_record(full(), window)) == Record(full(), window)


def test_a_record_from_before_there_were_copies_has_none() -> None:
    assert unpack_record(MONDAY, pack(full())) == Record(full(), None)


def test_a_window_that_is_too_large_to_keep_is_left_out_and_the_trade_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heisenbug.domain.record.LARGEST_COPY_BYTES", 1000)
    assert unpack_record(MONDAY, pack_record(full(), walking(7))) == Record(full(), None)
