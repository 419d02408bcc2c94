"""The price texts of a recording, of which a million take the place of their digits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

# With no more digits a price is a whole number below 2^53 over a power of ten, both exact, so the quotient is the float
# that is nearest to the text.
MOST_DIGITS = 15
_TENS = 10.0 ** np.arange(MOST_DIGITS + 1)


@dataclass(frozen=True, slots=True, eq=False)
class PriceTexts:
    """Prices in plain digits, each as its digits in one whole number and how many stand before and behind the dot.

    All are (rows,). `long` has the texts with more than MOST_DIGITS by their row; `before` is 0 there.
    """

    digits: Ints
    before: Bytes
    behind: Bytes
    long: Mapping[int, str]

    def __len__(self) -> int:
        return len(self.digits)

    def __getitem__(self, row: int) -> str:
        """The text as it was in the file."""
        before, behind = int(self.before[row]), int(self.behind[row])
        if not before:
            return self.long[row % len(self)]
        text = str(self.digits[row]).zfill(before + behind)
        return f"{text[:before]}.{text[before:]}" if behind else text

    def __iter__(self) -> Iterator[str]:
        return map(self.__getitem__, range(len(self)))

    @property
    def floats(self) -> Floats:
        """The float of each text, to the last bit as float() reads it."""
        floats = self.digits / _TENS[self.behind]
        for row, text in self.long.items():
            floats[row] = float(text)
        return floats


def price_texts(texts: Sequence[str]) -> PriceTexts:
    """The same texts, of which each is digits with at most one dot between them."""
    parts = [text.partition(".") for text in texts]
    long = {row: texts[row] for row, (whole, _, part) in enumerate(parts) if len(whole) + len(part) > MOST_DIGITS}
    for row in long:
        parts[row] = ("", "", "")
    digits = np.fromiter((int(whole + part or "0") for whole, _, part in parts), np.int64, len(parts))
    before = np.fromiter((len(whole) for whole, _, _ in parts), np.uint8, len(parts))
    return PriceTexts(digits, before, np.fromiter((len(part) for _, _, part in parts), np.uint8, len(parts)), long)


def joined(some: Sequence[PriceTexts]) -> PriceTexts:
    """One after the other."""
    starts = accumulate(map(len, some), initial=0)
    long = {start + row: text for start, one in zip(starts, some, strict=False) for row, text in one.long.items()}
    return PriceTexts(
        np.concatenate([one.digits for one in some]),
        np.concatenate([one.before for one in some]),
        np.concatenate([one.behind for one in some]),
        long,
    )
