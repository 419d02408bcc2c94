"""`heisenbug trades`: the kept trades as a table, and all of them as files for spreadsheets and taxes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli import show
from cli.asking import Cursor, Json, Limit
from cli.errors import Mistyped
from cli.stack import call, call_for_file

STDOUT = "-"
Asset = Annotated[str | None, typer.Option("--asset", help="Only trades that give or take this asset, such as BTC.")]
Ended = Annotated[str | None, typer.Option("--state", help="Only trades that ended so: EXECUTED or FAILED.")]
Begin = Annotated[str | None, typer.Option("--from", help="Only trades decided at this day or time (UTC) or later.")]
End = Annotated[str | None, typer.Option("--to", help="Only trades decided before this day or time (UTC).")]
Csv = Annotated[str, typer.Option("--csv", metavar="FILE", help="Write the kept trades as CSV; - is stdout.")]
Tax = Annotated[str, typer.Option("--tax", metavar="FILE", help="Write a year's executed trades as CSV for taxes.")]
Year = Annotated[str | None, typer.Option("--year", help="The year of --tax (UTC); else the one that it is.")]


def trades(
    limit: Limit = "20",
    cursor: Cursor = None,
    asset: Asset = None,
    state: Ended = None,
    begin: Begin = None,
    end: End = None,
    csv: Csv = "",
    tax: Tax = "",
    year: Year = None,
    json: Json = False,
) -> None:
    """The newest trades, newest first, or files of them."""
    told = {"asset": asset, "state": state, "from": begin, "to": end}
    wanted = {name: text for name, text in told.items() if text is not None}
    if (csv and tax) or ((csv or tax) and json):
        raise Mistyped("Give one of --csv, --tax and --json: each is another form of the answer.")
    if tax:
        if wanted:
            raise Mistyped("--tax takes every executed trade of a year: leave the filters out, --year chooses.")
        _write(tax, call_for_file("tax.csv", {} if year is None else {"year": year}))
    elif csv:
        _write(csv, call_for_file("trades.csv", wanted))
    else:
        answer = call("GET", "trades", query={"limit": limit, "cursor": cursor, **wanted})
        show.as_json(answer) if json else _table(answer, bool(wanted))


def _write(file: str, text: str) -> None:
    if file == STDOUT:
        show.raw(text)
        return
    try:
        with Path(file).open("w", encoding="utf-8", newline="") as written:
            written.write(text)
    except OSError as error:
        raise Mistyped(f"{file} cannot be written ({error.strerror}); name another file, or - for stdout.") from error
    show.tell(f"{file} has {max(text.count(chr(10)) - 1, 0)} trades.")


def _table(answer: dict[str, Any], is_filtered: bool) -> None:
    columns = {
        "sequence": "No",
        "mode": "Money",
        "at": "Decided",
        "from": "From",
        "amount": "Amount",
        "to": "To",
        "received": "Received",
        "state": "State",
        "confidence": "Confidence",
        "cost_bps": "Cost bp",
        "reason": "Why",
    }
    rows = [{**trade, "reason": _reason(trade)} for trade in answer["trades"]]
    none = "No trades yet. Most of the time that is the honest answer: heisenbug opportunities says why."
    show.table(rows, columns, "None of the kept trades is like that." if is_filtered else none)
    if answer["cursor"] is not None:
        show.say(f"Next: heisenbug trades --cursor {answer['cursor']} goes on.")


def _reason(trade: dict[str, Any]) -> str:
    return " - ".join(filter(None, (trade["reason"], trade["outcome"])))
