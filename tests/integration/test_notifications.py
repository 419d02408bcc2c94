"""Storing what Telegram takes and trying the ways out: the command line, the API and the function say the same."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from cli import main, notifying
from cli.errors import CannotRun, Refused
from cli.stack import Stack
from tests import commands
from tests.lambdas import Http, load, shelve_page
from tests.tables import REGION, Cloud
from tests.telegram import (
    BROKEN,
    CHAT,
    NO_CHAT,
    PARAMETER,
    TOKEN,
    UNAUTHORIZED,
    FakeTelegram,
    Trouble,
    notify_here,
    telegram_here,
)

SECRET = "hunter2hunter2hunter2"
BAD = [
    (SECRET, CHAT, ["token"]),
    ("", CHAT, ["token"]),
    (TOKEN.replace(":", ""), CHAT, ["token"]),
    (TOKEN, "", ["chat"]),
    (TOKEN, "the kitchen", ["chat"]),
    (TOKEN, "@x", ["chat"]),
    (SECRET, "+14155550100", ["token", "chat"]),
]


@pytest.fixture
def telegram() -> Iterator[FakeTelegram]:
    with telegram_here() as fake:
        yield fake


@pytest.fixture
def api(tables: Cloud, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Http:
    """The API over the function, and the command line over both."""
    ask = notify_here(monkeypatch, telegram)
    shelve_page(monkeypatch, tmp_path)
    app = load(monkeypatch, "api")
    monkeypatch.setattr(app.office.notifications, "_ask", ask)
    opened = Http(app.handler)
    commands.connect(opened, monkeypatch, tmp_path)
    stack = Stack("heisenbug", {"TelegramParameter": PARAMETER}, "admin")
    monkeypatch.setattr(notifying, "find_stack", lambda: stack)
    monkeypatch.setattr(notifying, "client", lambda stack, service: boto3.client(service, REGION))
    return opened


def stored() -> str:
    found = boto3.client("ssm", REGION).get_parameter(Name=PARAMETER, WithDecryption=True)["Parameter"]
    assert found["Type"] == "SecureString"
    return str(found["Value"])


def store(token: str, chat: str) -> None:
    text = json.dumps({"token": token, "chat": chat})
    boto3.client("ssm", REGION).put_parameter(Name=PARAMETER, Value=text, Type="SecureString")


def typed(*lines: str, options: tuple[str, ...] = ()) -> Any:
    """`heisenbug notify telegram` with these lines on stdin."""
    return CliRunner().invoke(
        main.command_line(), ["notify", "telegram", *options], input="".join(f"{one}\n" for one in lines)
    )


def words_of(result: Any) -> list[str]:
    """What `main` prints of a refused command on stderr, a line each; nothing is on stdout."""
    assert isinstance(result.exception, Refused)
    return [error["message"] for error in result.exception.fields] or [str(result.exception)]


# --------------------------------------------------------------------- storing


def test_token_and_chat_are_stored_as_one_secure_string_and_the_token_is_not_shown(api: Http) -> None:
    result = typed(f"  {TOKEN} ", CHAT, options=("--json",))

    assert (result.exit_code, json.loads(result.stdout)) == (0, {"stored": PARAMETER})
    assert json.loads(stored()) == {"token": TOKEN, "chat": CHAT}
    assert TOKEN not in result.output


def test_the_token_cannot_be_an_argument(api: Http) -> None:
    assert CliRunner().invoke(main.command_line(), ["notify", "telegram", TOKEN]).exit_code == 2
    with pytest.raises(boto3.client("ssm", REGION).exceptions.ParameterNotFound):
        stored()


def test_both_are_deleted_and_their_absence_is_no_error(api: Http) -> None:
    store(TOKEN, CHAT)
    assert "Deleted; nothing goes to Telegram any more." in typed(options=("--delete",)).output
    again = typed(options=("--delete", "--json"))

    assert json.loads(again.stdout) == {"deleted": PARAMETER}
    assert "There is none" in again.stderr


@pytest.mark.parametrize(("token", "chat", "named"), BAD)
def test_what_is_wrong_is_said_in_the_same_words_when_it_is_typed_as_when_it_was_stored(
    api: Http, token: str, chat: str, named: list[str]
) -> None:
    said = words_of(typed(token, chat))
    with pytest.raises(boto3.client("ssm", REGION).exceptions.ParameterNotFound):
        stored()
    store(token, chat)
    reply = api("POST", "/api/notifications/test", {"way": "telegram"})
    tried = words_of(commands.run("notify", "test"))

    assert reply.status == 400
    assert [row["field"] for row in reply.error["fields"]] == named
    assert said == tried == [row["message"] for row in reply.error["fields"]]
    assert reply.error["message"] == " ".join(said)
    assert not token or token == TOKEN or token not in reply.text


# ------------------------------------------------------------------ trying out


def test_what_was_stored_can_be_tried_out_at_once_on_every_surface(api: Http, telegram: FakeTelegram) -> None:
    typed(TOKEN, CHAT)
    reply = api("POST", "/api/notifications/test")
    result = commands.run("notify", "test", "telegram", "--json")

    assert reply.data == json.loads(result.stdout)
    assert reply.data == {"way": "telegram", "says": f"Telegram took it for the chat {CHAT}."}
    assert len(telegram.got) == 2


def test_the_topic_can_be_tried_out(api: Http) -> None:
    result = commands.run("notify", "test", "sns")

    assert result.exit_code == 0
    assert "whoever has subscribed and confirmed gets it" in result.output


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [(UNAUTHORIZED, 400, "invalid"), (NO_CHAT, 400, "invalid"), (BROKEN, 424, "not_sent")],
)
def test_what_telegram_says_is_said_in_the_same_words_on_every_surface(
    api: Http, telegram: FakeTelegram, trouble: Trouble, status: int, code: str
) -> None:
    store(TOKEN, CHAT)
    telegram.troubles = [trouble, trouble]
    reply = api("POST", "/api/notifications/test", {"way": "telegram"})
    said = words_of(commands.run("notify", "test"))

    assert (reply.status, reply.error["code"]) == (status, code)
    assert said == [reply.error["message"]]
    assert TOKEN not in reply.text


def test_without_a_token_every_surface_says_how_to_store_one(api: Http) -> None:
    reply = api("POST", "/api/notifications/test", {"way": "telegram"})
    said = words_of(commands.run("notify", "test"))

    words = "telegram is not set up: no token is stored; heisenbug notify telegram stores both."
    assert (reply.status, reply.error["message"], said) == (400, words, [words])


@pytest.mark.parametrize("way", ["pigeon", "", "both"])
def test_a_way_that_there_is_not_is_refused_in_the_same_words(api: Http, way: str) -> None:
    reply = api("POST", "/api/notifications/test", {"way": way})

    assert words_of(commands.run("notify", "test", way)) == [reply.error["message"]]
    assert reply.error["message"].startswith("way must be telegram or sns, not ")


def test_what_is_not_understood_is_named(api: Http) -> None:
    reply = api("POST", "/api/notifications/test", {"channel": "sns"})

    assert reply.error["fields"][0]["message"] == "channel is not understood here; send way, or nothing."


def test_what_aws_says_of_a_token_repeats_nothing_of_it(api: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ReadTimeoutError

    class Silent:
        def put_parameter(self, **_: Any) -> None:
            raise ReadTimeoutError(endpoint_url=f"https://ssm/{TOKEN}")

    monkeypatch.setattr(notifying, "client", lambda stack, service: Silent())
    result = typed(TOKEN, CHAT)

    assert isinstance(result.exception, CannotRun)
    assert TOKEN not in str(result.exception) + result.output


def test_a_field_that_is_wrong_ends_with_the_code_for_what_was_typed_wrong(
    api: Http, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["heisenbug", "notify", "telegram"])
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\n{CHAT}\n"))
    with pytest.raises(SystemExit) as ended:
        main.main()

    assert ended.value.code == 2
    assert SECRET not in "".join(capsys.readouterr())
