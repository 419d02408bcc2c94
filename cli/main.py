"""The `heisenbug` command."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer

from cli import screens, show
from cli.errors import CannotRun, Mistyped, Refused
from cli.stack import speak_of


@dataclass(frozen=True, slots=True)
class Command:
    """A command, or a group of them: its panel in the help, and which function of which module of `cli` it is."""

    panel: str
    module: str
    function: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def join(self, app: typer.Typer, name: str) -> None:
        """Make it one of `app`, with all that its module imports."""
        found = getattr(import_module(f"cli.{self.module}"), self.function)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name, rich_help_panel=self.panel)
        else:
            app.command(name, rich_help_panel=self.panel, **self.options)(found)


PASSED_ON = {"context_settings": {"allow_extra_args": True, "ignore_unknown_options": True}}
COMMANDS: Mapping[str, Command] = {
    "up": Command("Run", "laptop", "up_command"),
    "down": Command("Run", "laptop", "down_command"),
    "clean": Command("Run", "laptop", "clean_command"),
    "exchange": Command("Run", "laptop", "exchange", {**PASSED_ON, "add_help_option": False}),
    "deploy": Command("Run", "laptop", "deploy", PASSED_ON),
    "destroy": Command("Run", "laptop", "destroy"),
    "doctor": Command("Run", "laptop", "doctor"),
    "token": Command("Run", "laptop", "token"),
    "invoke": Command("Run", "laptop", "invoke_command"),
    "env-vars": Command("Run", "laptop", "env_vars"),
    "status": Command("Look", "asking", "status"),
    "watch": Command("Look", "watching", "watch"),
    "trades": Command("Look", "trading", "trades"),
    "explain": Command("Look", "explaining", "explain"),
    "opportunities": Command("Look", "asking", "opportunities"),
    "decisions": Command("Look", "asking", "decisions"),
    "portfolio": Command("Look", "asking", "portfolio"),
    "health": Command("Look", "glancing", "health"),
    "cost": Command("Look", "glancing", "cost"),
    "performance": Command("Look", "glancing", "performance"),
    "ticks": Command("Look", "glancing", "ticks"),
    "equity": Command("Look", "glancing", "equity"),
    "prices": Command("Look", "glancing", "prices"),
    "bots": Command("Steer", "several", "bots"),
    "config": Command("Steer", "telling", "config"),
    "pairs": Command("Steer", "telling", "pairs"),
    "notify": Command("Steer", "notifying", "notify"),
    "start": Command("Steer", "telling", "start"),
    "stop": Command("Steer", "telling", "stop"),
    "kill": Command("Steer", "telling", "kill"),
    "rearm": Command("Steer", "telling", "rearm"),
    "resolve": Command("Steer", "resolving", "resolve"),
    "replay": Command("Learn", "replaying", "replay"),
    "backtest": Command("Learn", "backtesting", "backtest_command"),
    "markets": Command("Learn", "glancing", "markets"),
    "sweep": Command("Learn", "sweeping", "sweep_command"),
    "fit": Command("Learn", "fitting", "fit_command"),
    "market": Command("Learn", "uploading", "market"),
    "live": Command("Real money", "risking", "live"),
    "credential": Command("Real money", "keeping", "credential"),
}


def chosen(
    bot: Annotated[
        str, typer.Option("--bot", envvar="HEISENBUG_BOT", metavar="NAME", help="Of this bot, not the own one.")
    ] = "",
) -> None:
    """A trading bot that can be believed: look at it, steer it, run it here or in AWS. Paper by default."""
    speak_of(bot)


@cache
def command_line(only: str = "") -> typer.Typer:
    """All commands; where the first word names one it is alone, for the others' imports take most of a second."""
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="It talks to the bot on this computer while one runs, else to AWS (HEISENBUG_TARGET=aws: always).",
    )
    app.callback()(chosen)
    for name, command in COMMANDS.items():
        if only in ("", name):
            command.join(app, name)
    screens.tell_places(app)
    return app


def run() -> None:
    """Run what was typed."""
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    command_line(first if first in COMMANDS else "")()


def main() -> None:
    """Run the command; an error is one sentence on stderr and exit code 1, or 2 for what was typed wrong."""
    try:
        run()
    except Refused as refused:
        for error in refused.fields or [{"message": str(refused)}]:
            show.talk.print(error["message"], style="red", markup=False, soft_wrap=True)
        sys.exit(2 if refused.fields else 1)
    except (CannotRun, Mistyped) as error:
        show.talk.print(str(error), style="red", markup=False, soft_wrap=True)
        sys.exit(2 if isinstance(error, Mistyped) else 1)


if __name__ == "__main__":
    main()
