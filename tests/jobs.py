"""Backtests as jobs in this process: a bucket with a market in it, the API, and the function that carries them out."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest

from heisenbug.markets.generated import GeneratedMarket
from heisenbug.markets.written import write_market
from heisenbug.store.shelf import market_key
from tests.lambdas import BUCKET, Http, load

MARKET = "made"
SAMPLES = 240


class Context:
    """What Lambda tells a function of its invocation."""

    aws_request_id = "one-request"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def write_made(folder: Path) -> Path:
    """Four hours of the generated market as a file."""
    file = folder / f"{MARKET}.csv.gz"
    made = GeneratedMarket(7, 0.006)
    write_market(made, [made.start + 60 * row for row in range(SAMPLES)], file)
    return file


def stock(file: Path) -> Any:
    """A client of a new bucket that has this market."""
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key=market_key(file.name.removesuffix(".csv.gz")), Body=file.read_bytes())
    return client


@dataclass
class Jobs:
    """The API as any client asks it, and the function behind it, which does nothing until `work`."""

    api: Http
    function: ModuleType
    started: list[str] = field(default_factory=list)
    shared: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, **told: Any) -> Any:
        """Begin a backtest."""
        return self.api("POST", "/api/backtests", {"market": MARKET, **told})

    def work(self) -> None:
        """Deliver the oldest event that was sent, once."""
        self.deliver(self.started.pop(0))

    def deliver(self, job_id: str) -> None:
        """The event of a job."""
        self.function.handler({"backtest": job_id}, Context())

    def sweep(self, grid: str, **told: Any) -> Any:
        """Begin a sweep."""
        return self.api("POST", "/api/sweeps", {"market": MARKET, "grid": grid, **told})

    def shares(self) -> list[dict[str, Any]]:
        """What the state machine hands out, as template.yaml has it: each batch, then the end."""
        told = self.shared.pop(0)
        common = {"sweep": told["sweep"], "asked": told["asked"]}
        return [*({**common, "numbers": numbers} for numbers in told["batches"]), common]

    def hand_out(self, share: dict[str, Any]) -> Any:
        """One share, as it travels: as JSON."""
        return self.function.handler(json.loads(json.dumps(share)), Context())

    def job(self, job_id: str) -> Any:
        """A job as it stands."""
        return self.api("GET", f"/api/backtests/{job_id}").data


@contextmanager
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    """Both functions, loaded as Lambda loads them; what the API starts is kept instead."""
    function = load(monkeypatch, "backtest")
    app = load(monkeypatch, "api")
    jobs = Jobs(Http(app.handler), function)
    backtests = replace(app.office.backtests, start=jobs.started.append)
    sweeps = replace(app.office.sweeps, start=lambda job_id, told: jobs.shared.append(told))
    app.office = replace(app.office, backtests=backtests, sweeps=sweeps)
    yield jobs
