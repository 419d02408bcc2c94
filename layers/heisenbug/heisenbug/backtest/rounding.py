"""Many floats rounded at once, to the last bit as they would be one by one."""

from collections.abc import Callable

import numpy as np

from heisenbug.domain.prices import Floats
from heisenbug.domain.view import DIGITS, price_of

# Floats are exact to this part of themselves after a product, with something to spare.
ERR = 1e-15
# Powers of ten that floats have exactly.
_EXACT = 10.0 ** np.arange(23)


def rounded(numbers: Floats, scale: Floats | float, alone: Callable[[float], float]) -> Floats:
    """Each rounded to the nearest 1 / `scale`, exact powers of ten; what lies about half way goes through `alone`."""
    scaled = numbers * scale
    whole = np.rint(scaled)
    near: Floats = whole / scale
    unsure = ~(np.abs(scaled - whole) < 0.5 - ERR * np.abs(scaled) - ERR)
    for place in np.flatnonzero(unsure).tolist():
        near[place] = alone(float(numbers[place]))
    return near


def prices_of(prices: Floats) -> Floats:
    """`price_of` of each (M,), all above zero."""
    places = DIGITS - 1 - np.floor(np.log10(prices)).astype(int)
    return rounded(
        prices, np.where((places >= 0) & (places < len(_EXACT)), _EXACT.take(places, mode="clip"), np.nan), price_of
    )
