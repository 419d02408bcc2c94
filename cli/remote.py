"""Backtests and sweeps in AWS: begun over the bot's API, waited for, and reported as those of this computer are."""

import time
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from cli import show
from cli.errors import CannotRun, Mistyped, Refused
from cli.stack import call

ASK_EACH_SECONDS = 1.0


def run_there(kind: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The report of a `backtest` or `sweep` that is begun now; raises Mistyped, or CannotRun with why it failed."""
    job = begun(f"{kind}s", asked)
    try:
        ended = wait_for(f"{kind}s", job)
    except KeyboardInterrupt:
        show.tell(f"It goes on without you; GET /api/{kind}s/{job['id']} tells what comes of it.")
        raise
    if ended["state"] == "failed":
        raise CannotRun(f"The {kind} {job['id']} failed: {ended['reason']}")
    report: dict[str, Any] = call("GET", f"{kind}s/{job['id']}/report")
    return report


def begun(kind: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The job that was begun; raises Mistyped where what was asked for is not understood."""
    try:
        job: dict[str, Any] = call("POST", kind, asked)
    except Refused as refused:
        if refused.fields:
            raise Mistyped(str(refused)) from refused
        raise
    return job


def wait_for(kind: str, job: dict[str, Any]) -> dict[str, Any]:
    """The job once it has ended, with its progress on a terminal meanwhile."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=show.talk, transient=True, disable=not show.talk.is_terminal) as bar:
        task = bar.add_task(job["state"], total=1.0)
        while job["state"] in ("queued", "running"):
            time.sleep(ASK_EACH_SECONDS)
            job = call("GET", f"{kind}/{job['id']}")
            bar.update(task, description=job["state"], completed=job["progress"])
    return job
