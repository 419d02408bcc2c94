"""The bucket: markets/NAME.csv.gz that somebody uploaded, results/... that jobs leave, gone after 30 days."""

import re
import shutil
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from heisenbug.domain.errors import NotFound

MARKETS = "markets/"
RESULTS = "results/"
ENDING = ".csv.gz"
MARKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)
ABSENT = ("NoSuchKey", "404")


class Shelf:
    """What is kept in `bucket`, through an S3 `client`."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self.bucket = client, bucket

    def markets(self) -> list[str]:
        """The names of the markets that were uploaded, at most a thousand of them."""
        found = self._client.list_objects_v2(Bucket=self.bucket, Prefix=MARKETS).get("Contents", [])
        names = [each["Key"].removeprefix(MARKETS).removesuffix(ENDING) for each in found]
        return [name for name in names if MARKET_NAME.fullmatch(name)]

    def fetch_market(self, name: str, folder: Path) -> Path:
        """The market `name` as a file of that name in `folder`; raises NotFound."""
        file = folder / f"{name}{ENDING}"
        with self._get(market_key(name)) as body, file.open("wb") as target:
            shutil.copyfileobj(body, target)
        return file

    def results(self, folder: str) -> list[str]:
        """The names of all results in a folder."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=RESULTS + folder)
        return [each["Key"].removeprefix(RESULTS) for page in pages for each in page.get("Contents", [])]

    def keep(self, name: str, text: str) -> None:
        """Keep a result."""
        self._client.put_object(
            Bucket=self.bucket, Key=RESULTS + name, Body=text.encode(), ContentType="application/json"
        )

    def result(self, name: str) -> str:
        """A result as it was kept; raises NotFound."""
        with self._get(RESULTS + name) as body:
            text: str = body.read().decode()
            return text

    def _get(self, key: str) -> Any:
        try:
            return self._client.get_object(Bucket=self.bucket, Key=key)["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] not in ABSENT:
                raise
            raise NotFound(f"There is no {key} in the bucket {self.bucket}.") from error


def report_name(kind: str, job_id: str) -> str:
    """What the report of a job is kept as."""
    return f"{kind}s/{job_id}.json"


def curves_name(job_id: str) -> str:
    """What the curves of a backtest are kept as, beside its report, which may be long."""
    return f"curves/{job_id}.json"


def rows_folder(job_id: str) -> str:
    """Where the rows of a sweep are kept."""
    return f"rows/{job_id}/"


def row_name(job_id: str, number: int) -> str:
    """What one row of a sweep is kept as."""
    return f"{rows_folder(job_id)}{number:05}.json"


def market_key(name: str) -> str:
    """Where the market `name` lies in the bucket."""
    return f"{MARKETS}{name}{ENDING}"
