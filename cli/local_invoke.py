"""`sam local invoke` of the bot that runs here: a function in a container, on the tables of the local stack."""

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from cli import show
from cli.containers import open_to_containers
from cli.emulator import aws_environment, client
from cli.errors import CannotRun
from cli.paths import Home
from cli.stack import Stack

HOST = "host.docker.internal"
TRADERS = ("minute", "tick")
HERE = re.compile(r"127\.0\.0\.1|localhost")


def write_variables(stack: Stack, file: Path, host: str = HOST) -> None:
    """Write every function's variables under its name in the template, this computer's address as `host`."""
    port = port_of(stack)
    names = [name.strip() for name in stack.outputs["Functions"].split(",")]
    functions = client("lambda", port)
    variables = {_logical(name): _seen_from(functions, name, host) for name in names}
    file.write_text(json.dumps(variables, indent=2), "utf-8")


def port_of(stack: Stack) -> int:
    """The port of the emulator; raises CannotRun for a bot in AWS."""
    if not stack.is_local:
        raise CannotRun("This is for the bot on this computer; start it with `make up DETACH=1`.")
    return int(stack.endpoint.rsplit(":", 1)[1])


def function_of(event: Path) -> str:
    """The function that an event file is for, by the first word of its name; minute and tick are the trader's."""
    word = event.stem.split("-")[0]
    return "TraderFunction" if word in TRADERS else f"{word.capitalize()}Function"


def sam_command(home: Home, function: str, event: Path, variables: Path) -> list[str]:
    """The command that invokes a function of the local build; raises CannotRun where there is no build for Linux."""
    if sys.platform != "linux":
        raise CannotRun(
            "The build here is for this computer, containers run Linux: run `sam build`, then `sam local invoke "
            f"{function} -e {event} --env-vars {variables} --add-host {HOST}:host-gateway`."
        )
    overrides = [f"PythonRuntime={_runtime(home)}", f"Architecture={_architecture()}"]
    command = [str(home.path / "sam" / "bin" / "sam"), "local", "invoke", function]
    command += ["--template-file", str(home.path / "build" / "template.yaml"), "--event", str(event)]
    command += ["--env-vars", str(variables), "--parameter-overrides", *overrides]
    return [*command, "--add-host", f"{HOST}:host-gateway", "--skip-pull-image"]


def invoke(stack: Stack, home: Home, function: str, event: Path) -> int:
    """Invoke a function on an event in a container; its answer goes to stdout, the rest to stderr; the exit code."""
    if not event.is_file():
        raise CannotRun(f"There is no file {event}; the samples are in events/.")
    port, variables = port_of(stack), home.path / "env.json"
    write_variables(stack, variables)
    command = sam_command(home, function, event, variables)
    around = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with open_to_containers([port, port + 1]):
        done = subprocess.run(command, env={**around, **aws_environment(port)}, stdout=subprocess.PIPE, check=False)
    answer = done.stdout.decode("utf-8", "replace").strip()
    show.out.print(answer, soft_wrap=True)
    return done.returncode or int('"errorType"' in answer)


def _logical(name: str) -> str:
    return f"{name.rsplit('-', 1)[1].capitalize()}Function"


def _seen_from(functions: Any, name: str, host: str) -> dict[str, str]:
    told = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    return {key: HERE.sub(host, value) for key, value in told.items()}


def _runtime(home: Home) -> str:
    return sorted((home.path / "functions" / "lib").glob("python3.*"))[-1].name


def _architecture() -> str:
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
