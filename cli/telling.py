"""Commands that change something: config, pairs, start, stop, kill, rearm."""

import json as jsonlib
from math import isfinite
from typing import Annotated, Any
from urllib.parse import quote

import typer

from cli import show
from cli.asking import Cursor, Json, Limit
from cli.errors import Refused
from cli.stack import call

config = typer.Typer(no_args_is_help=True, help="The settings: get, set, check, history, restore.")
pairs = typer.Typer(no_args_is_help=True, help="The pairs the bot may trade: list, add, remove.")
Pair = Annotated[str, typer.Argument(help="A pair such as BTC-USD.")]


@config.command("get")
def get_config(
    name: Annotated[str | None, typer.Argument(help="One setting; all where it is left out.")] = None,
    json: Json = False,
) -> None:
    """Every setting with its meaning, or one."""
    answer = call("GET", "config")
    settings = answer["settings"] if name is None else _one(answer["settings"], name)
    if json:
        show.as_json({**answer, "settings": settings})
        return
    described = call("GET", "config/schema")["properties"]
    rows = [
        {"name": key, "value": value, "default": described[key]["default"], "means": described[key]["description"]}
        for key, value in settings.items()
    ]
    show.table(rows, {"name": "Setting", "value": "Value", "default": "Default", "means": "Means"}, "")
    for error in answer["errors"]:
        show.say(f"[bold]Not understood:[/] {error['message']}")
    show.say(f"Version {answer['version']}. Next: heisenbug config set NAME=VALUE; it acts on the next tick.")


def _one(settings: dict[str, Any], name: str) -> dict[str, Any]:
    if name not in settings:
        raise typer.BadParameter(f"{name} is not a setting; the settings are {', '.join(settings)}.")
    return {name: settings[name]}


@config.command("set")
def set_config(
    changes: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Such as risk_tolerance=0.6")],
    version: Annotated[str | None, typer.Option(help="Refuse where the settings are not at this version.")] = None,
    json: Json = False,
) -> None:
    """Change settings, all of them or none; acts on the next tick."""
    headers = {} if version is None else {"If-Match": version}
    answer = call("PATCH", "config", changes_of(changes), headers=headers)
    if json:
        show.as_json(answer)
    else:
        show.say(f"Saved as version {answer['version']}; it acts on the next tick. Next: heisenbug status.")


@config.command("check")
def check_config(
    changes: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Such as risk_tolerance=0.6")],
    json: Json = False,
) -> None:
    """What is wrong with a change of settings, and what it would change; nothing is kept. Exit 2 where it is wrong."""
    answer = call("POST", "config/check", changes_of(changes))
    if json:
        show.as_json(answer)
    elif not answer["errors"]:
        columns = {"name": "Setting", "before": "Now", "after": "Then"}
        show.table(answer["changes"], columns, "That is what it is told already.")
        show.say("Nothing was changed. Next: heisenbug config set NAME=VALUE does it.")
    if answer["errors"]:
        raise Refused("The change would be refused.", answer["errors"])


def changes_of(texts: list[str]) -> dict[str, Any]:
    """Settings as they were typed, NAME=VALUE each."""
    return dict(map(_change, texts))


def _change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE, as in risk_tolerance=0.6.")
    return name, typed(value)


def typed(text: str) -> Any:
    """A value as it was typed: JSON where it is JSON, otherwise the text itself, as the panel understands it too.

    Numbers that no other program could read, such as NaN or 1e999, are text.
    """
    try:
        return jsonlib.loads(text, parse_constant=_no_number, parse_float=_finite, parse_int=_finite_whole)
    except (ValueError, RecursionError):
        return text


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _no_number(text)


def _finite_whole(text: str) -> int:
    _finite(text)
    return int(text)


@config.command("history")
def config_history(limit: Limit = "20", cursor: Cursor = None, json: Json = False) -> None:
    """The versions of the settings, newest first, and what each changed."""
    answer = call("GET", "config/history", query={"limit": limit, "cursor": cursor})
    if json:
        show.as_json(answer)
        return
    versions = answer["versions"]
    older = [*versions[1:], None]
    rows = [{**v, "changed": _difference(v, o)} for v, o in zip(versions, older, strict=True)]
    show.table(rows, {"version": "Version", "at": "Seen", "who": "Who", "changed": "Changed"}, "No version yet.")


@config.command("restore")
def restore_config(
    version: Annotated[str, typer.Argument(help="A version that `heisenbug config history` names.")],
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The settings to set back, such as model.")],
    json: Json = False,
) -> None:
    """Set settings back to what they were at a version, as a new one; acts on the next tick."""
    answer = call("POST", "config/restore", {"version": typed(version), "names": names})
    show.as_json(answer) if json else show.say(f"Saved as version {answer['version']}. Next: heisenbug config history.")


def _difference(version: dict[str, Any], older: dict[str, Any] | None) -> str:
    if older is None:
        return "-"
    changed = [f"{k}={show.cell(v)}" for k, v in version["settings"].items() if older["settings"].get(k) != v]
    if version["pairs"] != older["pairs"]:
        changed.append("pairs: " + " ".join(pair["pair"] for pair in version["pairs"]))
    return ", ".join(changed)


@pairs.command("list")
def list_pairs(json: Json = False) -> None:
    """Every pair, enabled or not."""
    answer = call("GET", "pairs")
    if json:
        show.as_json(answer)
        return
    show.table(answer["pairs"], {"pair": "Pair", "enabled": "Enabled", "priority": "Priority"}, "There is no pair.")


@pairs.command("add")
def add_pair(
    pair: Pair,
    priority: Annotated[str, typer.Option(help="1 to 100; of equals the lower goes first.")] = "50",
    disabled: Annotated[bool, typer.Option("--disabled", help="Keep it in the table but do not trade it.")] = False,
    json: Json = False,
) -> None:
    """Add a pair, or change its priority; acts on the next tick."""
    answer = call("PUT", f"pairs/{quote(pair, safe='')}", {"priority": typed(priority), "enabled": not disabled})
    show.as_json(answer) if json else show.say(f"{pair} is in. Next: heisenbug pairs list.")


@pairs.command("remove")
def remove_pair(pair: Pair, json: Json = False) -> None:
    """Take a pair out; what is held stays held."""
    answer = call("DELETE", f"pairs/{quote(pair, safe='')}")
    show.as_json(answer) if json else show.say(f"{pair} is out. Next: heisenbug pairs list.")


def start(json: Json = False) -> None:
    """Let it trade."""
    answer = call("POST", "start")
    show.as_json(answer) if json else show.say("It trades from the next tick on. Next: heisenbug watch.")


def stop(json: Json = False) -> None:
    """Look on, but do not trade."""
    answer = call("POST", "stop")
    show.as_json(answer) if json else show.say("It looks on but does not trade. Next: heisenbug start.")


def kill(
    why: Annotated[str, typer.Option(help="Why, for everyone who looks.")] = "by hand", json: Json = False
) -> None:
    """Stop at once: nothing is intended or committed until `rearm`. What is held is not sold."""
    answer = call("POST", "kill", {"why": why})
    show.as_json(answer) if json else show.say("Killed; what it holds stays. Next: heisenbug rearm, when it may go on.")


def rearm(json: Json = False) -> None:
    """Lift the kill; drawdown counts from now on."""
    answer = call("POST", "rearm")
    show.as_json(answer) if json else show.say("Armed again; it trades if it is active. Next: heisenbug status.")
