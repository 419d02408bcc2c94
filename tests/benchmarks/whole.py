"""One backtest as a process of its own, which the benchmark measures whole: `python -m tests.benchmarks.whole FILE`."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from heisenbug.backtest.fast import run_fast
from heisenbug.backtest.rules import Fill, Wish
from heisenbug.backtest.summary import summary_of
from heisenbug.domain.assets import Pair, TradingPair
from heisenbug.domain.configuration import Configuration
from heisenbug.domain.settings import DEFAULTS, change
from heisenbug.domain.venue import UPHOLD
from heisenbug.markets.history import History, history_of
from heisenbug.markets.recorded import read_market
from tests.crossing import CROSS, Crossing, believing

SAMPLE_SECONDS = 60


def main(file: Path) -> None:
    """Run a cross over the market of a recording or of saved arrays; tell its conversions and final equity."""
    history = saved(file) if file.suffix == ".npz" else history_of(read_market(file), SAMPLE_SECONDS)
    always = replace(DEFAULTS, is_active=True, check_interval_seconds=1, sample_seconds=SAMPLE_SECONDS)
    configuration = Configuration(change(always, CROSS), tuple(map(TradingPair, history.pairs)), 1)
    with believing(Crossing()):
        run = run_fast(Wish(history, configuration, UPHOLD, Fill.NEXT_SAMPLE))
    print(len(run.moves), f"{summary_of(run).final:.2f}")


def save(history: History, file: Path) -> None:
    """Keep the arrays of a history."""
    np.savez(file, pairs=list(map(str, history.pairs)), at=history.at, bids=history.bids, asks=history.asks)


def saved(file: Path) -> History:
    """The history that was kept."""
    kept = np.load(file)
    pairs = tuple(map(Pair.parse, kept["pairs"].tolist()))
    return History(file.stem, pairs, SAMPLE_SECONDS, kept["at"], kept["bids"], kept["asks"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
