"""What one conversion costs, all in, as far as it is known before the venue is asked."""

from collections.abc import Mapping

import numpy as np

from heisenbug.domain.portfolio import SeenCost
from heisenbug.domain.prices import Floats
from heisenbug.domain.settings import Settings
from heisenbug.domain.venue import CostSetting, Venue

HIGHEST = 0.99


def conversion_costs(
    assets: tuple[str, ...],
    spreads: Floats,
    seen: Mapping[tuple[str, str], SeenCost],
    at: int,
    settings: Settings,
    venue: Venue,
) -> Floats:
    """All-in cost of every conversion (N x N, fractions): the dearer asset's fee, both half spreads.

    Never below what is left of the cost last quoted.
    """
    cost = _fees(assets, settings.cost_bps, venue) + spreads[:, None] + spreads[None, :]
    place = {asset: index for index, asset in enumerate(assets)}
    for (source, target), quote in seen.items():
        if source in place and target in place:
            i, j = place[source], place[target]
            cost[i, j] = max(cost[i, j], quote.now(at))
    capped: Floats = np.minimum(cost, HIGHEST)
    return capped


def _fees(assets: tuple[str, ...], cost_bps: CostSetting, venue: Venue) -> Floats:
    each = np.array([venue.asset_fee(asset, cost_bps) for asset in assets])
    fees: Floats = np.maximum(each[:, None], each[None, :])
    place = {asset: index for index, asset in enumerate(assets)}
    for name in cost_bps if isinstance(cost_bps, Mapping) else ():
        one, _, other = name.partition("-")
        if one in place and other in place:
            i, j = place[one], place[other]
            fees[i, j] = fees[j, i] = venue.leg_fee(one, other, cost_bps)
    return fees if venue.markets is None else _over_bridge(fees, place, venue)


def _over_bridge(fees: Floats, place: Mapping[str, int], venue: Venue) -> Floats:
    """What has no market of its own costs both legs over the bridge, and everything where there is no way."""
    has_market = np.eye(len(place), dtype=bool)
    for one, other in (tuple(market) for market in venue.markets or ()):
        if one in place and other in place:
            i, j = place[one], place[other]
            has_market[i, j] = has_market[j, i] = True
    if venue.bridge not in place:
        return np.where(has_market, fees, HIGHEST)
    b = place[venue.bridge]
    both = 1 - (1 - fees[:, b])[:, None] * (1 - fees[b])[None, :]
    reached: Floats = np.where(has_market[:, b][:, None] & has_market[b][None, :], both, HIGHEST)
    routed: Floats = np.where(has_market, fees, reached)
    return routed
