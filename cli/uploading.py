"""`heisenbug market upload`: a market file goes to the stack's bucket, with the person's own AWS credentials."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from cli import show
from cli.asking import Json
from cli.errors import CannotRun, Mistyped
from cli.market import look_through, market, plain_words
from cli.stack import find_stack
from cli.trader import client, output
from heisenbug.markets.checked import many
from heisenbug.store.shelf import MARKET_NAME, market_key


@market.command("upload")
def upload(
    file: Annotated[Path, typer.Argument(help="A market file: gzip CSV at,pair,bid,ask.")],
    name: Annotated[str, typer.Option(help="What it is called there; by default as the file.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a market of that name.")] = False,
    json: Json = False,
) -> None:
    """Upload a market file for backtests in AWS, once it was looked through as `market check` does."""
    with plain_words():
        called = _name_of(file, name)
        checked = look_through(file)
        stack = find_stack()
        bucket = output(stack, "BucketName")
        _put(client(stack, "s3"), bucket, file, called, force)
    told = {"market": called, "bucket": bucket, "rows": checked.rows, "findings": len(checked.findings)}
    if json:
        show.as_json(told)
        return
    show.tell(f"Uploaded {called}: {many(checked.rows, 'row')}, {many(len(checked.findings), 'finding')}.")
    show.tell(f"Next: heisenbug backtest --remote {called}; heisenbug market check {file}")


def _name_of(file: Path, name: str) -> str:
    called = name or file.name.removesuffix(".gz").removesuffix(".csv")
    if not MARKET_NAME.fullmatch(called):
        raise Mistyped(f"{called!r} cannot name a market: give --name of up to 100 letters, digits, dots and dashes.")
    return called


def _put(s3: Any, bucket: str, file: Path, name: str, force: bool) -> None:
    unless = {} if force else {"IfNoneMatch": "*"}
    with _in_plain_words(name, bucket), file.open("rb") as body:
        s3.put_object(Bucket=bucket, Key=market_key(name), Body=body, ContentType="application/gzip", **unless)


@contextmanager
def _in_plain_words(name: str, bucket: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "PreconditionFailed":
            raise Mistyped(
                f"There is a market {name} already: --force replaces it, --name gives another name."
            ) from None
        raise CannotRun(f"AWS refused ({code}); your own credentials need s3:PutObject on {bucket}.") from None
    except BotoCoreError as error:
        raise CannotRun(f"AWS did not answer ({type(error).__name__}); nothing is sure, try again.") from None
