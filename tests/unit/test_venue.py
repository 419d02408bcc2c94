"""What a venue with order books converts, and at what cost: where there is a market, else over the bridge."""

import numpy as np
import pytest

from heisenbug.domain.assets import Pair
from heisenbug.domain.costs import HIGHEST, conversion_costs
from heisenbug.domain.settings import DEFAULTS, change
from heisenbug.domain.venue import KRAKEN, UPHOLD, VENUES

PAIRS = [Pair("BTC", "USD"), Pair("ETH", "USD"), Pair("XRP", "BTC")]
HERE = KRAKEN.over(PAIRS, "USD")
ASSETS = ("USD", "BTC", "ETH", "XRP")
TWO_LEGS = 1 - (1 - 0.0045) ** 2


def test_the_fees_are_the_takers_and_five_basis_points_for_the_book() -> None:
    assert [VENUES[name].fee("USD", "BTC", None) for name in ("kraken", "coinbase", "binance")] == [
        0.0045,
        0.0125,
        0.0015,
    ]


@pytest.mark.parametrize(
    ("source", "target", "route"),
    [
        ("BTC", "USD", ("BTC", "USD")),
        ("USD", "BTC", ("USD", "BTC")),
        ("BTC", "ETH", ("BTC", "USD", "ETH")),
        ("XRP", "BTC", ("XRP", "BTC")),
        ("XRP", "USD", ()),
        ("XRP", "ETH", ()),
    ],
)
def test_a_conversion_goes_by_its_market_or_over_one_bridge_or_not_at_all(
    source: str, target: str, route: tuple[str, ...]
) -> None:
    assert HERE.route(source, target) == route


def test_uphold_converts_everything_at_once_whatever_the_pairs() -> None:
    assert UPHOLD.over(PAIRS, "USD") is UPHOLD
    assert UPHOLD.route("XRP", "ETH") == ("XRP", "ETH")


def test_two_legs_cost_two_fees_and_no_way_costs_everything() -> None:
    assert HERE.fee("BTC", "ETH", None) == pytest.approx(TWO_LEGS)
    assert HERE.fee("BTC", "ETH", 10.0) == pytest.approx(1 - (1 - 0.001) ** 2)
    assert HERE.fee("XRP", "ETH", None) == 1


@pytest.mark.parametrize("cost_bps", [None, 10, {"default": 20, "BTC-USD": 5}])
def test_the_table_of_costs_is_what_each_conversions_fee_says(cost_bps: object) -> None:
    settings = change(DEFAULTS, {"cost_bps": cost_bps})
    table = conversion_costs(ASSETS, np.zeros(len(ASSETS)), {}, 0, settings, HERE)
    for i, source in enumerate(ASSETS):
        for j, target in enumerate(ASSETS):
            if i != j:
                assert table[i, j] == pytest.approx(min(HERE.fee(source, target, settings.cost_bps), HIGHEST))


def test_a_bridge_that_nothing_is_traded_against_leads_nowhere() -> None:
    alone = KRAKEN.over(PAIRS, "EUR")
    table = conversion_costs(ASSETS, np.zeros(len(ASSETS)), {}, 0, DEFAULTS, alone)
    assert table[1, 2] == HIGHEST
    assert alone.route("BTC", "ETH") == ()
