"""The simulated exchange over HTTP, on this machine only: `python -m local.exchange --help`."""

import argparse
import errno
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from heisenbug.markets.generated import DRIFT_AN_HOUR, GeneratedMarket
from heisenbug.markets.market import Market, epoch, iso
from heisenbug.markets.recorded import InvalidMarket, read_market
from local.catalogue import InvalidBalance, balances_from
from local.kraken.entry import Rules as KrakenRules
from local.kraken.exchange import SimulatedKraken
from local.kraken.trouble import FITS as KRAKEN_FITS
from local.replay import InvalidPosition, begin, in_step
from local.replayed import Replayed
from local.routes import SimulatedExchange
from local.rules import InvalidRule, Rules
from local.server import LOOPBACK, ExchangeServer, running
from local.state import saved_books, saved_position
from local.trouble import FITS, TroublePlan
from local.trouble_orders import InvalidTrouble, plan_from_text

__all__ = ["CannotServe", "ExchangeServer", "main", "running", "serve"]

DEMO = "demo"


class CannotServe(RuntimeError):
    """The exchange cannot be started; the text says why and what to do instead."""


def serve(
    market: Market,
    speed: float = 1.0,
    host: str = LOOPBACK,
    port: int = 0,
    clock: Callable[[], float] = time.time,
    state_file: Path | None = None,
    start: float | None = None,
    balances: Mapping[str, Decimal] | None = None,
    stepped: bool = False,
    rules: Rules | None = None,
    trouble: TroublePlan | None = None,
    kraken: KrakenRules | None = None,
) -> ExchangeServer:
    """An exchange bound to its port (0: any free one), at `start`, else where it was left, else at the market's start.

    The account goes on as it was left in `state_file`; only a new one opens with `balances`.
    `stepped` moves the market on a little, so that looks on its grid see each sample once (see `in_step`).
    With the rules of a `kraken` it speaks Kraken's protocol instead of Uphold's, and keeps no account.
    Times are epoch seconds; raises CannotServe where the port is taken and InvalidPosition for a time out of range.
    """
    if start is None and state_file is not None:
        start = saved_position(state_file, market)
    now = clock()
    replay = begin(market, speed, now, start)
    replay = in_step(replay, market.spacing_seconds, now) if stepped else replay
    exchange: Replayed
    if kraken is not None:
        exchange = SimulatedKraken(market, replay, balances, kraken, trouble)
    else:
        books = None if state_file is None else saved_books(state_file, market)
        exchange = SimulatedExchange(market, replay, balances, rules, trouble, books)
    server = _bound(exchange, (host, port), clock, state_file)
    try:
        server.save()
    except OSError as problem:
        server.socket.close()
        text = f"the state file {state_file} cannot be written ({problem.strerror}): choose another state file."
        raise CannotServe(text) from None
    return server


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; 0 when stopped so, 1 when it could not start."""
    options = _parser().parse_args(arguments)
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    try:
        server = _server(options)
    except (CannotServe, InvalidMarket, InvalidPosition, InvalidBalance, InvalidRule, InvalidTrouble) as problem:
        print(f"The exchange did not start: {problem}", file=sys.stderr)
        return 1
    with running(server):
        print(_greeting(server), file=sys.stderr, flush=True)
        stop.wait()
    return 0


def _bound(
    exchange: Replayed, address: tuple[str, int], clock: Callable[[], float], state_file: Path | None
) -> ExchangeServer:
    try:
        return ExchangeServer(exchange, address, clock, state_file)
    except OSError as problem:
        raise CannotServe(_port_problem(problem, address[1])) from None


def _server(options: argparse.Namespace) -> ExchangeServer:
    balances = balances_from(options.balance) if options.balance else None
    market = _market(options)
    is_kraken = options.venue == "kraken"
    if is_kraken and options.state is not None:
        raise CannotServe("an exchange that speaks Kraken's protocol keeps nothing: leave --state out.")
    fits = KRAKEN_FITS if is_kraken else FITS
    return serve(
        market,
        options.speed,
        port=options.port,
        state_file=options.state,
        start=options.start,
        balances=balances,
        stepped=options.start is None,
        rules=Rules(options.margin, ttl_seconds=options.ttl, token=options.token),
        trouble=TroublePlan(plan_from_text(options.faults, fits), fits) if options.faults else None,
        kraken=KrakenRules() if is_kraken else None,
    )


def _market(options: argparse.Namespace) -> Market:
    if options.market != DEMO:
        return read_market(Path(options.market))
    try:
        return GeneratedMarket(options.seed, options.drift)
    except ValueError as problem:
        raise CannotServe(str(problem)) from None


def _greeting(server: ExchangeServer) -> str:
    market, replay = server.exchange.market, server.exchange.replay
    end = "without end" if market.last is None else f"to {iso(market.last)}"
    return (
        f"Simulated exchange at {server.url}: {market.name} ({len(market.pairs)} pairs, {iso(market.first)} {end}), "
        f"standing at {iso(replay.position)}, {replay.speed:g} market seconds a second. Stop with Ctrl-C."
    )


def _port_problem(problem: OSError, port: int) -> str:
    if problem.errno == errno.EADDRINUSE:
        return f"port {port} is taken: stop what listens there, or choose another with --port (0 takes any free one)."
    return f"port {port} cannot be used ({problem.strerror}): choose one from 1024 to 65535 with --port."


def _time(text: str) -> float:
    try:
        return epoch(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a time like 2025-05-10T12:00:00Z") from None


def _percent(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"'{text}' is not a percentage: give a number like 1.05") from None


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds: give one like 18") from None


def _port(text: str) -> int:
    if text.isdigit() and int(text) <= 65_535:
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' is not a port: give a number from 0 (any free one) to 65535")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="heisenbug exchange",
        description="A simulated exchange on 127.0.0.1 that replays a recorded or a generated market.",
        epilog="Example: heisenbug exchange --market demo --speed 12 --state .heisenbug/exchange.json",
    )
    add = parser.add_argument
    add("--market", default=DEMO, metavar="FILE|demo", help="gzip CSV at,pair,bid,ask; or demo, the generated market")
    add("--venue", choices=("uphold", "kraken"), default="uphold", help="whose protocol it speaks (default uphold)")
    add("--speed", type=float, default=1.0, help="market seconds a second (default 1; 12: a market minute in 5 s)")
    add("--port", type=_port, default=4567, help="default 4567; 0 takes any free one and prints it")
    add("--state", type=Path, metavar="FILE", help="keep position and account here, and go on from there next time")
    add("--start", type=_time, metavar="ISO", help="begin at this market time, whatever --state holds")
    add("--seed", type=int, default=7, help="demo only: another seed, another market (default 7)")
    add("--drift", type=float, default=DRIFT_AN_HOUR, help="demo only: planted drift an hour (default 0.006, 0: none)")
    add("--balance", action="append", metavar="USD=1000", help="a new account holds it; repeatable (default USD=1000)")
    add("--margin", type=_percent, metavar="PERCENT", help="what every conversion costs (default: by class, BTC 1.05)")
    add("--ttl", type=_seconds, default=Rules().ttl_seconds, metavar="SECONDS", help="a quote holds so long (18)")
    add("--token", help="let only this bearer token at the account (default: any)")
    add("--faults", metavar="PLAN", help="what goes wrong: a JSON file, JSON, or words like seed=7,rate=0.3")
    return parser


if __name__ == "__main__":
    sys.exit(main())
