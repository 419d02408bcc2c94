"""Where a stack of a test run lives: a home of its own, and two ports that no other run takes at the same time."""

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import TextIO

from cli.environments import REQUIREMENTS, make_environments
from cli.paths import ROOT, Home

HOME = Path(os.environ.get("HEISENBUG_HOME", ROOT / ".heisenbug")).resolve()
# Which of pytest's processes this is, where there are several.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
PORTS = range(4800, 5400, 2)
_taken: list[TextIO] = []


def new_home(name: str) -> Path:
    """An empty home for a stack of its own; its environments are those of HOME, made by whoever needs them first."""
    with _alone(HOME / "environments.lock"):
        make_environments(Home(HOME))
    home = HOME / name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for file in ("python", "uv-path"):
        shutil.copy(HOME / file, home / file)
    for environment in REQUIREMENTS:
        (home / environment).symlink_to(HOME / environment)
    return home


def free_ports() -> int:
    """A port that is free together with the one after it, and that is this process's until it ends."""
    for port in PORTS:
        if _take(port) and all(_is_free(candidate) for candidate in (port, port + 1)):
            return port
    raise RuntimeError(f"No two free ports in a row between {PORTS.start} and {PORTS.stop}.")


def _take(port: int) -> bool:
    """Whether no other process of this computer has taken the port by its lock; the lock ends with the process."""
    lock = (Path(gettempdir()) / f"heisenbug-port-{port}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return False
    _taken.append(lock)
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One process at a time."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
