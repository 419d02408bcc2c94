"""Which stack a command talks to, and how: the local one while there is one, else the one in the AWS account."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import requests

from cli.errors import CannotRun, Refused
from cli.paths import home

TIMEOUT_SECONDS = 30
STACK_NAME = "heisenbug"
_chosen: list[str] = []


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack: its outputs, its admin token, and the emulator's address where it is local."""

    name: str
    outputs: Mapping[str, str]
    token: str
    endpoint: str = ""

    @property
    def api(self) -> str:
        """Address of the HTTP API."""
        return self.outputs["ApiUrl"].rstrip("/")

    @property
    def websocket(self) -> str:
        """Address of the WebSocket API."""
        return self.outputs["WebSocketUrl"]

    @property
    def is_local(self) -> bool:
        """Whether it runs on this computer."""
        return bool(self.endpoint)


def find_stack() -> Stack:
    """The stack to talk to; raises CannotRun where there is none."""
    if os.environ.get("HEISENBUG_TARGET") != "aws" and home().stack_file.exists():
        return Stack(**json.loads(home().stack_file.read_text("utf-8")))
    return stack_in_aws(os.environ.get("HEISENBUG_STACK", STACK_NAME))


def remember(stack: Stack) -> None:
    """Keep the local stack's address and token, readable by this user alone."""
    file = home().stack_file
    file.touch(mode=0o600)
    file.write_text(json.dumps(asdict(stack)), "utf-8")


def stack_in_aws(name: str) -> Stack:
    """The stack `name` in the account and region that the AWS environment names; raises CannotRun."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return read_stack(name, "")
    except (BotoCoreError, ClientError) as error:
        raise CannotRun(
            f"No local bot runs here, and the stack {name!r} cannot be read from AWS ({error}). "
            "Start one with `make up`, or deploy with `sam build && sam deploy --guided` and sign in to the account."
        ) from error


def read_stack(name: str, endpoint: str) -> Stack:
    """The stack's outputs and admin token, as CloudFormation and SSM tell them."""
    import boto3

    session: Any = boto3.Session()
    options = {"endpoint_url": endpoint} if endpoint else {}
    described = session.client("cloudformation", **options).describe_stacks(StackName=name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    parameter = session.client("ssm", **options).get_parameter(Name=outputs["AdminTokenParameter"], WithDecryption=True)
    return Stack(name, outputs, parameter["Parameter"]["Value"], endpoint)


# What the API says of the whole deployment; everything else is of one bot.
OF_ALL = ("bots", "backtests", "sweeps", "markets", "cost", "notifications", "ping", "session")


def speak_of(bot: str) -> None:
    """From now on, every command speaks of this bot; of the deployment's own where it is empty."""
    _chosen[:] = [bot] if bot else []


def chosen_bot() -> str | None:
    """The bot that was chosen with --bot or HEISENBUG_BOT; None for the deployment's own."""
    return _chosen[0] if _chosen else None


def of_bot(path: str) -> dict[str, str]:
    """What a question at this path says of which bot it is."""
    bot = chosen_bot()
    return {} if bot is None or path.split("/")[0] in OF_ALL else {"bot": bot}


def call(
    method: str,
    path: str,
    body: Any = None,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """One request to the bot's HTTP API; raises Refused with its own words, CannotRun where it does not answer."""
    return _understood(_answered(method, path, body, query, headers or {}))


def call_for_file(path: str, query: Mapping[str, Any]) -> str:
    """The text of a file that the bot's HTTP API makes; raises as `call` does."""
    answer = _answered("GET", path, None, query, {})
    return answer.content.decode("utf-8") if answer.ok else str(_understood(answer))


def _answered(
    method: str, path: str, body: Any, query: Mapping[str, Any] | None, headers: Mapping[str, str]
) -> requests.Response:
    stack = find_stack()
    try:
        return requests.request(
            method,
            f"{stack.api}/{path}",
            data=None if body is None else json.dumps(body),
            params={**(query or {}), **of_bot(path)},
            headers={"Authorization": f"Bearer {stack.token}", "Content-Type": "application/json", **headers},
            timeout=TIMEOUT_SECONDS,
        )
    except requests.RequestException as error:
        way_out = "`make up` starts it" if stack.is_local else "look at the stack in the AWS console"
        raise CannotRun(f"The bot's API at {stack.api} does not answer ({type(error).__name__}); {way_out}.") from error


def _understood(answer: requests.Response) -> Any:
    try:
        content = answer.json()
    except ValueError:
        raise CannotRun(
            f"The bot's API answered {answer.status_code} without JSON; `heisenbug doctor` looks why."
        ) from None
    if answer.ok:
        return content
    error = content.get("error") or {"message": content.get("message", f"status {answer.status_code}")}
    raise Refused(error["message"], error.get("fields", []), error.get("code", ""))
