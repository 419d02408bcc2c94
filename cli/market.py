"""`heisenbug market`: market files of the one format, generated, looked through, or recorded from an exchange."""

import gzip
import re
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import numpy as np
import typer
from numpy.typing import NDArray

from cli import show
from cli.asking import Json
from cli.errors import Mistyped
from cli.markets import LIVE_URL
from heisenbug.domain.assets import Pair
from heisenbug.domain.errors import MarketUnavailable
from heisenbug.exchange.http import Http
from heisenbug.exchange.port import Tickers
from heisenbug.exchange.uphold import Uphold
from heisenbug.markets.checked import Checked, Finding, PairFacts, check, many, span
from heisenbug.markets.generated import DRIFT_AN_HOUR, FIRST, GeneratedMarket, first_pairs
from heisenbug.markets.market import epoch, iso
from heisenbug.markets.recorded import InvalidMarket, read_market
from heisenbug.markets.written import CannotWrite, Recorder, Recording, open_recording, write_market

market = typer.Typer(
    no_args_is_help=True,
    help="Market files (gzip CSV at,pair,bid,ask): generate one, look through one, record one from an exchange.",
)
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write; its name ends in .csv.gz.")]
MOST_DAYS = 3660
LATEST = epoch("9999-01-01T00:00:00Z")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([smhd]?)", re.ASCII)
LONGEST_SECONDS = MOST_DAYS * UNITS["d"]
ASKING_SECONDS = 10.0
DEFAULT_PAIR = "BTC-USD"
PAIR_COLUMNS = {
    "pair": "Pair",
    "rows": "Rows",
    "missing": "Missing",
    "volatility": "Volatility",
    "spread": "Spread bps",
    "locked": "bid = ask",
}


@contextmanager
def plain_words() -> Iterator[None]:
    """What was typed wrong, or a file that cannot be used, is one sentence on stderr and exit code 2.

    Being terminated is being interrupted, so that nothing half-written stays. Whoever starts us in the background may
    have us ignore interrupts: these are heard all the same.
    """
    before = {name: signal.signal(name, signal.default_int_handler) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except (Mistyped, InvalidMarket, CannotWrite) as problem:
        show.talk.print(str(problem), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


@market.command()
def generate(
    output: Output,
    days: Annotated[float, typer.Option(help="How long it is.")] = 10,
    pairs: Annotated[
        str, typer.Option(help="How many (8 coins, then GEN009-USD ...), or names: BTC-USD,EUR-USD,USDC-USD.")
    ] = "8",
    seed: Annotated[int, typer.Option(help="Another seed, another market.")] = 7,
    drift: Annotated[
        float, typer.Option(help="Planted drift: standard deviation an hour as a log return; 0 plants none.")
    ] = DRIFT_AN_HOUR,
    bounce: Annotated[
        float,
        typer.Option(help="Bid-ask bounce in volatilities of a sample; 0 has none, 0.5 much, 1 is a thin market."),
    ] = 0.0,
    begin: Annotated[str, typer.Option(help="Time of the first sample, UTC unless it says otherwise.")] = iso(FIRST),
    sample_seconds: Annotated[int, typer.Option(help="Seconds from sample to sample, 1 to 86400.")] = 60,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a made-up market: correlated, fat-tailed, calm and busy by turns; the same arguments, the same bytes.

    The first samples of the default are those of `heisenbug up --market demo`. A decision that never trades on planted
    drift is as wrong as one that trades without: compare --drift 0.006 with --drift 0.
    """
    with plain_words():
        made = _generated(seed, drift, _pairs_to_generate(pairs), bounce, sample_seconds, _time(begin))
        moments = made.first + np.arange(_samples(days, sample_seconds, made.first)) * made.spacing_seconds
        rows = write_market(made, moments.tolist(), output, force)
    show.tell(f"Wrote {output}: {many(rows, 'row')}, {iso(made.first)} to {iso(float(moments[-1]))}, {made.name}.")
    show.tell(f"Next: heisenbug market check {output}; heisenbug up --market {output}")


def _generated(*arguments: Any) -> GeneratedMarket:
    try:
        return GeneratedMarket(*arguments)
    except ValueError as problem:
        raise Mistyped(str(problem)) from None


def _pairs_to_generate(text: str) -> tuple[str, ...]:
    try:
        return first_pairs(int(text)) if text.strip().lstrip("-").isdigit() else _names(text)
    except ValueError as problem:
        raise Mistyped(str(problem)) from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip().upper() for name in text.split(",") if name.strip())


def _samples(days: float, sample_seconds: int, first: float) -> int:
    if not 0 < days <= MOST_DAYS:
        raise Mistyped(f"{days:g} days cannot be generated: choose more than 0 and at most {MOST_DAYS}.")
    count = round(days * UNITS["d"] / sample_seconds)
    if count < 2:
        raise Mistyped(f"{days:g} days hold fewer than two samples of {sample_seconds} s: choose more days.")
    if first < 0 or first + count * sample_seconds > LATEST:
        raise Mistyped(f"{days:g} days from {iso(first)} do not lie between 1970 and 9999: begin elsewhere.")
    return count


def _time(text: str) -> float:
    try:
        return epoch(text)
    except (ValueError, OverflowError):
        raise Mistyped(f"{text!r} is not a time: give one like 2026-01-01T00:00:00Z.") from None


@market.command("check")
def check_command(
    file: Annotated[Path, typer.Argument(help="A market file: gzip CSV at,pair,bid,ask.")],
    sample_seconds: Annotated[
        float | None, typer.Option(help="Seconds a sample; by default the file's spacing, at least 60.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 where there are findings.")] = False,
    json: Json = False,
) -> None:
    """Look through a market file: gaps, repeated times, crossed or frozen quotes, jumps, misplaced decimal points.

    Findings that would make the bot leave a pair out are told with what its guard would say. Exit code 0 where the file
    can be read, 2 where it cannot (the sentence names the line).
    """
    with plain_words():
        checked = look_through(file, sample_seconds)
    show.as_json(_checked_json(checked)) if json else _tell_checked(checked)
    if strict and checked.findings:
        raise typer.Exit(1)


def look_through(file: Path, sample_seconds: float | None = None) -> Checked:
    """What is found in a market file; raises InvalidMarket or Mistyped."""
    if sample_seconds is not None and not sample_seconds >= 1:
        raise Mistyped(f"A sample of {sample_seconds:g} s cannot be: choose 1 or more.")
    return check(read_market(file), lambda rows: _pairs_of(file, rows), sample_seconds)


def _pairs_of(file: Path, rows: NDArray[np.int64]) -> list[str]:
    """The pairs of rows, read once more: the market in memory keeps only the newest of those that repeat a time."""
    with gzip.open(file, "rt", encoding="ascii") as lines:
        pairs = [line.split(",", 2)[1] for line in lines]
    return [pairs[row + 1] for row in rows.tolist()]


def _checked_json(checked: Checked) -> dict[str, Any]:
    told = asdict(checked)
    for one in (told, *told["pairs"]):
        one["first"], one["last"] = iso(one["first"]), iso(one["last"])
    for finding in told["findings"]:
        finding["at"] = iso(finding["at"])
    return told


def _tell_checked(checked: Checked) -> None:
    lasts = f"{iso(checked.first)} to {iso(checked.last)} ({span(checked.last - checked.first)})"
    spacing = f"usually a row each {checked.spacing_seconds:.3g} s, looked through in samples of"
    show.facts(
        {
            checked.name: f"{many(checked.rows, 'row')}, {many(len(checked.pairs), 'pair')}",
            "Range": lasts,
            "Spacing": f"{spacing} {checked.sample_seconds:g} s",
        }
    )
    show.table([_pair_row(facts) for facts in checked.pairs], PAIR_COLUMNS, "")
    if all(facts.locked == 1 for facts in checked.pairs):
        show.out.print(
            "bid = ask throughout: only closes are known, so the whole cost is the cost model's.", soft_wrap=True
        )
    if not checked.findings:
        show.out.print("Nothing noteworthy: no gaps, repeats, crossed or frozen quotes, jumps or misplaced points.")
    for finding in checked.findings:
        _tell_finding(finding, len(checked.pairs))


def _pair_row(facts: PairFacts) -> dict[str, Any]:
    volatility = None if facts.volatility is None else f"{facts.volatility:.3%}"
    return {
        "pair": facts.pair,
        "rows": f"{facts.rows:,}",
        "missing": f"{facts.missing:,}",
        "volatility": volatility,
        "spread": f"{facts.spread_bps:.2f}",
        "locked": f"{facts.locked:.0%}",
    }


def _tell_finding(finding: Finding, pairs: int) -> None:
    whose = "all pairs" if len(finding.pairs) == pairs > 1 else ", ".join(finding.pairs)
    show.out.print(f"{finding.kind:<9} {whose}: {finding.says}", soft_wrap=True)
    if finding.guard:
        show.out.print(f"{'':<9} a guard would leave the pair out: {finding.guard}", soft_wrap=True)


@market.command()
def record(
    output: Output,
    pairs: Annotated[
        str, typer.Option(help="Pairs, such as BTC-USD,ETH-USD; by default those of the file, else BTC-USD.")
    ] = "",
    url: Annotated[str, typer.Option(help="An exchange that answers as Uphold does.")] = LIVE_URL,
    every: Annotated[str, typer.Option(help="How often: 60, 30s, 5m.")] = "60",
    lasting: Annotated[str, typer.Option("--for", help="How long: 90m, 24h, 7d; by default until Ctrl-C.")] = "",
) -> None:
    """Record an exchange's public prices, or go on with a recording; Ctrl-C ends it. No key is needed.

    Each answer is written at once and whole, stamped when it came: whatever ends this, the file can be read. Where the
    exchange does not answer, nothing is written, and said.
    """
    with plain_words():
        seconds, began = _duration(every, "--every"), time.time()
        until = began + _duration(lasting, "--for") if lasting else inf
        http = Http(_address(url), _now, time.sleep)
        recording = open_recording(output, _pairs_to_record(pairs, output), began)
        recorder = Recorder(Uphold(http, _now), seconds, _now, time.sleep, _log)
        _refuse_unknown(recorder.venue, recording.pairs, http.url)
        _record(recorder, recording, until)
    show.tell(f"{many(recording.rows, 'row')} recorded in {output}. Next: heisenbug market check {output}")


def _record(recorder: Recorder, recording: Recording, until: float) -> None:
    names = ", ".join(map(str, recording.pairs))
    going_on = "" if recording.last is None else f", going on from {iso(recording.last)}"
    _log(f"Recording {names} each {recorder.every:g} s{going_on}; Ctrl-C ends it.")
    with suppress(KeyboardInterrupt):
        recorder.run(recording, until)


def _pairs_to_record(text: str, output: Path) -> list[Pair]:
    try:
        is_begun = output.is_file() and output.stat().st_size > 0
        return [Pair.parse(name) for name in dict.fromkeys(_names(text or ("" if is_begun else DEFAULT_PAIR)))]
    except ValueError as problem:
        raise Mistyped(str(problem)) from None


def _refuse_unknown(venue: Tickers, pairs: Sequence[Pair], url: str) -> None:
    try:
        known = venue.tickers(pairs, ASKING_SECONDS).quotes
    except MarketUnavailable as problem:
        _log(f"{problem}; recording begins when it answers.")
        return
    if unknown := [str(pair) for pair in pairs if pair not in known]:
        raise Mistyped(
            f"{url} quotes no {', '.join(unknown)}: leave that out; {url}/v0/ticker/USD shows what there is."
        )


def _duration(text: str, option: str) -> float:
    match = DURATION.fullmatch(text)
    seconds = float(match[1]) * UNITS[match[2] or "s"] if match else 0.0
    if not 1 <= seconds <= LONGEST_SECONDS:
        raise Mistyped(f"{option} {text!r} is not a time of a second or more: give one like 90, 30s, 15m, 24h or 7d.")
    return seconds


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise Mistyped(f"{url!r} is not the address of an exchange: give one like {LIVE_URL}.")
    return url


def _now() -> datetime:
    return datetime.now(UTC)


def _log(text: str) -> None:
    show.tell(f"{_now():%H:%M:%S} {text}")
