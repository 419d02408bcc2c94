"""Processes that outlive a command: started with a log, found again by pid and start time, ended with SIGTERM."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from cli.errors import CannotRun
from cli.paths import Home

PATIENCE_SECONDS = 20


def start(home: Home, name: str, command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Start a process of its own session whose output goes to its log; returns its pid."""
    log = home.log(name)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(environment),
            start_new_session=True,
        )
    record = home.process(name)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"pid": process.pid, "started": _start_of(process.pid)}), "utf-8")
    return process.pid


def running(home: Home, name: str) -> int | None:
    """The pid of a process that was started and still runs, or None."""
    try:
        record = json.loads(home.process(name).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    pid = int(record["pid"])
    return pid if _start_of(pid) == record["started"] != "" else None


def died(home: Home, name: str) -> bool:
    """Whether a process was started, never ended by us, and yet does not run."""
    return home.process(name).exists() and running(home, name) is None


def stop(home: Home, name: str) -> bool:
    """End a process with SIGTERM and wait for it, so that it keeps its state; False where it did not run."""
    pid = running(home, name)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        _wait_for(pid, name, home)
    home.process(name).unlink(missing_ok=True)
    return pid is not None


def last_lines(home: Home, name: str, count: int = 5) -> str:
    """The end of a process's log."""
    try:
        lines = home.log(name).read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-count:])


def _wait_for(pid: int, name: str, home: Home) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while _start_of(pid):
        _reap(pid)
        if time.monotonic() > until:
            raise CannotRun(f"{name} (pid {pid}) does not end; look at {home.log(name)}, then end it by hand.")
        time.sleep(0.05)


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _start_of(pid: int) -> str:
    """When a process started, as the system tells it; empty where there is none."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        try:
            fields = stat.read_text("utf-8").rsplit(")", 1)[1].split()
        except OSError:
            return ""
        return "" if fields[0] == "Z" else fields[19]
    told = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return told.stdout.strip()
