"""What a backtest assumes of the world; every report states it."""

from enum import StrEnum


class Fill(StrEnum):
    """At which quote a conversion is filled: the next sample's, or, as the paper exchange does, the one it saw."""

    NEXT_SAMPLE = "next_sample"
    SAME_QUOTE = "same_quote"
