"""Starts MiniStack with its functions under an interpreter of their own.

EMULATOR_PYTHON local/launch.py FUNCTION_PYTHON
"""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

Detect = Callable[[str], tuple[str, str]]
Match = Callable[[str, str], dict[str, str] | None]

USAGE = "usage: launch.py FUNCTION_PYTHON\nIt needs the interpreter that the functions run under (one with boto3 only)."


def run_functions_under(interpreter: str, detect: Detect) -> Detect:
    """The emulator's choice of interpreter, but `interpreter` for every Python function.

    Its own one would lend the functions all of its packages and hide the ones they lack.
    """

    def detect_for_function(runtime: str) -> tuple[str, str]:
        binary, worker = detect(runtime)
        return (interpreter if runtime.startswith("python") else binary), worker

    return detect_for_function


def forget_positions(store: object, positions: object) -> None:
    """Restore no stream position: the streams start empty, so an old position would skip the first new records."""


def match_any_letter(match: Match) -> Match:
    """The emulator's matching of paths, but a line feed in one is a letter like any other."""
    stand_in = "\ue000"

    def match_with_line_feeds(route_path: str, request_path: str) -> dict[str, str] | None:
        named = match(route_path, request_path.replace("\n", stand_in))
        return named and {name: value.replace(stand_in, "\n") for name, value in named.items()}

    return match_with_line_feeds


def main(arguments: list[str]) -> None:
    """Run the emulator until SIGTERM or SIGINT, after which it saves its state."""
    if len(arguments) != 2 or not os.access(arguments[1], os.X_OK):
        sys.exit(USAGE)
    runtime: Any = import_module("ministack.core.lambda_runtime")
    mappings: Any = import_module("ministack.services.lambda_svc")
    runtime._detect_runtime_binary = run_functions_under(arguments[1], runtime._detect_runtime_binary)
    gateway: Any = import_module("ministack.services.apigateway")
    mappings._restore_esm_positions = forget_positions
    gateway._extract_path_params = match_any_letter(gateway._extract_path_params)
    sys.argv = arguments[:1]
    import_module("ministack.app").main()


if __name__ == "__main__":
    main(sys.argv)
