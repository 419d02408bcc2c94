"""`heisenbug notify`: storing what Telegram takes, and trying out each way to a person."""

from typing import Annotated, Any

import typer

from cli import show
from cli.asking import Json
from cli.errors import Refused
from cli.hearing import hear
from cli.keeping import delete, repeating_nothing
from cli.stack import call, find_stack
from cli.trader import client, output
from heisenbug.domain.errors import InvalidSettings
from heisenbug.notifying.telegram import Access, access

notify = typer.Typer(no_args_is_help=True, help="Being told by Telegram, e-mail or SMS.")
ADVICE = (
    "Make a bot of its own for this stack with @BotFather in Telegram: it gives the token. Write to that bot, or add "
    "it to a group, for no bot may write first. A bot such as @userinfobot tells the number of your chat."
)


@notify.command("test")
def try_out(
    way: Annotated[str, typer.Argument(help="telegram, or sns for e-mail and SMS.")] = "telegram", json: Json = False
) -> None:
    """Send one notification, whatever is chosen: where it went, or what keeps it from arriving."""
    told = call("POST", "notifications/test", {"way": way})
    if json:
        show.as_json(told)
        return
    show.tell(told["says"])
    show.say("Next: heisenbug config set notify_trades=... chooses what is told which way.")


@notify.command("telegram")
def telegram(
    remove: Annotated[bool, typer.Option("--delete", help="Delete both instead.")] = False, json: Json = False
) -> None:
    """Store a Telegram bot's token and a chat: asked for, the token hidden, or two lines on stdin."""
    stack = find_stack()
    name = output(stack, "TelegramParameter")
    ssm = client(stack, "ssm")
    _forget(ssm, name) if remove else _store(ssm, name, stack.name)
    if json:
        show.as_json({"deleted" if remove else "stored": name})


def _store(ssm: Any, name: str, stack: str) -> None:
    told = _heard()
    about = f"Token and chat for Telegram, read by the notifications of {stack}"
    with repeating_nothing("ssm:PutParameter", name):
        ssm.put_parameter(Name=name, Value=told.stored(), Type="SecureString", Overwrite=True, Description=about)
    show.say(f"Stored as {name}; it counts at once. Next: heisenbug notify test.")


def _heard() -> Access:
    """Token and chat; raises Refused, which repeats no token."""
    show.tell(ADVICE)
    token = hear("The bot's token (hidden)", hidden=True)
    chat = hear("The chat's number, or a channel's @name")
    try:
        return access(token, chat)
    except InvalidSettings as invalid:
        fields = [{"field": error.field, "message": error.message} for error in invalid.fields]
        raise Refused(str(invalid), fields) from None


def _forget(ssm: Any, name: str) -> None:
    with repeating_nothing("ssm:DeleteParameter", name):
        there_was = delete(ssm, name)
    gone = "Deleted; nothing goes to Telegram any more." if there_was else f"There is none under {name}."
    show.say(f"{gone} @BotFather revokes the token itself.")
