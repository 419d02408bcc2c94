"""The rows of a recording: how they are written, and what they are once they are read."""

from dataclasses import dataclass

from heisenbug.markets.price_texts import Floats, Ints, PriceTexts

HEADER = "at,pair,bid,ask"
PAIR = r"[A-Z0-9]+-[A-Z0-9]+"
PRICE = r"(?![0.]+(?:[,\r\n]|\Z))\d{1,18}(?:\.\d{1,18})?"


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows in the order of their file: times in epoch seconds, numbers of the pairs, and the prices; all (rows,)."""

    times: Floats
    codes: Ints
    bids: PriceTexts
    asks: PriceTexts


class Codes(dict[str, int]):
    """A number for each pair, in the order of their first rows."""

    def __missing__(self, pair: str) -> int:
        self[pair] = code = len(self)
        return code
