"""The real thing: `heisenbug up` of this checkout on ports of its own, roles enforced, on a recorded market."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from websockets.sync.client import ClientConnection, connect

from cli.paths import ROOT
from tests.e2e.groups import Grouped, place_of
from tests.e2e.places import WORKER, free_ports, new_home

MARKET = ROOT.parent / "shared" / "data" / "crypto8_1m_2025-05.csv.gz"
SPEED = "60"
PATIENCE_SECONDS = 20.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the deployed stack; groups that take long begin first."""
    items.sort(key=lambda item: place_of(item.nodeid))
    for item in items:
        item.add_marker(pytest.mark.e2e)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Grouped:
    """Tests that share a stack run in one process."""
    return Grouped(config, log)


@dataclass(frozen=True)
class Deployed:
    """The bot as deployed onto the embedded AWS, with real clients of everything."""

    home: Path
    port: int
    endpoint: str
    outputs: Mapping[str, str]
    token: str
    reader_token: str

    def aws(self, service: str) -> Any:
        """A boto3 client of the embedded AWS."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
        )

    def http(self, method: str, path: str, body: Any = None, token: str | None = "", **headers: str) -> Any:
        """One request; token None sends none, the empty one means the admin's."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.token}"
        data = None if body is None else json.dumps(body)
        return requests.request(method, f"{self.outputs['ApiUrl']}/{path}", data=data, headers=headers, timeout=30)

    def get(self, path: str) -> Any:
        """The JSON of a GET that must succeed."""
        answer = self.http("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def change(self, **settings: Any) -> int:
        """Change settings through the API; returns their new version."""
        answer = self.http("PATCH", "config", settings)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["version"])

    def connect(self, token: str = "") -> ClientConnection:
        """A real WebSocket client."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return connect(self.outputs["WebSocketUrl"], additional_headers=headers, open_timeout=20)

    def invoke(self, event: Mapping[str, Any]) -> None:
        """Invoke the trader and wait for it; fails where it fails."""
        answer = self.aws("lambda").invoke(FunctionName="heisenbug-trader", Payload=json.dumps(event).encode())
        assert "FunctionError" not in answer, answer["Payload"].read()

    def plan_minute(self) -> None:
        """Wake the trader as the minute's event does, so that a new interval acts at once."""
        self.invoke({"source": "aws.scheduler", "detail-type": "Scheduled Event"})

    def tick(self, due: int, interval: int = 300) -> None:
        """Deliver one tick as the queue does."""
        body = json.dumps({"due": due, "interval": interval})
        self.invoke({"Records": [{"messageId": str(due), "body": body}]})

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line as a person would."""
        environment = {**os.environ, "HEISENBUG_HOME": str(self.home)}
        command = [sys.executable, "-m", "cli.main", *arguments]
        environment["PYTHONPATH"] = f"{ROOT}:{ROOT / 'layers' / 'heisenbug'}"
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    @property
    def exchange(self) -> str:
        """Address of the simulated exchange."""
        return f"http://127.0.0.1:{self.port + 1}"

    def fault(self, kind: str, **options: Any) -> None:
        """Make the exchange's ticker answers go wrong."""
        answer = requests.post(f"{self.exchange}/local/faults", json={"kind": kind, **options}, timeout=10)
        assert answer.ok, answer.text


@pytest.fixture(scope="session")
def bot() -> Iterator[Deployed]:
    """The bot, up for all tests of this folder that this process runs."""
    home, port = new_home(f"e2e{WORKER}"), free_ports()
    up = run_up(home, port)
    assert up.returncode == 0, up.stderr
    assert json.loads(up.stdout), "a program gets one value and nothing else"
    try:
        yield deployed(home, port)
    finally:
        run_cli(home, "down")


def market_arguments() -> list[str]:
    """The recorded market where it is, else the generated one."""
    return ["--market", str(MARKET) if MARKET.exists() else "demo", "--speed", SPEED]


def run_up(home: Path, port: int) -> subprocess.CompletedProcess[str]:
    """`heisenbug up`, detached."""
    return run_cli(home, "up", *market_arguments(), "--port", str(port), "--detach", "--json")


def run_cli(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line on this home."""
    environment = {**os.environ, "HEISENBUG_HOME": str(home), "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'heisenbug'}"}
    command = [sys.executable, "-m", "cli.main", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180, check=False)


def deployed(home: Path, port: int) -> Deployed:
    """What `up` left for the command line to know, and the reader's token."""
    stack = json.loads((home / "stack.json").read_text())
    bare = Deployed(home, port, stack["endpoint"], stack["outputs"], stack["token"], "")
    reader = bare.aws("ssm").get_parameter(Name=stack["outputs"]["ReaderTokenParameter"], WithDecryption=True)
    return Deployed(home, port, stack["endpoint"], stack["outputs"], stack["token"], reader["Parameter"]["Value"])


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Any]:
    """Ask again and again until the answer is truthy; fails with the last answer."""

    def ask(question: Callable[[], Any], patience: float = PATIENCE_SECONDS) -> Any:
        end = time.monotonic() + patience
        while True:
            answer = question()
            if answer:
                return answer
            assert time.monotonic() < end, f"not within {patience} s: {answer!r}"
            time.sleep(0.2)

    return ask
