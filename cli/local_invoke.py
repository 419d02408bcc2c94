"""The environment file of `sam local invoke`: what the stack's functions are told, seen from a container."""

import json
from pathlib import Path
from typing import Any

from cli.emulator import client
from cli.errors import CannotRun
from cli.stack import Stack


def write_variables(stack: Stack, file: Path, host: str) -> None:
    """Write every function's variables under its name in the template, this computer's address as `host`."""
    if not stack.is_local:
        raise CannotRun("This is for the bot on this computer; start it with `make up DETACH=1`.")
    port = int(stack.endpoint.rsplit(":", 1)[1])
    names = [name.strip() for name in stack.outputs["Functions"].split(",")]
    variables = {_logical(name): _seen_from(client("lambda", port), name, host) for name in names}
    file.write_text(json.dumps(variables, indent=2), "utf-8")


def _logical(name: str) -> str:
    return f"{name.rsplit('-', 1)[1].capitalize()}Function"


def _seen_from(functions: Any, name: str, host: str) -> dict[str, str]:
    told = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    return {key: value.replace("127.0.0.1", host) for key, value in told.items()}
