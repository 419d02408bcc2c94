"""`heisenbug credential`: the exchange's token goes to SSM Parameter Store, with the person's own AWS credentials."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from cli import show
from cli.asking import Json
from cli.errors import CannotRun
from cli.hearing import hear
from cli.stack import find_stack
from cli.trader import client, output
from heisenbug.credential import ABSENT, MOST_AGE_SECONDS, TOKEN
from heisenbug.exchange.uphold_refusals import SCOPES

ADVICE = (
    f"Use an OAuth token with the scopes {SCOPES} and no others: it converts between your own cards and cannot "
    "withdraw. A personal access token can do whatever you can, withdrawals included, and so can who steals it."
)
MINUTES = MOST_AGE_SECONDS // 60


def credential(
    delete: Annotated[bool, typer.Option("--delete", help="Delete the stored token instead.")] = False,
    json: Json = False,
) -> None:
    """Store the exchange's token for the trader: typed hidden, or one line on stdin; it is never shown again."""
    stack = find_stack()
    name = output(stack, "CredentialParameter")
    ssm = client(stack, "ssm")
    forget(ssm, name) if delete else store(ssm, name, stack.name)
    if json:
        show.as_json({"deleted" if delete else "stored": name})


def store(ssm: Any, name: str, stack: str) -> None:
    """Ask for the token, look at its shape and store it; raises CannotRun without repeating it."""
    show.say(ADVICE)
    token = hear("The exchange's token (hidden)", hidden=True)
    if not TOKEN.fullmatch(token):
        raise CannotRun("That is no token: 8 to 4096 letters, digits and signs without spaces. Nothing was stored.")
    about = f"The exchange's token, read by the trader of {stack}"
    with _repeating_nothing("ssm:PutParameter", name):
        ssm.put_parameter(Name=name, Value=token, Type="SecureString", Overwrite=True, Description=about)
    show.say(
        f"Stored as {name}. A trader that has read another one takes this one within {MINUTES} minutes. "
        "Next: heisenbug live says whether it is accepted, and what is still missing."
    )


def forget(ssm: Any, name: str) -> None:
    """Delete the token, if there is one."""
    with _repeating_nothing("ssm:DeleteParameter", name):
        there_was = _delete(ssm, name)
    gone = f"Deleted; the trader forgets it within {MINUTES} minutes and is on paper then."
    show.say(f"{gone if there_was else f'There is none under {name}.'} Revoke the token at Uphold too.")


def _delete(ssm: Any, name: str) -> bool:
    try:
        ssm.delete_parameter(Name=name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        return False
    return True


@contextmanager
def _repeating_nothing(action: str, name: str) -> Iterator[None]:
    """What AWS says, in words that repeat nothing of what was sent."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise CannotRun(f"AWS refused ({code}); your own credentials need {action} on {name}.") from None
    except BotoCoreError as error:
        raise CannotRun(f"AWS did not answer ({type(error).__name__}); nothing is sure, try again.") from None
