"""Asking the trader's function itself, with the person's own AWS credentials: for live money a token is not enough."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli import emulator
from cli.errors import CannotRun
from cli.local_invoke import port_of
from cli.stack import Stack, find_stack, of_bot

# Longer than the trader may take; and nothing is sent twice.
ONCE = Config(connect_timeout=10, read_timeout=60, retries={"total_max_attempts": 1})
OLD_STACK = "The deployed stack is older than this command line: deploy it again (heisenbug deploy, or make up)."


def client(stack: Stack, service: str) -> Any:
    """A boto3 client of the account that the stack is in: the person's own, or the embedded AWS."""
    if stack.is_local:
        return emulator.client(service, port_of(stack), config=ONCE)
    import boto3

    session: Any = boto3.Session()
    return session.client(service, config=ONCE)


def output(stack: Stack, name: str) -> str:
    """One of the stack's outputs; raises CannotRun where the stack is older than that."""
    if name not in stack.outputs:
        raise CannotRun(OLD_STACK)
    return stack.outputs[name]


def ask_trader(wish: Mapping[str, Any]) -> dict[str, Any]:
    """The trader's answer to a wish about live money; raises CannotRun with its words where it refuses."""
    stack = find_stack()
    name = output(stack, "TraderFunctionName")
    answer = _invoked(stack, name, json.dumps({"live": wish, **of_bot("live")}).encode())
    if not isinstance(answer, dict):
        raise CannotRun(OLD_STACK)
    if "error" in answer:
        raise CannotRun(str(answer["error"]))
    return answer


def _invoked(stack: Stack, name: str, payload: bytes) -> Any:
    try:
        answer = client(stack, "lambda").invoke(FunctionName=name, Payload=payload)
        content = json.loads(answer["Payload"].read() or b"null")
    except (BotoCoreError, ClientError, ValueError) as error:
        raise CannotRun(
            f"The trader {name} could not be asked ({error}). It takes AWS credentials that may do "
            "lambda:InvokeFunction on it; heisenbug status says what was done, then try again."
        ) from error
    if "FunctionError" in answer:
        told = content.get("errorMessage", "no reason given") if isinstance(content, dict) else content
        raise CannotRun(f"The trader {name} failed ({told}); its log /aws/lambda/{name} says why.")
    return content
