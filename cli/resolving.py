"""`heisenbug resolve`: a person states what became of a trade that the bot cannot find out about."""

from typing import Annotated, Any

import typer

from cli import show
from cli.asking import Json
from cli.errors import CannotRun
from cli.hearing import hear
from cli.stack import call
from heisenbug.domain.stated import FAILED

Trade = dict[str, Any]


def resolve(
    trade_id: Annotated[str, typer.Argument(metavar="ID", help="The trade's id, as heisenbug status shows it.")],
    statement: Annotated[
        str | None, typer.Argument(help="What became of it, in full; asked for, or read from stdin, where left out.")
    ] = None,
    json: Json = False,
) -> None:
    """State what became of an unresolved trade, after you looked at the exchange; it is recorded as yours."""
    trade = unresolved(trade_id)
    show.facts(known(trade))
    said = hear("What became of it?") if statement is None else statement
    if not said:
        raise CannotRun("Nothing was stated, nothing was changed.")
    ended = call("POST", f"trades/{trade_id}/resolve", {"statement": said})
    if json:
        show.as_json(ended)
        return
    show.say(f"Recorded as trade {ended['sequence']}, {ended['state']}, stated by you. Next: heisenbug portfolio.")
    if ended["state"] == "FAILED":
        show.say("Its quote is asked for a day longer: should it have landed after all, the ledger is corrected.")


def unresolved(trade_id: str) -> Trade:
    """The open trade, where it is this one and nobody knows its end; raises CannotRun."""
    trade: Trade | None = call("GET", "status")["open_trade"]
    if trade is None:
        raise CannotRun("No trade is open, so there is nothing to state. Next: heisenbug trades.")
    if trade["id"] != trade_id:
        raise CannotRun(f"Trade {trade_id} is not open; the open one is {trade['id']}, {trade['state']}.")
    if trade["state"] != "UNRESOLVED":
        raise CannotRun(f"Trade {trade_id} is {trade['state']}: the bot is still at it. Next: heisenbug status.")
    return trade


def known(trade: Trade) -> dict[str, Any]:
    """What is known of the trade, where to look and what may be typed."""
    executed = f"executed {trade['amount']} {trade['from']} for AMOUNT {trade['to']}"
    return {
        "Trade": f"{trade['id']}, {trade['mode'].upper()} money, decided at {trade['at']}",
        "Wanted": f"{trade['amount']} {trade['from']} into {trade['to']}",
        "Known": trade["outcome"],
        "Look at": (
            f"Uphold's own list of activity, about {trade['at']} and the two minutes after. In its API it is the "
            f"transaction of GET /v0/me/transactions with the reference heisenbug-{trade['id']}; "
            "GET /v0/me/transactions/:id shows it by itself."
        ),
        "Type": f"{executed}   with both amounts as Uphold shows them, or\n{FAILED}",
    }
