"""What the panel shows has a command, what a command does has a place in the panel, and each names the other."""

import inspect
import re
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from cli.main import command_line
from cli.screens import ENTRANCE, HEADER, NOT_SHOWN, SCREENS, commands_of, place_of
from tests.template import ROOT

WEB = ROOT / "web"
KNOWN = dict(commands_of(command_line()))
SECTION = re.compile(r'<\$\{Section\} name="(\w+)"(.*?)(?=<\$\{Section\}|\Z)', re.DOTALL)
TWIN = re.compile(r"\btwin(?:=|: )(\$\{\[[^\]]*\]\}|\$\{`[^`]*`\}|\"[^\"]*\")")
SINGLE = re.compile(r"<\$\{Twin\} command=(\$\{\[[^\]]*\]\}|\"[^\"]*\")")
WORD = re.compile(r"[\"`]([^\"`]+)[\"`]")
# They say what they did and have nothing to tell a program but their exit code.
TALK_ONLY = {
    *("down", "clean", "exchange", "deploy", "destroy", "invoke", "env-vars", "market generate", "market record"),
}


def screen_of(file: str) -> str:
    """The screen that a file of the panel draws, as the commands name it."""
    return {"sign_in": ENTRANCE, "doubt": "trades", "report": "backtest", "pairs": "settings"}.get(file, file)


def sections() -> Iterator[tuple[str, str, list[str]]]:
    """Screen, name and twins of every section."""
    for file in sorted((WEB / "screens").glob("*.js")):
        for name, rest in SECTION.findall(file.read_text()):
            found = TWIN.search(rest)
            yield screen_of(file.stem), name, WORD.findall(found[1]) if found else []


def others() -> Iterator[tuple[str, str]]:
    """Screen and twin of all that stands in no section."""
    for file in sorted((WEB / "screens").glob("*.js")):
        yield from ((screen_of(file.stem), twin) for told in SINGLE.findall(file.read_text()) for twin in _each(told))
    for file in sorted((WEB / "parts").glob("*.js")):
        yield from ((HEADER, twin) for told in TWIN.findall(file.read_text()) for twin in _each(told))


def _each(told: str) -> list[str]:
    return WORD.findall(told)


def command_of(twin: str) -> str:
    """The command that a twin names: its first word, or two where the first is a group's."""
    words = twin.split()
    both = " ".join(words[:2])
    return both if both in KNOWN else words[0]


def shown() -> set[tuple[str, str]]:
    """Every command with a screen of the panel that names it."""
    named = {(command_of(twin), screen) for screen, _, twins in sections() for twin in twins}
    return named | {(command_of(twin), screen) for screen, twin in others()}


SECTIONS = list(sections())


def test_the_sections_are_found() -> None:
    assert {screen for screen, _, _ in SECTIONS} == {
        *("overview", "opportunities", "trades", "backtest", "settings", "health"),
    }


@pytest.mark.parametrize(("screen", "name", "twins"), SECTIONS, ids=[f"{one[0]}-{one[1]}" for one in SECTIONS])
def test_every_section_names_a_command_that_exists(screen: str, name: str, twins: list[str]) -> None:
    assert twins, f"the section {name} of {screen} names no command"
    assert [twin for twin in twins if command_of(twin) not in KNOWN] == []


def test_every_screen_that_names_a_command_is_named_by_it_and_the_other_way_round() -> None:
    said = {(command, screen) for command, screens in SCREENS.items() for screen in screens}

    assert shown() == said


@pytest.mark.parametrize("command", KNOWN)
def test_every_command_is_shown_in_the_panel_or_says_why_not(command: str) -> None:
    assert (command in SCREENS) != (command in NOT_SHOWN)


def test_no_command_is_told_of_that_does_not_exist() -> None:
    assert {*SCREENS, *NOT_SHOWN} == set(KNOWN)


@pytest.mark.parametrize("command", sorted(set(KNOWN) - {"exchange"}))
def test_the_help_of_every_command_ends_with_its_place(command: str) -> None:
    told = CliRunner().invoke(command_line(), [*command.split(), "--help"], env={"COLUMNS": "200"}).stdout

    assert place_of(command) in " ".join(told.split())


@pytest.mark.parametrize("command", KNOWN)
def test_every_command_that_tells_something_tells_it_as_json_too(command: str) -> None:
    has_json = "json" in inspect.signature(KNOWN[command].callback).parameters  # type: ignore[arg-type]

    assert has_json != (command in TALK_ONLY)
