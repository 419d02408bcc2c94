"""Telling many clients: the package's sender beside a plain loop over boto3, at an endpoint 15 ms away."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

from cli.paths import ROOT, Home
from tests.benchmarks.figures import Figure

CLIENTS = 500
MESSAGES = 4
PLAIN_CLIENTS = 50
ROUNDS = 3
BODY = b'{"type":"trade_executed","data":{"why":"%s"},"at":"2026-01-01T00:00:00Z","seq":1}' % (b"x" * 500)


def pushing(home: Home) -> Iterator[Figure]:
    """Posts a second, each round side by side, and what a post costs of the processor."""
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="eu-central-1")
    import boto3

    from heisenbug.push.gateway import gateway
    from heisenbug.push.sender import Sender

    with _endpoint() as url:
        plain = boto3.client("apigatewaymanagementapi", endpoint_url=url)
        sender = Sender(gateway(url), forget=_never, failed=_never)
        ours = lambda: sender.send(_clients(CLIENTS), [BODY] * MESSAGES) * MESSAGES  # noqa: E731
        loop = lambda: sum(_posted(plain, to) for to in _clients(PLAIN_CLIENTS))  # noqa: E731
        ours(), loop()  # both are warm
        rounds = [(_rate(ours), _rate(loop)) for _ in range(ROUNDS)]
    yield Figure("posts a second, plain boto3 loop", median(plain for _, plain in rounds), "", "1/s")
    yield Figure("posts a second, the sender", median(ours for ours, _ in rounds), "", "1/s")
    yield Figure("the sender beside the plain loop", median(ours / plain for ours, plain in rounds), ">= 10", "times")


def _clients(count: int) -> list[str]:
    return [f"L0SM9cOFvHcCIhw{number}=" for number in range(count)]


def _posted(plain: object, to: str) -> int:
    plain.post_to_connection(ConnectionId=to, Data=BODY)  # type: ignore[attr-defined]
    return 1


def _rate(send: Callable[[], int]) -> float:
    began = time.perf_counter()
    return send() / (time.perf_counter() - began)


def _never(connection_id: str, error: Exception | None = None) -> None:
    raise AssertionError(f"{connection_id} was not reached: {error!r}")


@contextmanager
def _endpoint() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.distant"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()
