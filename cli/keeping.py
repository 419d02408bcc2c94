"""`heisenbug credential`: what opens the exchange goes to SSM Parameter Store, with the person's own AWS credentials.

Uphold wants a token; a venue with order books a key and a secret, which are kept as one text.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from cli import show
from cli.asking import Json
from cli.errors import CannotRun
from cli.hearing import hear
from cli.stack import call, chosen_bot, find_stack
from cli.trader import client, output
from heisenbug.credential import ABSENT, MOST_AGE_SECONDS, TOKEN
from heisenbug.domain.registered import credential_parameter
from heisenbug.domain.venue import UPHOLD, VENUES, Venue
from heisenbug.exchange.keys import KeyPair
from heisenbug.exchange.order_book.dialects import DIALECTS
from heisenbug.exchange.uphold_refusals import SCOPES

ADVICE = (
    f"Use an OAuth token with the scopes {SCOPES} and no others: it converts between your own cards and cannot "
    "withdraw. A personal access token can do whatever you can, withdrawals included, and so can who steals it."
)
OF_BOOKS = (
    "Create a key at {title} with the rights {rights} and no others: it trades and cannot withdraw. "
    "Bind it to no address: Lambda has many."
)
MINUTES = MOST_AGE_SECONDS // 60


def credential(
    delete: Annotated[bool, typer.Option("--delete", help="Delete what is stored instead.")] = False,
    json: Json = False,
) -> None:
    """Store what opens the exchange, for the trader: typed hidden, or on stdin; it is never shown again.

    At Uphold that is a token, one line; elsewhere a key and its secret, two lines.
    """
    stack = find_stack()
    own = VENUES[stack.outputs.get("VenueName", UPHOLD.name)]
    venue = VENUES[venue_of_bot()] if chosen_bot() else own
    name = credential_parameter(output(stack, "CredentialParameter"), venue, own)
    ssm = client(stack, "ssm")
    forget(ssm, name, venue) if delete else store(ssm, name, stack.name, venue)
    if json:
        show.as_json({"deleted" if delete else "stored": name})


def venue_of_bot() -> str:
    """The venue of the bot that was chosen."""
    venue: str = call("GET", "health")["exchange"]["venue"]
    return venue


def store(ssm: Any, name: str, stack: str, venue: Venue) -> None:
    """Ask for what opens the venue, look at its shape and store it; raises CannotRun without repeating it."""
    text = _pair(venue) if venue.has_books else _token()
    about = f"What opens {venue.title}, read by the trader of {stack}"
    with repeating_nothing("ssm:PutParameter", name):
        ssm.put_parameter(Name=name, Value=text, Type="SecureString", Overwrite=True, Description=about)
    show.say(
        f"Stored as {name}. A trader that has read another one takes this one within {MINUTES} minutes. "
        "Next: heisenbug live says whether it is accepted, and what is still missing."
    )


def _token() -> str:
    show.say(ADVICE)
    token = hear("The exchange's token (hidden)", hidden=True)
    if not TOKEN.fullmatch(token):
        raise CannotRun("That is no token: 8 to 4096 letters, digits and signs without spaces. Nothing was stored.")
    return token


def _pair(venue: Venue) -> str:
    show.say(OF_BOOKS.format(title=venue.title, rights=DIALECTS[venue.name].rights))
    key = hear(f"The key of {venue.title}")
    # A secret of several lines is shown as one by those who give it, with signs for the ends of lines.
    secret = hear("Its secret (hidden)", hidden=True).replace("\\n", "\n").strip()
    pair = KeyPair(key, secret)
    faults = [fault.message for fault in pair.faults()]
    if faults:
        raise CannotRun(f"{' '.join(faults)} Nothing was stored.")
    return pair.text()


def forget(ssm: Any, name: str, venue: Venue) -> None:
    """Delete what is stored, if there is anything."""
    with repeating_nothing("ssm:DeleteParameter", name):
        there_was = delete(ssm, name)
    gone = f"Deleted; the trader forgets it within {MINUTES} minutes and is on paper then."
    show.say(f"{gone if there_was else f'There is none under {name}.'} Revoke it at {venue.title} too.")


def delete(ssm: Any, name: str) -> bool:
    """Delete a parameter; whether it was there."""
    try:
        ssm.delete_parameter(Name=name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        return False
    return True


@contextmanager
def repeating_nothing(action: str, name: str) -> Iterator[None]:
    """What AWS says, in words that repeat nothing of what was sent."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise CannotRun(f"AWS refused ({code}); your own credentials need {action} on {name}.") from None
    except BotoCoreError as error:
        raise CannotRun(f"AWS did not answer ({type(error).__name__}); nothing is sure, try again.") from None
