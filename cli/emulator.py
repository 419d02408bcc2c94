"""The embedded AWS: MiniStack on 127.0.0.1 with a clean environment and its state under `.heisenbug/`."""

import os
import shutil
import socket
import time
from typing import Any

import requests

from cli import processes
from cli.errors import CannotRun
from cli.paths import ROOT, Home

HOST = "127.0.0.1"
NAME = "ministack"
PATIENCE_SECONDS = 30
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


def endpoint(port: int) -> str:
    """The emulator's address."""
    return f"http://{HOST}:{port}"


def aws_environment(port: int) -> dict[str, str]:
    """What AWS clients need around them to talk to the emulator and to nothing else."""
    return {
        **KEYS,
        "AWS_ENDPOINT_URL": endpoint(port),
        "AWS_REGION": KEYS["AWS_DEFAULT_REGION"],
        "SAM_CLI_TELEMETRY": "0",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def start_emulator(home: Home, port: int) -> None:
    """Start it with none of this shell's variables: functions inherit its environment."""
    need_free(port, "PORT")
    temporary = home.path / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    for folder in (temporary, home.state, home.path / "home"):
        folder.mkdir(parents=True, exist_ok=True)
    environment = {
        **KEYS,
        "HOME": str(home.path / "home"),
        "PATH": "/usr/bin:/bin",
        "TMPDIR": str(temporary),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "AUTH": "true",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(home.state),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(home.state / "s3"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    command = [str(home.python(NAME)), str(ROOT / "local" / "launch.py"), str(home.python("functions"))]
    processes.start(home, NAME, command, environment)


def wait_until_ready(home: Home, port: int) -> None:
    """Wait until it answers; raises CannotRun with the end of its log where it does not."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and processes.running(home, NAME):
        try:
            if requests.get(f"{endpoint(port)}/_ministack/health", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise CannotRun(f"The emulator did not start:\n{processes.last_lines(home, NAME)}\nIts log is {home.log(NAME)}.")


def need_free(port: int, option: str) -> None:
    """Raise CannotRun where something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise CannotRun(
                f"Port {port} is in use by another program; end it, or choose another: make up {option}={port + 20}."
            ) from None


def client(service: str, port: int, config: Any = None) -> Any:
    """A boto3 client of the emulator."""
    import boto3

    options: dict[str, Any] = {name.lower(): value for name, value in KEYS.items() if name != "AWS_DEFAULT_REGION"}
    session: Any = boto3.Session(region_name=KEYS["AWS_DEFAULT_REGION"], **options)
    return session.client(service, endpoint_url=endpoint(port), config=config)
