"""`heisenbug bots`: the bots of the deployment, listed, created, cloned and removed."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from cli import show
from cli.asking import Json
from cli.errors import CannotRun
from cli.hearing import hear
from cli.stack import call

bots = typer.Typer(invoke_without_command=True, help="The bots of this deployment: list, create, clone, remove.")
COLUMNS = {
    "bot_id": "Bot",
    "venue": "Venue",
    "mode": "Money",
    "state": "State",
    "worth": "Equity",
    "last_tick": "Last tick",
    "late": "Overdue",
}


@bots.callback()
def opened(context: typer.Context, json: Json = False) -> None:
    """The bots of this deployment; by itself it lists them."""
    if context.invoked_subcommand is None:
        listed(json)


@bots.command("list")
def listed(json: Json = False) -> None:
    """Every bot with its venue, money and equity, and for how long its next tick is overdue; the own one first."""
    answer = call("GET", "bots")
    if json:
        show.as_json(answer)
        return
    show.table([_row(bot) for bot in answer["bots"]], COLUMNS, "")
    for bot in answer["removed"]:
        show.say(f"{bot['bot_id']} was removed at {bot['removed_at']}; its trades can be read on.")
    show.say("Next: heisenbug --bot NAME status, or any other command, speaks of that bot.")


def _row(bot: dict[str, Any]) -> dict[str, Any]:
    late = bot["late_seconds"]
    return {
        **bot,
        "worth": f"{bot['equity'] or '-'} {bot['base_currency']}",
        "late": "-" if late is None else f"{late:g} s",
    }


@bots.command("create")
def create(
    name: Annotated[str, typer.Argument(help="1 to 64 letters, digits, _ and -.")],
    venue: Annotated[str | None, typer.Option(help="Where it trades, for good; else where the own one does.")] = None,
    clone: Annotated[str | None, typer.Option(help="The bot whose settings and pairs it begins with.")] = None,
    json: Json = False,
) -> None:
    """Create a bot: stopped, on paper, with a ledger and a history of its own."""
    told = {"name": name, "venue": venue, "clone": clone}
    answer = call("POST", "bots", {field: value for field, value in told.items() if value is not None})
    if json:
        show.as_json(answer)
        return
    show.say(f"{answer['bot_id']} trades at {answer['venue']}, on paper, and is {answer['state']}.")
    show.say(f"Next: heisenbug --bot {answer['bot_id']} start")


@bots.command("remove")
def remove(name: Annotated[str, typer.Argument(help="The bot.")], json: Json = False) -> None:
    """Remove a bot for good, once its name was typed; what it did is kept under it. A program types it on stdin."""
    typed = hear(f"To remove it, type: {name}\n")
    if typed != name:
        raise CannotRun(f"Nothing was removed: '{name}' was to be typed, exactly so.")
    answer = call("DELETE", f"bots/{quote(name, safe='')}")
    if json:
        show.as_json(answer)
        return
    show.say(f"{answer['removed']} is removed. Its trades: heisenbug --bot {answer['removed']} trades")
