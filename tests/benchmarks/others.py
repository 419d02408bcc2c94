"""Other backtesters on the same prices and the same cross; run by an environment of their own, prints JSON lines."""

import json
import sys
import time

import numpy as np
import pandas as pd


def main(file: str, window: str) -> None:
    """Each one's CPU seconds, conversions and final equity."""
    prices, begin = np.load(file), int(window) - 1
    for what in ("vectorbt, cold", "vectorbt, warm", "backtesting.py"):
        began = time.process_time()
        trades, equity = (_event if what == "backtesting.py" else _vector)(prices, begin)
        seconds = time.process_time() - began
        print(json.dumps({"what": what, "seconds": seconds, "trades": trades, "equity": equity}), flush=True)


def _above(prices: np.ndarray, begin: int) -> np.ndarray:
    logs = pd.Series(np.log(prices))
    above = (logs.ewm(span=10, adjust=True).mean() > logs.ewm(span=50, adjust=True).mean()).to_numpy(copy=True)
    above[:begin] = False
    return above


def _vector(prices: np.ndarray, begin: int) -> tuple[int, float]:
    import vectorbt as vbt

    above = _above(prices, begin)
    wanted = np.concatenate(([False], above[:-1]))
    series = pd.Series(prices)
    held = vbt.Portfolio.from_signals(series, entries=wanted, exits=~wanted, init_cash=1_000_000, freq="1min")
    return len(held.orders.records), float(held.value().iloc[-1])


def _event(prices: np.ndarray, begin: int) -> tuple[int, float]:
    from backtesting import Strategy
    from backtesting.lib import FractionalBacktest

    above = _above(prices, begin)

    class Cross(Strategy):
        def init(self) -> None:
            pass

        def next(self) -> None:
            up = above[len(self.data) - 1]
            if up and not self.position:
                self.buy(size=0.9999)  # all of it is refused for want of a margin
            elif not up and self.position:
                self.position.close()

    bars = pd.DataFrame({side: prices for side in ("Open", "High", "Low", "Close")})
    bars["Volume"] = 1.0
    bars.index = pd.date_range("2020-01-01", periods=len(bars), freq="min")
    done = FractionalBacktest(bars, Cross, cash=1_000_000, fractional_unit=1e-8, finalize_trades=False).run()
    return 2 * int(done["# Trades"]), float(done["Equity Final [$]"])


if __name__ == "__main__":
    main(*sys.argv[1:])
