"""`heisenbug explain`: why a trade was made, from what was recorded of it."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from cli import show
from cli.asking import Json
from cli.errors import CannotRun, Mistyped, Refused
from cli.stack import call
from cli.trader import OLD_STACK


def explain(
    trade: Annotated[
        str, typer.Argument(metavar="TRADE", help="Its number, its id, or the first four or more letters of that.")
    ],
    json: Json = False,
) -> None:
    """Why a trade was made: what was seen, scored, passed and paid, and whether deciding again gives the same."""
    answer = explained(trade)
    if json:
        show.as_json(answer)
        return
    told = answer["explanation"]
    title = f"Trade {answer['sequence']}" if answer["sequence"] else "The open trade"
    show.out.print(f"{title}, {answer['id']}", soft_wrap=True)
    for line in told["words"]:
        show.out.print(line, soft_wrap=True)
    columns = {"gate": "Gate", "passed": "Open", "value": "Value", "limit": "Limit", "why": "What it said"}
    show.table(told["gates"], columns, "Its gates cannot be asked again.")
    show.out.print(told["again"]["why"], soft_wrap=True)
    show.say("Next: heisenbug replay decides every recorded tick again; heisenbug explain --json has all numbers.")


def explained(trade: str) -> dict[str, Any]:
    """The trade with its explanation; raises Mistyped where there is no such trade."""
    try:
        answer: dict[str, Any] = call("GET", f"trades/{quote(trade, safe='')}")
    except Refused as refused:
        if refused.code == "not_found":
            raise Mistyped(str(refused)) from refused
        raise
    if "explanation" not in answer:
        raise CannotRun(OLD_STACK)
    return answer
