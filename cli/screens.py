"""Where the panel shows what a command does, and why it does not show some: the help of every command says it."""

from collections.abc import Iterator, Mapping

import typer

HEADER, ENTRANCE = "header", "entrance"
SCREENS: Mapping[str, tuple[str, ...]] = {
    "status": ("overview", "health"),
    "watch": ("overview",),
    "performance": ("overview",),
    "opportunities": ("overview", "opportunities"),
    "prices": ("overview",),
    "equity": ("overview",),
    "portfolio": ("overview",),
    "trades": ("overview", "trades"),
    "decisions": ("opportunities",),
    "explain": ("trades",),
    "resolve": ("trades",),
    "markets": ("backtest",),
    "backtest": ("backtest",),
    "config get": ("settings",),
    "config set": ("settings",),
    "config check": ("settings",),
    "config history": ("settings",),
    "config restore": ("settings",),
    "pairs list": ("settings",),
    "pairs add": ("settings",),
    "pairs remove": ("settings",),
    "live": ("settings",),
    "credential": ("settings",),
    "notify test": ("settings",),
    "notify telegram": ("settings",),
    "health": ("health",),
    "cost": ("health",),
    "ticks": ("health",),
    "doctor": ("health",),
    "start": (HEADER,),
    "stop": (HEADER,),
    "kill": (HEADER,),
    "rearm": (HEADER,),
    "token": (ENTRANCE,),
}
HERE = "it works on this computer"
ACCOUNT = "it takes your own AWS credentials"
NOT_SHOWN: Mapping[str, str] = {
    "up": HERE,
    "down": HERE,
    "clean": HERE,
    "exchange": HERE,
    "invoke": HERE,
    "env-vars": HERE,
    "deploy": ACCOUNT,
    "destroy": ACCOUNT,
    "bots list": "it is not there yet",
    "bots create": "it is not there yet",
    "bots remove": "it is not there yet",
    "replay": "it decides again all that was recorded of a time",
    "sweep": HERE,
    "fit": HERE,
    "market generate": HERE,
    "market record": HERE,
    "market check": HERE,
    "market upload": ACCOUNT,
}


def place_of(command: str) -> str:
    """Where the panel shows what `command` does, or why it does not; empty where nobody has said."""
    if command in NOT_SHOWN:
        return f"Not in the panel: {NOT_SHOWN[command]}."
    return f"In the panel: {' and '.join(map(_named, SCREENS[command]))}." if command in SCREENS else ""


def _named(screen: str) -> str:
    if screen in (HEADER, ENTRANCE):
        return {HEADER: "the header of every screen", ENTRANCE: "the entrance"}[screen]
    return f"the {screen.capitalize()} screen"


def commands_of(app: typer.Typer, above: str = "") -> Iterator[tuple[str, typer.models.CommandInfo]]:
    """Every command of `app` and of its groups by its full name."""
    for command in app.registered_commands:
        called = command.name or getattr(command.callback, "__name__", "")
        yield f"{above}{called}", command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            yield from commands_of(group.typer_instance, f"{above}{group.name} ")


def tell_places(app: typer.Typer) -> None:
    """Let the help of every command end with its place in the panel."""
    for name, command in commands_of(app):
        command.epilog = place_of(name)
