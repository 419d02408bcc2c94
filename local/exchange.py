"""The simulated exchange over HTTP, on this machine only: `python -m local.exchange --help`."""

import argparse
import errno
import json
import signal
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from local.catalogue import InvalidBalance, balances_from
from local.generated import DRIFT_AN_HOUR, GeneratedMarket
from local.market import Market, epoch, iso
from local.market_file import InvalidMarket, read_market
from local.replay import InvalidPosition, begin, in_step, save_position, saved_position
from local.routes import Answer, Request, SimulatedExchange

DEMO = "demo"
LOOPBACK = "127.0.0.1"
SAVE_EVERY_SECONDS = 5.0
IDLE_SECONDS = 120
MOST_BODY_BYTES = 65_536


class CannotServe(RuntimeError):
    """The exchange cannot be started; the text says why and what to do instead."""


class ExchangeServer(ThreadingHTTPServer):
    """A simulated exchange bound to its port; it keeps the market's position in `state_file` where one is given."""

    daemon_threads = True
    request_queue_size = 64
    allow_reuse_port = False

    def __init__(
        self,
        exchange: SimulatedExchange,
        address: tuple[str, int],
        clock: Callable[[], float],
        state_file: Path | None,
    ) -> None:
        self.exchange = exchange
        self.clock = clock
        self.closing = threading.Event()
        self._saved_at = clock()
        self._state_file: Path | None = None
        super().__init__(address, _Handler)
        self._state_file = state_file  # only now: a server that found its port taken must not touch the position

    @property
    def url(self) -> str:
        """Where the exchange listens."""
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    def server_bind(self) -> None:
        """Bind without asking for the host's full name, which can take seconds without a network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, int(self.server_address[1])

    def service_actions(self) -> None:
        """Keep the position every few seconds, so that even a killed process goes on near where it was."""
        if abs(self.clock() - self._saved_at) < SAVE_EVERY_SECONDS:
            return
        try:
            self.save()
        except OSError as problem:
            print(f"The market's position could not be kept ({problem.strerror}): trying again.", file=sys.stderr)

    def save(self) -> None:
        """Keep the market's position, where a state file is given."""
        self._saved_at = self.clock()
        if self._state_file is not None:
            save_position(self._state_file, self.exchange.market, self.exchange.replay, self._saved_at)

    def server_close(self) -> None:
        """Let hanging answers go, close the port and keep the position."""
        self.closing.set()
        super().server_close()
        self.save()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    """Reads one request after the other from a connection that is kept open."""

    server: ExchangeServer
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MOST_BODY_BYTES:
            self.close_connection = True
            self._send(Answer({"code": "request_too_large", "message": "Send at most 64 KB"}, 413))
            return
        request = self._request(self.rfile.read(int(length)))
        answer = self.server.exchange.answer(request, self.server.clock())
        if answer.hang_seconds is None:
            self._send(answer)
        else:
            self.server.closing.wait(answer.hang_seconds)
            self.close_connection = True

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged: there is one every few seconds, for days."""

    def _request(self, body: bytes) -> Request:
        address = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, unquote(address.path), dict(parse_qsl(address.query)), headers, body)

    def _send(self, answer: Answer) -> None:
        text = json.dumps(answer.body, separators=(",", ":")) if answer.html is None else answer.html
        content = text.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json" if answer.html is None else "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


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
) -> ExchangeServer:
    """An exchange bound to its port (0: any free one), at `start`, else where it was left, else at the market's start.

    `stepped` moves it on a little, so that looks on the market's grid see each sample once (see `in_step`).
    Times are epoch seconds; raises CannotServe where the port is taken and InvalidPosition for a time out of range.
    """
    if start is None and state_file is not None:
        start = saved_position(state_file, market)
    now = clock()
    replay = begin(market, speed, now, start)
    replay = in_step(replay, market.spacing_seconds, now) if stepped else replay
    exchange = SimulatedExchange(market, replay, balances)
    server = _bound(exchange, (host, port), clock, state_file)
    try:
        server.save()
    except OSError as problem:
        server.socket.close()
        text = f"the state file {state_file} cannot be written ({problem.strerror}): choose another state file."
        raise CannotServe(text) from None
    return server


@contextmanager
def running(server: ExchangeServer) -> Iterator[ExchangeServer]:
    """The server at work in a thread of its own; stopped, with its position kept, at the end."""
    thread = threading.Thread(target=server.serve_forever, name="exchange", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; 0 when stopped so, 1 when it could not start."""
    options = _parser().parse_args(arguments)
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    try:
        server = _server(options)
    except (CannotServe, InvalidMarket, InvalidPosition, InvalidBalance) as problem:
        print(f"The exchange did not start: {problem}", file=sys.stderr)
        return 1
    with running(server):
        print(_greeting(server), file=sys.stderr, flush=True)
        stop.wait()
    return 0


def _bound(
    exchange: SimulatedExchange, address: tuple[str, int], clock: Callable[[], float], state_file: Path | None
) -> ExchangeServer:
    try:
        return ExchangeServer(exchange, address, clock, state_file)
    except OSError as problem:
        raise CannotServe(_port_problem(problem, address[1])) from None


def _server(options: argparse.Namespace) -> ExchangeServer:
    balances = balances_from(options.balance) if options.balance else None
    market = _market(options)
    return serve(
        market,
        options.speed,
        port=options.port,
        state_file=options.state,
        start=options.start,
        balances=balances,
        stepped=options.start is None,
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


def _port(text: str) -> int:
    if text.isdigit() and int(text) <= 65_535:
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' is not a port: give a number from 0 (any free one) to 65535")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="heisenbug exchange",
        description="A simulated Uphold exchange on 127.0.0.1 that replays a recorded or a generated market.",
        epilog="Example: heisenbug exchange --market demo --speed 12 --state .heisenbug/exchange.json",
    )
    add = parser.add_argument
    add("--market", default=DEMO, metavar="FILE|demo", help="gzip CSV at,pair,bid,ask; or demo, the generated market")
    add("--speed", type=float, default=1.0, help="market seconds a second (default 1; 12: a market minute in 5 s)")
    add("--port", type=_port, default=4567, help="default 4567; 0 takes any free one and prints it")
    add("--state", type=Path, metavar="FILE", help="keep the position here, and go on from it the next time")
    add("--start", type=_time, metavar="ISO", help="begin at this market time, whatever --state holds")
    add("--seed", type=int, default=7, help="demo only: another seed, another market (default 7)")
    add("--drift", type=float, default=DRIFT_AN_HOUR, help="demo only: planted drift an hour (default 0.006, 0: none)")
    add("--balance", action="append", metavar="USD=1000", help="what a card holds; repeatable (default USD=1000)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
