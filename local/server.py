"""The simulated exchange's HTTP server: requests from the wire to the exchange, its answers (or none) back."""

import json
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from local.answers import Answer, Request
from local.replayed import Replayed
from local.state import save_position

LOOPBACK = "127.0.0.1"
SAVE_EVERY_SECONDS = 5.0
IDLE_SECONDS = 120
MOST_BODY_BYTES = 65_536


class ExchangeServer(ThreadingHTTPServer):
    """A simulated exchange bound to its port; it keeps market and account in `state_file` where one is given."""

    daemon_threads = True
    request_queue_size = 64
    allow_reuse_port = False

    def __init__(
        self,
        exchange: Replayed,
        address: tuple[str, int],
        clock: Callable[[], float],
        state_file: Path | None,
    ) -> None:
        self.exchange = exchange
        self.clock = clock
        self.closing = threading.Event()
        self._saved_at, self._saved_changes = clock(), exchange.account.changes
        self._saving = threading.Lock()
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
        if abs(self.clock() - self._saved_at) >= SAVE_EVERY_SECONDS:
            self._try_to_save()

    def keep_changes(self) -> None:
        """Keep the account where it has changed: what an answer says was done is never forgotten."""
        if self.exchange.account.changes != self._saved_changes:
            self._try_to_save()

    def save(self) -> None:
        """Keep the market's position and the account, where a state file is given."""
        with self._saving:
            self._saved_at, self._saved_changes = self.clock(), self.exchange.account.changes
            if self._state_file is not None:
                books = self.exchange.account.books()
                save_position(self._state_file, self.exchange.market, self.exchange.replay, self._saved_at, books)

    def _try_to_save(self) -> None:
        try:
            self.save()
        except OSError as problem:
            text = f"The market's position and the account could not be kept ({problem.strerror}): trying again."
            print(text, file=sys.stderr)

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
        self.server.keep_changes()
        self.server.closing.wait(answer.delay_seconds if answer.hang_seconds is None else answer.hang_seconds)
        if answer.reset or answer.hang_seconds is not None:
            self.close_connection = True
        else:
            self._send(answer)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header, by the exchange's own clock."""
        return super().date_time_string(self.server.clock() if timestamp is None else timestamp)

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
